/** A price book of half a million prefixes: how long it takes to load, what it holds, and whether a decision notices. */
import { setTimeout as pause } from 'node:timers/promises'
import { priceOf } from '../../src/rating/charge.ts'
import type { RateRow, Tariff } from '../../src/rating/tariff.ts'
import { type BenchDesk, openDesk, seedAccounts } from './desk.ts'
import { median, residentBytes, round } from './figures.ts'
import { onGround } from './ground.ts'
import { type Asked, authorizes, type Side, type Turn } from './http.ts'
import type { BenchContext, Row, Section } from './section.ts'

const SETTINGS = 'defaults: { tariff: bench, currency: USD, timezone: UTC }\n'
const ROUNDS = 3
const ACCOUNTS = 1_000
const LOOK_UPS = 500_000
const SETTLING_MS = 3_000

export async function tariffs(context: BenchContext): Promise<Section> {
  return await measureTariffs(context, { prefixes: 500_000, rounds: ROUNDS })
}

export interface TariffsSize {
  readonly prefixes: number
  readonly rounds: number
}

/** Prefixes of four to ten digits below +44 and +1, spread as those of a carrier are, and +44 itself. */
export function manyRates(count: number): readonly RateRow[] {
  const rows: RateRow[] = [{ prefix: '44', perMinute: '60', firstIncrement: 1, nextIncrement: 1 }]
  for (let n = 0; rows.length < count; n += 1) {
    const digits = String((n * 7_919) % 99_999_989).padStart(8, '0')
    const prefix = `${n % 2 === 0 ? '44' : '1'}${digits.slice(0, 2 + (n % 7))}${n % 7 < 4 ? String(n).padStart(6, '0') : ''}`
    rows.push({ prefix, perMinute: (1 + (n % 900) / 1000).toFixed(3), firstIncrement: 1, nextIncrement: 1 })
  }
  const known = new Set<string>()
  return rows.filter(({ prefix }) => !known.has(prefix) && known.add(prefix))
}

export async function measureTariffs({ say, seconds }: BenchContext, size: TariffsSize): Promise<Section> {
  return await onGround(SETTINGS, async (ground) => {
    const daemon = await ground.daemon()
    const { url } = ground.redis
    const desk = await openDesk(url)
    ground.atEnd(() => desk.close())
    await seedAccounts(desk.office, 'small', ACCOUNTS)
    await seedAccounts(desk.office, 'big', ACCOUNTS, { tariff: 'big' })
    const rows = manyRates(size.prefixes)
    const before = await settled(daemon.pid)
    say(`storing ${rows.length} prefixes`)
    const stored = await timed(async () => {
      await desk.tariffs.addVersion({ name: 'big', currency: 'USD' }, rows)
      await desk.tariffs.activate('big', 1, desk.clock.nowMs() - 1_000)
    })
    const loaded = await loading(url)
    const after = await settled(daemon.pid)
    const side: Side = { name: 'daemon', port: daemon.port, pid: daemon.pid }
    const turns: Record<'small' | 'big', Turn[]> = { small: [], big: [] }
    for (let round = 0; round <= size.rounds; round += 1) {
      say(round === 0 ? 'warming up' : `round ${round} of ${size.rounds}`)
      for (const account of ['small', 'big'] as const) {
        const asked: Asked = { ground, daemon, seconds, accounts: ACCOUNTS, account, connections: 64 }
        const turn = await authorizes(side, asked, `${account}-${round}`)
        if (round > 0) turns[account].push(turn)
      }
    }
    const book: Row[] = [
      { name: 'prefixes', value: rows.length, unit: '' },
      { name: 'checked, packed and stored', value: round(stored, 0), unit: 'ms' },
      { name: 'loaded by a daemon that starts', value: round(loaded.ms, 0), unit: 'ms' },
      { name: 'memory of the daemon for it', value: round((after - before) / 2 ** 20, 1), unit: 'MB' },
      ...lookUps(loaded.tariff, rows),
    ]
    return section(book, turns)
  })
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const beganMs = performance.now()
  await work()
  return performance.now() - beganMs
}

async function settled(pid: number): Promise<number> {
  await pause(SETTLING_MS)
  return await residentBytes(pid)
}

/** What a daemon does at its start: it reads the book and compiles what is in force. */
async function loading(url: string): Promise<{ readonly ms: number; readonly tariff: Tariff }> {
  const beganMs = performance.now()
  const desk: BenchDesk = await openDesk(url)
  try {
    const tariff = desk.tariffs.inForce('big', desk.clock.nowMs())
    if (!tariff) throw new Error('the big tariff is not in force')
    return { ms: performance.now() - beganMs, tariff }
  } finally {
    await desk.close()
  }
}

/** A look-up finds the rate and makes the price of a call of it. */
function lookUps(tariff: Tariff, rows: readonly RateRow[]): readonly Row[] {
  const numbers = Array.from({ length: 10_000 }, (_, n) => `${rows[(n * 7_919) % rows.length]?.prefix ?? ''}5550123`)
  let priced = 0
  const look = (n: number): void => {
    const found = priceOf(tariff, { direction: 'outbound', digits: numbers[n % numbers.length] ?? '', answeredAtMs: 1 })
    if (found.kind === 'priced') priced += 1
  }
  for (let n = 0; n < LOOK_UPS / 10; n += 1) look(n)
  const before = process.cpuUsage()
  for (let n = 0; n < LOOK_UPS; n += 1) look(n)
  const { user, system } = process.cpuUsage(before)
  if (priced < LOOK_UPS) throw new Error('a number of the book has no price')
  return [{ name: 'CPU of a look-up with its price', value: round((user + system) / LOOK_UPS), unit: 'µs' }]
}

function section(book: readonly Row[], turns: Readonly<Record<'small' | 'big', readonly Turn[]>>): Section {
  const cost = (side: 'small' | 'big'): number =>
    median(turns[side].map(({ sideMicros, redisMicros }) => sideMicros + redisMicros))
  const rate = (side: 'small' | 'big'): number => median(turns[side].map(({ perSecond }) => perSecond))
  return {
    title: 'A price book of half a million prefixes',
    command: 'npm run bench -- tariffs',
    rows: [
      ...book,
      { name: 'one prefix: authorizes', value: round(rate('small'), 0), unit: '/s' },
      { name: 'half a million: authorizes', value: round(rate('big'), 0), unit: '/s' },
      { name: 'one prefix: CPU of daemon and Redis for one', value: round(cost('small'), 1), unit: 'µs' },
      { name: 'half a million: CPU of daemon and Redis for one', value: round(cost('big'), 1), unit: 'µs' },
    ],
    bars: [
      {
        name: 'CPU of an authorize: all prefixes, of one prefix',
        ratio: round(cost('big') / cost('small')),
        atMost: 1.1,
      },
    ],
    notes: ['The book is one index over typed arrays, read from its packed form while other work goes on.'],
  }
}
