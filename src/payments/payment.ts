/** A payment: money that a card was asked for, from the intent to its refunds. */
import type { Micros } from '../base/money.ts'
import type { ChargeOutcome, RefundOutcome } from './provider.ts'

/**
 * A payment is
 *
 *   opened                the intent is stored; the provider is asked next
 *   unknown               the provider was asked, and what it did is not known
 *   needs_authentication  the card's holder must agree first
 *   failed                not charged
 *   succeeded             charged, and credited in the same step
 *
 *   opened → unknown | needs_authentication | failed | succeeded
 *   unknown → needs_authentication | failed | succeeded
 *   needs_authentication → failed | succeeded
 *   failed → succeeded    the provider is believed: what it did charge is credited, however late we hear of it
 *
 * and nothing leads back. It is changed by `moved` alone. A refund of a succeeded payment is
 *
 *   opened                the amount, or the minutes it paid for, are put aside on the account; the provider is asked next
 *   unknown               the provider was asked, and what it did is not known
 *   failed                not paid back; what was put aside is the account's again
 *   succeeded             paid back, and debited in the same step
 *
 *   opened → unknown | failed | succeeded
 *   unknown → failed | succeeded
 *   failed → succeeded    as above; it is debited then
 *
 * and is changed by `refundMoved` alone.
 */
export type PaymentState = 'opened' | 'unknown' | 'needs_authentication' | 'failed' | 'succeeded'
export type RefundState = 'opened' | 'unknown' | 'failed' | 'succeeded'

/** Bundles of minutes are for a cycle; dialer minutes are bought by an amount of money and stay. */
export const paymentKinds = ['credit', 'bundle', 'dialer', 'recharge'] as const

export type PaymentKind = (typeof paymentKinds)[number]

export interface BoughtMinutes {
  readonly seconds: number
  /** Of bundles: how many. */
  readonly bundles?: number
  /** Of their pool, in which they were granted. */
  readonly cycle?: number
}

/** Bundles that are bought again. */
export interface Renewal {
  /** Of their pool: the one that is paid for. */
  readonly cycle: number
  /** Counts the payments for that cycle, from 1. */
  readonly attempt: number
  /** Ids of what is bought again. */
  readonly orders: readonly string[]
}

export interface Payment {
  /** "<partition>-<text>"; the provider's idempotency key. */
  readonly id: string
  readonly account: string
  readonly kind: PaymentKind
  readonly state: PaymentState
  readonly amount: Micros
  readonly currency: string
  readonly provider: string
  readonly customer: string
  readonly card: PaidCard
  readonly minutes?: BoughtMinutes
  /** The bundles are bought again with each cycle. */
  readonly recurring?: true
  readonly renewal?: Renewal
  /** Mail address of the staff member who bought. */
  readonly buyer?: string
  /** The provider's id. */
  readonly charge?: string
  /** With it the card's holder can agree; only in `needs_authentication`. */
  readonly clientSecret?: string
  /** Why it failed or is unknown. */
  readonly reason?: string
  readonly openedAtMs: number
  readonly changedAtMs: number
  readonly succeededAtMs?: number
  /** How often the provider was asked what became of it. */
  readonly lookups: number
  /** Of a recharge: the day and month whose caps it counts in. */
  readonly capped?: { readonly day: string; readonly month: string }
  /** Of a recharge: it was counted among the failures. */
  readonly failureCounted?: true
  readonly refunds: readonly Refund[]
  /** Number of the receipt, given when it succeeded. */
  readonly receipt?: string
}

/** The card as it was then: it may be on file no more. */
export interface PaidCard {
  readonly id: string
  readonly token: string
  readonly brand: string
  readonly last4: string
}

export interface Refund {
  /** "<payment>.<n>"; the provider's idempotency key. */
  readonly id: string
  /** Idempotency-Key of who asked. */
  readonly operation: string
  readonly amount: Micros
  /** Of minutes: what is taken back for it. */
  readonly seconds?: number
  readonly state: RefundState
  readonly reason?: string
  readonly openedAtMs: number
}

/** A provider has answered or given up by then; until then the payment is its maker's. */
const ASKING_MS = 90_000

/** A charge that the provider does not know so long after the intent was not made. */
const ABSENT_AFTER_MS = 300_000

/** Who has not agreed by then does not agree. */
const AUTHENTICATION_MS = 86_400_000

const FIRST_LOOKUP_MS = 5_000
const FIRST_AUTHENTICATION_LOOKUP_MS = 60_000
const LONGEST_WAIT_MS = 3_600_000

type Found = ChargeOutcome | { readonly kind: 'absent' }

