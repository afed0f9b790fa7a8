/** Random rates and calls that meet often: few prefixes, dates and band edges near the calls' own times. */
import fc from 'fast-check'
import type { RatedCall } from '../../src/rating/charge.ts'
import type { BandRow, RateRow, Rounding, StepRow } from '../../src/rating/tariff.ts'
import type { NaiveTariff } from './naive-rating.ts'

/** Instants at which something happens: clock changes of the zones below, a week's turn, a month's turn. */
const MOMENTS = [
  '2026-03-29T01:00:00Z',
  '2026-10-25T01:00:00Z',
  '2026-03-08T07:00:00Z',
  '2026-11-01T06:00:00Z',
  '2026-04-04T15:00:00Z',
  '2026-11-23T00:00:00Z',
  '2026-11-30T18:15:00Z',
].map((text) => Date.parse(text))

const ZONES = ['UTC', 'Europe/London', 'America/New_York', 'America/St_Johns', 'Australia/Lord_Howe', 'Asia/Kathmandu']

const NUMBER = '442079460958'

const perMinute = fc
  .tuple(fc.integer({ min: 0, max: 99_999_999 }), fc.integer({ min: 0, max: 10 }))
  .map(([digits, decimals]) => {
    const text = String(digits % 10 ** Math.min(decimals + 1, 8)).padStart(decimals + 1, '0')
    return decimals === 0 ? text : `${text.slice(0, -decimals)}.${text.slice(-decimals)}`
  })

const connectFee = fc.integer({ min: 0, max: 999_999 }).map((micros) => `0.${String(micros).padStart(6, '0')}`)

const increment = fc.oneof(fc.constantFrom(1, 6, 30, 60), fc.integer({ min: 1, max: 400 }))

function optional<Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> {
  return fc.option(arbitrary, { nil: undefined })
}

const steps: fc.Arbitrary<StepRow[]> = fc
  .uniqueArray(fc.integer({ min: 1, max: 2500 }), { maxLength: 3, size: 'max' })
  .chain((seconds) => fc.tuple(...seconds.toSorted((a, b) => a - b).map((fromSecond) => stepFrom(fromSecond))))

function stepFrom(fromSecond: number): fc.Arbitrary<StepRow> {
  return fc.record({ fromSecond: fc.constant(fromSecond), perMinute, increment })
}

function clockText(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
}

const days = fc.subarray(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], { minLength: 3 })

function band(from: number, to: number): fc.Arbitrary<BandRow> {
  return fc.record({
    days,
    from: fc.constant(clockText(from)),
    to: fc.constant(clockText(to)),
    perMinute,
    connectFee: optional(connectFee),
    firstIncrement: optional(increment),
    nextIncrement: optional(increment),
  })
}

/** The clock on the wall at an instant, as minutes of the day. */
function wallMinute(atMs: number, timeZone: string): number {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  const [hour = 0, minute = 0] = format.format(atMs).split(':').map(Number)
  return hour * 60 + minute
}

/** Two in the day and one over midnight, of which some are taken. */
function bandsNear(minuteOfDay: number): fc.Arbitrary<BandRow[]> {
  const edge = fc
    .oneof(fc.integer({ min: -90, max: 90 }), fc.constantFrom(-60, -30, 0, 30, 60), fc.integer({ min: 0, max: 1439 }))
    .map((by) => (minuteOfDay + by + 1440) % 1440)
  return fc
    .uniqueArray(edge, { minLength: 4, maxLength: 4 })
    .chain((minutes) => {
      const [a = 0, b = 1, c = 2, d = 3] = minutes.toSorted((x, y) => x - y)
      return fc.tuple(band(a, b), band(c, d), band(d, a))
    })
    .chain((all) => fc.subarray(all))
}

const terms = {
  perMinute,
  connectFee: optional(connectFee),
  firstIncrement: optional(increment),
  nextIncrement: optional(increment),
  minimumSeconds: optional(fc.integer({ min: 0, max: 300 })),
  noChargeSeconds: optional(fc.integer({ min: 0, max: 60 })),
  steps: optional(steps),
  blocked: fc.constantFrom(...Array<undefined>(14).fill(undefined), true),
}

/** One prefix and direction at different times: dates touch, leave gaps or are open. */
function datedRows(nearMs: number, timezone: string): fc.Arbitrary<RateRow[]> {
  const shift = fc.oneof(fc.integer({ min: -4_000_000, max: 4_000_000 }), fc.constant(0))
  const bands = bandsNear(wallMinute(nearMs, timezone))
  return fc
    .tuple(
      fc.integer({ min: 0, max: NUMBER.length }).map((length) => NUMBER.slice(0, length)),
      optional(fc.constantFrom('outbound', 'inbound', 'both')),
      fc.uniqueArray(shift, { maxLength: 3, size: 'max' }),
      fc.subarray([0, 1, 2, 3], { minLength: 1 }),
    )
    .chain(([prefix, direction, shifts, taken]) => {
      const dates = shifts.toSorted((a, b) => a - b).map((by) => new Date(nearMs + by).toISOString())
      const rows = [...dates, undefined].map((validUntil, place) =>
        fc.record({
          prefix: fc.constant(prefix),
          direction: fc.constant(direction),
          validFrom: fc.constant(dates[place - 1]),
          validUntil: fc.constant(validUntil),
          ...terms,
          bands: optional(bands),
        }),
      )
      return fc.tuple(...rows.filter((_, place) => taken.includes(place)))
    })
}

const rounding: fc.Arbitrary<Rounding> = fc.record({
  decimals: fc.integer({ min: 0, max: 6 }),
  mode: fc.constantFrom('half_up', 'up', 'down'),
})

export interface RandomCall {
  readonly tariff: NaiveTariff
  readonly call: RatedCall
}

/** A tariff that has a price for the call. */
export const randomCall: fc.Arbitrary<RandomCall> = fc
  .tuple(fc.constantFrom(...MOMENTS), fc.integer({ min: -5_000_000, max: 1_000_000 }), fc.constantFrom(...ZONES))
  .chain(([momentMs, shiftMs, timezone]) =>
    fc.record({
      tariff: fc.record({
        rows: fc.array(datedRows(momentMs, timezone), { minLength: 1, maxLength: 4 }).map(withDefault),
        timezone: fc.constant(timezone),
        rounding,
      }),
      call: fc.record({
        direction: fc.constantFrom('outbound' as const, 'inbound' as const),
        digits: fc.constant(NUMBER),
        answeredAtMs: fc.constant(momentMs + shiftMs),
      }),
    }),
  )

/** Each prefix and direction once, and one price for all that no other row has. */
function withDefault(groups: readonly RateRow[][]): RateRow[] {
  const seen = new Set(['|both'])
  const rows: RateRow[] = [{ prefix: '*', perMinute: '0.0123', nextIncrement: 7 }]
  for (const group of groups) {
    const key = `${group[0]?.prefix ?? ''}|${group[0]?.direction ?? 'both'}`
    if (!seen.has(key)) rows.push(...group)
    seen.add(key)
  }
  return rows
}

export const usedSeconds = fc.oneof(
  fc.integer({ min: 0, max: 120 }),
  fc.integer({ min: 0, max: 4000 }),
  fc.integer({ min: 1000, max: 4000 }),
)
