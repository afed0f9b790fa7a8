/**
 * What must be answered, worked out plainly from the rules: it is told what the accounts have, and knows nothing of how the
 * daemon plans. Money is whole micros; a price is `perMinute` micros a minute, and a sum is rounded once.
 *
 * Predicted exactly: the code of a refusal, the seconds and credit of an allow and what funds it; what a call that has been
 * granted so many seconds holds; what one that ended costs. Not predicted, and only bounded: how minutes and credit share
 * a call that outlived its grant, and how long the edge's own timer is set.
 */
import { type RefusalCode, refusalCodes } from '../../src/base/outcome.ts'
import type { AccountSpec, Asks, PoolSpec, RateSpec } from './worlds.ts'

export const SLICE_SECONDS = 60
export const UNATTENDED_SECONDS = 600

/** What one account has at one instant. */
export interface Funds {
  readonly spec: AccountSpec
  readonly rate: RateSpec
  readonly credit: bigint
  readonly reserved: bigint
  readonly calls: number
  readonly channels: Readonly<Record<'inbound' | 'outbound' | 'twoWay', number>>
  /** Seconds left, by pool. */
  readonly pools: Readonly<Record<string, number>>
}

export type Predicted =
  | { readonly kind: 'denied'; readonly code: RefusalCode }
  | { readonly kind: 'allowed'; readonly seconds: number; readonly reserved: bigint; readonly fundedBy: string }

/** The payer first, then the accounts above it. */
export function predictAuthorize(levels: readonly Funds[], asks: Asks): Predicted {
  const seconds = asks.mode === 'whole' ? UNATTENDED_SECONDS : SLICE_SECONDS
  const standing = levels.flatMap(({ spec }) => (spec.status === 'active' ? [] : (['account_suspended'] as const)))
  if (standing.length > 0) return denied(standing)
  if (digitsOf(asks.to).startsWith('900')) return { kind: 'denied', code: 'destination_blocked' }
  const first = levels.map((level) => fund(level, asks, seconds))
  const refusals = first.flatMap((plan) => (plan.kind === 'denied' ? [plan.code] : []))
  if (refusals.length > 0) return denied(refusals)
  const least = Math.min(...first.map((plan) => (plan.kind === 'allowed' ? plan.seconds : 0)))
  if (least <= 0) return { kind: 'denied', code: 'no_credit' }
  const [payer] = levels
  const plan = payer && fund(payer, asks, least)
  return plan?.kind === 'allowed' ? { ...plan, seconds: least } : { kind: 'denied', code: 'no_credit' }
}

/** The code that stands first in the list goes before the others. */
function denied(codes: readonly RefusalCode[]): Predicted {
  const code = refusalCodes.find((known) => codes.includes(known))
  if (code === undefined) throw new RangeError('no refusal')
  return { kind: 'denied', code }
}

function fund(level: Funds, asks: Asks, seconds: number): Predicted {
  const plan = fundBySource(level, asks, seconds)
  const { maxCalls = Infinity } = level.spec
  if (level.calls < maxCalls) return plan
  return plan.kind === 'denied' ? denied([plan.code, 'call_limit']) : { kind: 'denied', code: 'call_limit' }
}

function fundBySource(level: Funds, asks: Asks, seconds: number): Predicted {
  const { spec } = level
  let refusal: Predicted | undefined
  let ownsTrunk = false
  for (const source of spec.funding) {
    if (source === 'trunk') {
      ownsTrunk = spec.trunks[asks.direction] + spec.trunks.twoWay > 0
      if (freeChannel(level, asks)) return { kind: 'allowed', seconds, reserved: 0n, fundedBy: 'trunk' }
    } else if (source === 'pool') {
      const plan = fundByPools(level, asks, { seconds, ownsTrunk })
      if (plan) return plan
    } else {
      const plan = fundByCredit(level, asks, { seconds, ownsTrunk, paid: 0 })
      if (plan.kind === 'allowed') return plan
      refusal = plan
    }
  }
  return refusal ?? nothingPays(level, asks, ownsTrunk)
}

function freeChannel({ spec, channels }: Funds, { direction }: Asks): boolean {
  return channels[direction] < spec.trunks[direction] || channels.twoWay < spec.trunks.twoWay
}