/** The payment after what the provider said of it; undefined when that changes nothing. */
export function moved(payment: Payment, outcome: Found, nowMs: number): Payment | undefined {
  if (payment.state === 'succeeded') return undefined
  const { clientSecret: _, reason: __, ...lasting } = payment
  const before = { ...lasting, changedAtMs: nowMs }
  switch (outcome.kind) {
    case 'succeeded':
      return { ...before, state: 'succeeded', charge: outcome.charge, succeededAtMs: nowMs }
    case 'declined': {
      if (payment.state === 'failed') return undefined
      const charge = outcome.charge === undefined ? {} : { charge: outcome.charge }
      return { ...before, ...charge, state: 'failed', reason: outcome.reason }
    }
    case 'needs_authentication':
      return authenticating(payment, outcome, nowMs)
    case 'unknown':
      return stillUnknown(payment, outcome, nowMs)
    case 'absent':
      return nowMs - payment.openedAtMs < ABSENT_AFTER_MS
        ? stillUnknown(payment, { reason: 'the provider knows of no charge yet' }, nowMs)
        : moved(payment, { kind: 'declined', reason: 'not_charged' }, nowMs)
  }
}

function authenticating(
  payment: Payment,
  { charge, clientSecret = payment.clientSecret }: Extract<Found, { kind: 'needs_authentication' }>,
  nowMs: number,
): Payment | undefined {
  if (payment.state === 'failed') return undefined
  if (nowMs - payment.openedAtMs >= AUTHENTICATION_MS) {
    return moved(payment, { kind: 'declined', reason: 'authentication_expired', charge }, nowMs)
  }
  const asked = payment.state === 'needs_authentication'
  return {
    ...payment,
    state: 'needs_authentication',
    reason: 'authentication_required',
    charge,
    ...(clientSecret === undefined ? {} : { clientSecret }),
    changedAtMs: asked ? payment.changedAtMs : nowMs,
    lookups: asked ? payment.lookups + 1 : 0,
  }
}

/** What is known already is not forgotten; only the next look is later. */
function stillUnknown(
  payment: Payment,
  { reason, charge }: { readonly reason: string; readonly charge?: string },
  nowMs: number,
): Payment | undefined {
  if (payment.state === 'failed') return undefined
  if (payment.state !== 'opened') return { ...payment, lookups: payment.lookups + 1 }
  const known = charge === undefined ? {} : { charge }
  return { ...payment, ...known, state: 'unknown', reason, changedAtMs: nowMs, lookups: 0 }
}

/** When the provider is asked what became of the payment or its refunds; undefined when all is known. */
export function nextLookupMs(payment: Payment, nowMs: number): number | undefined {
  const { state, openedAtMs, lookups } = payment
  if (state === 'opened') return openedAtMs + ASKING_MS
  if (state === 'unknown') return nowMs + waitMs(FIRST_LOOKUP_MS, lookups)
  if (state === 'needs_authentication') return nowMs + waitMs(FIRST_AUTHENTICATION_LOOKUP_MS, lookups)
  const open = payment.refunds.filter((refund) => refund.state === 'opened' || refund.state === 'unknown')
  if (open.length === 0) return undefined
  const asking = open.map((refund) =>
    refund.state === 'opened' ? refund.openedAtMs + ASKING_MS : nowMs + waitMs(FIRST_LOOKUP_MS, lookups),
  )
  return Math.max(Math.min(...asking), nowMs)
}

function waitMs(first: number, lookups: number): number {
  return Math.min(first * 2 ** Math.min(lookups, 20), LONGEST_WAIT_MS)
}

/** A refund after what the provider said of it; undefined when that changes nothing. */
export function refundMoved(
  refund: Refund,
  outcome: RefundOutcome | { readonly kind: 'absent' },
  nowMs: number,
): Refund | undefined {
  if (refund.state === 'succeeded' || (refund.state === 'failed' && outcome.kind !== 'succeeded')) return undefined
  const { reason: _, ...lasting } = refund
  switch (outcome.kind) {
    case 'succeeded':
      return { ...lasting, state: 'succeeded' }
    case 'declined':
      return { ...lasting, state: 'failed', reason: outcome.reason }
    case 'unknown':
      return { ...lasting, state: 'unknown', reason: outcome.reason }
    case 'absent':
      return nowMs - refund.openedAtMs < ABSENT_AFTER_MS
        ? { ...lasting, state: 'unknown', reason: 'the provider knows of no refund yet' }
        : { ...lasting, state: 'failed', reason: 'not_refunded' }
  }
}

/** What was or may still be paid back. */
export function refunding({ refunds }: Payment): Micros {
  return refunds.filter(({ state }) => state !== 'failed').reduce((sum, { amount }) => sum + amount, 0n)
}

/** Seconds that were or may still be taken back. */
export function secondsTaken({ refunds }: Payment): number {
  return refunds.filter(({ state }) => state !== 'failed').reduce((sum, { seconds = 0 }) => sum + seconds, 0)
}

/** Nobody knows yet what becomes of it. */
export function isUndecided({ state }: Payment): boolean {
  return state !== 'failed' && state !== 'succeeded'
}

/** What was paid back. */
export function refunded({ refunds }: Payment): Micros {
  return refunds.filter(({ state }) => state === 'succeeded').reduce((sum, { amount }) => sum + amount, 0n)
}

export function withRefund(payment: Payment, refund: Refund): Payment {
  const known = payment.refunds.some(({ id }) => id === refund.id)
  const refunds = known
    ? payment.refunds.map((other) => (other.id === refund.id ? refund : other))
    : [...payment.refunds, refund]
  return { ...payment, refunds }
}
