/** What stored data costs an account: from which amount on, and by which measure of a month (rule T13, reading A17). */
import type { Micros } from '../base/money.ts'

/** The highest day of the month, or the average of the days that were reported. */
export const storageMeasures = ['peak', 'average'] as const

/** Units are counted of what is above the threshold, or of all that is stored. */
export const storageParts = ['above', 'whole'] as const

export interface StorageTerms {
  /** Of one unit, for a month. */
  readonly price: Micros
  readonly unitBytes: number
  /** At it and below there is no fee. */
  readonly thresholdBytes: number
  readonly charged: (typeof storageParts)[number]
  readonly measure: (typeof storageMeasures)[number]
}

/** What an account has instead of the settings. */
export type OwnStorageTerms = Partial<StorageTerms>

export interface StorageSettings extends Omit<StorageTerms, 'price'> {
  /** By currency; there is no fee in others. */
  readonly prices: Readonly<Record<string, Micros>>
  /** Day of the next month on which a month is billed. */
  readonly billedOnDay: number
}

/** Undefined where storage costs nothing. */
export function storageTerms(
  account: { readonly currency: string; readonly storageFee?: OwnStorageTerms },
  { prices, unitBytes, thresholdBytes, charged, measure }: StorageSettings,
): StorageTerms | undefined {
  const own = account.storageFee ?? {}
  const price = own.price ?? prices[account.currency]
  if (price === undefined || price === 0n) return undefined
  return { unitBytes, thresholdBytes, charged, measure, ...own, price }
}
