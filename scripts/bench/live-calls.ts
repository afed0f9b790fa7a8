/**
 * Ten thousand answered calls on one daemon and one Redis: what each costs in memory, and how late each is cut when its
 * money ends. The edge is told to end a call by a webhook; lateness is when that comes, against the instant it was due.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Daemon } from '../../test/app/bench.ts'
import { until } from '../../test/edges/sip/process.ts'
import { AT_ONCE, answerAll, authorizeAll, type Caller, callersOf, openAccounts, Outbox, tell } from './calls.ts'
import { percentile, redisBytes, residentBytes, round } from './figures.ts'
import { type Ground, onGround } from './ground.ts'
import { KeepAlive } from './keep-alive.ts'
import type { BenchContext, Row, Section } from './section.ts'
import { EDGE, WebhookEdge } from './webhook-edge.ts'

export interface LiveCallsSize {
  readonly calls: number
  readonly accounts: number
  /** What each call's money pays. */
  readonly talkSeconds: number
  /** The calls are answered, and so cut, over this long. */
  readonly spreadSeconds: number
  /** Memory is the least of this long. */
  readonly settleSeconds: number
}

const USUAL: LiveCallsSize = { calls: 10_000, accounts: 1_000, talkSeconds: 36, spreadSeconds: 20, settleSeconds: 3 }

/** The daemon's own default. */
const GUARD_MS = 500
const BOUND_MS = 1_000
const PATIENCE_MS = 60_000

export async function liveCalls(context: BenchContext): Promise<Section> {
  return await measureLiveCalls(context, USUAL)
}

export async function measureLiveCalls(context: BenchContext, size: LiveCallsSize): Promise<Section> {
  const outbox: { put?: (event: unknown) => void } = {}
  const edge = await WebhookEdge.open(({ what, callId }) => {
    if (what !== 'end') return
    edge.calls.delete(callId)
    outbox.put?.({ type: 'stop', node: EDGE, callId, seconds: size.talkSeconds, cause: 'max_duration' })
  })
  try {
    const ahead = Math.min(10, Math.max(1, Math.floor(size.talkSeconds / 4)))
    const settings = [
      'defaults: { tariff: bench, currency: USD, timezone: UTC }',
      `calls: { sliceSeconds: ${size.talkSeconds}, extendAheadSeconds: ${ahead}, guardMs: ${GUARD_MS} }`,
      edge.setting,
      'log: { decisions: false }',
      '',
    ]
    return await onGround(settings.join('\n'), (ground) => measureOn(ground, { context, size, edge, outbox }))
  } finally {
    await edge.close()
  }
}

interface Measuring {
  readonly context: BenchContext
  readonly size: LiveCallsSize
  readonly edge: WebhookEdge
  readonly outbox: { put?: (event: unknown) => void }
}

interface Memory {
  readonly daemon: number
  readonly redis: number
}

async function measureOn(ground: Ground, { context, size, edge, outbox }: Measuring): Promise<Section> {
  const daemon = await ground.daemon()
  const client = new KeepAlive(() => daemon.url, daemon.key, AT_ONCE)
  ground.atEnd(async () => client.close())
  context.say(`opening ${size.accounts} accounts`)
  const credit = (size.talkSeconds * size.calls) / size.accounts
  const accounts = await openAccounts(client, 'payer', { accounts: size.accounts, credit })
  await warmUp(client, size, accounts)
  const idle = await memory(daemon, ground, size)

  const callers = callersOf('call', size.calls, accounts)
  context.say(`letting in ${size.calls} calls`)
  await authorizeAll(client, callers)
  const stops = new Outbox(client)
  ground.atEnd(() => stops.close())
  outbox.put = (event) => stops.put(event)
  context.say(`answering them over ${size.spreadSeconds} s`)
  await answerAll(client, callers, { overSeconds: size.spreadSeconds, hasCall: (id) => edge.calls.add(id) })
  const live = await memory(daemon, ground, size)
  const up = edge.calls.size
  context.say(`${up} calls are up; each is cut when its money ends`)
  await until('every call was cut and is over', () => stops.told >= size.calls, {
    withinMs: size.talkSeconds * 1_000 + PATIENCE_MS,
    everyMs: 100,
    explain: () => `${edge.calls.size} calls are up, ${stops.told} stops were told\n${daemon.output.slice(-4_000)}`,
  })
  const after = await memory(daemon, ground, size)
  return section(size, { up, late: lateness(callers, edge), rows: memoryRows(size, { idle, live, after }) })
}

