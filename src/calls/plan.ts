/** Plans a slice over all levels of a chain, all or nothing, and writes the plan as a reservation. */
import { type AccountProfile, type Direction, matchingPools } from '../accounts/account.ts'
import { thresholdsOf } from '../accounts/watched.ts'
import { dialledDigits } from '../base/e164.ts'
import { firstRefusal, type Refused } from '../base/outcome.ts'
import { dayOf } from '../base/time.ts'
import { type Funded, type FundingAsk, planFunding } from '../ledger/funding.ts'
import type { LevelFigures, PoolMove, SpendPeriod } from '../ledger/figures.ts'
import type { LevelReservation } from './call-ledger.ts'
import type { Hold, TrunkKind } from '../ledger/hold.ts'
import { type PricedLevel, seenFromBelow } from './pricing.ts'

export interface SliceAsk {
  readonly levels: readonly PricedLevel[]
  readonly direction: Direction
  readonly to: string
  /** Seconds from answer that shall be covered in all. */
  readonly seconds: number
  readonly nowMs: number
  /** What each level holds already; absent for a call that begins. */
  readonly held?: readonly Hold[]
  readonly forced?: boolean
}

export interface SlicePlan {
  readonly kind: 'planned'
  readonly seconds: number
  readonly finalReason?: string
  readonly levels: readonly Funded[]
}

export function ownKind(direction: Direction): TrunkKind {
  return direction
}

const PLENTY = 2n ** 52n

/** What an account is taken to have before anything was read of it: enough. The ledger corrects the guess. */
export function hopefulFigures({ pools }: AccountProfile): LevelFigures {
  return {
    credit: PLENTY,
    reserved: 0n,
    calls: 0,
    ownUsed: 0,
    twoWayUsed: 0,
    spentToday: -PLENTY,
    spentThisMonth: -PLENTY,
    pools: Object.fromEntries(pools.map((pool) => [pool.id, Number.MAX_SAFE_INTEGER])),
  }
}

/** What each level is asked to pay for. */
export function fundingAsks(ask: SliceAsk, seconds: number): readonly FundingAsk[] {
  const digits = dialledDigits(ask.to)
  return ask.levels.map(({ profile, price }, index) => {
    const held = ask.held?.[index]
    return {
      profile,
      price,
      ownKind: ownKind(ask.direction),
      pools: matchingPools(profile, { direction: ask.direction, digits }, ask.nowMs),
      seconds,
      ...(held ? { held } : {}),
      ...(ask.forced ? { forced: true } : {}),
    }
  })
}

/** Every level can pay the seconds of the plan; it is as long as the poorest level allows. */
export function planSlice(ask: SliceAsk, figures: readonly LevelFigures[]): SlicePlan | Refused {
  const first = planAll(fundingAsks(ask, ask.seconds), figures)
  if (first.kind === 'refused') return first
  const poorest = first.levels.reduce((least, level) => (level.seconds < least.seconds ? level : least))
  if (poorest.seconds >= ask.seconds) return { kind: 'planned', seconds: ask.seconds, levels: first.levels }
  const finalReason = poorest.finalReason ?? 'no_credit'
  if (poorest.seconds <= 0) return { kind: 'planned', seconds: 0, finalReason, levels: first.levels }
  const again = planAll(fundingAsks(ask, poorest.seconds), figures)
  if (again.kind === 'refused') return again
  // What made the poorest level short must still be so when the plan is carried out.
  const levels = again.levels.map((level, index) => {
    const before = first.levels[index]
    if (!before || before.seconds > poorest.seconds) return level
    const { exactPools, exactlyAvailable } = before
    return { ...level, exactPools, ...(exactlyAvailable === undefined ? {} : { exactlyAvailable }) }
  })
  return { kind: 'planned', seconds: poorest.seconds, finalReason, levels }
}

