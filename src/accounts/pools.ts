/** Makes and changes pools, and says what the counters of the cycle in force must move by. */
import { nextCycleStart } from '../base/time.ts'
import type { AccountProfile, Pool } from './account.ts'
import type { PoolInput, PoolPatch } from './office.ts'
import { type AccountDefaults, given } from './profile.ts'

/** Pools that ended so long ago are dropped when another is added: no call that they paid for is remembered. */
const KEPT_AFTER_EXPIRY_MS = 35 * 86_400_000

const DEFAULT_PRIORITY = 100

export interface PoolContext {
  readonly profile: AccountProfile
  readonly defaults: AccountDefaults['pool']
  readonly nowMs: number
}

/**
 * A new pool has its minutes at once, wherever in the cycle it is added (rules M5, M8). Its cycles are counted from the
 * profile's version, which is above every cycle of a pool that had the id before: the counters of that are not found again.
 */
export function newPool(id: string, input: PoolInput, context: PoolContext): Pool {
  const { defaults, nowMs, profile } = context
  const { name, seconds, priority = DEFAULT_PRIORITY, expiresAtMs, resets = 'never', prefixes = [] } = input
  return {
    id,
    name,
    seconds,
    priority,
    resets,
    cycle: profile.version,
    ...resetTime(resets, context),
    ...given({ expiresAtMs, rollover: input.rollover, lowAt: input.lowAt }),
    directions: input.directions ?? defaults.directions,
    prefixes,
    freeSeconds: input.freeSeconds ?? defaults.freeSeconds,
    increment: input.increment ?? defaults.increment,
    onExhausted: input.onExhausted ?? defaults.onExhausted,
    createdAtMs: nowMs,
  }
}

/** A pool that has ended begins again, with nothing of what it had. */
export function reopenedPool(ended: Pool, context: PoolContext): Pool {
  const { expiresAtMs: _expires, resetsAtMs: _resets, ...lasting } = ended
  return { ...lasting, cycle: ended.cycle + 1, ...resetTime(ended.resets, context) }
}

/** The cycle in force goes on; a pool that begins or stops to reset does so from its next turn. */
export function changedPool(before: Pool, patch: PoolPatch, context: PoolContext): Pool {
  const { resetsAtMs, ...changed }: Pool = { ...patched(before, patch, context), id: before.id }
  if (changed.resets === before.resets) return resetsAtMs === undefined ? changed : { ...changed, resetsAtMs }
  return { ...changed, ...resetTime(changed.resets, context) }
}

function patched(before: Pool, patch: PoolPatch, of: PoolContext): Pool {
  const { expiresAtMs, directions, prefixes, rollover, lowAt, ...rest } = patch
  const { expiresAtMs: endedAtMs, rollover: rolled, lowAt: watched, ...lasting } = before
  return {
    ...lasting,
    ...given(rest),
    ...given({
      expiresAtMs: kept(endedAtMs, expiresAtMs),
      rollover: kept(rolled, rollover),
      lowAt: kept(watched, lowAt),
    }),
    directions: directions === undefined ? before.directions : (directions ?? of.defaults.directions),
    prefixes: prefixes === undefined ? before.prefixes : (prefixes ?? []),
  }
}

/** Null clears, and what is absent stays. */
function kept<T>(before: T | undefined, patch: T | null | undefined): T | undefined {
  return patch === undefined ? before : (patch ?? undefined)
}

function resetTime(resets: Pool['resets'], { profile, nowMs }: PoolContext): Pick<Pool, 'resetsAtMs'> {
  return resets === 'cycle' ? { resetsAtMs: nextCycleStart(nowMs, profile.cycleDay, profile.timezone) } : {}
}

export function withPool(profile: AccountProfile, pool: Pool, nowMs: number): AccountProfile {
  const known = profile.pools.some(({ id }) => id === pool.id)
  const kept = profile.pools.filter(({ expiresAtMs = Infinity }) => expiresAtMs > nowMs - KEPT_AFTER_EXPIRY_MS)
  const pools = known ? profile.pools.map((other) => (other.id === pool.id ? pool : other)) : [...kept, pool]
  return { ...profile, version: profile.version + 1, pools }
}

/** The same terms as a pool has already, however they are given. */
export function samePool(pool: Pool, other: Pool): boolean {
  const terms = ({ createdAtMs: _created, resetsAtMs: _resets, cycle: _cycle, ...rest }: Pool): string =>
    JSON.stringify(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)))
  return terms(pool) === terms(other)
}
