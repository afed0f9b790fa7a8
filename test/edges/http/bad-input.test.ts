/** Each field of each request, given what it may not be: the status, the code and the place of the fault. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ask, openRig, type Rig } from './fake-daemon.ts'

let rig: Rig
beforeAll(async () => {
  rig = await openRig()
})
afterAll(() => rig.server.close())

type Method = NonNullable<Ask['method']>

interface Endpoint {
  readonly method: Method
  readonly url: string
  readonly headers?: Record<string, string>
  /** A body that is taken. */
  readonly good: Record<string, unknown>
  /** A field, what it is given, and the code; the pointer is the field's unless a fourth word says otherwise. */
  readonly bad: readonly (readonly [field: string, value: unknown, code: string, pointer?: string])[]
  readonly status?: number
}

const LONG = 'x'.repeat(257)
const missing = undefined

const opaqueFields = (fields: readonly string[]) =>
  fields.flatMap((field) => [
    [field, LONG, 'value'] as const,
    ...[true, [], {}, 1e21, 1e-7, 2 ** 53].map((value) => [field, value, 'type'] as const),
  ])

const leg = opaqueFields(['node', 'callId', 'legId'])
const whoPays = opaqueFields(['account', 'trunk', 'source', 'user'])

const ref = [
  ['ref', 'x'.repeat(513), 'value'],
  ['ref', { a: { b: 1 } }, 'value'],
  ['ref', { a: 'x'.repeat(512) }, 'value'],
  ['ref', [1], 'value'],
  ['ref', 7, 'value'],
] as const

const numberOf = (field: string, values: readonly unknown[]) => values.map((value) => [field, value, 'value'] as const)

const beyond = (field: string, values: readonly number[]) => values.map((value) => [field, value, 'range'] as const)

const seconds = (field: string) => [
  ...numberOf(field, ['ten', '1e3', '-1', '-0.5', '1,5', '99999999999', true, {}]),
  ...beyond(field, [-1, 99_999_999_999]),
]

const instants = (field: string) => numberOf(field, ['soon', '2026-11-23', 17, 1795380011123, true, {}])

const amounts = (field: string, at = `/${field.replaceAll('.', '/')}`) =>
  [
    [5, 'type'],
    ['', 'format'],
    ['-1.00', 'format'],
    ['1e3', 'format'],
    ['1.0000001', 'format'],
    ['1,50', 'format'],
    ['9007199254.740992', 'value'],
  ].map(([value, code]) => [field, value, String(code), at] as const)

const ids = (field: string) =>
  ['', 'a b', '-a', 'a/b', 'x'.repeat(65)]
    .map((value) => [field, value, 'format'] as const)
    .concat([[field, 7, 'type']] as never)

const wholes = (field: string, least: number, most: number) =>
  [
    [least - 1, 'range'],
    [most + 1, 'range'],
    [least + 0.5, 'type'],
    [String(least), 'type'],
  ].map(([value, code]) => [field, value, String(code)] as const)

const prefixes = (field: string) => {
  const pointer = `/${field.replaceAll('.', '/')}`
  return [
    [field, ['44x'], 'format', `${pointer}/0`],
    [field, ['44', '+44'], 'value', pointer],
    [field, '44', 'type', pointer],
    [field, Array.from({ length: 1001 }, (_, n) => String(n)), 'range', pointer],
  ] as const
}

