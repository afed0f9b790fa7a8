/** Amounts as Stripe counts them, which is not always as ISO 4217 does: see its list of zero-decimal currencies. */
import type { Micros } from '../../base/money.ts'
import { coinOf } from '../../payments/minor-units.ts'

const NO_DECIMALS: ReadonlySet<string> = new Set(
  'BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' '),
)
const THREE_DECIMALS: ReadonlySet<string> = new Set('BHD JOD KWD OMR TND'.split(' '))

/** Written with two decimals that are always zero. */
const WHOLE_ONLY: ReadonlySet<string> = new Set(['ISK', 'UGX'])

function decimalsOf(currency: string): number {
  if (NO_DECIMALS.has(currency)) return 0
  return THREE_DECIMALS.has(currency) ? 3 : 2
}

/** Of three decimals the last is always zero. */
function leastStep(currency: string): bigint {
  if (WHOLE_ONLY.has(currency)) return 100n
  return THREE_DECIMALS.has(currency) ? 10n : 1n
}

/** What Stripe charges is a multiple of this. */
export function stripeCoin(currency: string): Micros {
  return coinOf(decimalsOf(currency)) * leastStep(currency)
}

/** Undefined for an amount that Stripe cannot charge exactly. */
export function stripeUnits(amount: Micros, currency: string): number | undefined {
  if (amount % stripeCoin(currency) !== 0n) return undefined
  return Number(amount / coinOf(decimalsOf(currency)))
}

export function fromStripeUnits(units: number, currency: string): Micros {
  return BigInt(units) * coinOf(decimalsOf(currency))
}
