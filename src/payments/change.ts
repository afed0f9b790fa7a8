/** What a payment's next state does to its account: the entry, the events, the recharge, the renewal. */
import type { AccountProfile } from '../accounts/account.ts'
import { withoutStandingBundles } from '../accounts/bundles.ts'
import type { AccountDefaults } from '../accounts/profile.ts'
import type { JournalEntry } from '../ledger/journal.ts'
import { granted } from './minutes.ts'
import { nextLookupMs, type Payment } from './payment.ts'
import type { Change, PaymentEvent, RechargeChange } from './payment-store.ts'

export interface ChangeContext {
  readonly profile: AccountProfile
  readonly defaults: AccountDefaults['pool']
  readonly nowMs: number
}

/** Waits between recharges that fail, unless the account says otherwise. */
const BACK_OFF_MS = 3_600_000
const DEFAULT_MAX_FAILURES = 3

/** A renewal that fails is tried again a day later, then two, then four; then the bundles are bought no more. */
const RENEWAL_BACK_OFF_MS = 86_400_000
const MAX_RENEWALS = 4

/** A payment that has become another. */
export function changeOf(before: Payment, after: Payment, context: ChangeContext): Change {
  const { nowMs, profile } = context
  if (before.state === after.state) return postponed(after, nowMs)
  const recharge = rechargeChange(after, profile)
  const payment = recharge?.kind === 'failed' ? { ...after, failureCounted: true as const } : after
  const change = { kind: 'change', payment, ...lookup(payment, nowMs), events: eventsOf(after) } as const
  const renewed = after.renewal && after.state !== 'succeeded' ? renewalFailed(after, context) : {}
  const posted = after.state === 'succeeded' ? crediting(after, context) : {}
  const events = [...change.events, ...(renewed.events ?? [])]
  return { ...change, ...renewed, ...posted, events, ...(recharge ? { recharge } : {}) }
}

/** Only seen by the provider; nothing of the account moves. */
export function postponed(payment: Payment, nowMs: number): Change {
  return { kind: 'change', payment, ...lookup(payment, nowMs), events: [] }
}

export function lookup(payment: Payment, nowMs: number): { readonly lookupAtMs?: number } {
  const lookupAtMs = nextLookupMs(payment, nowMs)
  return lookupAtMs === undefined ? {} : { lookupAtMs }
}

type Posted = Pick<Change, 'entry' | 'profile' | 'credits'> & { readonly payment?: Payment }

function crediting(payment: Payment, context: ChangeContext): Posted {
  const { account, currency, kind, charge = '', id } = payment
  const amount = Number(payment.amount)
  const paid: JournalEntry = {
    kind: 'credit',
    atMs: context.nowMs,
    moves: [[account, 'cp', amount]],
    members: [],
    books: [[`${currency}:payments`, -amount]],
    note: { kind: kind === 'credit' ? 'purchase' : kind, payment: id, externalId: charge },
  }
  const grant = granted(payment, context.profile, context)
  if (!grant) return { entry: paid, credits: charge }
  // What was paid for minutes is earned at once: it comes in and goes out again.
  const moves = [...paid.moves, [account, 'dp', amount] as const, grant.move]
  const books = [...paid.books, [`${currency}:revenue`, amount] as const]
  const { profile, minutes } = grant
  return { payment: { ...payment, minutes }, entry: { ...paid, moves, books }, profile, credits: charge }
}

function rechargeChange(payment: Payment, { recharge }: AccountProfile): RechargeChange | undefined {
  if (payment.kind !== 'recharge') return undefined
  if (payment.state === 'succeeded') return { kind: payment.failureCounted ? 'succeeded_after_all' : 'succeeded' }
  if (!isDeclined(payment) || payment.failureCounted) return undefined
  return { kind: 'failed', backOffMs: BACK_OFF_MS, maxFailures: recharge?.maxFailures ?? DEFAULT_MAX_FAILURES }
}

function isDeclined({ state }: Payment): boolean {
  return state === 'failed' || state === 'needs_authentication'
}

/** When a renewal that failed is tried again; undefined when it is not. */
export function renewAgainMs({ renewal, changedAtMs }: Payment): number | undefined {
  if (!renewal || renewal.attempt >= MAX_RENEWALS) return undefined
  return changedAtMs + RENEWAL_BACK_OFF_MS * 2 ** (renewal.attempt - 1)
}

/** It is told, and gives no minutes; while its holder may still agree to it, no other is tried. */
function renewalFailed(payment: Payment, { profile, nowMs }: ChangeContext): Partial<Change> {
  const { renewal, state } = payment
  if (!renewal || !isDeclined(payment)) return {}
  const data = { ...eventData(payment), attempt: String(renewal.attempt), orders: renewal.orders.join(' ') }
  if (state !== 'failed') return { events: [{ type: 'bundle.declined', data }] }
  const renewAtMs = renewAgainMs(payment)
  if (renewAtMs !== undefined) {
    return { renewAtMs, events: [{ type: 'bundle.declined', data: { ...data, nextAt: String(renewAtMs) } }] }
  }
  const declined = { type: 'bundle.declined', data } as const
  const stopped = { type: 'bundle.stopped', data: { orders: data.orders, reason: 'declined' } } as const
  return { profile: withoutStandingBundles(profile, renewal.orders, nowMs), events: [declined, stopped] }
}

function eventsOf(payment: Payment): readonly PaymentEvent[] {
  const data = eventData(payment)
  switch (payment.state) {
    case 'succeeded':
      return [{ type: 'payment.succeeded', data }, ...boughtEvents(payment)]
    case 'failed':
    case 'needs_authentication':
      return [{ type: 'payment.failed', data }]
    case 'unknown':
      return [{ type: 'payment.unknown', data }]
    case 'opened':
      return []
  }
}

function boughtEvents(payment: Payment): readonly PaymentEvent[] {
  const { kind, minutes, renewal, recurring } = payment
  if (!minutes) return []
  const data = { ...eventData(payment), seconds: String(minutes.seconds) }
  if (kind === 'dialer') return [{ type: 'dialer.purchased', data }]
  const bundles = { ...data, count: String(minutes.bundles ?? 0) }
  if (renewal) return [{ type: 'bundle.renewed', data: bundles }]
  return [{ type: 'bundle.purchased', data: { ...bundles, recurring: recurring ? 'yes' : 'no' } }]
}

export function eventData(payment: Payment): Readonly<Record<string, string>> {
  const { id, kind, amount, currency, card, buyer, reason } = payment
  return {
    payment: id,
    kind,
    amount: amount.toString(),
    currency,
    card: `${card.brand} ${card.last4}`,
    ...(buyer === undefined ? {} : { buyer }),
    ...(reason === undefined ? {} : { reason }),
  }
}
