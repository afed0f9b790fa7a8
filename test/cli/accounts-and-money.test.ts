import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { problem, Stub } from './stub.ts'

let stub: Stub

beforeEach(async () => {
  stub = new Stub()
  await stub.open()
})

afterEach(() => stub.close())

const account = {
  id: 'acme',
  name: 'Acme Inc.',
  parent: 'platform',
  status: 'active',
  currency: 'USD',
  timezone: 'America/New_York',
  tariff: 'standard',
  creditLimit: '10.000000',
  funding: ['trunk', 'pool', 'credit'],
  cycleDay: 1,
  trunks: { inbound: 1, outbound: 2, twoWay: 0 },
  blockedPrefixes: [],
  spendCaps: {},
  onEngineError: 'deny',
  engineErrorSeconds: 60,
  engineErrorCalls: 5,
  version: 3,
  createdAt: '2026-11-23T12:00:00.000Z',
}

const balance = {
  currency: 'USD',
  credit: '12.500000',
  reserved: '0.020000',
  available: '22.480000',
  creditLimit: '10.000000',
  pools: [
    {
      id: 'day',
      name: 'Day minutes',
      total: 18_000,
      remaining: 17_430,
      reserved: 60,
      resetsAt: '2026-12-01T05:00:00.000Z',
      expiresAt: null,
      priority: 1,
    },
  ],
  trunks: { inbound: { limit: 1, used: 0 }, outbound: { limit: 2, used: 1 }, twoWay: { limit: 0, used: 0 } },
  calls: 1,
}

const unknown = problem(404, 'account_unknown', 'there is no account "acme"')

describe('account create', () => {
  it('creates what is not there, with what was said and no more', async () => {
    stub.on('GET /v1/accounts/acme', unknown)
    stub.on('PUT /v1/accounts/acme', { status: 201, body: account })
    const ran = await stub.run(
      ...[
        'account',
        'create',
        'acme',
        '--name',
        'Acme Inc.',
        '--credit-limit',
        '10',
        '--block',
        '900,976',
        '--cycle-day',
        '3',
      ],
    )
    expect(ran).toMatchObject({ code: 0, err: '' })
    expect(ran.out).toMatchInlineSnapshot(`
      "Created.
      account       acme
      name          Acme Inc.
      parent        platform
      status        active
      currency      USD
      time zone     America/New_York
      tariff        standard
      paid by       trunk, pool, credit
      credit limit  10.00 USD
      cycle day     1
      store away    deny
      "
    `)
    expect(stub.asked.at(-1)).toMatchObject({
      method: 'PUT',
      authorization: 'Bearer tg_cli_0123456789abcdef',
      body: { name: 'Acme Inc.', creditLimit: '10', blockedPrefixes: ['900', '976'], cycleDay: 3 },
    })
  })

  it('replaces nothing', async () => {
    stub.on('GET /v1/accounts/acme', { body: account })
    expect(await stub.run('account', 'create', 'acme')).toEqual({
      code: 1,
      out: '',
      err: 'tollgate: account_exists: there is an account "acme"\n',
    })
    expect(stub.asked.map(({ method }) => method)).toEqual(['GET'])
  })
})

