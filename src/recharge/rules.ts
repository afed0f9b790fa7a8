/** How much an automatic purchase buys, and in which day and month it counts. */
import type { Recharge } from '../accounts/account.ts'
import type { Micros } from '../base/money.ts'
import { dayOf, instantOf, zonedTime } from '../base/time.ts'
import { roundedUpToCoin } from '../payments/minor-units.ts'

export interface Need {
  readonly available: Micros
  /** What can be charged is a multiple of this. */
  readonly coin: Micros
  /** The least that can be bought at once (rule C1). */
  readonly minimumPurchase: Micros
}

/** One charge closes the whole gap: to the target, or at least to the threshold. */
export function rechargeAmount(recharge: Recharge, { available, coin, minimumPurchase }: Need): Micros {
  const { threshold, amount = minimumPurchase, targetBalance } = recharge
  const gap = (targetBalance ?? threshold) - available
  const least = targetBalance === undefined ? amount : minimumPurchase
  return roundedUpToCoin(gap > least ? gap : least, coin)
}

export interface Period {
  /** "2026-11-28" in the zone of the account. */
  readonly day: string
  /** "2026-11" */
  readonly month: string
}

export function periodOf(atMs: number, zone: string): Period {
  const day = dayOf(atMs, zone)
  return { day, month: day.slice(0, 7) }
}

/** When the next day or month of the zone begins. */
export function nextPeriodMs(which: 'day' | 'month', atMs: number, zone: string): number {
  const { year, month, day } = zonedTime(atMs, zone)
  return which === 'day'
    ? instantOf({ year, month, day: day + 1 }, zone)
    : instantOf({ year, month: month + 1, day: 1 }, zone)
}
