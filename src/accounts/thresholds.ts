/** Where a balance or a pool is low: an amount, or a share of the money or minutes that came in. */
import type { Micros } from '../base/money.ts'

/** Whole percents: "20%". */
export type Share = `${number}%`

/** Micros, or a share of the last purchase; without a purchase a share is never reached. */
export type BalanceThreshold = Micros | Share

/** Seconds, or a share of what the cycle in force granted. */
export type PoolThreshold = number | Share

/** Below each threshold is told once; above it, with the hysteresis, only money that came in makes it tell again. */
export interface LowBalance {
  readonly threshold: Micros
  /** Further ones. */
  readonly also?: readonly BalanceThreshold[]
  readonly hysteresis?: Micros
}