describe('account show', () => {
  it('is for people', async () => {
    stub.on('GET /v1/accounts/acme', { body: account })
    stub.on('GET /v1/accounts/acme/balance', { body: balance })
    const { code, out } = await stub.run('account', 'show', 'acme')
    expect(code).toBe(0)
    expect(out).toMatchInlineSnapshot(`
      "account       acme
      name          Acme Inc.
      parent        platform
      status        active
      currency      USD
      time zone     America/New_York
      tariff        standard
      paid by       trunk, pool, credit
      credit limit  10.00 USD
      cycle day     1
      store away    deny

      Credit
        credit      12.50 USD
        reserved    0.02 USD
        available   22.48 USD
        live calls  1

      Minutes
        POOL  NAME                 LEFT  RESERVED       OF  PRIORITY  FILLED AGAIN
        day   Day minutes  290 min 30 s     1 min  300 min         1  2026-12-01 05:00:00Z

      Trunks
        TRUNK     USED  OF
        inbound      0   1
        outbound     1   2
      "
    `)
  })

  it('is both answers as they came, with --json', async () => {
    stub.on('GET /v1/accounts/acme', { body: account })
    stub.on('GET /v1/accounts/acme/balance', { body: balance })
    const { out } = await stub.run('account', 'show', 'acme', '--json')
    expect(JSON.parse(out)).toEqual({ account, balance })
  })

  it('fails when there is none', async () => {
    stub.on('GET /v1/accounts/acme', unknown)
    expect(await stub.run('account', 'show', 'acme')).toMatchObject({
      code: 1,
      err: 'tollgate: account_unknown: there is no account "acme"\n',
    })
  })

  it('shows nothing that moves the cursor', async () => {
    stub.on('GET /v1/accounts/acme', { body: { ...account, name: 'Ac\u001b[2Jme\nx' } })
    stub.on('GET /v1/accounts/acme/balance', { body: { ...balance, pools: [] } })
    const { out } = await stub.run('account', 'show', 'acme')
    expect(out).toContain('name          Ac\u{fffd}[2Jme\u{fffd}x\n')
  })
})

describe('account list', () => {
  it('follows the pages, and is a table', async () => {
    const second = { ...account, id: 'shop', name: 'The Shop', tariff: undefined }
    stub.on('GET /v1/accounts?limit=100', { body: { items: [account], nextCursor: 'c 1' } })
    stub.on('GET /v1/accounts?limit=99&cursor=c+1', { body: { items: [second] } })
    const { out } = await stub.run('account', 'list')
    expect(out).toMatchInlineSnapshot(`
      "ACCOUNT  NAME       STATUS  PARENT    CURRENCY  TARIFF
      acme     Acme Inc.  active  platform  USD       standard
      shop     The Shop   active  platform  USD
      "
    `)
    const json = await stub.run('account', 'list', '--json')
    expect(JSON.parse(json.out)).toEqual({ items: [account, JSON.parse(JSON.stringify(second))] })
  })

  it('asks for those below one, and for no more than were wanted', async () => {
    stub.on('GET /v1/accounts', { body: { items: [] } })
    expect(await stub.run('account', 'list', '--parent', 'platform', '--limit', '7')).toMatchObject({
      out: 'No accounts.\n',
    })
    expect(stub.asked[0]?.path).toBe('/v1/accounts?parent=platform&limit=7')
  })

  it('has titles in bold on a terminal that likes colour', async () => {
    stub.on('GET /v1/accounts', { body: { items: [account] } })
    stub.colour = true
    const { out } = await stub.run('account', 'list')
    expect(out.startsWith('\u001b[1mACCOUNT')).toBe(true)
  })
})

describe('credit add', () => {
  const path = 'POST /v1/accounts/acme/credits'
  const posted = { entry: '7-3', amount: '25.000000', balance: '37.500000', currency: 'USD' }

  it('makes a key, sends it and says it', async () => {
    stub.on(path, { body: posted })
    const { code, out } = await stub.run('credit', 'add', 'acme', '25.00', '--reason', 'bank transfer')
    expect(code).toBe(0)
    expect(out).toMatchInlineSnapshot(`
      "added   25.00 USD
      credit  37.50 USD
      entry   7-3
      key     id-1
      "
    `)
    expect(stub.asked[0]).toMatchObject({
      idempotencyKey: 'id-1',
      body: { amount: '25.00', kind: 'purchase', reason: 'bank transfer' },
    })
  })

  it('says that a repeat added nothing', async () => {
    stub.on(path, { body: posted, headers: { 'idempotent-replayed': 'true' } })
    const args = [
      'credit',
      'add',
      'acme',
      '25.00',
      '--key',
      'invoice-7',
      '--kind',
      'adjustment',
      '--external-id',
      'x-1',
    ]
    const { out } = await stub.run(...args)
    expect(out).toContain('added before  25.00 USD')
    expect(JSON.parse((await stub.run(...args, '--json')).out)).toEqual({
      ...posted,
      idempotencyKey: 'invoice-7',
      replayed: true,
    })
    expect(stub.asked[0]).toMatchObject({
      idempotencyKey: 'invoice-7',
      body: { kind: 'adjustment', externalId: 'x-1' },
    })
  })

  it('is refused by policy with 3', async () => {
    const errors = [{ pointer: '/amount', message: 'a purchase is at least 5.00 USD', code: 'value' }]
    stub.on(path, problem(422, 'amount_below_minimum', 'a purchase is at least 5.00 USD', errors))
    expect(await stub.run('credit', 'add', 'acme', '1')).toEqual({
      code: 3,
      out: '',
      err: 'tollgate: amount_below_minimum: a purchase is at least 5.00 USD\n  /amount a purchase is at least 5.00 USD\n',
    })
    const { err } = await stub.run('credit', 'add', 'acme', '1', '--json')
    expect(JSON.parse(err)).toEqual({
      code: 'amount_below_minimum',
      detail: 'a purchase is at least 5.00 USD',
      errors: [{ pointer: '/amount', message: 'a purchase is at least 5.00 USD' }],
    })
  })

  it('says how to repeat it when nobody knows whether it was added', async () => {
    stub.on(path, problem(503, 'store_timeout', 'Redis did not answer in time'))
    expect(await stub.run('credit', 'add', 'acme', '25')).toMatchObject({
      code: 1,
      err: expect.stringContaining('whether it was done is not known; say it again with --key id-1') as string,
    })
  })

  it.each(['abc', '-5', '0', '1.1234567', '99999999999'])('takes no "%s" for an amount', async (amount) => {
    const ran = await stub.run('credit', 'add', 'acme', '--', amount)
    expect(ran.code).toBe(2)
    expect(stub.asked).toEqual([])
  })
})