const profileFields: Endpoint['bad'] = [
  ['name', '', 'range'],
  ['name', '   ', 'range'],
  ['name', 'x'.repeat(121), 'range'],
  ['name', 7, 'type'],
  ...ids('parent'),
  ['status', 'asleep', 'value'],
  ['currency', 'usd', 'format'],
  ['currency', 7, 'type'],
  ['timezone', 'Mars/Olympus', 'value'],
  ['timezone', 7, 'type'],
  ...ids('tariff'),
  ...amounts('creditLimit'),
  ['funding', [], 'range'],
  ['funding', ['credit', 'credit'], 'value'],
  ['funding', ['luck'], 'value', '/funding/0'],
  ...wholes('cycleDay', 1, 31),
  ['trunks', { inbound: 1, outbound: 1 }, 'required', '/trunks/twoWay'],
  ['trunks', { inbound: 1, outbound: 1, twoWay: 0, four: 4 }, 'unknown_field', '/trunks/four'],
  ...prefixes('blockedPrefixes'),
  ...wholes('maxCalls', 0, 1_000_000),
  ['maxPricePerMinute', 0.5, 'type'],
  ['maxPricePerMinute', '0.00000000001', 'format'],
  ...amounts('spendCaps.day'),
  ...amounts('spendCaps.month'),
  ['spendCaps', { day: '0' }, 'value', '/spendCaps/day'],
  ['spendCaps', { year: '1' }, 'unknown_field', '/spendCaps/year'],
  ['lowBalance', {}, 'required', '/lowBalance/threshold'],
  ...amounts('lowBalance.threshold'),
  ['lowBalance', { threshold: '5', also: ['0%'] }, 'value', '/lowBalance/also/0'],
  ['lowBalance', { threshold: '5', also: ['101%'] }, 'value', '/lowBalance/also/0'],
  ['lowBalance', { threshold: '5', also: [5] }, 'value', '/lowBalance/also/0'],
  ['lowBalance', { threshold: '5', also: ['20%', '20%'] }, 'value', '/lowBalance/also'],
  ['lowBalance', { threshold: '5', also: ['1', '2', '3', '4', '5', '6'] }, 'range', '/lowBalance/also'],
  ['lowBalance', { threshold: '5', hysteresis: '-1' }, 'format', '/lowBalance/hysteresis'],
  ['lowBalance', { threshold: '5', until: '6' }, 'unknown_field', '/lowBalance/until'],
  ['contacts', [{}], 'required', '/contacts/0/email'],
  ['contacts', [{ email: 'nobody' }], 'format', '/contacts/0/email'],
  ['contacts', [{ email: 'a@example.com\r\nBcc: b@example.com' }], 'format', '/contacts/0/email'],
  ['contacts', [{ email: 'a@example.com, b@example.com' }], 'format', '/contacts/0/email'],
  ['contacts', [{ email: `${'x'.repeat(250)}@example.com` }], 'range', '/contacts/0/email'],
  ['contacts', [{ email: 'a@example.com', topics: [] }], 'range', '/contacts/0/topics'],
  ['contacts', [{ email: 'a@example.com', topics: ['weather'] }], 'value', '/contacts/0/topics/0'],
  ['contacts', [{ email: 'a@example.com', phone: '1' }], 'unknown_field', '/contacts/0/phone'],
  ['contacts', Array.from({ length: 11 }, () => ({ email: 'a@example.com' })), 'range'],
  ['contacts', 'a@example.com', 'type'],
  ['language', 'fr', 'value'],
  ['language', 'EN', 'value'],
  ['recharge', { enabled: true, threshold: '1', amount: '0' }, 'value', '/recharge/amount'],
  ['recharge', { enabled: 'yes', threshold: '1', amount: '5' }, 'type', '/recharge/enabled'],
  ['recharge', { enabled: true, threshold: '1' }, 'value'],
  ['recharge', { enabled: true, threshold: '1', amount: '5', targetBalance: '9' }, 'value'],
  ['recharge', { enabled: true, threshold: '1', targetBalance: '0' }, 'value', '/recharge/targetBalance'],
  ['recharge', { enabled: true, threshold: '1', amount: '5', card: 'a b' }, 'format', '/recharge/card'],
  ['recharge', { enabled: true, threshold: '1', amount: '5', dayCap: '0' }, 'value', '/recharge/dayCap'],
  ['recharge', { enabled: true, threshold: '1', amount: '5', monthCap: 5 }, 'type', '/recharge/monthCap'],
  ['recharge', { enabled: true, threshold: '1', amount: '5', maxFailures: 0 }, 'range', '/recharge/maxFailures'],
  ['onEngineError', 'pray', 'value'],
  ...wholes('engineErrorSeconds', 1, 3600),
  ...wholes('engineErrorCalls', 1, 1000),
  ['pools', [], 'unknown_field'],
  ['name', null, 'type'],
  ['creditLimit', null, 'type'],
]

