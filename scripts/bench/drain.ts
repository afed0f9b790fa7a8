/**
 * SIGTERM for a daemon that has ten thousand live calls and requests under way: how long until it has ended, whether any
 * request is left without an answer, and whether the other daemon goes on with every call.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { type Daemon, LONDON } from '../../test/app/bench.ts'
import { until } from '../../test/edges/sip/process.ts'
import { AT_ONCE, answerAll, authorizeAll, type Caller, callersOf, openAccounts } from './calls.ts'
import { round } from './figures.ts'
import { type Ground, onGround } from './ground.ts'
import { KeepAlive } from './keep-alive.ts'
import type { BenchContext, Section } from './section.ts'
import { EDGE, WebhookEdge } from './webhook-edge.ts'

export interface DrainSize {
  readonly calls: number
  readonly accounts: number
  readonly sliceSeconds: number
  readonly aheadSeconds: number
  /** The calls are answered over this long; it ends before the first of them is extended. */
  readonly spreadSeconds: number
}

const USUAL: DrainSize = { calls: 10_000, accounts: 200, sliceSeconds: 40, aheadSeconds: 10, spreadSeconds: 15 }

const STATED_MS = 5_000
/** What the daemon is under when it is told to end. */
const LOAD_MS = 1_000
const PATIENCE_MS = 30_000
const PAGE = 500

export async function drain(context: BenchContext): Promise<Section> {
  return await measureDrain(context, USUAL)
}

export async function measureDrain(context: BenchContext, size: DrainSize): Promise<Section> {
  const edge = await WebhookEdge.open()
  const settings = [
    'defaults: { tariff: bench, currency: USD, timezone: UTC }',
    `calls: { sliceSeconds: ${size.sliceSeconds}, extendAheadSeconds: ${size.aheadSeconds}, unattendedSeconds: 60 }`,
    edge.setting,
    'log: { decisions: false }',
    '',
  ]
  try {
    return await onGround(settings.join('\n'), (ground) => measureOn(ground, { context, size, edge }))
  } finally {
    await edge.close()
  }
}

interface Measuring {
  readonly context: BenchContext
  readonly size: DrainSize
  readonly edge: WebhookEdge
}

async function measureOn(ground: Ground, { context, size, edge }: Measuring): Promise<Section> {
  const [drained, other] = await Promise.all([ground.daemon(), ground.daemon()])
  const client = new KeepAlive(() => drained.url, drained.key, AT_ONCE)
  const after = new KeepAlive(() => other.url, other.key, AT_ONCE)
  ground.atEnd(async () => after.close())
  ground.atEnd(async () => client.close())
  const credit = 10_000 * Math.ceil(size.calls / size.accounts)
  const accounts = await openAccounts(client, 'payer', { accounts: size.accounts, credit })
  const callers = callersOf('call', size.calls, accounts)
  context.say(`letting in ${size.calls} calls`)
  await authorizeAll(client, callers)
  await answerAll(client, callers, { overSeconds: size.spreadSeconds, hasCall: (id) => edge.calls.add(id) })

  const load = new Load({ drained, other, account: accounts[0] ?? '' })
  await pause(LOAD_MS)
  context.say('telling the daemon to end')
  const toldMs = Date.now()
  const code = await drained.stop()
  const tookMs = Date.now() - toldMs
  await load.stop()
  if (code !== 0) throw new Error(`the daemon ended with ${code}: ${drained.output.slice(-2_000)}`)
  const live = await liveCalls(after)
  context.say(`${live} calls are live; the other daemon extends them`)
  const heard = () => new Map(edge.wishes.toReversed().map(({ callId, atMs }) => [callId, atMs]))
  await until('every call was extended', () => heard().size >= size.calls, {
    withinMs: size.sliceSeconds * 1_000 + PATIENCE_MS,
    everyMs: 200,
    explain: () => `${heard().size} of ${size.calls} were`,
  })
  return section(size, { tookMs, live, load, spareMs: spare(callers, heard()) })
}