describe('trunks set', () => {
  it('leaves what is not said as it is, and shows what changes', async () => {
    stub.on('GET /v1/accounts/acme', { body: account })
    stub.on('PUT /v1/accounts/acme/trunks', { body: { inbound: 1, outbound: 7, twoWay: 0 } })
    const { out } = await stub.run('trunks', 'set', 'acme', '--outbound', '7')
    expect(out).toBe('inbound   1\noutbound  2 → 7\ntwo-way   0\n')
    expect(stub.asked.at(-1)?.body).toEqual({ inbound: 1, outbound: 7, twoWay: 0 })
  })

  it('wants to be told something', async () => {
    expect(await stub.run('trunks', 'set', 'acme')).toMatchObject({ code: 2 })
    expect(await stub.run('trunks', 'set', 'acme', '--inbound', '-1')).toMatchObject({ code: 2 })
    expect(stub.asked).toEqual([])
  })
})

describe('pool add', () => {
  const pool = {
    id: 'p1',
    name: 'Day minutes',
    seconds: 18_000,
    priority: 1,
    resets: 'cycle',
    resetsAt: '2026-12-01T05:00:00.000Z',
    onExhausted: 'finish_call',
  }

  it('counts in minutes or seconds', async () => {
    stub.on('POST /v1/accounts/acme/pools', { status: 201, body: pool })
    const args = [
      '--minutes',
      '300',
      '--resets',
      'cycle',
      '--prefixes',
      '44,49',
      '--directions',
      'outbound',
      '--key',
      'k',
    ]
    const { code, out } = await stub.run('pool', 'add', 'acme', 'Day minutes', ...args)
    expect(code).toBe(0)
    expect(out).toMatchInlineSnapshot(`
      "pool          p1
      name          Day minutes
      minutes       300 min
      priority      1
      filled again  2026-12-01 05:00:00Z
      when empty    finish_call
      "
    `)
    expect(stub.asked[0]).toMatchObject({
      idempotencyKey: 'k',
      body: {
        name: 'Day minutes',
        seconds: 18_000,
        resets: 'cycle',
        scope: { directions: ['outbound'], prefixes: ['44', '49'] },
      },
    })
    await stub.run('pool', 'add', 'acme', 'Day minutes', '--seconds', '90')
    expect(stub.asked[1]?.body).toEqual({ name: 'Day minutes', seconds: 90 })
  })

  it('wants to be told how much, once', async () => {
    expect(await stub.run('pool', 'add', 'acme', 'Day')).toMatchObject({ code: 2 })
    expect(await stub.run('pool', 'add', 'acme', 'Day', '--minutes', '1', '--seconds', '60')).toMatchObject({ code: 2 })
  })
})
