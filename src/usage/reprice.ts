/** What an ended call would have cost by another tariff version: the one pricing function, over what its CDR says. */
import { parseAmount, type Micros } from '../base/money.ts'
import { charge, type Price, priceOf } from '../rating/charge.ts'
import type { Tariff } from '../rating/tariff.ts'

/** The part of a CDR that its price depends on. */
export interface EndedCall {
  readonly direction: string
  readonly to: string
  readonly startedAt: string
  readonly answeredAt?: string | undefined
  readonly seconds: number
  readonly charge: string
  readonly overrunSeconds: number
  readonly trunk?: string | undefined
  readonly parts: readonly { readonly source: string; readonly seconds: number }[]
}

export type Repriced =
  | { readonly kind: 'priced'; readonly micros: Micros; readonly by?: PricedBy }
  /** The tariff has no price for the number, or refuses it. */
  | { readonly kind: 'no_rate' }
  | { readonly kind: 'blocked' }

/** What credit pays for; absent where it pays for nothing, whatever the price is. */
export interface PricedBy {
  readonly price: Price
  readonly billedSeconds: number
  /** The first ones, paid by minutes. */
  readonly paidSeconds: number
}

/** As if the call had been made `laterMs` later. What a trunk or minutes paid needs no price and stays paid. */
export function repriced(call: EndedCall, tariff: Tariff, laterMs = 0): Repriced {
  const { seconds, overrunSeconds, parts, trunk } = call
  const paid = parts.reduce((sum, part) => sum + (part.source === 'pool' ? part.seconds : 0), 0)
  const needsNone = trunk !== undefined || seconds === 0 || overrunSeconds > 0 || (paid > 0 && paid >= seconds)
  if (needsNone) return { kind: 'priced', micros: 0n }
  const answeredAtMs = Date.parse(call.answeredAt ?? call.startedAt) + laterMs
  const direction = call.direction === 'inbound' ? 'inbound' : 'outbound'
  const asked = { direction, digits: call.to.replace(/^\+/, ''), answeredAtMs, limitSeconds: seconds } as const
  const found = priceOf(tariff, asked)
  if (found.kind !== 'priced') return { kind: found.kind }
  const { micros, billedSeconds } = charge(found.price, seconds, paid)
  const by = { price: found.price, billedSeconds: Math.max(billedSeconds, paid), paidSeconds: paid }
  return { kind: 'priced', micros, by }
}

/** The call cost what its own version says, so another version says what it would have cost. */
export function isExplained(call: EndedCall, own: Tariff): boolean {
  const again = repriced(call, own)
  return again.kind === 'priced' && again.micros === parseAmount(call.charge)
}