/** As many decisions as there will be calls, so that what a busy daemon keeps anyway is not taken for the calls'. */
async function warmUp(client: KeepAlive, size: LiveCallsSize, accounts: readonly string[]): Promise<void> {
  const callers = callersOf('warm', Math.ceil(size.calls / 2), accounts)
  await authorizeAll(client, callers)
  await tell(
    client,
    callers.map(({ callId }) => ({ type: 'failed', node: EDGE, callId, cause: 'busy' })),
  )
}

/** The least of some seconds, as garbage comes and goes. */
async function memory(daemon: Daemon, { redis }: Ground, { settleSeconds }: LiveCallsSize): Promise<Memory> {
  let least = Infinity
  for (let waited = 0; waited <= settleSeconds * 1_000; waited += 250) {
    least = Math.min(least, await residentBytes(daemon.pid))
    await pause(250)
  }
  return { daemon: least, redis: await redisBytes(redis.url) }
}

/** How late each call was first told to end, in ms. */
function lateness(callers: readonly Caller[], edge: WebhookEdge): readonly number[] {
  const told = new Map<string, number>()
  for (const { what, callId, atMs } of edge.wishes) {
    if (what === 'end' && !told.has(callId)) told.set(callId, atMs)
  }
  return callers.map(({ callId, answeredAtMs, grantedSeconds }) => {
    const atMs = told.get(callId)
    if (atMs === undefined) throw new Error(`${callId} was never cut`)
    return atMs - (answeredAtMs + grantedSeconds * 1_000 - GUARD_MS)
  })
}

function memoryRows(size: LiveCallsSize, { idle, live, after }: Record<'idle' | 'live' | 'after', Memory>): Row[] {
  const each = (from: number, to: number): number => round((to - from) / size.calls / 1024)
  return [
    { name: 'daemon, without calls', value: round(idle.daemon / 2 ** 20, 1), unit: 'MB' },
    { name: `daemon, with ${size.calls} live calls`, value: round(live.daemon / 2 ** 20, 1), unit: 'MB' },
    { name: 'daemon, for each live call', value: each(idle.daemon, live.daemon), unit: 'kB' },
    { name: 'Redis, for each live call', value: each(idle.redis, live.redis), unit: 'kB' },
    { name: 'Redis, kept of each call that is over', value: each(idle.redis, after.redis), unit: 'kB' },
  ]
}

function section(
  size: LiveCallsSize,
  { up, late, rows }: { readonly up: number; readonly late: readonly number[]; readonly rows: readonly Row[] },
): Section {
  const p99 = percentile(late, 99)
  return {
    title: `${size.calls} live calls`,
    command: 'npm run bench -- live-calls',
    rows: [
      { name: 'calls up at once', value: up, unit: 'calls' },
      { name: 'calls cut a second', value: round(size.calls / size.spreadSeconds, 0), unit: 'calls/s' },
      { name: 'cut, late by: p50', value: percentile(late, 50), unit: 'ms' },
      { name: 'cut, late by: p99', value: p99, unit: 'ms' },
      { name: 'cut, late by: most', value: Math.max(...late), unit: 'ms' },
      { name: 'cut, earliest', value: Math.min(...late), unit: 'ms' },
      ...rows,
    ],
    bars: [{ name: 'lateness of cuts, p99, of one second', ratio: round(p99 / BOUND_MS, 3), atMost: 1 }],
    notes: [
      `Late is when the edge's request to end a call arrives, against the instant the money ends less the guard of ${GUARD_MS} ms: a call that is cut less than ${GUARD_MS} ms late has talked no second that was not paid.`,
      'A cut is a look at the record, a last try to reserve more, the mark that the call is ending, and the request to its edge; each edge then tells the stop, which is settled. All of that is under way at the same time, with the daemon, Redis and the edges of this bench on one machine.',
      'Memory is what the process holds (RSS), the least of three seconds, and used_memory of Redis; a live call there is its record, its leg, its place in the due index and the entry of its reservation in the journal.',
    ],
  }
}
