/** What pays for a level of a call, and how much of it is put aside. */
import type { OnExhausted } from '../accounts/account.ts'
import type { Micros } from '../base/money.ts'

export type TrunkKind = 'inbound' | 'outbound' | 'twoWay'

/** Seconds of one cycle of one pool that are put aside for, or were used by, a call. */
export interface PoolPart {
  readonly pool: string
  readonly cycle: number
  readonly seconds: number
  readonly increment: number
  readonly freeSeconds: number
  readonly onExhausted: OnExhausted
}

/** What pays for one level of a call, and how much of it is put aside now. */
export interface Hold {
  readonly trunk?: TrunkKind
  readonly pools: readonly PoolPart[]
  readonly credit: Micros
  /** The pools are empty and the call goes on unpaid (rule E7). */
  readonly unpaid?: boolean
}
