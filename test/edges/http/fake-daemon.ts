/** An HTTP edge on ports that remember what they were asked, and answer what the test wants. */
import type { InjectOptions, LightMyRequestResponse as Response } from 'fastify'
import type { AccountProfile, Pool } from '../../../src/accounts/account.ts'
import type { KeyIdentity, KeyInput, KeyRecord } from '../../../src/accounts/api-keys.ts'
import type { Money, OfficeRefused, PoolPatch, Posted, ProfileInput } from '../../../src/accounts/office.ts'
import { changedPool } from '../../../src/accounts/pools.ts'
import { patchedProfile } from '../../../src/accounts/profile.ts'
import type { CallRecord } from '../../../src/calls/call.ts'
import type { AuthorizeAnswer, CallEvent, EventResult, Quote } from '../../../src/calls/requests.ts'
import type { EventLog } from '../../../src/events/event-stream.ts'
import type { WebhookRefused } from '../../../src/webhooks/desk.ts'
import type { WebhookEndpoint } from '../../../src/webhooks/endpoint.ts'
import type { HttpParts, TariffInput } from '../../../src/edges/http/parts.ts'
import { createHttpServer, type HttpLimits, type HttpServer } from '../../../src/edges/http/server.ts'
import { sipReplies } from '../../../src/edges/http/sip-replies.ts'
import type { ReceiptRefused } from '../../../src/notices/receipt-desk.ts'
import { createLog } from '../../../src/observe/log.ts'
import { Metrics } from '../../../src/observe/metrics.ts'
import { allowed, callRecord, cdrExample, profile } from './examples.ts'
import type { UsageFigures } from '../../../src/usage/usage-row.ts'
import type { ExportRefused } from '../../../src/exports/export-desk.ts'
import { fakeExports } from './fake-exports.ts'
import { fakeRerating } from './fake-rerating.ts'
import { fakeStatements } from './fake-statements.ts'
import { examplePayment, fakePayments, type Till } from './fake-payments.ts'
import { heldToReference } from './reference.ts'

/** 2026-11-23T10:00:00Z */
const NOW_MS = Date.UTC(2026, 10, 23, 10)

export const MASTER_KEY = 'tg_master_0123456789abcdef'

interface Asked {
  readonly what: string
  readonly input: unknown
}

/** Answers of the ports; a test replaces those that it is about. */
export interface Scene extends Till {
  keys: Record<string, KeyIdentity>
  readonly accounts: AccountProfile[]
  readonly calls: CallRecord[]
  authorize: () => Promise<AuthorizeAnswer>
  extend: () => Promise<AuthorizeAnswer | undefined>
  event: (event: CallEvent) => Promise<EventResult>
  quote: () => ReturnType<HttpParts['desk']['quote']>
  posted: Posted | OfficeRefused
  saved: OfficeRefused | undefined
  resent: ReceiptRefused | undefined
  poolIsNew: boolean
  exportRefused: ExportRefused | undefined
  exportPath: string
  ready: boolean
  started: boolean
  draining: boolean
  webhooks: readonly WebhookEndpoint[]
  webhookRefused: WebhookRefused | undefined
  readonly events: EventLog
  added: Awaited<ReturnType<HttpParts['tariffs']['addVersion']>> | undefined
}

export interface Rig {
  readonly server: HttpServer
  readonly scene: Scene
  /** What the ports were asked, in order. */
  readonly asked: Asked[]
  readonly lines: Record<string, unknown>[]
  readonly metrics: Metrics
  readonly bugs: Error[]
  ask(request: Ask): Promise<Response>
  /** What one port was asked. */
  inputs(what: string): unknown[]
}

export interface Ask {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: string
  readonly body?: unknown
  readonly headers?: Record<string, string>
  /** Undefined sends none. */
  readonly key?: string | undefined
}

const chain = ['acme', 'reseller', 'platform'] as const

