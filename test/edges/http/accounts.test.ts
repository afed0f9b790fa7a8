import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { OfficeRefusalCode } from '../../../src/accounts/office.ts'
import { profilePatchBody } from '../../../src/edges/http/accounts/account-bodies.ts'
import { accountSchema } from '../../../src/edges/http/accounts/account-json.ts'
import { accountConfigSchema } from '../../../src/catalog/account-schema.ts'
import { openRig, type Rig } from './fake-daemon.ts'

let rig: Rig
beforeEach(async () => {
  rig = await openRig()
})
afterEach(() => rig.server.close())

const url = '/v1/accounts/acme'

describe('profiles', () => {
  const words = {
    name: 'Acme',
    parent: 'reseller',
    status: 'suspended',
    currency: 'EUR',
    timezone: 'Europe/Berlin',
    tariff: 'retail',
    creditLimit: '50',
    funding: ['credit', 'pool'],
    cycleDay: 31,
    trunks: { inbound: 1, outbound: 2, twoWay: 3 },
    blockedPrefixes: ['+4490', '1900'],
    maxCalls: 10,
    maxPricePerMinute: '0.50',
    spendCaps: { day: '10.00', month: '100.5' },
    lowBalance: { threshold: '2.00', also: ['1.00', '20%'], hysteresis: '0.5' },
    contacts: [{ email: 'ops@example.com', topics: ['balance', 'minutes'] }, { email: 'cfo@example.com' }],
    language: 'de',
    recharge: { enabled: true, threshold: '1.00', amount: '20.00' },
    onEngineError: 'allowCapped',
    engineErrorSeconds: 120,
    engineErrorCalls: 2,
  }
  const input = {
    ...words,
    creditLimit: 50_000_000n,
    blockedPrefixes: ['4490', '1900'],
    spendCaps: { day: 10_000_000n, month: 100_500_000n },
    lowBalance: { threshold: 2_000_000n, also: [1_000_000n, '20%'], hysteresis: 500_000n },
    recharge: { enabled: true, threshold: 1_000_000n, amount: 20_000_000n },
  }
  const answer = {
    ...words,
    id: 'acme',
    creditLimit: '50.000000',
    blockedPrefixes: ['4490', '1900'],
    spendCaps: { day: '10.000000', month: '100.500000' },
    lowBalance: { threshold: '2.000000', also: ['1.000000', '20%'], hysteresis: '0.500000' },
    recharge: { enabled: true, threshold: '1.000000', amount: '20.000000' },
    version: 1,
    createdAt: '2026-11-23T09:59:00.000Z',
  }

  it('are put in every field', async () => {
    const response = await rig.ask({ method: 'PUT', url, body: words })
    expect(response.statusCode).toBe(200)
    expect(rig.inputs('put')).toEqual([{ account: 'acme', ...input }])
    expect(response.json()).toEqual(answer)
  })

  it('are answered with 201 when they are new', async () => {
    const response = await rig.ask({ method: 'PUT', url: '/v1/accounts/fresh', body: {} })
    expect(response.statusCode).toBe(201)
    expect(rig.inputs('put')).toEqual([{ account: 'fresh' }])
  })

  it('let no more roll over at least than at most', async () => {
    const body = { name: 'Plan', seconds: 60, rollover: { minSeconds: 2, maxSeconds: 1 } }
    const response = await rig.ask({ method: 'POST', url: `${url}/pools`, body })
    expect(response.statusCode).toBe(400)
    expect(response.json()).toMatchObject({ errors: [{ pointer: '/rollover' }] })
  })

  it('are patched in the fields that are given', async () => {
    const response = await rig.ask({ method: 'PATCH', url, body: { status: 'closed', creditLimit: '0' } })
    expect(response.json()).toMatchObject({ id: 'acme', status: 'closed' })
    expect(rig.inputs('patch')).toEqual([{ account: 'acme', status: 'closed', creditLimit: 0n }])
  })

  const clearing = {
    tariff: null,
    maxCalls: null,
    maxPricePerMinute: null,
    spendCaps: null,
    lowBalance: null,
    recharge: null,
    language: null,
    storageFee: null,
  }

  it('are cleared by null when they are patched', async () => {
    const response = await rig.ask({ method: 'PATCH', url, body: clearing })
    expect(response.statusCode).toBe(200)
    expect(rig.inputs('patch')).toEqual([{ account: 'acme', ...clearing }])
    expect(response.json()).not.toHaveProperty('tariff')
    expect(response.json()).toMatchObject({ spendCaps: {} })
  })

  it('take null for absent when they are put', async () => {
    expect((await rig.ask({ method: 'PUT', url, body: { name: 'Acme', ...clearing } })).statusCode).toBe(200)
    expect(rig.inputs('put')).toEqual([{ account: 'acme', name: 'Acme' }])
  })

  it('are put back as they were shown', async () => {
    const { id: _, version: __, createdAt: ___, ...fields } = answer
    const shown = { ...answer, root: 'platform' }
    const response = await rig.ask({ method: 'PUT', url, body: shown })
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchObject(fields)
    expect(rig.inputs('put')).toEqual([{ account: 'acme', ...input }])
    const other = await rig.ask({ method: 'PUT', url: '/v1/accounts/other', body: shown })
    expect(other.json()).toMatchObject({ status: 400, errors: [{ pointer: '/id' }] })
  })

  it('are put back by a key of one account, which sees no higher', async () => {
    rig.scene.keys['tg_own_0123456789abcdef'] = { id: 'own', scopes: ['*'], account: 'acme' }
    const key = 'tg_own_0123456789abcdef'
    const shown: unknown = (await rig.ask({ url, key })).json()
    expect(shown).toMatchObject({ parent: 'reseller' })
    expect((await rig.ask({ method: 'PUT', url, key, body: shown })).statusCode).toBe(200)
    const moved = await rig.ask({ method: 'PATCH', url, key, body: { parent: 'platform' } })
    expect(moved.json()).toMatchObject({ code: 'parent_unknown' })
  })

  it('are refused with the field when a recharge is below the least purchase', async () => {
    const detail = 'a purchase is at least 5.000000'
    rig.scene.saved = { kind: 'refused', code: 'amount_below_minimum', detail, field: '/recharge/amount' }
    const recharge = { enabled: true, threshold: '1', amount: '4.99' }
    for (const method of ['PUT', 'PATCH'] as const) {
      const response = await rig.ask({ method, url, body: { recharge } })
      expect(response.statusCode).toBe(422)
      const errors = [{ pointer: '/recharge/amount', message: detail }]
      expect(response.json()).toMatchObject({ code: 'amount_below_minimum', errors })
    }
  })

  it('are shown', async () => {
    const response = await rig.ask({ url })
    expect(response.json()).toMatchObject({ id: 'acme', parent: 'reseller', creditLimit: '0.000000', spendCaps: {} })
    expect((await rig.ask({ url: '/v1/accounts/nobody' })).json()).toMatchObject({
      status: 404,
      code: 'account_unknown',
    })
  })

  it('are listed, all or those below one', async () => {
    const response = await rig.ask({ url: '/v1/accounts?parent=platform&cursor=3%3Aabc&limit=500' })
    expect(response.json()).toMatchObject({ items: [{ id: 'reseller' }, { id: 'other' }], nextCursor: 'next' })
    await rig.ask({ url: '/v1/accounts' })
    expect(rig.inputs('accounts')).toEqual([{ parent: 'platform', cursor: '3:abc', limit: 500 }, { limit: 50 }])
  })

  it('have over HTTP the fields that they have in files', () => {
    const made = ['id', 'pools', 'credit']
    const inFiles = Object.keys(accountConfigSchema.shape)
      .filter((field) => !made.includes(field))
      .sort()
    expect(Object.keys(profilePatchBody.shape).sort()).toEqual(inFiles)
    expect(
      Object.keys(accountSchema.shape)
        .filter((field) => !['id', 'version', 'createdAt'].includes(field))
        .sort(),
    ).toEqual(inFiles)
  })
})

