/** Which next hops cost no more than the call brings in. */
import type { Direction } from '../accounts/account.ts'
import { dialledDigits } from '../base/e164.ts'
import { priceOf, reservation } from '../rating/charge.ts'
import type { CallParts } from './parts.ts'
import { priceChain } from './pricing.ts'

/** Of so many seconds price and cost are compared: connect fees and increments are in it as a usual call has them. */
const COMPARED_SECONDS = 60

export interface HopCall {
  readonly account: string
  readonly direction: Direction
  readonly to: string
}

/**
 * The hops, in their order, without those that are dearer than the price, have no price for the number, or one in another
 * currency. A hop that names no tariff stays. A call without a price, as trunks and minutes may pay for it, brings in nothing.
 */
export async function affordableHops<H extends { readonly tariff?: string | undefined }>(
  parts: CallParts,
  hops: readonly H[],
  call: HopCall,
): Promise<readonly H[]> {
  const nowMs = parts.clock.nowMs()
  const chain = await parts.accounts.chainOf(call.account)
  if (!chain) return hops.filter(({ tariff }) => tariff === undefined)
  const { direction, to } = call
  const [payer] = priceChain(parts, chain, { direction, to, fromMs: nowMs })
  const brings = payer?.price.kind === 'priced' ? reservation(payer.price.price, COMPARED_SECONDS) : 0n
  return hops.filter(({ tariff: name }) => {
    if (name === undefined) return true
    const tariff = parts.tariffs.inForce(name, nowMs)
    if (tariff?.head.currency !== payer?.profile.currency || !tariff) return false
    const cost = priceOf(tariff, { direction, digits: dialledDigits(to), answeredAtMs: nowMs })
    return cost.kind === 'priced' && reservation(cost.price, COMPARED_SECONDS) <= brings
  })
}