/** platform → reseller → acme; and other, whose parent is platform too. */
function someAccounts(): AccountProfile[] {
  return [
    profile('platform'),
    profile('reseller', { parent: 'platform', root: 'platform' }),
    profile('acme', { parent: 'reseller', root: 'platform', timezone: 'America/New_York' }),
    profile('other', { parent: 'platform', root: 'platform' }),
  ]
}

const quoted: Quote = {
  kind: 'quoted',
  price: 20_000n,
  currency: 'USD',
  billedSeconds: 60,
  maxSeconds: 540,
  funding: [{ source: 'credit', seconds: 60, amount: 20_000n }],
}

const figures: UsageFigures = {
  calls: 2,
  seconds: 90,
  billedSeconds: 120,
  poolSeconds: 60,
  trunkSeconds: 0,
  overrunSeconds: 0,
  overruns: 0,
  charge: 40_000n,
}

const posted: Posted = {
  kind: 'posted',
  replayed: false,
  entry: '3-17',
  amount: 12_500_000n,
  balance: 13_000_000n,
  currency: 'USD',
}

export async function openRig(change: Partial<Scene> = {}, limits?: HttpLimits): Promise<Rig> {
  const asked: Asked[] = []
  const lines: Record<string, unknown>[] = []
  const bugs: Error[] = []
  const metrics = new Metrics()
  const scene: Scene = {
    keys: { [MASTER_KEY]: { id: 'master', scopes: ['*'] } },
    accounts: someAccounts(),
    calls: [callRecord()],
    authorize: async () => allowed,
    extend: async () => allowed,
    event: async ({ leg }) => ({ call: callRecord().call, callId: leg.callId, state: 'answered', ignored: false }),
    quote: async () => quoted,
    posted,
    saved: undefined,
    resent: undefined,
    poolIsNew: true,
    exportRefused: undefined,
    exportPath: '',
    ready: true,
    started: true,
    draining: false,
    added: undefined,
    webhooks: [webhook(), webhook({ id: 'wh2', account: 'acme' })],
    webhookRefused: undefined,
    events: { append: async () => undefined, after: async () => [], newest: async () => '0-0' },
    payment: examplePayment,
    refusal: undefined,
    ...change,
  }
  const note = (what: string, input: unknown): void => {
    asked.push({ what, input })
  }
  const log = createLog({
    level: 'debug',
    to: { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) },
  })
  const parts: HttpParts = {
    desk: fakeDesk(scene, note),
    office: fakeOffice(scene, note),
    receipts: fakeReceipts(scene, note),
    tariffs: fakeTariffs(scene, note),
    exports: fakeExports(scene, note),
    rerating: fakeRerating(note),
    statements: fakeStatements(note),
    usage: {
      summary: async (account, query) => {
        note('usage', { account, ...query })
        return [{ key: '2026-11-23', ...figures, currency: 'USD' }]
      },
      cdrs: async (account, request) => {
        note('cdrs', { account, ...request })
        return { items: ['{"call":"A","account":"acme","charge":"0.020000"}', '{"call":"B","account":"acme"}'] }
      },
      transactions: async (account, request) => {
        note('transactions', { account, ...request })
        const amounts = { amount: -20_000n, balanceAfter: 12_480_000n }
        const words = { what: 'settle', why: 'call', call: callRecord().call, operation: 'op', externalId: 'x' }
        return { items: [{ id: '3-18', atMs: NOW_MS, ...words, ...amounts, poolSeconds: -60 }], nextCursor: '3-18' }
      },
      changes: async (account, query) => {
        note('changes', { account, ...query })
        return { items: [{ kind: 'call', cdr: cdrExample(), adds: figures }], cursor: '17.1', more: false }
      },
    },
    payments: fakePayments(scene, note),
    keys: fakeKeys(scene, note),
    jobs: fakeJobs(note),
    webhooks: fakeWebhooks(scene, note),
    events: { log: scene.events, mostStreams: () => 2, listenToCalls: async () => note('listenToCalls', undefined) },
    audit: {
      verify: async () => ({ ok: true, entries: 12, checkpointed: 5, accounts: 3, partitions: 64, problems: [] }),
    },
    archive: {
      status: async () => ({ kind: 'embedded', entries: 12, behind: 0, cdrs: 4, accounts: 3, lost: 0 }),
      verify: async () => ({ ok: true, entries: 12, checkpointed: 5, accounts: 3, partitions: 64, problems: [] }),
    },
    health: {
      ready: async () => ({ ready: scene.ready, detail: { store: scene.ready ? 'ok' : 'away' } }),
      started: () => scene.started,
      draining: () => scene.draining,
    },
    metrics,
    clock: { nowMs: () => NOW_MS },
    log,
    replies: (code) => sipReplies[code],
    bug: (error) => bugs.push(error),
  }
  const server = await createHttpServer(parts, limits)
  const ask = async (request: Ask): Promise<Response> => {
    const response = await server.inject(injection(request))
    heldToReference(server, { method: request.method ?? 'GET', url: request.url, response })
    return response
  }
  const inputs = (what: string): unknown[] => asked.filter((each) => each.what === what).map(({ input }) => input)
  return { server, scene, asked, lines, metrics, bugs, ask, inputs }
}

