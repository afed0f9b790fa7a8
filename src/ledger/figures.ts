/** What accounts have, and how much of it a plan moves. */
import type { Micros } from '../base/money.ts'

/** What an account has at one instant. */
export interface LevelFigures {
  /** Posted credits less posted debits. */
  readonly credit: Micros
  /** Put aside for live calls. */
  readonly reserved: Micros
  readonly calls: number
  readonly ownUsed: number
  readonly twoWayUsed: number
  readonly spentToday: Micros
  readonly spentThisMonth: Micros
  /** Seconds left of each pool that was asked for, by id. */
  readonly pools: Readonly<Record<string, number>>
}

export interface PoolMove {
  readonly pool: string
  readonly cycle: number
  /** Change of what is put aside, in seconds. */
  readonly reserved: number
  /** Change of what is used up, in seconds. */
  readonly used: number
  /** The plan took all there was: it stands only if this is still all. */
  readonly exactly?: number
}

export interface SpendPeriod {
  readonly day: string
  readonly month: string
  readonly dayCap?: Micros
  readonly monthCap?: Micros
}
