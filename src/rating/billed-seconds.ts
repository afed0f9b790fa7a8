/** How many seconds a call counts for: piece by piece, never increment by increment. */
import { invariant } from '../base/fault.ts'
import type { Price } from './price.ts'

/** Where increments end: the place of the walk and the piece it is in. */
interface Walk {
  readonly price: Price
  /** Stops at the first end at or after `reach` (up), or the last one at or before it (down). */
  readonly reach: number
  readonly towards: 'up' | 'down'
}

/**
 * The first increment is counted from second 0, each following one is as long as the piece says in which it begins.
 * Within a piece that is one division.
 */
function endOfIncrements({ price, reach, towards }: Walk): number {
  const { pieces, firstIncrement } = price
  if (towards === 'down' && firstIncrement > reach) return 0
  let end = firstIncrement
  for (const [place, { increment }] of pieces.entries()) {
    const pieceEnd = pieces[place + 1]?.fromSecond ?? Infinity
    if (end >= pieceEnd) continue
    if (end >= reach) return end
    const beginHere = Math.ceil((Math.min(pieceEnd, reach) - end) / increment)
    const fit = Math.floor((reach - end) / increment)
    if (towards === 'down' && fit < beginHere) return end + fit * increment
    end += beginHere * increment
  }
  return end
}

/** The seconds that are charged for a call of this length; the no-charge threshold is not asked. */
export function billedSeconds(price: Price, seconds: number): number {
  invariant(Number.isSafeInteger(seconds) && seconds >= 0, 'seconds are whole and not negative')
  if (seconds === 0) return 0
  return Math.max(endOfIncrements({ price, reach: seconds, towards: 'up' }), price.minimumSeconds)
}

/** The same for a call that has ended: one no longer than the no-charge threshold is free. */
export function chargedSeconds(price: Price, usedSeconds: number): number {
  const billed = billedSeconds(price, usedSeconds)
  return usedSeconds <= price.noChargeSeconds ? 0 : billed
}

/** The longest call that is charged for no more than `billed` seconds. */
export function longestWithin(price: Price, billed: number): number {
  return price.minimumSeconds > billed ? 0 : endOfIncrements({ price, reach: billed, towards: 'down' })
}