function injection({ method = 'GET', url, body, headers = {}, ...rest }: Ask): InjectOptions {
  const key = 'key' in rest ? rest.key : MASTER_KEY
  return {
    method,
    url,
    headers: { ...(key === undefined ? {} : { authorization: `Bearer ${key}` }), ...headers },
    ...(body === undefined ? {} : { payload: body as NonNullable<InjectOptions['payload']> }),
  }
}

type Note = (what: string, input: unknown) => void

function fakeDesk(scene: Scene, note: Note): HttpParts['desk'] {
  const find = (call: string): CallRecord | undefined => scene.calls.find((record) => record.call === call)
  return {
    authorize: async (request) => {
      note('authorize', request)
      return scene.authorize()
    },
    extend: async (request) => {
      note('extend', request)
      return scene.extend()
    },
    event: async (event) => {
      note('event', event)
      return scene.event(event)
    },
    edgeEvent: async (event) => {
      note('edgeEvent', event)
      return { state: 'noted', ignored: false }
    },
    quote: async (request) => {
      note('quote', request)
      return scene.quote()
    },
    end: async (call, reason) => {
      note('end', { call, reason })
      const record = find(call)
      return record && { ...record, state: 'ending', endingReason: reason ?? 'operator' }
    },
    find: async (call) => {
      const record = find(call)
      const levels = chain.map((account) => ({ account, cost: `what ${account} pays` }))
      return (
        record && { record, explanation: { levels, history: [{ at: '2026-11-23T10:00:00.000Z', what: 'authorized' }] } }
      )
    },
    list: async (filter) => {
      note('list', filter)
      return { items: scene.calls, nextCursor: '0.1' }
    },
    payerOf: async ({ callId }) => scene.calls.find(({ leg }) => leg.callId === callId)?.account,
  }
}

function fakeReceipts(scene: Scene, note: Note): HttpParts['receipts'] {
  const paid = {
    receipt: 'acme-7',
    payment: '3-p1',
    account: 'acme',
    kind: 'bundle',
    amount: 25_000_000n,
    currency: 'USD',
    card: 'visa 4242',
    buyer: 'buyer@example.com',
    paidAtMs: NOW_MS,
  } as const
  return {
    async list(account, page) {
      note('receipts', { account, ...page })
      return { items: [paid], nextCursor: '1' }
    },
    async find(_account, receipt) {
      return receipt === paid.receipt ? paid : undefined
    },
    async resend(resend) {
      note('resend', resend)
      return scene.resent ?? { kind: 'resent', to: [resend.to ?? paid.buyer] }
    },
  }
}

