import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { scopes } from '../../../src/accounts/api-keys.ts'
import { Fault } from '../../../src/base/fault.ts'
import { refuseOpenRoutes } from '../../../src/edges/http/auth.ts'
import { allowed, callRecord } from './examples.ts'
import { type Ask, MASTER_KEY, openRig, type Rig } from './fake-daemon.ts'

let rig: Rig
beforeEach(async () => {
  rig = await openRig()
})
afterEach(() => rig.server.close())

interface Listed {
  readonly items: readonly { readonly id: string }[]
}

const KEY = 'tg_k1_0123456789abcdef'
const idempotent = { 'idempotency-key': 'k' }
const quote = { account: 'acme', direction: 'outbound', from: '1', to: '2' }
const tariff = { currency: 'USD', rates: [{ prefix: '44', perMinute: '1' }] }

/** Every operation, and the scope it needs. */
const operations: readonly (readonly [scope: string, ask: Ask])[] = [
  ['calls:decide', { method: 'POST', url: '/v1/calls/authorize', body: { ...quote, callId: 'c' } }],
  ['calls:decide', { method: 'POST', url: '/v1/calls/extend', body: { callId: 'call-1' } }],
  ['calls:decide', { method: 'POST', url: '/v1/calls/events', body: { type: 'alive', callId: 'call-1' } }],
  ['usage:read', { url: '/v1/calls' }],
  ['usage:read', { url: `/v1/calls/${allowed.call}` }],
  ['ops:write', { method: 'POST', url: `/v1/calls/${allowed.call}/end` }],
  ['accounts:read', { method: 'POST', url: '/v1/quotes', body: quote }],
  ['accounts:write', { method: 'PUT', url: '/v1/accounts/acme', body: {} }],
  ['accounts:write', { method: 'PATCH', url: '/v1/accounts/acme', body: {} }],
  ['accounts:read', { url: '/v1/accounts' }],
  ['accounts:read', { url: '/v1/accounts/acme' }],
  ['accounts:read', { url: '/v1/accounts/acme/balance' }],
  ['accounts:write', { method: 'PUT', url: '/v1/accounts/acme/trunks', body: { inbound: 0, outbound: 0, twoWay: 0 } }],
  ['accounts:write', { method: 'POST', url: '/v1/accounts/acme/pools', body: { name: 'm', seconds: 60 } }],
  ['accounts:write', { method: 'PATCH', url: '/v1/accounts/acme/pools/plan', body: {} }],
  ['credit:write', { method: 'POST', url: '/v1/accounts/acme/credits', body: { amount: '5' }, headers: idempotent }],
  ['credit:write', { method: 'POST', url: '/v1/accounts/acme/debits', body: { amount: '5' }, headers: idempotent }],
  ['usage:read', { url: '/v1/accounts/acme/transactions' }],
  ['usage:read', { url: '/v1/accounts/acme/cdrs' }],
  ['usage:read', { url: '/v1/accounts/acme/usage' }],
  ['tariffs:write', { method: 'POST', url: '/v1/tariffs/retail/versions', body: tariff }],
  ['tariffs:write', { method: 'POST', url: '/v1/tariffs/retail/versions/2/activate' }],
  ['tariffs:read', { url: '/v1/tariffs' }],
  ['tariffs:read', { url: '/v1/tariffs/retail/versions' }],
  ['tariffs:read', { url: '/v1/tariffs/retail/versions/2' }],
  ['keys:write', { method: 'POST', url: '/v1/keys', body: { scopes: ['keys:write'] } }],
  ['keys:write', { url: '/v1/keys' }],
  ['keys:write', { method: 'DELETE', url: '/v1/keys/master' }],
  ['webhooks:write', { method: 'POST', url: '/v1/webhooks', body: { url: 'https://example.com/hook' } }],
  ['webhooks:read', { url: '/v1/webhooks' }],
  ['webhooks:read', { url: '/v1/webhooks/wh1' }],
  ['webhooks:write', { method: 'PATCH', url: '/v1/webhooks/wh1', body: { disabled: true } }],
  ['webhooks:write', { method: 'DELETE', url: '/v1/webhooks/wh1' }],
  ['webhooks:write', { method: 'POST', url: '/v1/webhooks/wh1/rotate' }],
  ['webhooks:write', { method: 'POST', url: '/v1/webhooks/wh1/test' }],
  ['webhooks:read', { url: '/v1/webhooks/wh1/deliveries' }],
  ['webhooks:write', { method: 'POST', url: '/v1/webhooks/wh1/replay', body: { since: '2026-11-23T00:00:00Z' } }],
  ['ops:read', { url: '/v1/jobs' }],
  ['ops:write', { method: 'POST', url: '/v1/jobs/webhooks/wh1-3-17-0/retry' }],
  ['ops:read', { url: '/metrics' }],
  ['audit:read', { method: 'POST', url: '/v1/audit/verify' }],
  ['ops:read', { url: '/v1/archive' }],
  ['audit:read', { method: 'POST', url: '/v1/archive/verify' }],
]

