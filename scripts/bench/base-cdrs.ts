/** CDRs of calls that a daemon let in and settled, in its archive: of one account, and of a tree of accounts. */
import type { Daemon } from '../../test/app/bench.ts'
import { until } from '../../test/edges/sip/process.ts'
import { inParallel, KeepAlive } from './keep-alive.ts'

export const ONE = 'one'
export const TREE = 'tree'

const AREAS = 200
const USERS = 50
const CONNECTIONS = 32
const EVENTS_AT_ONCE = 100
const GRANTED_SECONDS = 60
const ARCHIVED_MS = 120_000

export const TARIFF = [
  'name: bench',
  'currency: USD',
  'timezone: UTC',
  'rates:',
  ...Array.from({ length: AREAS }, (_, area) => {
    return `  - { prefix: "44${1000 + area}", destination: "United Kingdom, area ${area}", perMinute: 0.0${11 + (area % 80)}, firstIncrement: 30, nextIncrement: 6 }`
  }),
  '',
].join('\n')

export interface BaseSize {
  /** Of the one account, and as many of the tree. */
  readonly calls: number
  /** With its root, which has a CDR of every call below it. */
  readonly treeAccounts: number
}

interface Call {
  readonly callId: string
  readonly account: string
  readonly user: string
  readonly direction: 'inbound' | 'outbound'
  readonly seconds: number
}

/** A quarter of the calls is inbound and carried by a trunk, the others are paid with credit. */
export async function makeBase(daemon: Daemon, { calls, treeAccounts }: BaseSize): Promise<void> {
  const client = new KeepAlive(() => daemon.url, daemon.key, CONNECTIONS)
  try {
    const below = Array.from({ length: treeAccounts - 1 }, (_, n) => `${TREE}-${n + 1}`)
    await makeAccount(client, ONE)
    await makeAccount(client, TREE)
    await inParallel(below, CONNECTIONS, (account) => makeAccount(client, account, TREE))
    const made = [
      ...Array.from({ length: calls }, (_, n) => callOf(n, ONE)),
      ...Array.from({ length: calls }, (_, n) => callOf(n, below[n % below.length] ?? '')),
    ]
    // What is up at once has room on the trunk.
    for (let from = 0; from < made.length; from += EVENTS_AT_ONCE) {
      await settle(client, made.slice(from, from + EVENTS_AT_ONCE))
    }
    await archived(daemon)
  } finally {
    client.close()
  }
}

async function makeAccount(client: KeepAlive, account: string, parent?: string): Promise<void> {
  const trunks = { inbound: EVENTS_AT_ONCE, outbound: 0, twoWay: 0 }
  const profile = {
    name: account,
    currency: 'USD',
    tariff: 'bench',
    trunks,
    ...(parent === undefined ? {} : { parent }),
  }
  await client.must('PUT', `/v1/accounts/${account}`, profile)
  await client.must('POST', `/v1/accounts/${account}/credits`, { amount: '1000000.00', kind: 'adjustment' })
}

function callOf(n: number, account: string): Call {
  return {
    callId: `${account}-call-${n}@10.0.0.1`,
    account,
    user: `user-${n % USERS}`,
    direction: n % 4 === 0 ? 'inbound' : 'outbound',
    // Few talk longer than was granted, as nobody extends these calls.
    seconds: 1 + ((n * 7_919) % (GRANTED_SECONDS + 1)),
  }
}

async function settle(client: KeepAlive, calls: readonly Call[]): Promise<void> {
  await inParallel(calls, CONNECTIONS, ({ callId, account, user, direction }, n) => {
    const to = `+44${1000 + ((n * 7) % AREAS)}${String(n).padStart(6, '0')}`
    return client.must('POST', '/v1/calls/authorize', { account, callId, user, direction, from: '+12125550100', to })
  })
  const endedMs = Date.now()
  const stops = calls.map(({ callId, account, seconds }) => {
    const answeredAt = new Date(endedMs - seconds * 1_000).toISOString()
    return { type: 'stop', callId, account, answeredAt, endedAt: new Date(endedMs).toISOString(), seconds }
  })
  await client.must('POST', '/v1/calls/events', stops)
}

async function archived(daemon: Daemon): Promise<void> {
  const nothingWaits = async (): Promise<boolean> => {
    const { status, body } = await daemon.ask('GET', '/v1/archive')
    return status === 200 && body['behind'] === 0
  }
  await until('all is archived', nothingWaits, { withinMs: ARCHIVED_MS, everyMs: 200 })
}