describe('trunks', () => {
  it('are set together', async () => {
    const body = { inbound: 0, outbound: 4, twoWay: 1 }
    const response = await rig.ask({ method: 'PUT', url: `${url}/trunks`, body })
    expect(response.json()).toEqual(body)
    expect(rig.inputs('patch')).toEqual([{ account: 'acme', trunks: body }])
  })
})

describe('pools', () => {
  const words = {
    name: 'Plan minutes',
    seconds: 18_000,
    priority: 5,
    expiresAt: '2027-01-01T00:00:00+01:00',
    resets: 'cycle',
    rollover: { minSeconds: 0, maxSeconds: 600 },
    scope: { directions: ['outbound', 'inbound'], prefixes: ['+44'] },
    freeSeconds: 0,
    increment: 1,
    onExhausted: 'spill',
  }
  const { scope: _, expiresAt: __, ...same } = words
  const input = {
    ...same,
    directions: ['outbound', 'inbound'],
    prefixes: ['44'],
    expiresAtMs: Date.UTC(2026, 11, 31, 23),
  }

  it('are added in every field', async () => {
    const response = await rig.ask({ method: 'POST', url: `${url}/pools`, body: { ...words, id: 'plan' } })
    expect(response.statusCode).toBe(201)
    expect(rig.inputs('addPool')).toEqual([{ account: 'acme', input: { ...input, id: 'plan' }, operation: undefined }])
    expect(response.json()).toEqual({
      ...same,
      id: 'plan',
      scope: { directions: ['outbound', 'inbound'], prefixes: ['44'] },
      expiresAt: '2026-12-31T23:00:00.000Z',
      resetsAt: '2026-12-01T00:00:00.000Z',
      createdAt: '2026-11-23T10:00:00.000Z',
    })
  })

  it('are added once for one Idempotency-Key', async () => {
    rig.scene.poolIsNew = false
    const headers = { 'idempotency-key': 'order-7' }
    const response = await rig.ask({ method: 'POST', url: `${url}/pools`, body: words, headers })
    expect(response.statusCode).toBe(200)
    expect(response.headers['idempotent-replayed']).toBe('true')
    expect(rig.inputs('addPool')).toMatchObject([{ operation: 'order-7' }])
  })

  it('are patched in the fields that are given', async () => {
    const body = { seconds: 60, scope: { prefixes: [] } }
    const response = await rig.ask({ method: 'PATCH', url: `${url}/pools/plan`, body })
    expect(response.json()).toMatchObject({ id: 'plan', seconds: 60 })
    expect(rig.inputs('patchPool')).toEqual([{ account: 'acme', id: 'plan', input: { seconds: 60, prefixes: [] } }])
  })
})