const poolFields: Endpoint['bad'] = [
  ['name', '', 'range'],
  ['name', 7, 'type'],
  ...wholes('seconds', 0, 2_000_000_000),
  ...wholes('priority', 0, 1000),
  ['expiresAt', '2026-12-01', 'value'],
  ['expiresAt', '2026-02-30T00:00:00Z', 'value'],
  ['expiresAt', 1795380011, 'type'],
  ['resets', 'daily', 'value'],
  ['scope', { directions: [] }, 'range', '/scope/directions'],
  ['scope', { directions: ['up'] }, 'value', '/scope/directions/0'],
  ['scope', { colour: 'blue' }, 'unknown_field', '/scope/colour'],
  ...prefixes('scope.prefixes'),
  ...wholes('freeSeconds', 0, 3600),
  ...wholes('increment', 1, 3600),
  ['onExhausted', 'explode', 'value'],
  ['lowAt', [], 'range'],
  ['lowAt', [-1], 'range', '/lowAt/0'],
  ['lowAt', [1.5], 'value', '/lowAt/0'],
  ['lowAt', ['60'], 'value', '/lowAt/0'],
  ['lowAt', ['0%'], 'value', '/lowAt/0'],
  ['lowAt', [60, 60], 'value', '/lowAt'],
  ['lowAt', [1, 2, 3, 4, 5, 6], 'range', '/lowAt'],
  ['lowAt', '20%', 'type'],
  ['minutes', 300, 'unknown_field'],
  ['priority', null, 'type'],
]

const rate = { prefix: '44', perMinute: '0.0125' }

const moneyFields: Endpoint['bad'] = [
  ['amount', missing, 'required'],
  ...amounts('amount'),
  ['amount', '0', 'value'],
  ['amount', '0.000000', 'value'],
  ['reason', '', 'range'],
  ['reason', 'x'.repeat(501), 'range'],
  ['externalId', 7, 'type'],
  ['externalId', LONG, 'range'],
  ['currency', 'USD', 'unknown_field'],
]

const tokens: Endpoint['bad'] = [
  ['token', '', 'range'],
  ['token', 7, 'type'],
  ['token', 'x'.repeat(256), 'range'],
  ['token', 'tok with spaces', 'format'],
  ['token', '4242424242424242', 'value'],
]

const buyers: Endpoint['bad'] = [
  ['buyer', 'ann', 'format'],
  ['buyer', 7, 'type'],
]

const goods: Endpoint['bad'] = [
  ['kind', missing, 'required'],
  ['kind', 'stamps', 'value'],
  ...amounts('amount'),
  ['amount', '0', 'value'],
  ['amount', missing, 'value', '/kind'],
  ...wholes('bundles', 1, 100_000),
]