describe.each(operations.map(([scope, ask]) => ({ scope, name: `${ask.method ?? 'GET'} ${ask.url}`, ask })))(
  '$name needs $scope',
  ({ scope, ask }) => {
    it('and is answered with it alone', async () => {
      rig.scene.keys[KEY] = { id: 'k1', scopes: [scope] }
      const response = await rig.ask({ ...ask, key: KEY })
      expect(response.statusCode, response.body).toBeLessThan(300)
    })

    it('and is refused with every other scope', async () => {
      rig.scene.keys[KEY] = { id: 'k1', scopes: scopes.filter((other) => other !== scope) }
      const response = await rig.ask({ ...ask, key: KEY })
      expect(response.statusCode).toBe(403)
      expect(response.json()).toMatchObject({ code: 'scope_missing', scope })
      expect(response.headers['www-authenticate']).toBe(
        `Bearer realm="tollgate", error="insufficient_scope", scope="${scope}"`,
      )
      expect(rig.asked.filter(({ what }) => what !== 'verify')).toEqual([])
    })

    it('and is refused without a key, before the body is read', async () => {
      const type = { 'content-type': 'application/json', ...ask.headers }
      const response = await rig.ask({
        ...ask,
        key: undefined,
        ...(ask.body ? { body: '{broken', headers: type } : {}),
      })
      expect(response.statusCode).toBe(401)
      expect(response.json()).toMatchObject({ code: 'key_missing' })
      expect(response.headers['www-authenticate']).toBe('Bearer realm="tollgate"')
    })
  },
)

describe('keys', () => {
  it.each([
    ['another scheme', 'Basic dXNlcjpwYXNz'],
    ['an unknown key', 'Bearer tg_nobody_0123456789abcdef'],
    ['no key of ours', 'Bearer eyJhbGciOiJIUzI1NiJ9'],
    ['a key with more behind it', `Bearer ${MASTER_KEY} x`],
    ['nothing', ''],
  ])('refuse %s', async (_, authorization) => {
    const response = await rig.ask({ url: '/v1/calls', key: undefined, headers: { authorization } })
    expect(response.statusCode).toBe(401)
    expect(response.json()).toMatchObject({ code: 'key_unknown' })
    expect(response.headers['www-authenticate']).toContain('error="invalid_token"')
  })

  it('are taken whatever the case of the scheme', async () => {
    const response = await rig.ask({
      url: '/v1/calls',
      key: undefined,
      headers: { authorization: `bearer ${MASTER_KEY}` },
    })
    expect(response.statusCode).toBe(200)
  })

  it('are in no line of the log, nor in an answer', async () => {
    rig.scene.authorize = async () => {
      throw new Error(`it broke with ${MASTER_KEY}`)
    }
    const response = await rig.ask({ method: 'POST', url: '/v1/calls/authorize', body: { ...quote, callId: 'c' } })
    expect(response.statusCode).toBe(500)
    expect(JSON.stringify(rig.lines)).toContain('tg_master_[redacted]')
    expect(JSON.stringify(rig.lines) + response.body).not.toContain('0123456789abcdef')
  })

  it('are not needed to ask for health', async () => {
    for (const url of ['/livez', '/readyz', '/startupz']) {
      expect((await rig.ask({ url, key: undefined })).statusCode).toBe(200)
    }
  })

  it('are needed for the reference, but no scope', async () => {
    rig.scene.keys[KEY] = { id: 'k1', scopes: ['usage:read'] }
    expect((await rig.ask({ url: '/openapi.json', key: undefined })).statusCode).toBe(401)
    expect((await rig.ask({ url: '/openapi.json', key: KEY })).statusCode).toBe(200)
  })

  it('answer 503 when they cannot be checked', async () => {
    rig.scene.keys = new Proxy({}, { get: () => throwing() })
    const response = await rig.ask({ url: '/v1/calls' })
    expect(response.statusCode).toBe(503)
  })
})

