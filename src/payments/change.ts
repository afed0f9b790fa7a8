/** What a payment's next state does to its account: the entry, the events, the recharge. */
import type { AccountProfile } from '../accounts/account.ts'
import type { AccountDefaults } from '../accounts/profile.ts'
import type { JournalEntry } from '../ledger/journal.ts'
import { withBundles } from './goods.ts'
import { nextLookupMs, type Payment, type Refund, withRefund } from './payment.ts'
import type { Change, PaymentEvent, RechargeChange } from './payment-store.ts'

export interface ChangeContext {
  readonly profile: AccountProfile
  readonly defaults: AccountDefaults['pool']
  readonly nowMs: number
}

/** Waits between recharges that fail, unless the account says otherwise. */
const BACK_OFF_MS = 3_600_000
const DEFAULT_MAX_FAILURES = 3

/** A payment that has become another. */
export function changeOf(before: Payment, after: Payment, context: ChangeContext): Change {
  const { nowMs, profile } = context
  const posted = after.state === 'succeeded' ? crediting(after, context) : {}
  const recharge = before.state === after.state ? undefined : rechargeChange(after, profile)
  const payment = recharge?.kind === 'failed' ? { ...after, failureCounted: true as const } : after
  const events = before.state === after.state ? [] : eventsOf(after)
  return { kind: 'change', payment, ...lookup(payment, nowMs), ...posted, events, ...(recharge ? { recharge } : {}) }
}

function lookup(payment: Payment, nowMs: number): { readonly lookupAtMs?: number } {
  const lookupAtMs = nextLookupMs(payment, nowMs)
  return lookupAtMs === undefined ? {} : { lookupAtMs }
}

function crediting(payment: Payment, context: ChangeContext): Pick<Change, 'entry' | 'profile' | 'credits'> {
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
  if (!payment.bundles) return { entry: paid, credits: charge }
  // What was paid for minutes is earned at once: it comes in and goes out again.
  const { profile, move } = withBundles(context.profile, payment.bundles.seconds, context)
  const moves = [...paid.moves, [account, 'dp', amount] as const, move]
  const books = [...paid.books, [`${currency}:revenue`, amount] as const]
  return { entry: { ...paid, moves, books }, profile, credits: charge }
}

function rechargeChange(payment: Payment, { recharge }: AccountProfile): RechargeChange | undefined {
  if (payment.kind !== 'recharge') return undefined
  if (payment.state === 'succeeded') return { kind: 'succeeded' }
  const failed = payment.state === 'failed' || payment.state === 'needs_authentication'
  if (!failed || payment.failureCounted) return undefined
  return { kind: 'failed', backOffMs: BACK_OFF_MS, maxFailures: recharge?.maxFailures ?? DEFAULT_MAX_FAILURES }
}

function eventsOf(payment: Payment): readonly PaymentEvent[] {
  const data = eventData(payment)
  switch (payment.state) {
    case 'succeeded': {
      const bundles = payment.bundles
      const bought = { count: String(bundles?.count ?? 0), seconds: String(bundles?.seconds ?? 0) }
      const purchased = bundles ? [{ type: 'bundle.purchased', data: { ...data, ...bought } } as const] : []
      return [{ type: 'payment.succeeded', data }, ...purchased]
    }
    case 'failed':
    case 'needs_authentication':
      return [{ type: 'payment.failed', data }]
    case 'unknown':
      return [{ type: 'payment.unknown', data }]
    case 'opened':
      return []
  }
}

function eventData(payment: Payment): Readonly<Record<string, string>> {
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

/** Only seen by the provider; nothing of the account moves. */
export function postponed(payment: Payment, nowMs: number): Change {
  return { kind: 'change', payment, ...lookup(payment, nowMs), events: [] }
}

/** A refund that is begun or has become another. */
export function refundChange(
  payment: Payment,
  { before, after }: { readonly before?: Refund; readonly after: Refund },
  nowMs: number,
): Change {
  const next = { ...withRefund(payment, after), changedAtMs: nowMs, lookups: payment.lookups + (before ? 1 : 0) }
  const change = { kind: 'change', payment: next, ...lookup(next, nowMs), events: [] } as const
  if (before?.state === after.state) return change
  const moves = refundMoves(payment, { before, after })
  const entry = moves && refundEntry(payment, { after, moves }, nowMs)
  if (after.state !== 'succeeded') return { ...change, ...(entry ? { entry } : {}) }
  const { receipt } = payment
  const refunded = { ...eventData(payment), amount: after.amount.toString(), refund: after.id }
  const data = receipt === undefined ? refunded : { ...refunded, receipt }
  return { ...change, ...(entry ? { entry } : {}), events: [{ type: 'payment.refunded', data }] }
}

type Moves = JournalEntry['moves']

/** The amount is put aside while it is not known whether it is paid back. */
function refundMoves(
  { account }: Payment,
  { before, after }: { readonly before?: Refund | undefined; readonly after: Refund },
): Moves | undefined {
  const amount = Number(after.amount)
  const held = before !== undefined && before.state !== 'failed'
  const release: Moves = held ? [[account, 'dr', -amount]] : []
  if (after.state === 'succeeded') return [...release, [account, 'dp', amount]]
  if (after.state === 'failed') return release
  return held ? undefined : [[account, 'dr', amount]]
}

function refundEntry(
  { currency, id, charge = '' }: Payment,
  { after, moves }: { readonly after: Refund; readonly moves: Moves },
  nowMs: number,
): JournalEntry {
  const amount = Number(after.amount)
  return {
    kind: after.state === 'succeeded' ? 'debit' : after.state === 'failed' ? 'release' : 'reserve',
    atMs: nowMs,
    moves,
    members: [],
    books: after.state === 'succeeded' ? [[`${currency}:payments`, amount]] : [],
    note: { kind: 'refund', payment: id, refund: after.id, externalId: charge },
  }
}
