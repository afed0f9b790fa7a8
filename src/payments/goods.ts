/** What is bought: credit, or minutes in bundles; what it costs, and what the account has of it once it is paid. */
import type { AccountProfile, Pool } from '../accounts/account.ts'
import { poolCounter } from '../accounts/cycles.ts'
import { newPool, withPool } from '../accounts/pools.ts'
import type { AccountDefaults } from '../accounts/profile.ts'
import { formatAmount, MAX_MICROS, type Micros } from '../base/money.ts'
import type { CounterMove } from '../ledger/journal.ts'
import { type PaymentRefused, refusePayment } from './refusal.ts'

/** What is asked for: an amount of credit, or a whole number of bundles (rules M3, M11). */
export type Goods =
  { readonly kind: 'credit'; readonly amount: Micros } | { readonly kind: 'bundle'; readonly bundles: number }

export interface PriceList {
  /** The least credit that can be bought at once (rule C1). */
  readonly minimumPurchase: Micros
  readonly bundle: {
    readonly minutes: number
    /** By currency; minutes are not sold in others. */
    readonly prices: Readonly<Record<string, Micros>>
  }
}

export interface Priced {
  readonly kind: 'priced'
  readonly amount: Micros
  readonly bundles?: { readonly count: number; readonly seconds: number }
}

/** `takes` says whether the provider can charge an amount exactly. */
export function priceOf(
  goods: Goods,
  currency: string,
  { list, takes }: { readonly list: PriceList; readonly takes: (amount: Micros, currency: string) => boolean },
): Priced | PaymentRefused {
  const priced =
    goods.kind === 'credit' ? creditPrice(goods.amount, currency, list) : bundlePrice(goods, currency, list)
  if (priced.kind === 'refused' || takes(priced.amount, currency)) return priced
  const detail = `${formatAmount(priced.amount)} ${currency} has a fraction that cards cannot be charged`
  return refusePayment('amount_not_payable', detail, '/amount')
}

function creditPrice(amount: Micros, currency: string, { minimumPurchase }: PriceList): Priced | PaymentRefused {
  if (amount >= minimumPurchase) return { kind: 'priced', amount }
  const detail = `a purchase is at least ${formatAmount(minimumPurchase)} ${currency}`
  return refusePayment('amount_below_minimum', detail, '/amount')
}

function bundlePrice(
  { bundles }: Extract<Goods, { kind: 'bundle' }>,
  currency: string,
  { bundle }: PriceList,
): Priced | PaymentRefused {
  const price = bundle.prices[currency]
  if (price === undefined) return refusePayment('bundle_unavailable', `minutes are not sold in ${currency}`, '/kind')
  const amount = price * BigInt(bundles)
  if (amount > MAX_MICROS) return refusePayment('amount_too_large', 'so many bundles cannot be counted', '/bundles')
  return { kind: 'priced', amount, bundles: { count: bundles, seconds: bundles * bundle.minutes * 60 } }
}

const POOL_ID = 'bundles'

export interface Granted {
  readonly profile: AccountProfile
  readonly move: CounterMove
}

/**
 * Bundles are granted for the cycle in force and usable at once (rule M8). Their pool grants nothing by itself when the
 * cycle turns: what is not paid again is gone (rules M6, M7).
 */
export function withBundles(
  profile: AccountProfile,
  seconds: number,
  { defaults, nowMs }: { readonly defaults: AccountDefaults['pool']; readonly nowMs: number },
): Granted {
  const known = profile.pools.find(({ id }) => id === POOL_ID)
  const input = { name: 'Bundles', seconds: 0, resets: 'cycle' } as const
  const pool: Pool = known ?? newPool(POOL_ID, input, { profile, defaults, nowMs })
  const move: CounterMove = [profile.id, poolCounter(pool, 'g'), seconds]
  return { profile: known ? profile : withPool(profile, pool, nowMs), move }
}
