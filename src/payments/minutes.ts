/** What an account has of minutes once they are paid, and what is taken from it when they are paid back. */
import type { AccountProfile, Pool, StandingBundles } from '../accounts/account.ts'
import { BUNDLES_POOL, withBundles } from '../accounts/bundles.ts'
import { hasEnded, poolCounter } from '../accounts/cycles.ts'
import { newPool, type PoolContext, reopenedPool, withPool } from '../accounts/pools.ts'
import type { AccountDefaults } from '../accounts/profile.ts'
import { divide } from '../base/money.ts'
import type { Counter, CounterMove } from '../ledger/journal.ts'
import { type BoughtMinutes, type Payment, refunding, secondsTaken } from './payment.ts'
import { type PaymentRefused, refusePayment } from './refusal.ts'

interface PoolOfKind {
  readonly id: string
  readonly name: string
  readonly resets: Pool['resets']
  readonly priority: number
}

/** Dialer minutes stay, so they pay after those that a cycle ends (rule M15). */
const pools = {
  bundle: { id: BUNDLES_POOL, name: 'Bundles', resets: 'cycle', priority: 100 },
  dialer: { id: 'dialer', name: 'Dialer minutes', resets: 'never', priority: 200 },
} as const satisfies Readonly<Record<string, PoolOfKind>>

function poolOf(kind: Payment['kind']): PoolOfKind | undefined {
  return kind === 'bundle' || kind === 'dialer' ? pools[kind] : undefined
}

interface Granting {
  readonly defaults: AccountDefaults['pool']
  readonly nowMs: number
}

export interface Granted {
  readonly profile: AccountProfile
  readonly minutes: BoughtMinutes
  readonly move: CounterMove
}

/**
 * Minutes are usable at once (rule M8), in the cycle in force. Their pool grants nothing by itself when the cycle turns:
 * what is not paid again is gone (rules M6, M7).
 */
export function granted(payment: Payment, profile: AccountProfile, { defaults, nowMs }: Granting): Granted | undefined {
  const { kind, minutes } = payment
  const terms = poolOf(kind)
  if (!terms || !minutes) return undefined
  const pool = openPool(terms, { profile, defaults, nowMs })
  const after =
    kind === 'bundle'
      ? withBundles(profile, { pool, standing: standingAfter(payment, profile, pool) }, nowMs)
      : withOpenPool(profile, pool, nowMs)
  const move: CounterMove = [profile.id, poolCounter(pool, 'g'), minutes.seconds]
  return { profile: after, minutes: { ...minutes, cycle: pool.cycle }, move }
}

function openPool({ id, name, resets, priority }: PoolOfKind, context: PoolContext): Pool {
  const found = context.profile.pools.find((pool) => pool.id === id)
  if (!found) return newPool(id, { name, seconds: 0, resets, priority }, context)
  return hasEnded(found, context.nowMs) ? reopenedPool(found, context) : found
}

function withOpenPool(profile: AccountProfile, pool: Pool, nowMs: number): AccountProfile {
  return profile.pools.includes(pool) ? profile : withPool(profile, pool, nowMs)
}

/** What recurs from now on is added; what was renewed is paid for the cycle in which its minutes are. */
function standingAfter(
  { id, amount, minutes, recurring, renewal }: Payment,
  { standingBundles: before }: AccountProfile,
  { cycle }: Pool,
): readonly StandingBundles[] | undefined {
  if (recurring && minutes) {
    const { seconds, bundles = 0 } = minutes
    return [...(before ?? []), { id, bundles, seconds, amount, paidCycle: cycle }]
  }
  if (!renewal) return before
  return before?.map((each) => (renewal.orders.includes(each.id) ? { ...each, paidCycle: cycle } : each))
}

/** Seconds that are taken back for paying back so much, rounded up; parts add up to the whole. */
export function secondsBack(
  payment: Payment,
  amount: bigint,
  { profile, nowMs }: { readonly profile: AccountProfile; readonly nowMs: number },
): number | PaymentRefused {
  const { minutes, kind } = payment
  const pool = profile.pools.find(({ id }) => id === poolOf(kind)?.id)
  if (!minutes || !pool || pool.cycle !== minutes.cycle || hasEnded(pool, nowMs)) {
    return refusePayment('minutes_used', 'the cycle that the minutes were bought for is over')
  }
  const share = BigInt(minutes.seconds) * (refunding(payment) + amount)
  return Number(divide(share, payment.amount, 'up')) - secondsTaken(payment)
}

/** Of the pool and cycle that the payment's minutes are in. */
export function minutesCounter({ kind, minutes }: Payment, which: 'g' | 'r'): Counter | undefined {
  const id = poolOf(kind)?.id
  return id === undefined || minutes?.cycle === undefined ? undefined : poolCounter({ id, cycle: minutes.cycle }, which)
}
