/**
 * What a call costs. One sum serves quote, reservation, charge, CDR and rating again: connect fee and the exact price of
 * every billed second, rounded once at the end. It depends on the seconds of the whole call only, never on how they
 * were granted.
 */
import { invariant } from '../base/fault.ts'
import type { Micros } from '../base/money.ts'
import { billedSeconds, chargedSeconds, longestWithin } from './billed-seconds.ts'
import { MAX_RATED_SECONDS } from './decimals.ts'
import { feeOf, roundedTotal, roundingUnit, secondsWithin } from './exact-sum.ts'
import { NO_ROW } from './prefix-index.ts'
import { buildPrice, type Price, prefixOf } from './price.ts'
import { type CallDirection, findRate } from './rate-search.ts'
import { BLOCKED, WORD } from './rate-table.ts'
import type { Tariff } from './tariff.ts'

export type { Price } from './price.ts'
export { explainCharge } from './explain-charge.ts'

const DAY_SECONDS = 86_400

export interface RatedCall {
  readonly direction: CallDirection
  /** The called number's digits, in either direction. */
  readonly digits: string
  readonly answeredAtMs: number
  /** Bands and dates are followed for a call of up to this many seconds: a day, unless told otherwise. */
  readonly limitSeconds?: number | undefined
}

export type PriceAnswer =
  | { readonly kind: 'priced'; readonly price: Price }
  | { readonly kind: 'no_rate' }
  | { readonly kind: 'blocked'; readonly prefix: string }

export interface Charge {
  /** What is charged; the same that is reported. */
  readonly billedSeconds: number
  readonly micros: Micros
}

/** The price of a call by the rate that is valid when it is answered. */
export function priceOf(tariff: Tariff, call: RatedCall): PriceAnswer {
  const { direction, digits, answeredAtMs, limitSeconds = DAY_SECONDS } = call
  invariant(Number.isFinite(answeredAtMs), 'a call is answered at an instant')
  const found = findRate(tariff.index, tariff.rates, { direction, digits, atMs: answeredAtMs })
  if (found.row === NO_ROW) return { kind: 'no_rate' }
  if ((tariff.rates.get(found.row, WORD.flags) & BLOCKED) !== 0) {
    return { kind: 'blocked', prefix: prefixOf(digits, found.prefixLength) }
  }
  const untilSecond = Math.min(limitSeconds, MAX_RATED_SECONDS) + tariff.overrunSeconds
  return { kind: 'priced', price: buildPrice(tariff, { direction, digits, answeredAtMs, untilSecond }, found) }
}

/**
 * The charge for a call of `usedSeconds`. Where a pool paid the first `paidSeconds`, it is the price of the billed
 * seconds after them and no connect fee.
 */
export function charge(price: Price, usedSeconds: number, paidSeconds = 0): Charge {
  const billed = chargedSeconds(price, usedSeconds)
  return { billedSeconds: billed, micros: roundedTotal(price, { billed, paidSeconds }, price.rounding.mode) }
}

/**
 * What to put aside so that a call of up to `seconds` is covered: the same sum, rounded up, and without the no-charge
 * threshold. It never falls as seconds rise.
 */
export function reservation(price: Price, seconds: number, paidSeconds = 0): Micros {
  return roundedTotal(price, { billed: billedSeconds(price, seconds), paidSeconds }, 'up')
}

/** The most seconds, up to `limitSeconds`, whose reservation is within `micros`; a pool may have paid the first ones. */
export function affordableSeconds(
  price: Price,
  micros: Micros,
  ...[limitSeconds, paidSeconds = 0]: readonly [limitSeconds: number, paidSeconds?: number]
): number {
  if (micros < 0n) return 0
  if (reservation(price, limitSeconds, paidSeconds) <= micros) return limitSeconds
  const unit = roundingUnit(price)
  const budget = ((micros / unit) * unit - feeOf(price, paidSeconds)) * price.denominator
  if (budget < 0n) return 0
  return Math.min(longestWithin(price, secondsWithin(price, paidSeconds, budget)), limitSeconds)
}