function fakeOffice(scene: Scene, note: Note): HttpParts['office'] {
  const get = (id: string): AccountProfile | undefined => scene.accounts.find((account) => account.id === id)
  const levelsOf = (id: string): AccountProfile[] => {
    const found = get(id)
    return found ? [found, ...(found.parent === undefined ? [] : levelsOf(found.parent))] : []
  }
  const unknown: OfficeRefused = { kind: 'refused', code: 'account_unknown', detail: 'there is no such account' }
  const pool = (id: string, input: PoolPatch): Pool =>
    changedPool({ ...examplePool, id }, input, { profile: profile('acme'), defaults: examplePool, nowMs: NOW_MS })
  return {
    chainOf: async (account) => (get(account) ? { partition: 3, levels: levelsOf(account) } : undefined),
    forget: () => undefined,
    get: async (account) => get(account),
    list: async (filter) => {
      note('accounts', filter)
      const items =
        filter.parent === undefined ? scene.accounts : scene.accounts.filter(({ parent }) => parent === filter.parent)
      return { items: items.slice(0, filter.limit), nextCursor: 'next' }
    },
    put: async (account, input: ProfileInput) => {
      note('put', { account, ...input })
      const known = get(account)
      return scene.saved ?? { kind: 'saved', created: !known, profile: profile(account, input) }
    },
    patch: async (account, input) => {
      note('patch', { account, ...input })
      const known = get(account)
      if (scene.saved) return scene.saved
      return known ? { kind: 'saved', created: false, profile: patchedProfile(known, input, NOW_MS) } : unknown
    },
    balance: async (account) => (get(account) ? exampleBalance : undefined),
    credit: async (money: Money) => {
      note('credit', money)
      return get(money.account) ? scene.posted : unknown
    },
    debit: async (money: Money) => {
      note('debit', money)
      return get(money.account) ? scene.posted : unknown
    },
    addPool: async (account, input, operation) => {
      note('addPool', { account, input, operation })
      const known = get(account)
      const made = pool(input.id ?? 'made', input)
      return scene.saved ?? (known ? { kind: 'saved', created: scene.poolIsNew, profile: known, pool: made } : unknown)
    },
    patchPool: async (account, id, input) => {
      note('patchPool', { account, id, input })
      return scene.saved ?? { kind: 'saved', created: false, profile: profile(account), pool: pool(id, input) }
    },
    transactions: async () => ({ items: [] }),
    cdrs: async () => ({ items: [] }),
    stopBundles: async (account) =>
      get(account) ? { kind: 'saved', created: false, profile: profile(account) } : unknown,
    turnCycles: async () => undefined,
  }
}

function fakeJobs(note: Note): HttpParts['jobs'] {
  const about = { event: '3-17-0', type: 'balance.low', account: 'acme' }
  return {
    queues: ['webhooks'],
    list: async (filter) => {
      note('jobs', filter)
      const job = { queue: 'webhooks', id: 'wh1-3-17-0', state: filter.state, attempts: 11, addedAtMs: NOW_MS, about }
      return { items: [{ ...job, endedAtMs: NOW_MS, reason: 'it answered 500' }], nextCursor: '0.1' }
    },
    retry: async (queue, id) => {
      note('retryJob', { queue, id })
      return id === 'wh1-3-17-0'
    },
  }
}

function fakeWebhooks(scene: Scene, note: Note): HttpParts['webhooks'] {
  const find = (id: string): WebhookEndpoint | undefined => scene.webhooks.find((endpoint) => endpoint.id === id)
  const keyed = (endpoint: WebhookEndpoint) => ({ kind: 'keyed' as const, endpoint, secret: 'whsec_bmV3' })
  return {
    list: async () => scene.webhooks,
    find: async (id) => find(id),
    add: async (input) => {
      note('addWebhook', input)
      return scene.webhookRefused ?? keyed(webhook({ id: 'new', ...input }))
    },
    change: async (id, { disabled, ...change }) => {
      note('changeWebhook', { id, disabled, ...change })
      const known = find(id)
      const off = disabled ? { disabled: { reason: 'operator' as const, atMs: NOW_MS } } : {}
      return scene.webhookRefused ?? (known && { ...known, ...change, ...off })
    },
    remove: async (id) => {
      note('removeWebhook', id)
      return find(id) !== undefined
    },
    rotate: async (id, oldSeconds) => {
      note('rotateWebhook', { id, oldSeconds })
      const known = find(id)
      return known && keyed(known)
    },
    test: async (id) => {
      note('testWebhook', id)
      return find(id) && { kind: 'answered', status: 204, tookMs: 7 }
    },
    deliveries: async (id, page) => {
      note('deliveries', { id, ...page })
      const delivery = { event: '3-17-0', type: 'balance.low', atMs: NOW_MS, attempt: 1, tookMs: 7 }
      return { items: [{ ...delivery, outcome: 'failed', status: 500 }], nextCursor: '1-0' }
    },
    replay: async (id, sinceMs) => {
      note('replay', { id, sinceMs })
      return find(id) && 3
    },
  }
}