/** Minutes pay for outbound calls, in the order of their priority. */
function matching({ spec }: Funds, { direction }: Asks): readonly PoolSpec[] {
  if (direction !== 'outbound') return []
  return spec.pools.toSorted((a, b) => a.priority - b.priority)
}

interface Wanted {
  readonly seconds: number
  readonly ownsTrunk: boolean
}

/** Undefined where pools have no part in the call. */
function fundByPools(level: Funds, asks: Asks, { seconds, ownsTrunk }: Wanted): Predicted | undefined {
  const pools = matching(level, asks)
  if (pools.length === 0) return undefined
  let paid = 0
  for (const { id, increment } of pools) {
    const wanted = Math.max(0, Math.ceil(seconds / increment) * increment - paid)
    paid += Math.max(0, Math.min(wanted, level.pools[id] ?? 0))
  }
  const allowed = { kind: 'allowed', reserved: 0n, fundedBy: 'pool' } as const
  if (paid >= seconds) return { ...allowed, seconds }
  if (pools.every(({ onExhausted }) => onExhausted === 'spill')) {
    return paid > 0 ? fundByCredit(level, asks, { seconds, ownsTrunk, paid }) : undefined
  }
  if (paid === 0) return nothingPays(level, asks, ownsTrunk)
  const cuts = pools.some(({ onExhausted }) => onExhausted === 'cut')
  return { ...allowed, seconds: cuts ? paid : seconds }
}

function nothingPays(level: Funds, asks: Asks, ownsTrunk: boolean): Predicted {
  if (ownsTrunk) return { kind: 'denied', code: 'trunk_limit' }
  const waits = matching(level, asks).some(({ onExhausted }) => onExhausted !== 'spill')
  return { kind: 'denied', code: waits ? 'no_minutes' : 'no_credit' }
}

function fundByCredit(level: Funds, asks: Asks, want: Wanted & { readonly paid: number }): Predicted {
  const { seconds, ownsTrunk, paid } = want
  if (!digitsOf(asks.to).startsWith('44')) {
    return paid > 0 ? byPools(paid) : { kind: 'denied', code: 'no_rate' }
  }
  const available = level.credit - level.reserved + BigInt(level.spec.creditLimit)
  let granted = seconds
  while (granted > paid && reservation(level.rate, granted, paid) > available) granted -= 1
  if (granted <= paid) return paid > 0 ? byPools(paid) : nothingPays(level, asks, ownsTrunk)
  if (available < 0n) return nothingPays(level, asks, ownsTrunk)
  const reserved = reservation(level.rate, granted, paid)
  return { kind: 'allowed', seconds: granted, reserved, fundedBy: fundedBy(paid, reserved) }
}

function byPools(seconds: number): Predicted {
  return { kind: 'allowed', seconds, reserved: 0n, fundedBy: 'pool' }
}

function fundedBy(paid: number, reserved: bigint): string {
  if (paid > 0) return reserved > 0n ? 'mixed' : 'pool'
  return reserved > 0n ? 'credit' : 'free'
}

function digitsOf(number: string): string {
  return number.replace('+', '')
}

function billed({ first, next }: RateSpec, seconds: number): number {
  if (seconds <= 0) return 0
  return seconds <= first ? first : first + Math.ceil((seconds - first) / next) * next
}

/** Micros times 60, so that nothing is rounded yet. Minutes pay the first `paid` seconds, and the fee with them. */
function exact(rate: RateSpec, seconds: number, paid: number): bigint {
  const counted = billed(rate, seconds)
  if (counted <= paid) return 0n
  return BigInt(paid === 0 ? rate.fee : 0) * 60n + BigInt(rate.perMinute) * BigInt(counted - paid)
}

/** What is put aside for so many seconds: rounded up. */
export function reservation(rate: RateSpec, seconds: number, paid = 0): bigint {
  return (exact(rate, seconds, paid) + 59n) / 60n
}

/** What so many seconds cost: rounded half up. */
export function charge(rate: RateSpec, seconds: number, paid = 0): bigint {
  return (exact(rate, seconds, paid) + 30n) / 60n
}
