/** What is bought: credit, or minutes in bundles or by an amount of money; and what it costs. */
import { divide, formatAmount, MAX_MICROS, type Micros } from '../base/money.ts'
import type { BoughtMinutes } from './payment.ts'
import { type PaymentRefused, refusePayment } from './refusal.ts'

/** What is asked for: credit or dialer minutes by an amount of money, or whole bundles (rules M3, M11, M15). */
export type Goods =
  | { readonly kind: 'credit' | 'dialer'; readonly amount: Micros }
  | { readonly kind: 'bundle'; readonly bundles: number; readonly recurring: boolean }

/** By currency; nothing is sold in others. */
type Prices = Readonly<Record<string, Micros>>

export interface PriceList {
  /** The least that can be bought at once by an amount of money (rule C1). */
  readonly minimumPurchase: Micros
  readonly bundle: { readonly minutes: number; readonly prices: Prices }
  /** Prices are of a minute. */
  readonly dialer: { readonly prices: Prices }
}

export interface Priced {
  readonly kind: 'priced'
  readonly amount: Micros
  readonly minutes?: BoughtMinutes
}

const MAX_SECONDS = 2_000_000_000n
const SECONDS_OF_MINUTE = 60

/** What the provider charges is a multiple of `coin`. */
export function priceOf(
  goods: Goods,
  currency: string,
  { list, coin }: { readonly list: PriceList; readonly coin: Micros },
): Priced | PaymentRefused {
  const priced = listPrice(goods, currency, list)
  if (priced.kind === 'refused' || priced.amount % coin === 0n) return priced
  const detail = `${formatAmount(priced.amount)} ${currency} has a fraction that cards cannot be charged`
  return refusePayment('amount_not_payable', detail, '/amount')
}

function listPrice(goods: Goods, currency: string, list: PriceList): Priced | PaymentRefused {
  if (goods.kind === 'bundle') return bundlePrice(goods.bundles, currency, list)
  const { kind, amount } = goods
  if (amount < list.minimumPurchase) {
    const detail = `a purchase is at least ${formatAmount(list.minimumPurchase)} ${currency}`
    return refusePayment('amount_below_minimum', detail, '/amount')
  }
  return kind === 'credit' ? { kind: 'priced', amount } : dialerPrice(amount, currency, list)
}

function bundlePrice(bundles: number, currency: string, { bundle }: PriceList): Priced | PaymentRefused {
  const price = bundle.prices[currency]
  if (price === undefined) return unavailable(currency)
  const amount = price * BigInt(bundles)
  const seconds = bundles * bundle.minutes * SECONDS_OF_MINUTE
  if (amount > MAX_MICROS || seconds > MAX_SECONDS) return tooMany('/bundles')
  return { kind: 'priced', amount, minutes: { seconds, bundles } }
}

/** Whole seconds, at the price of the day. */
function dialerPrice(amount: Micros, currency: string, { dialer }: PriceList): Priced | PaymentRefused {
  const price = dialer.prices[currency]
  if (price === undefined) return unavailable(currency)
  const seconds = divide(amount * BigInt(SECONDS_OF_MINUTE), price, 'down')
  if (seconds > MAX_SECONDS) return tooMany('/amount')
  return { kind: 'priced', amount, minutes: { seconds: Number(seconds) } }
}

function unavailable(currency: string): PaymentRefused {
  return refusePayment('minutes_unavailable', `these minutes are not sold in ${currency}`, '/kind')
}

function tooMany(field: string): PaymentRefused {
  return refusePayment('amount_too_large', 'so many minutes cannot be counted', field)
}
