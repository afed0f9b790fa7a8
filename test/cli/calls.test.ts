import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { problem, Stub } from './stub.ts'

let stub: Stub

beforeEach(async () => {
  stub = new Stub()
  await stub.open()
})

afterEach(() => stub.close())

const denied = {
  allow: false,
  decision: 'deny',
  code: 'no_credit',
  sipCode: 402,
  sipReason: 'Payment Required',
  detail: 'credit does not cover the first slice',
  maxDurationSeconds: 0,
  call: '01M834491F07XP4PHQP6PAKT62',
}

const call = {
  call: '01M834491F07XP4PHQP6PAKT62',
  state: 'answered',
  node: 'kam1',
  callId: 'abc@host',
  legId: '',
  account: 'acme',
  direction: 'outbound',
  from: '+12125550100',
  to: '+442079460958',
  media: 'voice',
  mode: 'clock',
  authorizedAt: '2026-11-23T12:00:00.000Z',
  answeredAt: '2026-11-23T12:00:05.500Z',
  lastAliveAt: '2026-11-23T12:01:05.500Z',
  currency: 'USD',
  reserved: '0.030000',
  fundedBy: 'credit',
  grantedSeconds: 120,
  maxDurationSeconds: 600,
  corrections: 0,
  levels: [],
}

describe('call quote', () => {
  const quote = {
    price: '0.125000',
    currency: 'USD',
    billedSeconds: 66,
    rate: {
      tariff: 'standard',
      version: 3,
      prefix: '4479',
      destination: 'United Kingdom mobile',
      perMinute: '0.1200',
      connectFee: '0.050000',
      increments: '30/6',
    },
    maxSeconds: 4200,
    funding: [
      { source: 'pool', id: 'day', seconds: 30, amount: '0.000000' },
      { source: 'credit', seconds: 36, amount: '0.125000' },
    ],
  }

  it('says what it costs, why, and who pays', async () => {
    stub.on('POST /v1/quotes', { body: quote })
    const args = ['--seconds', '61', '--at', '2026-11-23T12:00:00Z']
    const { code, out } = await stub.run('call', 'quote', 'acme', '+447911123456', ...args)
    expect(code).toBe(0)
    expect(out).toMatchInlineSnapshot(`
      "price        0.125 USD
      billed       1 min 6 s
      could last   70 min
      rate         0.12 a minute, 30/6 s
      connect fee  0.05 USD
      prefix       4479 United Kingdom mobile
      tariff       standard version 3

      PAID BY  ID   SECONDS     AMOUNT
      pool     day       30   0.00 USD
      credit             36  0.125 USD
      "
    `)
    expect(stub.asked[0]?.body).toEqual({
      account: 'acme',
      to: '+447911123456',
      from: '',
      direction: 'outbound',
      seconds: 61,
      at: '2026-11-23T12:00:00Z',
    })
    expect(JSON.parse((await stub.run('call', 'quote', 'acme', '+44', '--json')).out)).toEqual(quote)
  })

  it('that is denied ends with 3, and is an answer', async () => {
    stub.on('POST /v1/quotes', { body: denied })
    const { code, out, err } = await stub.run('call', 'quote', 'acme', '+44')
    expect({ code, err }).toEqual({ code: 3, err: '' })
    expect(out).toMatchInlineSnapshot(`
      "decision  denied
      code      no_credit
      because   credit does not cover the first slice
      SIP       402 Payment Required
      "
    `)
    expect(JSON.parse((await stub.run('call', 'quote', 'acme', '+44', '--json')).out)).toEqual(denied)
  })
})