function throwing(): never {
  throw new Fault('store_unavailable', 'away', { retryable: true })
}

describe('a key of one account', () => {
  const decide = { callId: 'c', direction: 'outbound', from: '1', to: '2' }
  const reseller = (ask: Ask) => rig.ask({ ...ask, key: KEY })

  beforeEach(() => {
    rig.scene.keys[KEY] = { id: 'k1', scopes: ['*'], account: 'reseller' }
  })

  const about = (account: string): readonly Ask[] => [
    { url: `/v1/accounts/${account}` },
    { url: `/v1/accounts/${account}/balance` },
    { url: `/v1/accounts/${account}/transactions` },
    { url: `/v1/accounts/${account}/cdrs` },
    { url: `/v1/accounts/${account}/usage` },
    { url: `/v1/calls?account=${account}` },
    { url: `/v1/accounts?parent=${account}` },
    { method: 'PUT', url: `/v1/accounts/${account}`, body: {} },
    { method: 'PATCH', url: `/v1/accounts/${account}`, body: {} },
    { method: 'PUT', url: `/v1/accounts/${account}/trunks`, body: { inbound: 0, outbound: 0, twoWay: 0 } },
    { method: 'POST', url: `/v1/accounts/${account}/pools`, body: { name: 'm', seconds: 60 } },
    { method: 'PATCH', url: `/v1/accounts/${account}/pools/plan`, body: {} },
    { method: 'POST', url: `/v1/accounts/${account}/credits`, body: { amount: '5' }, headers: idempotent },
    { method: 'POST', url: `/v1/accounts/${account}/debits`, body: { amount: '5' }, headers: idempotent },
    { method: 'POST', url: '/v1/quotes', body: { ...quote, account } },
    { method: 'POST', url: '/v1/keys', body: { scopes: ['usage:read'], account } },
  ]

  it.each(['reseller', 'acme'])('reaches %s', async (account) => {
    for (const ask of about(account)) {
      const response = await reseller(ask)
      expect(response.statusCode, `${ask.method ?? 'GET'} ${ask.url}: ${response.body}`).toBeLessThan(300)
    }
  })

  it.each([
    ['the account above it', 'platform'],
    ['the account beside it', 'other'],
    ['an account that is not there', 'nobody'],
  ])('sees nothing of %s', async (_, account) => {
    for (const ask of about(account)) {
      const response = await reseller(ask)
      expect(response.statusCode, `${ask.method ?? 'GET'} ${ask.url}`).toBe(404)
      expect(response.json()).toMatchObject({ code: 'account_unknown', detail: `there is no account "${account}"` })
    }
    expect(rig.asked.filter(({ what }) => what !== 'verify')).toEqual([])
  })

  it('makes accounts below its own only', async () => {
    const url = '/v1/accounts/fresh'
    expect((await reseller({ method: 'PUT', url, body: { parent: 'acme' } })).statusCode).toBe(201)
    expect((await reseller({ method: 'PUT', url, body: {} })).statusCode).toBe(404)
    const outside = await reseller({ method: 'PUT', url, body: { parent: 'other' } })
    expect(outside.json()).toMatchObject({ status: 422, code: 'parent_unknown', errors: [{ pointer: '/parent' }] })
    const moved = await reseller({ method: 'PATCH', url: '/v1/accounts/acme', body: { parent: 'platform' } })
    expect(moved.json()).toMatchObject({ status: 422, code: 'parent_unknown' })
    expect(rig.inputs('put')).toEqual([{ account: 'fresh', parent: 'acme' }])
  })

  it('lists its own account and those below it', async () => {
    const response = await reseller({ url: '/v1/accounts?limit=10' })
    expect(response.json<Listed>().items.map(({ id }) => id)).toEqual(['reseller', 'acme'])
    await reseller({ url: '/v1/accounts?limit=10&cursor=3%3Aacme' })
    expect(rig.inputs('accounts')).toEqual([
      { parent: 'reseller', limit: 9 },
      { parent: 'reseller', cursor: '3:acme', limit: 10 },
    ])
  })

  it('lists calls of its own account when it names none', async () => {
    await reseller({ url: '/v1/calls' })
    expect(rig.inputs('list')).toEqual([{ account: 'reseller', limit: 50 }])
  })

  it('sees of a call what it and those below it pay, never what it costs those above', async () => {
    const response = await reseller({ url: `/v1/calls/${allowed.call}` })
    const call = response.json<{ levels: { account: string }[]; explanation: { levels: { account: string }[] } }>()
    expect(call.levels.map(({ account }) => account)).toEqual(['acme', 'reseller'])
    expect(call.explanation.levels.map(({ account }) => account)).toEqual(['acme', 'reseller'])
    expect(response.body).not.toContain('platform')
    const list = await reseller({ url: '/v1/calls' })
    expect(list.body).not.toContain('platform')
  })

  it('sees and ends no call of others', async () => {
    rig.scene.calls[0] = callRecord({ account: 'other' })
    expect((await reseller({ url: `/v1/calls/${allowed.call}` })).statusCode).toBe(404)
    expect((await reseller({ method: 'POST', url: `/v1/calls/${allowed.call}/end` })).statusCode).toBe(404)
    expect(rig.inputs('end')).toEqual([])
  })

  it.each([
    ['an account that is not its own', { account: 'other' }],
    ['an account that is not there', { account: 'nobody' }],
    ['no account, as the trunks might find another', { trunk: 't1' }],
  ])('is denied a call of %s', async (_, payer) => {
    const response = await reseller({ method: 'POST', url: '/v1/calls/authorize', body: { ...decide, ...payer } })
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchObject({ decision: 'deny', code: 'account_unknown', sipCode: 403, call: '' })
    expect(rig.inputs('authorize')).toEqual([])
    expect(rig.lines).toContainEqual(
      expect.objectContaining({ msg: 'decision', outcome: 'deny', code: 'account_unknown' }),
    )
    expect(await rig.metrics.text()).toContain(
      'tollgate_decisions_total{operation="authorize",code="account_unknown"} 1',
    )
  })

  it('is denied the leg of another account', async () => {
    rig.scene.calls[0] = callRecord({ account: 'other' })
    const body = { ...decide, callId: 'call-1', account: 'acme' }
    expect((await reseller({ method: 'POST', url: '/v1/calls/authorize', body })).json()).toMatchObject({
      code: 'account_unknown',
    })
    expect((await reseller({ method: 'POST', url: '/v1/calls/extend', body: { callId: 'call-1' } })).statusCode).toBe(
      404,
    )
    expect([...rig.inputs('authorize'), ...rig.inputs('extend')]).toEqual([])
  })

  it('decides calls of its own', async () => {
    const body = { ...decide, account: 'acme' }
    expect((await reseller({ method: 'POST', url: '/v1/calls/authorize', body })).json()).toMatchObject({ allow: true })
    expect((await reseller({ method: 'POST', url: '/v1/calls/extend', body: { callId: 'call-1' } })).statusCode).toBe(
      200,
    )
  })

  it('speaks of calls of its own accounts only', async () => {
    rig.scene.calls.push(callRecord({ account: 'other', leg: { node: 'kam1', callId: 'theirs', legId: '' } }))
    const events = [
      { callId: 'call-1' },
      { callId: 'theirs' },
      { callId: 'theirs', account: 'acme' },
      { callId: 'call-1', account: 'other' },
      { callId: 'new' },
      { callId: 'new', account: 'acme' },
      { callId: 'new', account: 'other' },
    ].map((event) => ({ type: 'stop', ...event }))
    const response = await reseller({ method: 'POST', url: '/v1/calls/events', body: events })
    const { results } = response.json<{ results: { state: string }[] }>()
    expect(results.map(({ state }) => state)).toEqual([
      'answered',
      'unknown',
      'unknown',
      'unknown',
      'unknown',
      'answered',
      'unknown',
    ])
    expect(results[1]).toEqual({ callId: 'theirs', state: 'unknown', ignored: true, code: 'account_unknown' })
    expect(rig.inputs('event')).toHaveLength(2)
  })

  it('speaks for no edge, as an edge has calls of others', async () => {
    const body = { type: 'edge_up', node: 'kam1', instance: '8' }
    const response = await reseller({ method: 'POST', url: '/v1/calls/events', body })
    expect(response.json()).toMatchObject({ status: 403, code: 'key_restricted' })
    expect(rig.inputs('edgeEvent')).toEqual([])
  })

  it.each(['/metrics', '/v1/tariffs', '/v1/tariffs/retail/versions', '/v1/tariffs/retail/versions/2'])(
    'is refused %s',
    async (url) => {
      expect((await reseller({ url })).json()).toMatchObject({ status: 403, code: 'key_restricted' })
    },
  )

  it('makes, lists and revokes keys of its own accounts only', async () => {
    rig.scene.keys['tg_a_0123456789'] = { id: 'a', scopes: ['usage:read'], account: 'acme' }
    rig.scene.keys['tg_o_0123456789'] = { id: 'o', scopes: ['usage:read'], account: 'other' }
    await reseller({ method: 'POST', url: '/v1/keys', body: { scopes: ['usage:read'] } })
    expect(rig.inputs('createKey')).toEqual([{ scopes: ['usage:read'], account: 'reseller' }])
    const list = await reseller({ url: '/v1/keys' })
    expect(list.json<Listed>().items.map(({ id }) => id)).toEqual(['k1', 'a'])
    expect((await reseller({ method: 'DELETE', url: '/v1/keys/o' })).statusCode).toBe(404)
    expect((await reseller({ method: 'DELETE', url: '/v1/keys/master' })).statusCode).toBe(404)
    expect((await reseller({ method: 'DELETE', url: '/v1/keys/a' })).json()).toEqual({ id: 'a', revoked: true })
    expect(rig.inputs('revoke')).toEqual(['a'])
  })
})