function planAll(
  asks: readonly FundingAsk[],
  figures: readonly LevelFigures[],
): { readonly kind: 'all'; readonly levels: readonly Funded[] } | Refused {
  const levels: Funded[] = []
  const refusals: Refused[] = []
  for (const [index, ask] of asks.entries()) {
    const known = figures[index]
    if (!known) throw new RangeError('figures of every level are needed')
    const plan = planFunding(ask, known)
    if (plan.kind === 'refused') refusals.push(seenFromBelow(plan, index))
    else levels.push(plan)
  }
  return firstRefusal(refusals) ?? { kind: 'all', levels }
}

/** How long the call could last with what the accounts have now, `limit` at most. */
export function fundsSeconds(ask: SliceAsk, figures: readonly LevelFigures[], limit: number): number {
  const plan = planSlice({ ...ask, seconds: limit }, figures)
  return plan.kind === 'planned' ? plan.seconds : 0
}

export function reservationLevels(ask: SliceAsk, plan: SlicePlan): readonly LevelReservation[] {
  return plan.levels.map((funded, index) => {
    const level = ask.levels[index]
    if (!level) throw new RangeError('a plan has the levels of its ask')
    return levelReservation(ask, { level, funded, index })
  })
}

function levelReservation(
  ask: SliceAsk,
  planned: { readonly level: PricedLevel; readonly funded: Funded; readonly index: number },
): LevelReservation {
  const { level, funded, index } = planned
  const { profile } = level
  const held = ask.held?.[index]
  const own = ownKind(ask.direction)
  const takes = held ? undefined : funded.hold.trunk
  return {
    account: profile.id,
    currency: profile.currency,
    profileVersion: profile.version,
    ownKind: own,
    joins: held === undefined,
    credit: funded.hold.credit - (held?.credit ?? 0n),
    creditLimit: profile.creditLimit,
    spend: spendPeriod(profile, ask.nowMs),
    thresholds: thresholdsOf(profile),
    pools: poolMoves(ask, planned),
    ...(funded.asksTrunks ? { trunkLimits: { own: profile.trunks[own], twoWay: profile.trunks.twoWay } } : {}),
    ...(takes ? { takesTrunk: takes } : {}),
    ...(profile.maxCalls === undefined ? {} : { callLimit: profile.maxCalls }),
    ...(funded.exactlyAvailable === undefined ? {} : { exactlyAvailable: funded.exactlyAvailable }),
  }
}

/** Every pool that could pay is named, also one that nothing is taken from: its seconds are in the figures then. */
function poolMoves(
  ask: SliceAsk,
  planned: { readonly level: PricedLevel; readonly funded: Funded; readonly index: number },
): readonly PoolMove[] {
  const { level, funded, index } = planned
  const held = ask.held?.[index]
  if (funded.hold.trunk && held) return []
  const digits = dialledDigits(ask.to)
  const pools = matchingPools(level.profile, { direction: ask.direction, digits }, ask.nowMs)
  return pools.map((pool) => {
    const matches = (part: { pool: string; cycle: number }) => part.pool === pool.id && part.cycle === pool.cycle
    const now = funded.hold.pools.find(matches)?.seconds ?? 0
    const before = held?.pools.find(matches)?.seconds ?? 0
    const exactly = funded.exactPools[pool.id]
    return {
      pool: pool.id,
      cycle: pool.cycle,
      reserved: now - before,
      used: 0,
      ...(exactly === undefined ? {} : { exactly }),
    }
  })
}

export function spendPeriod(profile: AccountProfile, atMs: number): SpendPeriod {
  const day = dayOf(atMs, profile.timezone)
  const { day: dayCap, month: monthCap } = profile.spendCaps
  return {
    day,
    month: day.slice(0, 7),
    ...(dayCap === undefined ? {} : { dayCap }),
    ...(monthCap === undefined ? {} : { monthCap }),
  }
}

/** Asks for nothing: only names the pools and channels whose figures are wanted. */
export function untouched(ask: SliceAsk): SlicePlan {
  const levels = ask.levels.map((_level, index): Funded => {
    const hold = ask.held?.[index] ?? { pools: [], credit: 0n }
    return { kind: 'funded', hold, seconds: 0, exactPools: {}, asksTrunks: true }
  })
  return { kind: 'planned', seconds: 0, levels }
}
