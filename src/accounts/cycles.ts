/**
 * The turn of a pool's cycle: fresh counters with what one cycle grants, and of the old ones nothing (rules M6, M7) but what
 * the pool lets roll over. A late turn gives what turns in time would have given.
 */
import { nextCycleStart } from '../base/time.ts'
import type { Counter, CounterMove } from '../ledger/journal.ts'
import type { AccountProfile, Pool } from './account.ts'

export function poolCounter(pool: Pick<Pool, 'id' | 'cycle'>, which: 'g' | 'r' | 'u'): Counter {
  return `p:${pool.id}:${pool.cycle}:${which}`
}

/** A pool that has ended pays for nothing any more, and its cycles stand still. */
export function hasEnded({ expiresAtMs = Infinity }: Pool, nowMs: number): boolean {
  return expiresAtMs <= nowMs
}

function isDue(pool: Pool, nowMs: number): boolean {
  return !hasEnded(pool, nowMs) && pool.resetsAtMs !== undefined && pool.resetsAtMs <= nowMs
}

export function cyclesDue(profile: AccountProfile, nowMs: number): boolean {
  return profile.pools.some((pool) => isDue(pool, nowMs))
}

/** When the first of the account's cycles is over; undefined where none ends. */
export function firstTurnMs(profile: AccountProfile): number | undefined {
  const ends = profile.pools.flatMap(({ resetsAtMs, expiresAtMs = Infinity }) => {
    return resetsAtMs === undefined || resetsAtMs >= expiresAtMs ? [] : [resetsAtMs]
  })
  return ends.length === 0 ? undefined : Math.min(...ends)
}

/** A pool whose cycle is over and whose rest goes on: how much that is must be known to turn it. */
export function rollsOver(pool: Pool, nowMs: number): boolean {
  return pool.rollover !== undefined && isDue(pool, nowMs)
}

export interface TurnedPool {
  readonly pool: Pool
  /** What its new cycle has. */
  readonly seconds: number
}

export interface TurnedCycles {
  readonly profile: AccountProfile
  readonly turned: readonly TurnedPool[]
  readonly moves: readonly CounterMove[]
}

/**
 * Every pool whose cycle is over begins the cycle in which `nowMs` lies; undefined when none is over. `left` is what
 * remains of those that roll over, by id. Of cycles that nobody saw nothing was used, so all of them roll over in turn.
 */
export function turnedCycles(
  profile: AccountProfile,
  nowMs: number,
  left: Readonly<Record<string, number>>,
): TurnedCycles | undefined {
  if (!cyclesDue(profile, nowMs)) return undefined
  const turned: TurnedPool[] = []
  const pools = profile.pools.map((pool) => {
    if (!isDue(pool, nowMs)) return pool
    const resetsAtMs = nextCycleStart(nowMs, profile.cycleDay, profile.timezone)
    const next = { ...pool, cycle: pool.cycle + 1, resetsAtMs }
    turned.push({ pool: next, seconds: grantOf(pool, { profile, nowMs, left: left[pool.id] ?? 0 }) })
    return next
  })
  const moves = turned.map(({ pool, seconds }): CounterMove => [profile.id, poolCounter(pool, 'g'), seconds])
  return { profile: { ...profile, version: profile.version + 1, pools }, turned, moves }
}

interface Turn {
  readonly profile: AccountProfile
  readonly nowMs: number
  readonly left: number
}

function grantOf({ seconds, rollover, resetsAtMs = Infinity }: Pool, { profile, nowMs, left }: Turn): number {
  if (!rollover) return seconds
  const { minSeconds, maxSeconds } = rollover
  let grant = left
  for (let at = resetsAtMs; at <= nowMs; at = nextCycleStart(at, profile.cycleDay, profile.timezone)) {
    const before = grant
    grant = seconds + Math.min(maxSeconds, Math.max(minSeconds, grant))
    // From here on every cycle is like the last one.
    if (grant === before) break
  }
  return grant
}

/** Another cycle day or zone moves the next turn; cycles that are over already turn first, by the old day. */
export function movedCycles(profile: AccountProfile, before: AccountProfile, nowMs: number): AccountProfile {
  if (profile.cycleDay === before.cycleDay && profile.timezone === before.timezone) return profile
  const resetsAtMs = nextCycleStart(nowMs, profile.cycleDay, profile.timezone)
  const pools = profile.pools.map((pool) => {
    if (pool.resetsAtMs === undefined || isDue(pool, nowMs) || hasEnded(pool, nowMs)) return pool
    // What ends with its cycle still does.
    return { ...pool, resetsAtMs, ...(pool.expiresAtMs === pool.resetsAtMs ? { expiresAtMs: resetsAtMs } : {}) }
  })
  return { ...profile, pools }
}
