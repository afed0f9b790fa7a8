/** A charge for people: each step from seconds to money, with nothing rounded before the last line. */
import { formatAmount, type Micros } from '../base/money.ts'
import { chargedSeconds } from './billed-seconds.ts'
import { exactSum, exactTotal, feeOf, roundedTotal } from './exact-sum.ts'
import type { Price } from './price.ts'

export interface ExplainedPiece {
  readonly label: string
  readonly fromSecond: number
  readonly untilSecond: number
  readonly seconds: number
  readonly perMinute: string
  /** In the currency: "0.035", or "1/12" where a decimal would not end. */
  readonly exact: string
}

export interface ChargeExplanation {
  readonly usedSeconds: number
  readonly billedSeconds: number
  /** Seconds at the beginning that a minute pool paid. */
  readonly paidSeconds: number
  readonly connectFee: string
  readonly pieces: readonly ExplainedPiece[]
  /** Fee and pieces together, before rounding. */
  readonly exact: string
  /** "half_up to 6 decimals" */
  readonly rounding: string
  readonly micros: Micros
  /** The same in sentences. */
  readonly lines: readonly string[]
}

/** How charge() comes to its answer for the same call. */
export function explainCharge(price: Price, usedSeconds: number, paidSeconds = 0): ChargeExplanation {
  const billed = chargedSeconds(price, usedSeconds)
  const span = { billed, paidSeconds }
  const explanation = {
    usedSeconds,
    billedSeconds: billed,
    paidSeconds,
    connectFee: formatAmount(billed > paidSeconds ? feeOf(price, paidSeconds) : 0n),
    pieces: explainPieces(price, paidSeconds, billed),
    exact: amountText(exactTotal(price, span), price.denominator),
    rounding: `${price.rounding.mode} to ${price.rounding.decimals} decimals`,
    micros: roundedTotal(price, span, price.rounding.mode),
  }
  return { ...explanation, lines: linesOf(price, explanation) }
}

function explainPieces(price: Price, paidSeconds: number, billed: number): readonly ExplainedPiece[] {
  const { pieces, denominator } = price
  return pieces.flatMap(({ fromSecond: begin, label, perMinute }, place) => {
    const fromSecond = Math.max(begin, paidSeconds)
    const untilSecond = Math.min(pieces[place + 1]?.fromSecond ?? Infinity, billed)
    if (untilSecond <= fromSecond) return []
    const exact = amountText(exactSum(price, fromSecond, untilSecond), denominator)
    return [{ label, fromSecond, untilSecond, seconds: untilSecond - fromSecond, perMinute, exact }]
  })
}

function linesOf(price: Price, explanation: Omit<ChargeExplanation, 'lines'>): readonly string[] {
  const { pieces, connectFee, exact, rounding, micros, paidSeconds } = explanation
  const name = price.destination === '' ? '' : ` (${price.destination})`
  const paid = paidSeconds > 0 ? [`the first ${paidSeconds} s are paid by minutes`] : []
  const fee = connectFee === formatAmount(0n) ? [] : [`connect fee ${connectFee}`]
  return [
    `prefix ${price.prefix}${name} of ${price.tariff} version ${price.version}`,
    secondsLine(price, explanation),
    ...paid,
    ...fee,
    ...pieces.map(pieceLine),
    `sum ${exact}, rounded ${rounding}: ${formatAmount(micros)} ${price.currency}`,
  ]
}

function secondsLine(price: Price, { usedSeconds, billedSeconds }: Omit<ChargeExplanation, 'lines'>): string {
  const { firstIncrement, nextIncrement, minimumSeconds, noChargeSeconds } = price
  if (billedSeconds === 0 && usedSeconds > 0) return `${usedSeconds} s used: free, as not above ${noChargeSeconds} s`
  const minimum = minimumSeconds > 0 ? `, at least ${minimumSeconds} s` : ''
  return `${usedSeconds} s used, ${billedSeconds} s billed: ${firstIncrement} s, then ${nextIncrement} s each${minimum}`
}

function pieceLine({ label, fromSecond, untilSecond, seconds, perMinute, exact }: ExplainedPiece): string {
  return `second ${fromSecond} to ${untilSecond}, ${label}: ${perMinute} × ${seconds}/60 = ${exact}`
}

const MICROS_PER_UNIT = 1_000_000n

/** An exact amount of micros as units of the currency: a decimal where one ends, else a fraction in lowest terms. */
function amountText(micros: bigint, over: bigint): string {
  const denominator = over * MICROS_PER_UNIT
  const divisor = greatestCommonDivisor(micros, denominator)
  const [top, bottom] = [micros / divisor, denominator / divisor]
  // Denominators divide 60 × 10^10, so a decimal that ends has at most 12 places.
  const places = 12n
  if (10n ** places % bottom !== 0n) return `${top}/${bottom}`
  const digits = ((top * 10n ** places) / bottom).toString().padStart(Number(places) + 1, '0')
  const fraction = digits.slice(-Number(places)).replace(/0+$/, '')
  const units = digits.slice(0, -Number(places))
  return fraction === '' ? units : `${units}.${fraction}`
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [larger, smaller] = [a, b]
  while (smaller !== 0n) [larger, smaller] = [smaller, larger % smaller]
  return larger === 0n ? 1n : larger
}
