/**
 * Bundles of minutes that are bought again with each cycle, and their pool. A pool without them lapses with its cycle, so
 * that minutes which were bought once leave nothing behind that would keep calls off credit.
 */
import type { AccountProfile, Pool, StandingBundles } from './account.ts'
import { withPool } from './pools.ts'

/** The pool of minutes in bundles. */
export const BUNDLES_POOL = 'bundles'

export function bundlesPool(profile: AccountProfile): Pool | undefined {
  return profile.pools.find(({ id }) => id === BUNDLES_POOL)
}

/** What the cycle in force is to be paid for yet; undefined where that is nothing. */
export interface UnpaidBundles {
  readonly cycle: number
  readonly orders: readonly StandingBundles[]
}

export function unpaidBundles(profile: AccountProfile): UnpaidBundles | undefined {
  const cycle = bundlesPool(profile)?.cycle ?? 0
  const orders = (profile.standingBundles ?? []).filter(({ paidCycle }) => paidCycle < cycle)
  return orders.length === 0 ? undefined : { cycle, orders }
}

/** The profile with this pool and these standing bundles, one version on; the same profile where nothing changes. */
export function withBundles(
  profile: AccountProfile,
  { pool, standing }: { readonly pool: Pool; readonly standing: readonly StandingBundles[] | undefined },
  nowMs: number,
): AccountProfile {
  const { standingBundles, ...rest } = profile
  const lasting = lapsing(pool, !standing)
  if (lasting === bundlesPool(profile) && standing === standingBundles) return profile
  return withPool({ ...rest, ...(standing ? { standingBundles: standing } : {}) }, lasting, nowMs)
}

/** It ends when its cycle does, or goes on. */
function lapsing(pool: Pool, lapses: boolean): Pool {
  const { expiresAtMs, ...lasting } = pool
  const endsAtMs = lapses ? pool.resetsAtMs : undefined
  if (endsAtMs === expiresAtMs) return pool
  return endsAtMs === undefined ? lasting : { ...lasting, expiresAtMs: endsAtMs }
}

/** These are not bought again. The minutes of the cycle in force stay. */
export function withoutStandingBundles(
  profile: AccountProfile,
  stopped: readonly string[],
  nowMs: number,
): AccountProfile {
  const { standingBundles = [], ...rest } = profile
  const left = standingBundles.filter(({ id }) => !stopped.includes(id))
  const standing = left.length === 0 ? undefined : left
  const pool = bundlesPool(profile)
  if (pool) return withBundles(profile, { pool, standing }, nowMs)
  return { ...rest, ...(standing ? { standingBundles: standing } : {}), version: profile.version + 1 }
}
