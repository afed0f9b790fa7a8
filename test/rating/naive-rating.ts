/**
 * Rating written a second time, as slowly and plainly as can be: every row is looked at for every second, increments are
 * counted one by one, and money is added up in decimals. Dates are RFC 3339 here.
 */
import { Decimal } from 'decimal.js'
import type { RatedCall } from '../../src/rating/charge.ts'
import type { BandRow, RateRow, Rounding, StepRow } from '../../src/rating/tariff.ts'

const Exact = Decimal.clone({ precision: 80 })

export interface NaiveTariff {
  readonly rows: readonly RateRow[]
  readonly timezone: string
  readonly rounding: Rounding
}

export function naiveRate(rows: readonly RateRow[], call: RatedCall, atMs: number): RateRow | undefined {
  let best: RateRow | undefined
  for (const row of rows) {
    const digits = row.prefix === '*' ? '' : row.prefix
    const direction = row.direction ?? 'both'
    if (!call.digits.startsWith(digits) || (direction !== 'both' && direction !== call.direction)) continue
    if (row.validFrom !== undefined && atMs < Date.parse(row.validFrom)) continue
    if (row.validUntil !== undefined && atMs >= Date.parse(row.validUntil)) continue
    if (!best || rank(row) > rank(best)) best = row
  }
  return best
}

function rank(row: RateRow): number {
  const length = row.prefix === '*' ? 0 : row.prefix.length
  return length * 2 + (row.direction === undefined || row.direction === 'both' ? 0 : 1)
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

/** Day and time on the wall, remembered by the minute. */
function wallClock(zone: string): (atMs: number) => { day: string; dayBefore: string; time: string } {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  const known = new Map<number, { day: string; dayBefore: string; time: string }>()
  return (atMs) => {
    const minute = Math.floor(atMs / 60_000)
    const remembered = known.get(minute)
    if (remembered) return remembered
    const parts = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, value]))
    const day = String(parts['weekday']).toLowerCase()
    const dayBefore = String(DAYS[(DAYS.indexOf(day) + 6) % 7])
    const made = { day, dayBefore, time: `${String(parts['hour'])}:${String(parts['minute'])}` }
    known.set(minute, made)
    return made
  }
}

type Wall = ReturnType<typeof wallClock>

function bandInForce(row: RateRow, wall: Wall, atMs: number): BandRow | undefined {
  const { day, dayBefore, time } = wall(atMs)
  return row.bands?.find(({ days, from, to }) => {
    if (from < to) return days.includes(day) && time >= from && time < to
    return (days.includes(day) && time >= from) || (days.includes(dayBefore) && time < to)
  })
}

function stepInForce(row: RateRow, second: number): StepRow | undefined {
  return row.steps?.findLast(({ fromSecond }) => fromSecond <= second)
}

interface Second {
  readonly perMinute: string
  readonly increment: number
}

/** The price of each second, as far as anybody asks. */
function secondsOf(tariff: NaiveTariff, call: RatedCall, wall: Wall): (second: number) => Second {
  const known: Second[] = []
  let row = naiveRate(tariff.rows, call, call.answeredAtMs)
  return (second) => {
    while (known.length <= second) {
      const atMs = call.answeredAtMs + known.length * 1000
      const found = naiveRate(tariff.rows, call, atMs)
      if (found && found.blocked !== true) row = found
      if (!row) throw new Error('no rate')
      const band = bandInForce(row, wall, atMs)
      const step = stepInForce(row, known.length)
      known.push({
        perMinute: step?.perMinute ?? band?.perMinute ?? row.perMinute,
        increment: step?.increment ?? band?.nextIncrement ?? row.nextIncrement ?? 60,
      })
    }
    const asked = known[second]
    if (!asked) throw new Error('no second')
    return asked
  }
}

export interface NaiveCharge {
  readonly billedSeconds: number
  readonly charge: bigint
  readonly reservation: bigint
}

export function naiveCharge(tariff: NaiveTariff, call: RatedCall, use: { used: number; paid: number }): NaiveCharge {
  const wall = wallClock(tariff.timezone)
  const start = naiveRate(tariff.rows, call, call.answeredAtMs)
  if (!start) throw new Error('no rate')
  const band = bandInForce(start, wall, call.answeredAtMs)
  const secondAt = secondsOf(tariff, call, wall)

  let billed = 0
  if (use.used > 0) billed = band?.firstIncrement ?? start.firstIncrement ?? 60
  while (billed < use.used) billed += secondAt(billed).increment
  if (use.used > 0) billed = Math.max(billed, start.minimumSeconds ?? 0)

  let sixtyfold = new Exact(0)
  for (let second = use.paid; second < billed; second += 1) sixtyfold = sixtyfold.plus(secondAt(second).perMinute)
  const fee = use.paid === 0 && billed > 0 ? (band?.connectFee ?? start.connectFee ?? '0') : '0'
  const amount = sixtyfold.plus(new Exact(fee).times(60)).div(60)
  const free = use.used <= (start.noChargeSeconds ?? 0)
  return {
    billedSeconds: free ? 0 : billed,
    charge: free ? 0n : rounded(amount, tariff.rounding),
    reservation: rounded(amount, { ...tariff.rounding, mode: 'up' }),
  }
}

function rounded(amount: Decimal, { decimals, mode }: Rounding): bigint {
  const modes = { half_up: Decimal.ROUND_HALF_UP, up: Decimal.ROUND_CEIL, down: Decimal.ROUND_FLOOR } as const
  return BigInt(amount.toDecimalPlaces(decimals, modes[mode]).times(1_000_000).toFixed(0))
}