function webhook(change: Partial<WebhookEndpoint> = {}): WebhookEndpoint {
  const secrets = [{ secret: 'whsec_c2VjcmV0' }, { secret: 'whsec_b2xk', untilMs: NOW_MS }]
  return { id: 'wh1', url: 'https://example.com/hook', types: [], secrets, createdAtMs: NOW_MS, ...change }
}

const examplePool: Pool = {
  id: 'made',
  name: 'Plan minutes',
  seconds: 18_000,
  priority: 100,
  resets: 'cycle',
  cycle: 1,
  resetsAtMs: Date.UTC(2026, 11, 1),
  directions: ['outbound'],
  prefixes: [],
  freeSeconds: 30,
  increment: 60,
  onExhausted: 'finish_call',
  createdAtMs: NOW_MS,
}

const exampleBalance = {
  currency: 'USD',
  credit: 13_000_000n,
  reserved: 20_000n,
  available: 12_980_000n,
  creditLimit: 0n,
  pools: [{ pool: examplePool, total: 18_000, remaining: 17_400, reserved: 60 }],
  trunks: { inbound: { limit: 1, used: 0 }, outbound: { limit: 2, used: 1 }, twoWay: { limit: 0, used: 0 } },
  calls: 1,
}

function fakeTariffs(scene: Scene, note: Note): HttpParts['tariffs'] {
  const rate = { prefix: '44', perMinute: '0.0125', direction: 'both' as const }
  const summary = { version: 2, rates: 1, sha256: 'ab'.repeat(32), currency: 'USD', createdAtMs: NOW_MS }
  const version = { ...summary, activations: [{ version: 2, fromMs: NOW_MS }] }
  return {
    addVersion: async (name, input: TariffInput) => {
      note('addVersion', { name, ...input })
      return scene.added ?? { kind: 'added', name, version: 2, rates: input.rates.length, sha256: summary.sha256 }
    },
    activate: async (name, number, atMs) => {
      note('activate', { name, number, atMs })
      return name === 'retail' ? { version: number, fromMs: atMs ?? NOW_MS } : undefined
    },
    list: async () => [{ name: 'retail', currency: 'USD', versions: 2, active: 2 }],
    versions: async (name) => (name === 'retail' ? [version] : undefined),
    show: async (query) => {
      note('show', query)
      if (query.name !== 'retail') return undefined
      const rounding = { decimals: 6, mode: 'half_up' as const }
      return { ...version, timezone: 'UTC', rounding, items: [rate], nextCursor: '1' }
    },
    rates: async (name, number) => {
      const parts = (async function* () {
        yield [rate]
        yield [{ ...rate, prefix: '33', perMinute: '', blocked: true }]
      })()
      return name === 'retail'
        ? { head: { name, version: number, currency: 'USD', timezone: 'UTC' }, parts }
        : undefined
    },
  }
}

function fakeKeys(scene: Scene, note: Note): HttpParts['keys'] {
  return {
    verify: async (text) => {
      note('verify', text)
      return scene.keys[text]
    },
    create: async (input: KeyInput) => {
      note('createKey', input)
      const record: KeyRecord = { ...input, id: 'new1', createdAtMs: NOW_MS }
      return { text: 'tg_new1_abcdefabcdef', record }
    },
    revoke: async (id) => {
      note('revoke', id)
      return Object.values(scene.keys).some((key) => key.id === id)
    },
    list: async () => Object.values(scene.keys).map((key) => ({ ...key, createdAtMs: NOW_MS })),
  }
}
