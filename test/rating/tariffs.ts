/** Tariffs for tests, in few words. */
import { type Price, priceOf, type RatedCall } from '../../src/rating/charge.ts'
import { type RateRow, Tariff, TariffBuilder, type TariffHead, type TariffProblem } from '../../src/rating/tariff.ts'

const HEAD: TariffHead = { name: 'retail', version: 3, currency: 'USD' }

/** A Monday, 18:30 in UTC and in London. */
export const MONDAY_EVENING = Date.parse('2026-11-23T18:30:00Z')

function build(rows: readonly RateRow[], head: Partial<TariffHead>): Tariff | { problems: readonly TariffProblem[] } {
  const builder = new TariffBuilder({ ...HEAD, ...head })
  for (const [place, row] of rows.entries()) builder.add(row, place + 1)
  return builder.finish()
}

export function tariffOf(rows: readonly RateRow[], head: Partial<TariffHead> = {}): Tariff {
  const built = build(rows, head)
  if (built instanceof Tariff) return built
  throw new Error(JSON.stringify(built.problems))
}

/** "row field: message", as a loader would show them. */
export function problemsOf(rows: readonly RateRow[], head: Partial<TariffHead> = {}): readonly string[] {
  const built = build(rows, head)
  if (built instanceof Tariff) return []
  return built.problems.map(({ row, field, message }) => `${row} ${field}: ${message}`)
}

export function priceIn(tariff: Tariff, call: Partial<RatedCall> = {}): Price {
  const answer = priceOf(tariff, {
    direction: 'outbound',
    digits: '442079460958',
    answeredAtMs: MONDAY_EVENING,
    ...call,
  })
  if (answer.kind === 'priced') return answer.price
  throw new Error(answer.kind)
}

/** The price of a call to London by one rate. */
export function priceBy(rate: Partial<RateRow>, head: Partial<TariffHead> = {}, call: Partial<RatedCall> = {}): Price {
  return priceIn(tariffOf([{ prefix: '44', perMinute: '0.06', ...rate }], head), call)
}

/** Billed by the second. */
export const PER_SECOND = { firstIncrement: 1, nextIncrement: 1 } as const