describe('making keys', () => {
  it('answers the whole key once', async () => {
    const body = { scopes: ['calls:decide'], name: 'edge 1', account: 'acme', expiresAt: '2027-01-01T00:00:00Z' }
    const response = await rig.ask({ method: 'POST', url: '/v1/keys', body })
    expect(response.statusCode).toBe(201)
    expect(response.json()).toEqual({
      id: 'new1',
      key: 'tg_new1_abcdefabcdef',
      scopes: ['calls:decide'],
      name: 'edge 1',
      account: 'acme',
      createdAt: '2026-11-23T10:00:00.000Z',
      expiresAt: '2027-01-01T00:00:00.000Z',
    })
    expect((await rig.ask({ url: '/v1/keys' })).body).not.toContain('0123456789abcdef')
  })

  it('gives no scope that the maker lacks', async () => {
    rig.scene.keys[KEY] = { id: 'k1', scopes: ['keys:write', 'usage:read'] }
    for (const scope of ['credit:write', '*']) {
      const response = await rig.ask({
        method: 'POST',
        url: '/v1/keys',
        body: { scopes: ['usage:read', scope] },
        key: KEY,
      })
      expect(response.json()).toMatchObject({ status: 400, errors: [{ pointer: '/scopes/1' }] })
    }
    expect(rig.inputs('createKey')).toEqual([])
  })

  it('answers 404 of a key that is not there', async () => {
    const response = await rig.ask({ method: 'DELETE', url: '/v1/keys/nobody' })
    expect(response.json()).toMatchObject({ status: 404, code: 'key_id_unknown' })
  })
})

it('a route that does not say what key it needs is not taken', () => {
  const route = { method: 'GET', url: '/open', handler: () => '' } as const
  expect(() => refuseOpenRoutes(route)).toThrow('/open')
  expect(() => refuseOpenRoutes({ ...route, config: { needs: 'any key' } })).not.toThrow()
})
