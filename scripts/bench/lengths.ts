/** Does a long call cost more for each step than a short one? A call of three hours has 180 slices and as many entries. */
import { authorizeRequest } from './authorize-script.ts'
import { type BenchDesk, openDesk, seedAccounts } from './desk.ts'
import { median, round } from './figures.ts'
import { onGround } from './ground.ts'
import { inParallel } from './keep-alive.ts'
import type { BenchContext, Section } from './section.ts'

const SETTINGS = 'defaults: { tariff: bench, currency: USD, timezone: UTC }\nlog: { decisions: false }\n'
const ACCOUNTS = 100
const AT_ONCE = 64
const SLICE_SECONDS = 60
const LONG_SECONDS = 10_800
const SHORT_SECONDS = 30
/** Extensions that are measured, of a call that has just begun and of one that has lasted. */
const MEASURED = 3

export async function lengths(context: BenchContext): Promise<Section> {
  return await measureLengths(context, { calls: Math.round(250 * context.seconds), rounds: 3 })
}

export interface LengthsSize {
  readonly calls: number
  readonly rounds: number
}

interface Cost {
  readonly extend: number
  readonly settle: number
}

export async function measureLengths({ say }: BenchContext, size: LengthsSize): Promise<Section> {
  return await onGround(SETTINGS, async (ground) => {
    await ground.daemon()
    const desk = await openDesk(ground.redis.url)
    ground.atEnd(() => desk.close())
    await seedAccounts(desk.office, 'a', ACCOUNTS)
    const costs: Record<'short' | 'long', Cost[]> = { short: [], long: [] }
    for (let round = 0; round <= size.rounds; round += 1) {
      say(round === 0 ? 'warming up' : `round ${round} of ${size.rounds}`)
      const short = await calls(desk, `short-${round}`, { calls: size.calls, slices: 0, seconds: SHORT_SECONDS })
      const slices = LONG_SECONDS / SLICE_SECONDS - MEASURED - 1
      const long = await calls(desk, `long-${round}`, { calls: size.calls, slices, seconds: LONG_SECONDS })
      if (round === 0) continue
      costs.short.push(short)
      costs.long.push(long)
    }
    return section(costs)
  })
}

/** Makes calls of so many slices, and says what their last extensions and their ends cost this process and Redis. */
async function calls(
  bench: BenchDesk,
  name: string,
  wish: { readonly calls: number; readonly slices: number; readonly seconds: number },
): Promise<Cost> {
  const { desk, clock } = bench
  const legs = Array.from({ length: wish.calls }, (_, n) => authorizeRequest(`a${n % ACCOUNTS}`, `${name}-${n}`))
  const extendAll = async (slice: number): Promise<void> => {
    await inParallel(legs, AT_ONCE, async ({ leg }) => {
      const answer = await desk.extend({ leg, usedSeconds: slice * SLICE_SECONDS })
      if (answer?.kind !== 'allowed') throw new Error('not extended')
    })
  }
  await inParallel(legs, AT_ONCE, (request) => desk.authorize(request))
  await inParallel(legs, AT_ONCE, ({ leg }) => desk.event({ type: 'start', leg, tsMs: clock.nowMs() }))
  for (let slice = 1; slice <= wish.slices; slice += 1) await extendAll(slice)
  const extend = await costOf(bench, legs.length * MEASURED, async () => {
    for (let slice = 1; slice <= MEASURED; slice += 1) await extendAll(wish.slices + slice)
  })
  const settle = await costOf(bench, legs.length, () =>
    inParallel(legs, AT_ONCE, ({ leg }) =>
      desk.event({ type: 'stop', leg, tsMs: clock.nowMs(), seconds: wish.seconds, cause: 'normal' }),
    ),
  )
  return { extend, settle }
}

/** Microseconds of both for each. */
async function costOf(bench: BenchDesk, count: number, work: () => Promise<void>): Promise<number> {
  const before = await bench.redisSeconds()
  const own = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(own)
  return (((await bench.redisSeconds()) - before) * 1e6 + user + system) / count
}

function section(costs: Readonly<Record<'short' | 'long', readonly Cost[]>>): Section {
  const of = (length: 'short' | 'long', step: keyof Cost): number => median(costs[length].map((cost) => cost[step]))
  return {
    title: 'Calls of 30 seconds and of three hours',
    command: 'npm run bench -- lengths',
    rows: [
      { name: 'CPU of an extension, of a call that began', value: round(of('short', 'extend'), 1), unit: 'µs' },
      { name: 'CPU of an extension, after three hours', value: round(of('long', 'extend'), 1), unit: 'µs' },
      { name: 'CPU of settling a call of 30 s', value: round(of('short', 'settle'), 1), unit: 'µs' },
      { name: 'CPU of settling a call of three hours', value: round(of('long', 'settle'), 1), unit: 'µs' },
    ],
    bars: [
      {
        name: 'an extension after three hours, of one at the start',
        ratio: round(of('long', 'extend') / of('short', 'extend')),
        atMost: 1.1,
      },
      {
        name: 'settling three hours, of settling 30 s',
        ratio: round(of('long', 'settle') / of('short', 'settle')),
        atMost: 1.1,
      },
    ],
    notes: [
      'CPU of the use cases in one process and of Redis together. Extensions in a row are one line of a call’s history, and the price of a call is a sum over its price pieces, never over its seconds or slices.',
    ],
  }
}