const endpoints: readonly Endpoint[] = [
  {
    method: 'POST',
    url: '/v1/calls/authorize',
    good: { callId: 'c', direction: 'outbound', from: '1', to: '2' },
    bad: [
      ...leg,
      ['callId', missing, 'required'],
      ['callId', '', 'range'],
      ...whoPays,
      ...opaqueFields(['instance', 'attempt', 'from', 'to']),
      ['direction', missing, 'required'],
      ['direction', 'sideways', 'value'],
      ['from', missing, 'required'],
      ['to', missing, 'required'],
      ['to', '', 'range'],
      ['media', 'smell', 'value'],
      ['mode', 'magic', 'value'],
      ...seconds('requestSeconds'),
      ...beyond('requestSeconds', [0, 86_401]),
      ...instants('ts'),
      ...ref,
    ],
  },
  {
    method: 'POST',
    url: '/v1/calls/extend',
    good: { callId: 'c' },
    bad: [
      ...leg,
      ['callId', missing, 'required'],
      ...seconds('usedSeconds'),
      ...seconds('requestSeconds'),
      ...beyond('requestSeconds', [0, 86_401]),
    ],
  },
  {
    method: 'POST',
    url: '/v1/calls/events',
    good: { type: 'stop', callId: 'c' },
    bad: [
      ['type', missing, 'required'],
      ['type', 'burp', 'value'],
      ...leg,
      ['callId', missing, 'required'],
      ...opaqueFields(['id', 'instance', 'attempt', 'cause', 'from', 'to']),
      ...whoPays,
      ...instants('ts'),
      ...instants('answeredAt'),
      ...instants('endedAt'),
      ...seconds('seconds'),
      ...numberOf('sipCode', ['99', '700', 'busy', true]),
      ...beyond('sipCode', [99, 700]),
      ['decision', 'maybe', 'value'],
      ['direction', 'up', 'value'],
      ...ref,
    ],
  },
  {
    method: 'POST',
    url: '/v1/calls/events',
    good: { type: 'edge_up', node: 'kam1', instance: '7' },
    bad: [
      ['node', missing, 'required'],
      ['node', '', 'required'],
      ['node', LONG, 'value'],
      ['instance', missing, 'required'],
      ['instance', '', 'required'],
      ...instants('ts'),
    ],
  },
  {
    method: 'POST',
    url: '/v1/calls/events',
    good: { type: 'edge_list', node: 'kam1', instance: '7', calls: [] },
    bad: [
      ['node', missing, 'required'],
      ['instance', missing, 'required'],
      ['calls', missing, 'required'],
      ['calls', 'a', 'type'],
      ['calls', ['a', ''], 'value', '/calls/1'],
      ['calls', [{ legId: 'a' }], 'value', '/calls/0'],
      ['calls', ['a', { callId: 'b', direction: 'up' }], 'value', '/calls/1'],
      ['calls', [true], 'value', '/calls/0'],
      ['calls', Array.from({ length: 10_001 }, () => 'c'), 'range'],
    ],
  },
  {
    method: 'POST',
    url: '/v1/calls/01JDBXGZ2K0000000000000001/end',
    good: {},
    bad: [
      ['reason', '', 'range'],
      ['reason', 7, 'type'],
      ['force', true, 'unknown_field'],
    ],
  },
  {
    method: 'POST',
    url: '/v1/quotes',
    good: { account: 'acme', direction: 'outbound', from: '1', to: '2' },
    bad: [
      ['account', missing, 'required'],
      ...ids('account'),
      ['direction', missing, 'required'],
      ['direction', 'up', 'value'],
      ['from', missing, 'required'],
      ['from', LONG, 'range'],
      ['to', '', 'range'],
      ['to', 7, 'type'],
      ...wholes('seconds', 0, 86_400),
      ['at', 'soon', 'value'],
      ['at', 7, 'type'],
      ['colour', 'blue', 'unknown_field'],
    ],
  },
  { method: 'PUT', url: '/v1/accounts/acme', good: {}, bad: [...profileFields, ['id', 'other', 'value']] },
  {
    method: 'PATCH',
    url: '/v1/accounts/acme',
    good: {},
    bad: [
      ...profileFields,
      ...['id', 'version', 'createdAt'].map((field) => [field, 'acme', 'unknown_field'] as const),
    ],
  },
  {
    method: 'PUT',
    url: '/v1/accounts/acme/trunks',
    good: { inbound: 1, outbound: 1, twoWay: 0 },
    bad: [
      ...['inbound', 'outbound', 'twoWay'].flatMap((field) => [
        ...wholes(field, 0, 100_000),
        [field, missing, 'required'] as const,
      ]),
      ['four', 1, 'unknown_field'],
    ],
  },
  {
    method: 'POST',
    url: '/v1/accounts/acme/pools',
    good: { name: 'Minutes', seconds: 18_000 },
    bad: [...poolFields, ['name', missing, 'required'], ['seconds', missing, 'required'], ...ids('id')],
  },
  {
    method: 'PATCH',
    url: '/v1/accounts/acme/pools/plan',
    good: {},
    bad: [...poolFields, ['id', 'x', 'unknown_field']],
  },
  {
    method: 'POST',
    url: '/v1/accounts/acme/credits',
    headers: { 'idempotency-key': 'k1' },
    good: { amount: '5.00' },
    bad: [...moneyFields, ['kind', 'fee', 'value'], ['kind', 7, 'value']],
  },
  {
    method: 'POST',
    url: '/v1/accounts/acme/receipts/acme-7/resend',
    good: {},
    bad: [
      ['to', 'nobody', 'format'],
      ['to', 'a@example.com\nBcc: b@example.com', 'format'],
      ['to', ['a@example.com'], 'type'],
      ['to', `${'x'.repeat(250)}@example.com`, 'range'],
      ['to', null, 'type'],
      ['cc', 'a@example.com', 'unknown_field'],
    ],
  },
  {
    method: 'POST',
    url: '/v1/accounts/acme/debits',
    headers: { 'idempotency-key': 'k1' },
    good: { amount: '5.00' },
    bad: [...moneyFields, ['kind', 'purchase', 'value']],
  },
  {
    method: 'POST',
    url: '/v1/accounts/acme/payment-methods',
    headers: { 'idempotency-key': 'k1' },
    good: { token: 'tok_success' },
    bad: [
      ...tokens,
      ['contact', { email: 'nobody' }, 'format', '/contact/email'],
      ['contact', { name: '' }, 'range', '/contact/name'],
      ['contact', { phone: 'x'.repeat(33) }, 'range', '/contact/phone'],
      ['contact', { address: 'x'.repeat(501) }, 'range', '/contact/address'],
      ['contact', { fax: '1' }, 'unknown_field', '/contact/fax'],
      ['recurring', 'yes', 'type'],
      ['number', '4242424242424242', 'unknown_field'],
      ['cvc', '123', 'unknown_field'],
    ],
  },
  {
    method: 'PATCH',
    url: '/v1/accounts/acme/payment-methods/card-tok_success',
    good: {},
    bad: [
      ['contact', { email: 7 }, 'type', '/contact/email'],
      ['recurring', false, 'value'],
      ['token', 'tok_success', 'unknown_field'],
    ],
  },
  {
    method: 'POST',
    url: '/v1/accounts/acme/orders',
    good: { kind: 'credit', amount: '25.00' },
    bad: [...goods, ...buyers, ['card', 'c1', 'unknown_field']],
  },
  {
    method: 'POST',
    url: '/v1/accounts/acme/orders/3-order/confirm',
    headers: { 'idempotency-key': 'k1' },
    good: {},
    bad: [...ids('card'), ...tokens, ...buyers, ['amount', '5.00', 'unknown_field']],
  },
  {
    method: 'POST',
    url: '/v1/accounts/acme/payments',
    headers: { 'idempotency-key': 'k1' },
    good: { kind: 'credit', amount: '25.00' },
    bad: [...goods, ...buyers, ...ids('card'), ...tokens, ['currency', 'USD', 'unknown_field']],
  },
  {
    method: 'POST',
    url: '/v1/accounts/acme/payments/3-pay/refund',
    headers: { 'idempotency-key': 'k1' },
    good: {},
    bad: [...amounts('amount'), ['amount', '0', 'value'], ['reason', 'none', 'unknown_field']],
  },
  {
    method: 'POST',
    url: '/v1/payments/reconcile',
    good: {},
    bad: [
      ['since', 'yesterday', 'value'],
      ['since', 17, 'type'],
      ['deep', true, 'unknown_field'],
    ],
  },
  {
    method: 'POST',
    url: '/v1/tariffs/retail/versions',
    good: { currency: 'USD', rates: [rate] },
    bad: [
      ['currency', missing, 'required'],
      ['currency', 'dollar', 'format'],
      ['effectiveFrom', 7, 'type'],
      ['timezone', 'Mars/Olympus', 'value'],
      ['rounding', { decimals: 7 }, 'range', '/rounding/decimals'],
      ['rounding', { mode: 'sideways' }, 'value', '/rounding/mode'],
      ['rounding', { digits: 2 }, 'unknown_field', '/rounding/digits'],
      ['rates', missing, 'required'],
      ['rates', [], 'range'],
      ['rates', 'csv', 'type'],
      ['name', 'retail', 'unknown_field'],
    ],
  },
  {
    method: 'POST',
    url: '/v1/tariffs/retail/versions/2/activate',
    good: {},
    bad: [
      ['at', 'soon', 'value'],
      ['at', '2026-12-01', 'value'],
      ['when', 'now', 'unknown_field'],
    ],
  },
  {
    method: 'POST',
    url: '/v1/keys',
    good: { scopes: ['calls:decide'] },
    bad: [
      ['scopes', missing, 'required'],
      ['scopes', [], 'range'],
      ['scopes', ['calls:decide', 'calls:decide'], 'value'],
      ['scopes', ['world:rule'], 'value', '/scopes/0'],
      ['name', '', 'range'],
      ...ids('account'),
      ['expiresAt', 'soon', 'value'],
      ['expiresAt', '2026-11-23T09:59:59Z', 'value'],
      ['secret', 'mine', 'unknown_field'],
    ],
  },
  { method: 'POST', url: '/v1/audit/verify', good: {}, bad: [['deep', true, 'unknown_field']] },
  { method: 'POST', url: '/v1/archive/verify', good: {}, bad: [['deep', true, 'unknown_field']] },
]

