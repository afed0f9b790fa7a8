/** The thresholds of an account in the form that is judged with every move of its balance. */
import type { Micros } from '../base/money.ts'
import type { AccountProfile, Pool } from './account.ts'
import type { BalanceThreshold, LowBalance, PoolThreshold } from './thresholds.ts'

/** What is watched of one account by the scripts that move its balance. */
export interface Thresholds {
  readonly lowBalance?: { readonly at: readonly BalanceThreshold[]; readonly hysteresis: Micros }
  readonly recharge?: Micros
  /** Of the pools' cycles in force, by id. */
  readonly pools: Readonly<Record<string, { readonly cycle: number; readonly at: readonly PoolThreshold[] }>>
}

export function thresholdsOf({ lowBalance, recharge, pools }: AccountProfile): Thresholds {
  return {
    ...(lowBalance ? { lowBalance: balanceThresholds(lowBalance) } : {}),
    ...(recharge?.enabled ? { recharge: recharge.threshold } : {}),
    pools: poolThresholds(pools),
  }
}

const NOTHING_WATCHED: Thresholds['pools'] = {}

function poolThresholds(pools: readonly Pool[]): Thresholds['pools'] {
  if (!pools.some(({ lowAt }) => lowAt)) return NOTHING_WATCHED
  return Object.fromEntries(pools.flatMap(({ id, cycle, lowAt }) => (lowAt ? [[id, { cycle, at: lowAt }]] : [])))
}

function balanceThresholds({ threshold, also = [], hysteresis = 0n }: LowBalance) {
  return { at: [threshold, ...also], hysteresis }
}
