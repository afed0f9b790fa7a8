/** Cards are charged in whole coins of a currency: cents, yen, fils. A coin is an amount of micros. */
import type { Micros } from '../base/money.ts'

const MICRO_DECIMALS = 6

/** The least coin of a currency with so many decimals. */
export function coinOf(decimals: number): Micros {
  return 10n ** BigInt(MICRO_DECIMALS - decimals)
}

/** Decimals of a currency in ISO 4217, as the platform knows them; two for one that it does not. */
export function currencyDecimals(currency: string): number {
  const { maximumFractionDigits = 2 } = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions()
  return maximumFractionDigits
}

/** Up to the next whole coin. */
export function roundedUpToCoin(amount: Micros, coin: Micros): Micros {
  return ((amount + coin - 1n) / coin) * coin
}
