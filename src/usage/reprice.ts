/** What an ended call would have cost by another tariff version: the one pricing function, over what its CDR says. */
import { parseAmount, type Micros } from '../base/money.ts'
import { charge, priceOf } from '../rating/charge.ts'
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
  | { readonly kind: 'priced'; readonly micros: Micros; readonly destination: string }
  /** The tariff has no price for the number, or refuses it. */
  | { readonly kind: 'no_rate' }
  | { readonly kind: 'blocked' }

/** As if the call had been made `laterMs` later. What trunks and minutes paid stays paid. */
export function repriced(call: EndedCall, tariff: Tariff, laterMs = 0): Repriced {
  const answeredAtMs = Date.parse(call.answeredAt ?? call.startedAt) + laterMs
  const direction = call.direction === 'inbound' ? 'inbound' : 'outbound'
  const found = priceOf(tariff, {
    direction,
    digits: call.to.replace(/^\+/, ''),
    answeredAtMs,
    limitSeconds: call.seconds,
  })
  if (found.kind !== 'priced') return { kind: found.kind }
  const { price } = found
  const paid = call.parts.reduce((sum, { source, seconds }) => sum + (source === 'pool' ? seconds : 0), 0)
  const isPaid =
    call.trunk !== undefined || (paid > 0 && paid + call.overrunSeconds >= call.seconds) || call.overrunSeconds > 0
  const micros = isPaid ? 0n : charge(price, call.seconds, paid).micros
  return { kind: 'priced', micros, destination: price.destination }
}

/** The call cost what its own version says, so another version says what it would have cost. */
export function isExplained(call: EndedCall, own: Tariff): boolean {
  const again = repriced(call, own)
  return again.kind === 'priced' && again.micros === parseAmount(call.charge)
}