describe('pools that are patched with null', () => {
  it('have no end and the scope of new ones', async () => {
    const body = { expiresAt: null, rollover: null, scope: null }
    const response = await rig.ask({ method: 'PATCH', url: `${url}/pools/plan`, body })
    expect(response.statusCode).toBe(200)
    const input = { expiresAtMs: null, rollover: null, directions: null, prefixes: null }
    expect(rig.inputs('patchPool')).toEqual([{ account: 'acme', id: 'plan', input }])
  })

  it('are added as if it were absent', async () => {
    const body = { name: 'Plan', seconds: 60, expiresAt: null, scope: null }
    expect((await rig.ask({ method: 'POST', url: `${url}/pools`, body })).statusCode).toBe(201)
    expect(rig.inputs('addPool')).toMatchObject([{ input: { name: 'Plan', seconds: 60 } }])
    expect(Object.keys((rig.inputs('addPool')[0] as { input: object }).input)).toEqual(['name', 'seconds'])
  })
})

describe('balances', () => {
  it('are answered in the words of the contract', async () => {
    const response = await rig.ask({ url: `${url}/balance` })
    expect(response.json()).toEqual({
      currency: 'USD',
      credit: '13.000000',
      reserved: '0.020000',
      available: '12.980000',
      creditLimit: '0.000000',
      pools: [
        {
          id: 'made',
          name: 'Plan minutes',
          total: 18_000,
          remaining: 17_400,
          reserved: 60,
          resetsAt: '2026-12-01T00:00:00.000Z',
          expiresAt: null,
          priority: 100,
        },
      ],
      trunks: { inbound: { limit: 1, used: 0 }, outbound: { limit: 2, used: 1 }, twoWay: { limit: 0, used: 0 } },
      calls: 1,
    })
  })

  it('are 404 of an account that is not there', async () => {
    expect((await rig.ask({ url: '/v1/accounts/nobody/balance' })).json()).toMatchObject({ code: 'account_unknown' })
  })
})

