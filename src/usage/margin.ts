/** Prices held against costs, prefix by prefix and length by length, by the function that charges both. */
import type { Micros } from '../base/money.ts'
import { charge, priceOf } from '../rating/charge.ts'
import type { CallDirection } from '../rating/rate-search.ts'
import type { Tariff } from '../rating/tariff.ts'

/** Lengths at which increments, minimum and connect fee show. */
const LENGTHS = [1, 30, 60, 300] as const

export interface BelowCost {
  readonly prefix: string
  readonly direction: CallDirection
  /** Of the price; of the cost where there is no name. */
  readonly destination: string
  /** The length of a call at which the margin is least. */
  readonly seconds: number
  readonly price: Micros
  readonly cost: Micros
}

export interface MarginRules {
  readonly price: Tariff
  readonly cost: Tariff
  readonly atMs: number
  /** Parts of a thousand by which a price must be above its cost. */
  readonly leastPerMille: number
}

export type Margin =
  | { readonly kind: 'kept' }
  | { readonly kind: 'below'; readonly below: BelowCost }
  /** Sold, and it cannot be bought. */
  | { readonly kind: 'no_cost' }
  | { readonly kind: 'not_sold' }

/** Of calls to numbers that begin with the prefix and with no longer one of either tariff. */
export function marginOf(prefix: string, direction: CallDirection, rules: MarginRules): Margin {
  const asked = { direction, digits: prefix, answeredAtMs: rules.atMs, limitSeconds: LENGTHS[LENGTHS.length - 1] }
  const price = priceOf(rules.price, asked)
  if (price.kind !== 'priced') return { kind: 'not_sold' }
  const cost = priceOf(rules.cost, asked)
  if (cost.kind !== 'priced') return { kind: 'no_cost' }
  let worst: BelowCost | undefined
  for (const seconds of LENGTHS) {
    const [sold, bought] = [charge(price.price, seconds).micros, charge(cost.price, seconds).micros]
    const lacking = lack(sold, bought, rules.leastPerMille)
    if (lacking <= 0n || (worst && lacking <= lack(worst.price, worst.cost, rules.leastPerMille))) continue
    const destination = price.price.destination || cost.price.destination
    worst = { prefix, direction, destination, seconds, price: sold, cost: bought }
  }
  return worst ? { kind: 'below', below: worst } : { kind: 'kept' }
}

function lack(price: Micros, cost: Micros, leastPerMille: number): bigint {
  return cost * BigInt(1000 + leastPerMille) - price * 1000n
}