/** How long before its slice ended each call had its next one, in ms. */
function spare(callers: readonly Caller[], heard: ReadonlyMap<string, number>): readonly number[] {
  return callers.map(({ callId, answeredAtMs, grantedSeconds }) => {
    return answeredAtMs + grantedSeconds * 1_000 - (heard.get(callId) ?? Infinity)
  })
}

/** Answered calls in the store, as any daemon lists them. */
async function liveCalls(client: KeepAlive): Promise<number> {
  let live = 0
  for (let cursor = ''; ;) {
    const page = await client.must('GET', `/v1/calls?state=answered&limit=${PAGE}${cursor}`)
    live += (page['items'] as readonly unknown[]).length
    const next = page['nextCursor']
    if (typeof next !== 'string') return live
    cursor = `&cursor=${encodeURIComponent(next)}`
  }
}

interface LoadParts {
  readonly drained: Daemon
  readonly other: Daemon
  readonly account: string
}

/** An edge with two daemons: it asks the first, and the second once the first lets nobody in or says that it ends. */
class Load {
  answered = 0
  /** Requests that were sent to the daemon and got no answer. */
  lost = 0
  slowestMs = 0
  readonly #parts: LoadParts
  readonly #client: KeepAlive
  readonly #working: readonly Promise<void>[]
  #going = true
  #calls = 0

  constructor(parts: LoadParts) {
    this.#parts = parts
    this.#client = new KeepAlive(() => parts.drained.url, parts.drained.key, AT_ONCE)
    this.#working = Array.from({ length: AT_ONCE }, () => this.#work())
  }

  async stop(): Promise<void> {
    this.#going = false
    await Promise.all(this.#working)
    this.#client.close()
  }

  async #work(): Promise<void> {
    while (this.#going) {
      const callId = `load-${(this.#calls += 1)}`
      const { account } = this.#parts
      const asked = { node: EDGE, account, callId, direction: 'outbound', from: '+12125550100', to: LONDON }
      if (!(await this.#send('/v1/calls/authorize', asked))) return
      if (!(await this.#send('/v1/calls/events', { type: 'failed', node: EDGE, callId }))) return
    }
  }

  /** False when the daemon lets nobody in any more. */
  async #send(path: string, body: unknown): Promise<boolean> {
    const sentMs = performance.now()
    try {
      await this.#client.must('POST', path, body)
      this.answered += 1
      this.slowestMs = Math.max(this.slowestMs, performance.now() - sentMs)
      return true
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED') return false
      this.lost += 1
      return false
    }
  }
}

interface Seen {
  readonly tookMs: number
  readonly live: number
  readonly load: Load
  readonly spareMs: readonly number[]
}

function section(size: DrainSize, { tookMs, live, load, spareMs }: Seen): Section {
  const inTime = spareMs.filter((ms) => ms > 0).length
  return {
    title: `Drain of a daemon with ${size.calls} live calls`,
    command: 'npm run bench -- drain',
    rows: [
      { name: 'SIGTERM to exit', value: tookMs, unit: 'ms' },
      { name: 'requests answered around it', value: load.answered, unit: 'requests' },
      { name: 'slowest of them', value: round(load.slowestMs, 0), unit: 'ms' },
      { name: 'requests left without an answer', value: load.lost, unit: 'requests' },
      { name: 'calls live afterwards', value: live, unit: 'calls' },
      {
        name: 'next slice by the other daemon, before the last one ended: least',
        value: Math.min(...spareMs),
        unit: 'ms',
      },
    ],
    bars: [
      { name: `SIGTERM to exit, of the stated ${STATED_MS} ms`, ratio: round(tookMs / STATED_MS, 3), atMost: 1 },
      { name: 'requests without an answer, of those sent', ratio: load.lost / (load.answered + load.lost), atMost: 0 },
      { name: 'calls extended in time by the other daemon, of all', ratio: inTime / size.calls, atLeast: 1 },
      { name: 'calls that lived on, of those that were live', ratio: live / size.calls, atLeast: 1 },
    ],
    notes: [
      `${AT_ONCE} connections send one request after the other while the daemon is told to end. A request counts as answered also when the answer closes the connection; one that finds the port closed was never sent.`,
      'Two daemons run on one Redis; the calls were let in and answered by the one that ends, and are extended by the other in their time.',
    ],
  }
}