function withField(good: Record<string, unknown>, field: string, value: unknown): Record<string, unknown> {
  const [outer = '', inner] = field.split('.')
  if (inner !== undefined) return { ...good, [outer]: { [inner]: value } }
  const { [outer]: _, ...rest } = good
  return value === missing ? rest : { ...good, [outer]: value }
}

describe.each(endpoints)('$method $url', ({ method, url, headers = {}, good, bad }) => {
  it('takes the good body that the bad ones are made of', async () => {
    const response = await rig.ask({ method, url, headers, body: good })
    expect(response.statusCode, response.body).toBeLessThan(300)
  })

  it.each(
    bad.map(([field, value, code, pointer]) => ({
      field,
      value,
      code,
      pointer: pointer ?? `/${field.replaceAll('.', '/')}`,
    })),
  )('refuses $field = $value', async ({ field, value, code, pointer }) => {
    const before = rig.asked.filter(({ what }) => what !== 'verify').length
    const response = await rig.ask({ method, url, headers, body: withField(good, field, value) })
    expect(response.statusCode).toBe(400)
    const problem = response.json<{ code: string; errors: { pointer: string; code: string; message: string }[] }>()
    expect(problem.code).toBe('invalid_input')
    expect(problem.errors).toContainEqual(expect.objectContaining({ pointer, code }))
    expect(problem.errors.map(({ message }) => message).join()).not.toMatch(/Invalid|expected|undefined|Unrecognized/)
    expect(rig.asked.filter(({ what }) => what !== 'verify')).toHaveLength(before)
  })

  it.each([
    ['a list', [[]]],
    ['text', '"x"'],
    ['a number', '7'],
    ['null', 'null'],
  ])('refuses %s for a body', async (_, body) => {
    if (Array.isArray(body) && url.endsWith('events')) return
    const type = { 'content-type': 'application/json', ...headers }
    const response = await rig.ask({ method, url, headers: type, body: Array.isArray(body) ? '[]' : body })
    const optional = /\/(end|activate|verify|reconcile)$/.test(url) && body === 'null'
    expect(response.statusCode).toBe(optional ? 200 : 400)
  })
})

