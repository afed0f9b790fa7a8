/** The turn of a pool's cycle: fresh counters with what one cycle grants, and nothing of the old ones (rules M6, M7). */
import { nextCycleStart } from '../base/time.ts'
import type { Counter, CounterMove } from '../ledger/journal.ts'
import type { AccountProfile, Pool } from './account.ts'

export function poolCounter(pool: Pick<Pool, 'id' | 'cycle'>, which: 'g' | 'r' | 'u'): Counter {
  return `p:${pool.id}:${pool.cycle}:${which}`
}

/** An expired pool pays for nothing any more, so its cycles stand still. */
function isDue(pool: Pool, nowMs: number): boolean {
  if (pool.expiresAtMs !== undefined && pool.expiresAtMs <= nowMs) return false
  return pool.resetsAtMs !== undefined && pool.resetsAtMs <= nowMs
}

export function cyclesDue(profile: AccountProfile, nowMs: number): boolean {
  return profile.pools.some((pool) => isDue(pool, nowMs))
}

export interface TurnedCycles {
  readonly profile: AccountProfile
  readonly turned: readonly Pool[]
  readonly moves: readonly CounterMove[]
}

/**
 * Every pool whose cycle is over begins the cycle in which `nowMs` lies; undefined when none is over. Cycles that nobody
 * saw are passed over: what they granted could not be used and does not roll over.
 */
export function turnedCycles(profile: AccountProfile, nowMs: number): TurnedCycles | undefined {
  if (!cyclesDue(profile, nowMs)) return undefined
  const turned: Pool[] = []
  const pools = profile.pools.map((pool) => {
    if (!isDue(pool, nowMs)) return pool
    const next = {
      ...pool,
      cycle: pool.cycle + 1,
      resetsAtMs: nextCycleStart(nowMs, profile.cycleDay, profile.timezone),
    }
    turned.push(next)
    return next
  })
  const moves = turned.map((pool): CounterMove => [profile.id, poolCounter(pool, 'g'), pool.seconds])
  return { profile: { ...profile, version: profile.version + 1, pools }, turned, moves }
}

/** Another cycle day or zone moves the next turn; cycles that are over already turn first, by the old day. */
export function movedCycles(profile: AccountProfile, before: AccountProfile, nowMs: number): AccountProfile {
  if (profile.cycleDay === before.cycleDay && profile.timezone === before.timezone) return profile
  const resetsAtMs = nextCycleStart(nowMs, profile.cycleDay, profile.timezone)
  const pools = profile.pools.map((pool) =>
    pool.resetsAtMs === undefined || isDue(pool, nowMs) ? pool : { ...pool, resetsAtMs },
  )
  return { ...profile, pools }
}