describe('call authorize', () => {
  const allowed = {
    allow: true,
    decision: 'allow',
    code: 'ok',
    sipCode: 200,
    call: call.call,
    account: 'acme',
    maxDurationSeconds: 540,
    reservedSeconds: 60,
    reserved: '0.020000',
    currency: 'USD',
    fundedBy: 'credit',
    final: false,
  }

  it('asks as an edge does', async () => {
    stub.on('POST /v1/calls/authorize', { body: allowed })
    const { code, out } = await stub.run(
      'call',
      'authorize',
      'acme',
      '+442079460958',
      '--node',
      'kam1',
      '--mode',
      'edge',
    )
    expect(code).toBe(0)
    expect(out).toMatchInlineSnapshot(`
      "decision         allowed
      call             01M834491F07XP4PHQP6PAKT62
      Call-ID          cli-id-1
      account          acme
      may last         9 min
      reserved         1 min, 0.02 USD
      paid by          credit
      more after that  yes
      "
    `)
    expect(stub.asked[0]?.body).toEqual({
      callId: 'cli-id-1',
      account: 'acme',
      to: '+442079460958',
      from: '',
      direction: 'outbound',
      node: 'kam1',
      mode: 'edge',
    })
    const json = await stub.run('call', 'authorize', 'acme', '+442079460958', '--call-id', 'mine', '--json')
    expect(JSON.parse(json.out)).toEqual({ ...allowed, callId: 'mine' })
  })

  it('that is denied ends with 3', async () => {
    stub.on('POST /v1/calls/authorize', { body: denied })
    expect(await stub.run('call', 'authorize', 'acme', '+44')).toMatchObject({ code: 3, err: '' })
  })

  it('of a leg that came before with other content fails', async () => {
    stub.on('POST /v1/calls/authorize', problem(409, 'request_conflict', 'the same leg came before with other content'))
    expect(await stub.run('call', 'authorize', 'acme', '+44', '--call-id', 'x')).toMatchObject({ code: 1 })
  })
})

describe('calls that are up', () => {
  it('are listed', async () => {
    stub.on('GET /v1/calls', { body: { items: [call] } })
    const { out } = await stub.run('call', 'list', '--account', 'acme', '--state', 'answered')
    expect(out).toMatchInlineSnapshot(`
      "CALL                        STATE     ACCOUNT  DIRECTION  FROM          TO             SINCE                 GRANTED  RESERVED  NODE
      01M834491F07XP4PHQP6PAKT62  answered  acme     outbound   +12125550100  +442079460958  2026-11-23 12:00:05Z    2 min  0.03 USD  kam1
      "
    `)
    expect(stub.asked[0]?.path).toBe('/v1/calls?account=acme&state=answered&limit=100')
    stub.on('GET /v1/calls', { body: { items: [] } })
    expect((await stub.run('call', 'list')).out).toBe('No calls.\n')
    expect(JSON.parse((await stub.run('call', 'list', '--json')).out)).toEqual({ items: [] })
  })

  it('are shown with why they cost what they cost', async () => {
    const view = {
      ...call,
      history: [{ at: '2026-11-23T12:00:00.000Z', what: 'authorized 60 s by credit' }],
      explanation: { levels: [{ account: 'acme', rate: { perMinute: '0.0100', tariff: 'standard' } }], history: [] },
    }
    stub.on(`GET /v1/calls/${call.call}`, { body: view })
    const { out } = await stub.run('call', 'show', call.call)
    expect(out).toMatchInlineSnapshot(`
      "call        01M834491F07XP4PHQP6PAKT62
      state       answered
      account     acme
      direction   outbound
      from        +12125550100
      to          +442079460958
      edge        kam1
      Call-ID     abc@host
      authorized  2026-11-23 12:00:00Z
      answered    2026-11-23 12:00:05Z
      granted     2 min
      reserved    0.03 USD
      paid by     credit

      Why
        levels:
          -
            account: acme
            rate:
              perMinute: 0.0100
              tariff: standard

      History
        AT                    WHAT
        2026-11-23 12:00:00Z  authorized 60 s by credit
      "
    `)
    expect(JSON.parse((await stub.run('call', 'show', call.call, '--json')).out)).toEqual(view)
  })

  it('are ended', async () => {
    stub.on(`POST /v1/calls/${call.call}/end`, { body: { ...call, state: 'ending' } })
    const { code, out } = await stub.run('call', 'end', call.call, '--reason', 'fraud')
    expect(code).toBe(0)
    expect(out).toContain('state       ending')
    expect(stub.asked[0]?.body).toEqual({ reason: 'fraud' })
  })

  it('are named by the id of the daemon', async () => {
    expect(await stub.run('call', 'show', 'abc@host')).toMatchObject({ code: 2 })
    expect(stub.asked).toEqual([])
  })
})
