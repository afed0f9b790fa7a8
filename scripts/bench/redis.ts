/** What Redis can do at most, and what a decision and a whole call cost it, against a SET in the same run. */
import type { AuthorizeAnswer } from '../../src/calls/requests.ts'
import { authorizeRequest, sampleOf } from './authorize-script.ts'
import { type BenchDesk, openDesk, seedAccounts } from './desk.ts'
import { median, round } from './figures.ts'
import { onGround } from './ground.ts'
import { inParallel } from './keep-alive.ts'
import { authorizeCeiling, type Ceiling, ceilingOf, SET } from './redis-benchmark.ts'
import type { BenchContext, Section } from './section.ts'

export const SETTINGS = 'defaults: { tariff: bench, currency: USD, timezone: UTC }\nlog: { decisions: false }\n'
const ROUNDS = 3
export const ACCOUNTS = 1_000
/** As many calls are under way at once; the commands of a tick leave together, much as a pipeline. */
const AT_ONCE = 64

export const STEPS = ['authorize', 'answer', 'extend', 'extend again', 'settle'] as const
export type CallCost = Readonly<Record<(typeof STEPS)[number], number>>

export async function redis(context: BenchContext): Promise<Section> {
  return await measureRedis(context, {
    requests: Math.round(40_000 * context.seconds),
    calls: Math.round(2_500 * context.seconds),
  })
}

export interface RedisSize {
  readonly requests: number
  readonly calls: number
}

export async function measureRedis({ say }: BenchContext, size: RedisSize): Promise<Section> {
  return await onGround(SETTINGS, async (ground) => {
    await ground.daemon()
    const { url } = ground.redis
    const desk = await openDesk(url)
    ground.atEnd(() => desk.close())
    await seedAccounts(desk.office, 'a', ACCOUNTS)
    await seedAccounts(desk.office, 'hot', 1)
    const sample = await sampleOf(url, 'hot0')
    const sets: Ceiling[] = []
    const scripts: Ceiling[] = []
    const singles: Ceiling[] = []
    const calls: CallCost[] = []
    for (let round = 1; round <= ROUNDS; round += 1) {
      say(`round ${round} of ${ROUNDS}`)
      sets.push(await ceilingOf({ url, requests: size.requests * 4, pipeline: 16, command: SET }))
      scripts.push(await authorizeCeiling(url, size.requests, sample))
      singles.push(await authorizeCeiling(url, size.requests, sample, 1))
      calls.push(await callCost(desk, `round-${round}`, size.calls))
    }
    return section({ sets, scripts, singles, calls })
  })
}

/** Microseconds of Redis for each step of a call. */
export async function callCost(desk: BenchDesk, name: string, calls: number): Promise<CallCost> {
  const names = Array.from({ length: calls }, (_, n) => ({ account: `a${n % ACCOUNTS}`, callId: `${name}-${n}` }))
  const costs: Record<string, number> = {}
  for (const step of STEPS) {
    const before = await desk.redisSeconds()
    await inParallel(names, AT_ONCE, ({ account, callId }) => doStep(desk, step, authorizeRequest(account, callId)))
    costs[step] = (((await desk.redisSeconds()) - before) * 1e6) / calls
  }
  return costs as CallCost
}

async function doStep(
  { desk, clock }: BenchDesk,
  step: (typeof STEPS)[number],
  { leg, ...request }: ReturnType<typeof authorizeRequest>,
): Promise<void> {
  const nowMs = clock.nowMs()
  switch (step) {
    case 'authorize': {
      const answer = await desk.authorize({ leg, ...request })
      if (answer.kind !== 'allowed') throw new Error(`not let in: ${reasonOf(answer)}`)
      return
    }
    case 'answer':
      await desk.event({ type: 'start', leg, tsMs: nowMs, answeredAtMs: nowMs })
      return
    case 'extend':
    case 'extend again': {
      const answer = await desk.extend({ leg, usedSeconds: step === 'extend' ? 60 : 120 })
      if (answer?.kind !== 'allowed') throw new Error('not extended')
      return
    }
    case 'settle': {
      const result = await desk.event({ type: 'stop', leg, tsMs: nowMs, seconds: 130, cause: 'normal' })
      if (result.state !== 'ended') throw new Error(`not settled: ${result.state}`)
    }
  }
}

function reasonOf(answer: AuthorizeAnswer): string {
  return answer.kind === 'denied' ? `${answer.refusal.code}, ${answer.refusal.detail}` : answer.kind
}

interface Measured {
  readonly sets: readonly Ceiling[]
  readonly scripts: readonly Ceiling[]
  readonly singles: readonly Ceiling[]
  readonly calls: readonly CallCost[]
}

function section({ sets, scripts, singles, calls }: Measured): Section {
  const set = median(sets.map(({ micros }) => micros))
  const authorize = median(scripts.map(({ micros }) => micros))
  const steps = STEPS.map((step) => ({ step, micros: median(calls.map((cost) => cost[step])) }))
  const whole = steps.reduce((sum, { micros }) => sum + micros, 0)
  return {
    title: 'Redis alone',
    command: 'npm run bench -- redis',
    rows: [
      { name: 'SET of 16 bytes, pipeline 16', value: median(sets.map(({ perSecond }) => perSecond)), unit: '/s' },
      { name: 'authorize script, pipeline 16', value: median(scripts.map(({ perSecond }) => perSecond)), unit: '/s' },
      { name: 'authorize script, pipeline 1', value: median(singles.map(({ perSecond }) => perSecond)), unit: '/s' },
      { name: 'CPU of a SET', value: round(set), unit: 'µs' },
      { name: 'CPU of the authorize script', value: round(authorize), unit: 'µs' },
      ...steps.map(({ step, micros }) => ({ name: `CPU of a call: ${step}`, value: round(micros), unit: 'µs' })),
      { name: 'CPU of a whole call', value: round(whole), unit: 'µs' },
    ],
    bars: [
      { name: 'Redis CPU of an authorize, of a SET', ratio: round(authorize / set, 1), atMost: 25 },
      { name: 'Redis CPU of a whole call, of a SET', ratio: round(whole / set, 1), atMost: 60 },
    ],
    notes: [
      'redis-benchmark sends the keys and words that the daemon sends, captured from it, each time for a new leg, so that every request is a call that is let in; all are of one account, and fall due at one instant, which is the dearest order for the index of due calls.',
      'A whole call is authorize, answer, two extensions that its edge asks for, and settle with its CDR, by the use cases in one process with 64 calls under way. Both are measured with the append-only file on (everysec), as daemons run it.',
      'Where a call’s time goes in Redis: half is what is written to the append-only file, a sixth is receiving and naming keys and words, the rest is the commands. A step writes the call’s whole record (about 350 bytes), a journal entry and each counter it moved; to write only what changed of the record would save some 10 %, one list for transactions and CDRs 2 %. That double entry, journal and CDR are one step with the charge is worth the rest.',
    ],
  }
}
