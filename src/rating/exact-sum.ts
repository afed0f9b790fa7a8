/** The money of billed seconds: exact fractions, added up and rounded once. */
import { divide, type Micros, type RoundingMode } from '../base/money.ts'
import type { Price } from './price.ts'

/** The price of seconds `[fromSecond, untilSecond)`, over the price's denominator. */
export function exactSum({ pieces }: Price, fromSecond: number, untilSecond: number): bigint {
  let sum = 0n
  for (const [place, piece] of pieces.entries()) {
    const from = Math.max(piece.fromSecond, fromSecond)
    const until = Math.min(pieces[place + 1]?.fromSecond ?? Infinity, untilSecond)
    if (until > from) sum += piece.perSecond * BigInt(until - from)
  }
  return sum
}

/** The last second up to which `[fromSecond, second)` costs no more than `budget`; Infinity when the rest is free. */
export function secondsWithin({ pieces }: Price, fromSecond: number, budget: bigint): number {
  let left = budget
  for (const [place, piece] of pieces.entries()) {
    const from = Math.max(piece.fromSecond, fromSecond)
    const until = pieces[place + 1]?.fromSecond ?? Infinity
    if (until <= from || piece.perSecond === 0n) continue
    const paid = left / piece.perSecond
    if (paid < until - from) return from + Number(paid)
    left -= piece.perSecond * BigInt(until - from)
  }
  return Infinity
}

/** Seconds `[paidSeconds, billed)` are charged; the connect fee is for what is charged from second 0 on. */
export interface ChargedSpan {
  readonly billed: number
  readonly paidSeconds: number
}

export function feeOf(price: Price, paidSeconds: number): Micros {
  return paidSeconds === 0 ? price.connectFee : 0n
}

/** Fee and seconds before rounding, over the price's denominator. */
export function exactTotal(price: Price, { billed, paidSeconds }: ChargedSpan): bigint {
  if (billed <= paidSeconds) return 0n
  return feeOf(price, paidSeconds) * price.denominator + exactSum(price, paidSeconds, billed)
}

/** Micros of the smallest amount that charges have. */
export function roundingUnit({ rounding }: Price): Micros {
  return 10n ** BigInt(6 - rounding.decimals)
}

export function roundedTotal(price: Price, span: ChargedSpan, mode: RoundingMode): Micros {
  const unit = roundingUnit(price)
  return divide(exactTotal(price, span), price.denominator * unit, mode) * unit
}
