/**
 * A daemon is killed (kill -9) in the middle of its work, as calls are extended and cut: how late the other one is with
 * what was due. Whatever the killed one had claimed is due again when its claim is over.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Daemon } from '../../test/app/bench.ts'
import { until } from '../../test/edges/sip/process.ts'
import { AT_ONCE, answerAll, authorizeAll, type Caller, callersOf, openAccounts, Outbox } from './calls.ts'
import { round } from './figures.ts'
import { type Ground, onGround } from './ground.ts'
import { KeepAlive } from './keep-alive.ts'
import type { BenchContext, Section } from './section.ts'
import { EDGE, WebhookEdge, type Wish } from './webhook-edge.ts'

export interface TakeoverSize {
  /** Calls of a round: one half is extended, the other is cut. */
  readonly calls: number
  readonly rounds: number
}

const USUAL: TakeoverSize = { calls: 800, rounds: 4 }

/** A claim is over after 3 s; the next tick and the work itself are not to take longer than a cut may be late. */
const STATED_MS = 4_000
/** Later than a daemon ever is that lives. */
const TAKEN_OVER_MS = 1_000
const SLICE_SECONDS = 12
const AHEAD_SECONDS = 5
const GUARD_MS = 500
/** Cut half a second before the others are extended. */
const POOR_SECONDS = 7
const CALLS_OF_AN_ACCOUNT = 10
const ROUND_MS = 20_000

interface Due {
  readonly what: Wish['what']
  readonly atMs: number
}

interface Late {
  readonly what: Wish['what']
  readonly ms: number
}

export async function takeover(context: BenchContext): Promise<Section> {
  return await measureTakeover(context, USUAL)
}

export async function measureTakeover(context: BenchContext, size: TakeoverSize): Promise<Section> {
  const hearing: { heard?: (wish: Wish) => void } = {}
  const edge = await WebhookEdge.open((wish) => hearing.heard?.(wish))
  const settings = [
    'defaults: { tariff: bench, currency: USD, timezone: UTC }',
    `calls: { sliceSeconds: ${SLICE_SECONDS}, extendAheadSeconds: ${AHEAD_SECONDS}, guardMs: ${GUARD_MS}, unattendedSeconds: 30 }`,
    edge.setting,
    'log: { decisions: false }',
    '',
  ]
  try {
    return await onGround(settings.join('\n'), async (ground) => {
      const survivor = await ground.daemon()
      const client = new KeepAlive(() => survivor.url, survivor.key, AT_ONCE)
      ground.atEnd(async () => client.close())
      const late: Late[] = []
      for (let number = 1; number <= size.rounds; number += 1) {
        const killed = await ground.daemon()
        context.say(`round ${number} of ${size.rounds}: a daemon is killed in the middle of its work`)
        late.push(...(await oneRound({ ground, client, edge, killed, hearing, size, number })))
      }
      return section(size, late)
    })
  } finally {
    await edge.close()
  }
}

interface Round {
  readonly ground: Ground
  readonly client: KeepAlive
  readonly edge: WebhookEdge
  readonly killed: Daemon
  readonly hearing: { heard?: (wish: Wish) => void }
  readonly size: TakeoverSize
  readonly number: number
}