const badCursors = [
  { list: '/v1/calls?', cursors: ['', 'garbage', '1', '0.1.2', '-1.0', '0.x', '1.5e3', '0.1%20'] },
  { list: '/v1/accounts?', cursors: ['', 'garbage', '3', 'x:acme', '3:', '3:a%2Fb'] },
  { list: '/v1/accounts?parent=platform&', cursors: ['garbage', '3', '3:'] },
  { list: '/v1/accounts/acme/transactions?', cursors: ['', 'garbage', '3-18', '-1', '1.5', 'b5'] },
  { list: '/v1/accounts/acme/payments?', cursors: ['', 'garbage', '-1', 'a5'] },
  { list: '/v1/accounts/acme/receipts?', cursors: ['', 'garbage', '-1', 'a5'] },
  { list: '/v1/accounts/acme/cdrs?', cursors: ['garbage', '3-18'] },
  { list: '/v1/tariffs/retail/versions/2?', cursors: ['garbage', '-1', '1.5'] },
]

describe('queries and paths', () => {
  it.each(badCursors)('refuses a cursor that is none of $list', async ({ list, cursors }) => {
    for (const cursor of cursors) {
      const response = await rig.ask({ url: `${list}cursor=${cursor}` })
      expect(response.statusCode, cursor).toBe(400)
      const errors = [{ pointer: '/cursor', code: 'format', in: 'query' }]
      expect(response.json()).toMatchObject({ code: 'invalid_input', errors })
    }
  })

  it.each([
    ['/v1/calls?limit=0', '/limit', 'range'],
    ['/v1/calls?limit=501', '/limit', 'range'],
    ['/v1/calls?limit=ten', '/limit', 'type'],
    ['/v1/calls?limit=1.5', '/limit', 'type'],
    ['/v1/calls?state=asleep', '/state', 'value'],
    ['/v1/calls?account=a%20b', '/account', 'format'],
    ['/v1/calls?colour=blue', '/colour', 'unknown_field'],
    ['/v1/accounts?parent=a%2Fb', '/parent', 'format'],
    ['/v1/accounts?form=2026-11-23', '/form', 'unknown_field'],
    ['/v1/accounts/acme/transactions?from=yesterday', '/from', 'value'],
    ['/v1/accounts/acme/transactions?to=2026-02-30', '/to', 'value'],
    ['/v1/accounts/acme/cdrs?from=2026-11-31T00:00:00Z', '/from', 'value'],
    ['/v1/accounts/acme/cdrs?from=2026-11-24&to=2026-11-23', '/to', 'value'],
    ['/v1/accounts/acme/cdrs?from=2026-11-23T10:00:00.001Z&to=2026-11-23T10:00:00Z', '/to', 'value'],
    ['/v1/accounts/acme/usage?by=mood', '/by', 'value'],
    ['/v1/accounts/acme/usage?includeDescendants=maybe', '/includeDescendants', 'value'],
    ['/v1/accounts/acme/usage?from=2026-12-01', '/from', 'value'],
    ['/v1/tariffs/retail/versions/2?prefix=44x', '/prefix', 'format'],
    ['/v1/tariffs/retail/versions/2?limit=9999', '/limit', 'range'],
  ])('refuses %s', async (url, pointer, code) => {
    const response = await rig.ask({ url })
    expect(response.statusCode).toBe(400)
    expect(response.json()).toMatchObject({ code: 'invalid_input', errors: [{ pointer, code, in: 'query' }] })
  })

  it.each([
    ['/v1/accounts/a%20b', '/account'],
    [`/v1/accounts/${'x'.repeat(65)}/balance`, '/account'],
    ['/v1/tariffs/retail/versions/zero', '/version'],
    ['/v1/tariffs/retail/versions/0', '/version'],
    ['/v1/tariffs/-x/versions', '/name'],
  ])('refuses %s', async (url, pointer) => {
    const response = await rig.ask({ url })
    expect(response.statusCode).toBe(400)
    expect(response.json()).toMatchObject({ code: 'invalid_input', errors: [{ pointer, in: 'path' }] })
  })
})
