/** Cards are charged in the least coin of a currency: cents, yen, fils. */
import type { Micros } from '../base/money.ts'

const MICRO_DECIMALS = 6

/** The amount in the least coin; undefined when it has a fraction of one. */
export function minorUnits(amount: Micros, decimals: number): bigint | undefined {
  const size = 10n ** BigInt(MICRO_DECIMALS - decimals)
  return amount % size === 0n ? amount / size : undefined
}

export function fromMinorUnits(units: bigint, decimals: number): Micros {
  return units * 10n ** BigInt(MICRO_DECIMALS - decimals)
}

/** Decimals of a currency in ISO 4217, as the platform knows them; two for one that it does not. */
export function currencyDecimals(currency: string): number {
  const { maximumFractionDigits = 2 } = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions()
  return maximumFractionDigits
}

export function wholeMinorUnits(amount: Micros, currency: string): boolean {
  return minorUnits(amount, currencyDecimals(currency)) !== undefined
}

/** Up to the next whole coin. */
export function roundedUpToCoin(amount: Micros, currency: string): Micros {
  const size = 10n ** BigInt(MICRO_DECIMALS - currencyDecimals(currency))
  return ((amount + size - 1n) / size) * size
}