/** How late each of the round's calls was extended or cut. */
async function oneRound({ client, edge, killed, hearing, size, number }: Round): Promise<readonly Late[]> {
  const half = Math.ceil(size.calls / 2)
  const accounts = Math.ceil(half / CALLS_OF_AN_ACCOUNT)
  const credit = { poor: POOR_SECONDS * CALLS_OF_AN_ACCOUNT, rich: 1_000 * CALLS_OF_AN_ACCOUNT }
  const poor = await openAccounts(client, `poor-${number}`, { accounts, credit: credit.poor })
  const rich = await openAccounts(client, `rich-${number}`, { accounts, credit: credit.rich })
  const cut = callersOf(`cut-${number}`, half, poor)
  const extended = callersOf(`extended-${number}`, half, rich)
  await authorizeAll(client, cut, POOR_SECONDS)
  await authorizeAll(client, extended)
  const callers = [...cut, ...extended]
  const came = new Map<string, number>()
  // Each round kills at another point of the work.
  const killAt = Math.max(1, Math.floor((callers.length * number) / (size.rounds + 1)))
  hearing.heard = ({ callId, atMs }) => {
    if (!came.has(callId)) came.set(callId, atMs)
    if (came.size === killAt) killed.signal('SIGKILL')
  }
  const stops = new Outbox(client)
  try {
    await answerAll(client, callers, { overSeconds: 0, hasCall: (id) => edge.calls.add(id) })
    await until('every call was cut', () => cut.every(({ callId }) => came.has(callId)), { withinMs: ROUND_MS })
    for (const caller of extended) came.set(caller.callId, await extendedAtMs(client, caller, came.get(caller.callId)))
    for (const { callId } of callers) {
      edge.calls.delete(callId)
      stops.put({ type: 'stop', node: EDGE, callId, seconds: POOR_SECONDS })
    }
    await until('the calls of the round are over', () => stops.told >= callers.length, { withinMs: ROUND_MS })
  } finally {
    delete hearing.heard
    await stops.close()
  }
  await killed.exited
  await pause(100)
  return callers.map((caller) => {
    const { what, atMs } = dueOf(caller)
    return { what, ms: (came.get(caller.callId) ?? Infinity) - atMs }
  })
}

/**
 * When the call got its next slice. A daemon that is killed between the slice and the word to the edge leaves the edge's
 * timer as it was until the next slice, so of a call that the edge heard nothing of in time the books are asked.
 */
async function extendedAtMs(client: KeepAlive, caller: Caller, heardAtMs = Infinity): Promise<number> {
  if (heardAtMs - dueOf(caller).atMs < TAKEN_OVER_MS) return heardAtMs
  let extendedMs = Number.NaN
  const isExtended = async (): Promise<boolean> => {
    const { explanation } = (await client.must('GET', `/v1/calls/${caller.call}`)) as unknown as Explained
    extendedMs = Date.parse(explanation.history.find(({ what }) => what.startsWith('extended to'))?.at ?? '')
    return !Number.isNaN(extendedMs)
  }
  await until(`${caller.callId} is extended`, isExtended, { withinMs: ROUND_MS })
  return extendedMs
}

interface Explained {
  readonly explanation: { readonly history: readonly { readonly at: string; readonly what: string }[] }
}

function dueOf({ answeredAtMs, grantedSeconds }: Caller): Due {
  const endsAtMs = answeredAtMs + grantedSeconds * 1_000
  return grantedSeconds === POOR_SECONDS
    ? { what: 'end', atMs: endsAtMs - GUARD_MS }
    : { what: 'raise', atMs: endsAtMs - AHEAD_SECONDS * 1_000 }
}

function section(size: TakeoverSize, late: readonly Late[]): Section {
  const takenOver = late.filter(({ ms }) => ms > TAKEN_OVER_MS)
  const mostOf = (what: Wish['what']) => Math.max(...late.filter((one) => one.what === what).map(({ ms }) => ms))
  const most = Math.max(...late.map(({ ms }) => ms))
  return {
    title: 'Take-over from a killed daemon',
    command: 'npm run bench -- takeover',
    rows: [
      { name: 'daemons killed in the middle of their work', value: size.rounds, unit: 'daemons' },
      { name: 'calls that were due meanwhile', value: late.length, unit: 'calls' },
      { name: 'of these claimed by the killed one', value: takenOver.length, unit: 'calls' },
      { name: 'cut, late by: most', value: mostOf('end'), unit: 'ms' },
      { name: 'extended, late by: most', value: mostOf('raise'), unit: 'ms' },
    ],
    bars: [
      {
        name: `take-over, the latest call, of the stated ${STATED_MS} ms`,
        ratio: round(most / STATED_MS, 3),
        atMost: 1,
      },
      { name: 'calls that the killed daemons had claimed', ratio: takenOver.length, atLeast: 1 },
    ],
    notes: [
      'Two daemons share the calls that are due. One is killed when the edge has heard of some of them; what it had claimed is claimed by the other when the claim is over, after 3 s. Late is when the edge is told to end the call, or the next slice is put aside, against the instant that was due.',
      `One half of the calls is extended ${AHEAD_SECONDS} s before its slice ends, the other is cut ${GUARD_MS} ms before its money ends.`,
    ],
  }
}
