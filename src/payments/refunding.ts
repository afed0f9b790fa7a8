/** Which refunds may begin, and what one does to its account: the amount or the minutes, the books, the events. */
import type { AccountProfile } from '../accounts/account.ts'
import { formatAmount, type Micros } from '../base/money.ts'
import type { JournalEntry } from '../ledger/journal.ts'
import { eventData, lookup } from './change.ts'
import { minutesCounter, secondsBack } from './minutes.ts'
import { type Payment, type Refund, refunding, withRefund } from './payment.ts'
import type { Change } from './payment-store.ts'
import { type PaymentRefused, refusePayment } from './refusal.ts'

export interface RefundRequest {
  readonly account: string
  readonly payment: string
  /** All that is left when absent. */
  readonly amount?: Micros
  readonly operation: string
}

export interface RefundContext {
  readonly profile: AccountProfile
  /** What the provider pays back is a multiple of this. */
  readonly coin: Micros
  readonly nowMs: number
}

/** Of one payment, those that failed included: their ids are "<payment>.1" and so on. */
export const MOST_REFUNDS = 20

/** The refund that is asked for, or the one that the same operation began before. */
export function refundOf(payment: Payment, request: RefundRequest, context: RefundContext): Refund | PaymentRefused {
  if (payment.account !== request.account) return paymentUnknown(request.payment)
  const known = payment.refunds.find(({ operation }) => operation === request.operation)
  if (known) return again(known, request)
  const left = payment.amount - refunding(payment)
  const { amount = left } = request
  const refusal = refuseRefund(payment) ?? refuseAmount(payment, { amount, left }, context)
  if (refusal) return refusal
  const taken = payment.minutes ? secondsBack(payment, amount, context) : undefined
  if (typeof taken === 'object') return taken
  return {
    id: `${payment.id}.${payment.refunds.length + 1}`,
    operation: request.operation,
    amount,
    ...(taken === undefined ? {} : { seconds: taken }),
    state: 'opened',
    openedAtMs: context.nowMs,
  }
}

function again(known: Refund, { amount = known.amount, operation }: RefundRequest): Refund | PaymentRefused {
  if (amount === known.amount) return known
  return refusePayment('request_conflict', `operation ${operation} came before with another amount`)
}

function refuseRefund({ state, refunds }: Payment): PaymentRefused | undefined {
  if (state !== 'succeeded') return refusePayment('payment_not_refundable', `the payment is ${state}`)
  if (refunds.length >= MOST_REFUNDS) return refusePayment('payment_not_refundable', 'it was refunded too often')
  return undefined
}

function refuseAmount(
  { currency }: Payment,
  { amount, left }: { readonly amount: Micros; readonly left: Micros },
  { coin }: RefundContext,
): PaymentRefused | undefined {
  if (amount <= 0n || amount > left) {
    return refusePayment('refund_too_large', 'there is no more to pay back than what is left of the payment', '/amount')
  }
  if (amount % coin === 0n) return undefined
  const detail = `${formatAmount(amount)} ${currency} has a fraction that cannot be paid back`
  return refusePayment('amount_not_payable', detail, '/amount')
}

export function paymentUnknown(payment: string): PaymentRefused {
  return refusePayment('payment_unknown', `the account has no payment ${payment.slice(0, 64)}`)
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

/** What is paid back is put aside while it is not known whether it is: credit, or the minutes that it paid for. */
function refundMoves(
  payment: Payment,
  { before, after }: { readonly before?: Refund | undefined; readonly after: Refund },
): Moves | undefined {
  const { account } = payment
  const counter = minutesCounter(payment, 'r') ?? 'dr'
  const size = after.seconds ?? Number(after.amount)
  const held = before !== undefined && before.state !== 'failed'
  const release: Moves = held ? [[account, counter, -size]] : []
  if (after.state === 'succeeded') return [...release, ...takenMoves(payment, after)]
  if (after.state === 'failed') return release
  return held ? undefined : [[account, counter, size]]
}

/** What was paid for minutes was earned: it is given back to the account and goes out to the card in one. */
function takenMoves(payment: Payment, { amount, seconds = 0 }: Refund): Moves {
  const { account } = payment
  const debit = [account, 'dp', Number(amount)] as const
  const granted = minutesCounter(payment, 'g')
  return granted === undefined ? [debit] : [[account, 'cp', Number(amount)], debit, [account, granted, -seconds]]
}

function refundEntry(
  { currency, id, charge = '', minutes }: Payment,
  { after, moves }: { readonly after: Refund; readonly moves: Moves },
  nowMs: number,
): JournalEntry {
  const amount = Number(after.amount)
  const earned: JournalEntry['books'] = minutes ? [[`${currency}:revenue`, -amount]] : []
  return {
    kind: after.state === 'succeeded' ? 'debit' : after.state === 'failed' ? 'release' : 'reserve',
    atMs: nowMs,
    moves,
    members: [],
    books: after.state === 'succeeded' ? [[`${currency}:payments`, amount], ...earned] : [],
    note: { kind: 'refund', payment: id, refund: after.id, externalId: charge },
  }
}