describe.each(['credits', 'debits'] as const)('%s', (what) => {
  const port = what === 'credits' ? 'credit' : 'debit'
  const headers = { 'idempotency-key': 'payment-1' }
  const post = (body: unknown, sent: Record<string, string> = headers) =>
    rig.ask({ method: 'POST', url: `${url}/${what}`, body, headers: sent })

  it('are posted under their Idempotency-Key', async () => {
    const response = await post({ amount: '12.5', reason: 'invoice 7', externalId: 'pi_1' })
    expect(response.statusCode).toBe(200)
    expect(response.headers).not.toHaveProperty('idempotent-replayed')
    expect(response.json()).toEqual({ entry: '3-17', amount: '12.500000', balance: '13.000000', currency: 'USD' })
    expect(rig.inputs(port)).toEqual([
      {
        account: 'acme',
        operation: 'payment-1',
        amount: 12_500_000n,
        kind: what === 'credits' ? 'purchase' : 'adjustment',
        reason: 'invoice 7',
        externalId: 'pi_1',
      },
    ])
  })

  it('take every amount to the micro', async () => {
    for (const [amount, micros] of [
      ['0.000001', 1n],
      ['9007199254.740991', 2n ** 53n - 1n],
      ['00000005', 5_000_000n],
    ] as const) {
      await post({ amount })
      expect(rig.inputs(port).at(-1)).toMatchObject({ amount: micros })
    }
  })

  it('say so when the same came before', async () => {
    rig.scene.posted = { kind: 'posted', replayed: true, entry: '3-9', amount: 1n, balance: 2n, currency: 'USD' }
    const response = await post({ amount: '5' })
    expect(response.statusCode).toBe(200)
    expect(response.headers['idempotent-replayed']).toBe('true')
    expect(response.json()).toMatchObject({ entry: '3-9' })
  })

  it('are refused without an Idempotency-Key, before anything else about them', async () => {
    const response = await post({ nonsense: true }, {})
    expect(response.json()).toMatchObject({ status: 400, code: 'idempotency_key_missing' })
    expect(rig.inputs(port)).toEqual([])
  })

  it.each(['', 'a b', 'x'.repeat(256), 'é'])('are refused with %j for an Idempotency-Key', async (key) => {
    const response = await post({ amount: '5' }, { 'idempotency-key': key })
    expect(response.statusCode).toBe(400)
    expect(response.json()).toMatchObject({ errors: [{ pointer: '/idempotency-key', in: 'header' }] })
  })

  it.each<[OfficeRefusalCode, number]>([
    ['account_unknown', 404],
    ['account_closed', 409],
    ['request_conflict', 409],
    ['amount_below_minimum', 422],
    ['amount_too_large', 422],
    ['insufficient_credit', 422],
  ])('answer %s with %i', async (code, status) => {
    rig.scene.posted = { kind: 'refused', code, detail: 'because', field: '/amount' }
    const response = await post({ amount: '5' })
    expect(response.statusCode).toBe(status)
    expect(response.json()).toMatchObject({
      code,
      detail: 'because',
      errors: [{ pointer: '/amount', message: 'because' }],
    })
  })
})

describe('what the office refuses', () => {
  it.each<[OfficeRefusalCode, number]>([
    ['account_exists', 409],
    ['parent_unknown', 422],
    ['chain_too_deep', 422],
    ['currency_mismatch', 422],
    ['root_is_fixed', 409],
    ['currency_is_fixed', 409],
    ['pool_unknown', 404],
    ['version_conflict', 409],
  ])('%s is %i', async (code, status) => {
    rig.scene.saved = { kind: 'refused', code, detail: 'because' }
    for (const ask of [
      { method: 'PUT', url, body: {} },
      { method: 'PATCH', url, body: {} },
      { method: 'POST', url: `${url}/pools`, body: { name: 'm', seconds: 1 } },
      { method: 'PATCH', url: `${url}/pools/plan`, body: {} },
    ] as const) {
      expect((await rig.ask(ask)).json()).toMatchObject({ status, code, detail: 'because' })
    }
  })
})

