/** What one call costs second by second: all that charging needs, taken once from the tariff version of its start. */
import { invariant } from '../base/fault.ts'
import type { Micros } from '../base/money.ts'
import { formatInstant } from '../base/time.ts'
import { DENOMINATORS } from './decimals.ts'
import type { RateFound } from './rate-search.ts'
import { type RateBand, type RateTable, WORD } from './rate-table.ts'
import type { Rounding, Tariff } from './tariff.ts'
import { type CallCut, type CallSpan, cutCall } from './time-bands.ts'

/** From a second of the call on, until the next piece; the last goes on for ever. */
export interface PricePiece {
  readonly fromSecond: number
  /** Micros per second are this over the price's denominator. */
  readonly perSecond: bigint
  /** The same as the tariff has it. */
  readonly perMinute: string
  /** How long an increment is that begins in this piece (the first of the call is `firstIncrement`). */
  readonly increment: number
  /** Which part of which rate, for people. */
  readonly label: string
}

export interface Price {
  readonly tariff: string
  readonly version: number
  readonly currency: string
  /** "*" where no other prefix matched. */
  readonly prefix: string
  readonly destination: string
  /** As at the start of the call, like fee and first increment. */
  readonly perMinute: string
  readonly connectFee: Micros
  readonly firstIncrement: number
  readonly nextIncrement: number
  readonly minimumSeconds: number
  readonly noChargeSeconds: number
  readonly rounding: Rounding
  /** Of every piece's `perSecond`. */
  readonly denominator: bigint
  /** At least one; the first begins at second 0. */
  readonly pieces: readonly [PricePiece, ...PricePiece[]]
}

/** The price of a call whose rate at answer is `found`. */
export function buildPrice(tariff: Tariff, call: CallSpan, found: RateFound): Price {
  const { rates, head } = tariff
  const { row } = found
  const cuts = cutCall(tariff, call, found)
  const scale = Math.max(...cuts.map((cut) => fractionOf(rates, cut).scale))
  const [first, ...rest] = cuts.map((cut) => pieceOf(tariff, call, { cut, scale, startRow: row }))
  invariant(first, 'a call has a price from its first second')
  const start = bandOf(rates, row, cuts[0]?.band)
  const fee = rates.fees.valueOf(start?.fee ?? rates.get(row, WORD.fee))
  invariant(fee, 'a rate has a connect fee')
  return {
    tariff: head.name,
    version: head.version,
    currency: head.currency,
    prefix: prefixOf(call.digits, found.prefixLength),
    destination: rates.destinations.valueOf(rates.get(row, WORD.destination)) ?? '',
    perMinute: first.perMinute,
    connectFee: fee.micros,
    firstIncrement: start?.firstIncrement ?? rates.get(row, WORD.firstIncrement),
    nextIncrement: first.increment,
    minimumSeconds: rates.get(row, WORD.minimumSeconds),
    noChargeSeconds: rates.get(row, WORD.noChargeSeconds),
    rounding: head.rounding,
    denominator: denominatorOf(scale),
    pieces: [first, ...rest],
  }
}

export function prefixOf(digits: string, length: number): string {
  return length === 0 ? '*' : digits.slice(0, length)
}

function bandOf(rates: RateTable, row: number, band: number | undefined): RateBand | undefined {
  return band === undefined ? undefined : rates.bands.get(row)?.bands[band]
}

/** The step's price if one has begun, else the band's, else the rate's own. */
function priceIdOf(rates: RateTable, { row, band, step }: CallCut): number {
  return rates.steps.get(row)?.[step]?.price ?? bandOf(rates, row, band)?.price ?? rates.get(row, WORD.price)
}

function incrementOf(rates: RateTable, { row, band, step }: CallCut): number {
  const stepIncrement = rates.steps.get(row)?.[step]?.increment
  return stepIncrement ?? bandOf(rates, row, band)?.nextIncrement ?? rates.get(row, WORD.nextIncrement)
}

function fractionOf(rates: RateTable, cut: CallCut): { readonly numerator: number; readonly scale: number } {
  const fraction = rates.prices.valueOf(priceIdOf(rates, cut))
  invariant(fraction, 'a rate has a price')
  return fraction
}

function denominatorOf(scale: number): bigint {
  const denominator = DENOMINATORS[scale]
  invariant(denominator, 'a price has a denominator')
  return denominator
}

interface CutOfPrice {
  readonly cut: CallCut
  readonly scale: number
  readonly startRow: number
}

function pieceOf({ rates }: Tariff, call: CallSpan, { cut, scale, startRow }: CutOfPrice): PricePiece {
  const fraction = fractionOf(rates, cut)
  const toCommon = denominatorOf(scale) / denominatorOf(fraction.scale)
  return {
    fromSecond: cut.fromSecond,
    perSecond: BigInt(fraction.numerator) * toCommon,
    perMinute: rates.prices.textOf(priceIdOf(rates, cut)) ?? '',
    increment: incrementOf(rates, cut),
    label: cut.row === startRow ? labelOf(rates, cut) : `${otherRate(rates, call, cut)}, ${labelOf(rates, cut)}`,
  }
}

function labelOf(rates: RateTable, { row, band, step }: CallCut): string {
  const begun = rates.steps.get(row)?.[step]
  if (begun) return `from second ${begun.fromSecond}`
  const hours = rates.bands.get(row)?.timetable.labels[band]
  return hours === undefined ? 'base price' : `band ${hours}`
}

/** A rate that took over during the call. */
function otherRate(rates: RateTable, call: CallSpan, cut: CallCut): string {
  const { fromMs } = rates.validityOf(cut.row)
  const since = Number.isFinite(fromMs) ? ` valid from ${formatInstant(fromMs)}` : ''
  return `prefix ${prefixOf(call.digits, cut.prefixLength)}${since}`
}
