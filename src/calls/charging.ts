/** What one level owes for the seconds that were used: pure, the same for a first settlement and for a correction. */
import { charge as creditCharge } from '../rating/charge.ts'
import { poolSeconds } from '../rating/minutes.ts'
import type { LevelPrice } from '../ledger/funding.ts'
import type { PoolMove } from '../ledger/figures.ts'
import type { Charge } from './call.ts'
import type { Hold, PoolPart } from '../ledger/hold.ts'

/**
 * A trunk carries the call without a charge (R6). Pools pay the first seconds, rounded up to their increments, unless the
 * call was short enough to be free (R1–R3); what they lack is an overrun that nobody pays (M16), or credit's, where they
 * spill. Credit pays by the tariff.
 */
export function chargeOf(hold: Hold, price: LevelPrice, seconds: number): Charge {
  if (hold.trunk || seconds === 0) return { micros: 0n, billedSeconds: seconds, pools: [], overrunSeconds: 0 }
  if (isFree(hold.pools, seconds)) return { micros: 0n, billedSeconds: 0, pools: [], overrunSeconds: 0 }
  const pools = usedParts(hold.pools, seconds)
  const paid = sumOf(pools)
  // Whole increments of credit are begun where the minutes end, not beside minutes that paid for all of the talk.
  if (pools.length > 0 && paid >= seconds) return { micros: 0n, billedSeconds: paid, pools, overrunSeconds: 0 }
  if (isByPools(hold) && !spills(hold)) {
    const wanted = wantedSeconds(hold.pools, seconds)
    return { micros: 0n, billedSeconds: wanted, pools, overrunSeconds: wanted - paid }
  }
  if (price.kind === 'unpriced') return { micros: 0n, billedSeconds: seconds, pools, overrunSeconds: 0 }
  if (price.kind === 'refused') return { micros: 0n, billedSeconds: 0, pools, overrunSeconds: 0, unrated: true }
  const { billedSeconds, micros } = creditCharge(price.price, seconds, paid)
  return { micros, billedSeconds: Math.max(billedSeconds, paid), pools, overrunSeconds: 0 }
}

function isByPools(hold: Hold): boolean {
  return hold.pools.length > 0 || hold.unpaid === true
}

function spills(hold: Hold): boolean {
  return hold.unpaid !== true && hold.pools.every((part) => part.onExhausted === 'spill')
}

function sumOf(parts: readonly PoolPart[]): number {
  return parts.reduce((sum, part) => sum + part.seconds, 0)
}

/** The pool that pays first says whether so short a call counts. */
function isFree([first]: readonly PoolPart[], seconds: number): boolean {
  return first !== undefined && poolSeconds(first, seconds) === 0
}

/** What the pools would count for the call if they had it. */
function wantedSeconds(parts: readonly PoolPart[], seconds: number): number {
  const last = parts.at(-1)
  return last ? poolSeconds(last, seconds) : seconds
}

function usedParts(parts: readonly PoolPart[], seconds: number): readonly PoolPart[] {
  const used: PoolPart[] = []
  let paid = 0
  for (const part of parts) {
    const taken = Math.min(part.seconds, Math.max(0, poolSeconds(part, seconds) - paid))
    if (taken > 0) used.push({ ...part, seconds: taken })
    paid += taken
  }
  return used
}

/** From what was held and charged to what is charged now, pool by pool and cycle by cycle. */
export function poolMoves(
  held: readonly PoolPart[],
  before: readonly PoolPart[],
  now: readonly PoolPart[],
): readonly PoolMove[] {
  const moves = new Map<string, { pool: string; cycle: number; reserved: number; used: number }>()
  const moveOf = (part: PoolPart) => {
    const key = `${part.pool}:${part.cycle}`
    const move = moves.get(key) ?? { pool: part.pool, cycle: part.cycle, reserved: 0, used: 0 }
    moves.set(key, move)
    return move
  }
  for (const part of held) moveOf(part).reserved -= part.seconds
  for (const part of before) moveOf(part).used -= part.seconds
  for (const part of now) moveOf(part).used += part.seconds
  return [...moves.values()].filter((move) => move.reserved !== 0 || move.used !== 0)
}