describe('reports', () => {
  /** acme is in New York: UTC−5 in winter, UTC−4 in summer. */
  it.each([
    ['a day', 'from=2026-11-23&to=2026-11-23', '2026-11-23T05:00:00.000Z', '2026-11-24T05:00:00.000Z'],
    [
      'days over the end of summer time',
      'from=2026-10-31&to=2026-11-01',
      '2026-10-31T04:00:00.000Z',
      '2026-11-02T05:00:00.000Z',
    ],
    [
      'the day that summer time begins on',
      'from=2026-03-08&to=2026-03-08',
      '2026-03-08T05:00:00.000Z',
      '2026-03-09T04:00:00.000Z',
    ],
    ['the last day of a year', 'from=2026-12-31&to=2026-12-31', '2026-12-31T05:00:00.000Z', '2027-01-01T05:00:00.000Z'],
    [
      'instants',
      'from=2026-11-23T10:00:00Z&to=2026-11-23T10:00:00Z',
      '2026-11-23T10:00:00.000Z',
      '2026-11-23T10:00:00.001Z',
    ],
    [
      'an instant and a day',
      'from=2026-11-23T10:00:00.5Z&to=2026-11-23',
      '2026-11-23T10:00:00.500Z',
      '2026-11-24T05:00:00.000Z',
    ],
    ['an offset', 'from=2026-11-23T00:00:00%2B01:00', '2026-11-22T23:00:00.000Z', undefined],
    ['an offset that was not escaped', 'from=2026-11-23T00:00:00+01:00', '2026-11-22T23:00:00.000Z', undefined],
    ['no end', 'from=2026-11-23', '2026-11-23T05:00:00.000Z', undefined],
    ['no beginning', 'to=2026-11-23', undefined, '2026-11-24T05:00:00.000Z'],
  ])('take %s in the zone of the account, both ends included', async (_, query, from, until) => {
    for (const what of ['transactions', 'cdrs']) {
      await rig.ask({ url: `${url}/${what}?${query}` })
      expect(rig.inputs(what)).toEqual([
        {
          account: 'acme',
          limit: 50,
          ...(from === undefined ? {} : { fromMs: Date.parse(from) }),
          ...(until === undefined ? {} : { untilMs: Date.parse(until) }),
        },
      ])
    }
  })

  it('answer transactions', async () => {
    const response = await rig.ask({ url: `${url}/transactions?cursor=17&limit=1` })
    expect(response.json()).toEqual({
      items: [
        {
          id: '3-18',
          at: '2026-11-23T10:00:00.000Z',
          what: 'settle',
          why: 'call',
          call: '01JDBXGZ2K0000000000000001',
          operation: 'op',
          externalId: 'x',
          amount: '-0.020000',
          balanceAfter: '12.480000',
          currency: 'USD',
          poolSeconds: -60,
        },
      ],
      nextCursor: '3-18',
    })
    expect(rig.inputs('transactions')).toEqual([{ account: 'acme', cursor: '17', limit: 1 }])
  })

  it('answer CDRs as they are kept', async () => {
    const response = await rig.ask({ url: `${url}/cdrs` })
    expect(response.json()).toEqual({
      items: [
        { call: 'A', account: 'acme', charge: '0.020000' },
        { call: 'B', account: 'acme' },
      ],
    })
  })

  it('sum up usage by what is asked for', async () => {
    const response = await rig.ask({
      url: `${url}/usage?from=2026-11-01&to=2026-11-23&by=user&includeDescendants=true`,
    })
    expect(response.json()).toEqual({
      by: 'user',
      from: '2026-11-01',
      to: '2026-11-23',
      timezone: 'America/New_York',
      items: [
        {
          key: '2026-11-23',
          calls: 2,
          seconds: 90,
          billedSeconds: 120,
          poolSeconds: 60,
          trunkSeconds: 0,
          overrunSeconds: 0,
          overruns: 0,
          charge: '0.040000',
          currency: 'USD',
        },
      ],
    })
    const period = { fromMs: Date.UTC(2026, 10, 1, 4), untilMs: Date.UTC(2026, 10, 24, 5) }
    expect(rig.inputs('usage')).toEqual([{ account: 'acme', ...period, by: 'user', includeDescendants: true }])
  })

  it('tell billing jobs what is new since a cursor, with what each change adds', async () => {
    const response = await rig.ask({ url: `${url}/usage/changes?cursor=12.3&limit=10&includeDescendants=true` })
    expect(response.json()).toMatchObject({
      items: [{ kind: 'call', adds: { calls: 2, charge: '0.040000' }, cdr: { account: 'acme', charge: '0.020000' } }],
      cursor: '17.1',
      more: false,
    })
    const asked = { account: 'acme', cursor: '12.3', limit: 10, includeDescendants: true }
    expect(rig.inputs('changes')).toEqual([asked])
    expect((await rig.ask({ url: `${url}/usage/changes?cursor=x` })).json()).toMatchObject({ code: 'invalid_input' })
    expect((await rig.ask({ url: `${url}/usage/changes?cursor=999.1` })).json()).toMatchObject({
      code: 'invalid_input',
      errors: [{ pointer: '/cursor', in: 'query', code: 'value' }],
    })
  })

  it('sum up this month so far by day, when nothing is asked for', async () => {
    await rig.ask({ url: `${url}/usage` })
    const period = { fromMs: Date.UTC(2026, 10, 1, 4), untilMs: Date.UTC(2026, 10, 23, 10) + 1 }
    expect(rig.inputs('usage')).toEqual([{ account: 'acme', ...period, by: 'day', includeDescendants: false }])
  })

  it.each(['transactions', 'cdrs', 'usage'])('%s are 404 of an account that is not there', async (what) => {
    const response = await rig.ask({ url: `/v1/accounts/nobody/${what}` })
    expect(response.json()).toMatchObject({ status: 404, code: 'account_unknown' })
    expect(rig.inputs(what)).toEqual([])
  })
})
