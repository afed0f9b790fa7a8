/** What the scripts of payments are asked, and how they refuse. */
import type { AccountProfile } from '../accounts/account.ts'
import { firstTurnMs } from '../accounts/cycles.ts'
import { invariant } from '../base/fault.ts'
import { formatAmount, MAX_MICROS } from '../base/money.ts'
import { encodeEntry } from '../ledger/journal.ts'
import type { Payment } from '../payments/payment.ts'
import type { Change, Opening, PayingAccount, PaymentEvent } from '../payments/payment-store.ts'
import { type CapReached, type PaymentRefusalCode, type PaymentRefused, refusePayment } from '../payments/refusal.ts'
import { contentOf } from './operation.ts'
import { encodePayment } from './payment-codec.ts'
import { encodeProfile } from './profile-codec.ts'
import { thresholdArguments } from './profile-store.ts'

export interface StoredPayment {
  readonly revision: string
  readonly payment: Payment
}

type Arguments = readonly (string | number)[]

/** What is absent is an empty word. */
function word(value: bigint | string | number | undefined): string {
  return value === undefined ? '' : value.toString()
}

export function openArguments(opening: Opening, profile: AccountProfile, nowMs: number): Arguments {
  const { payment, lookupAtMs, operation, refusal, recharge, renewal } = opening
  return [
    nowMs,
    payment.id,
    encodePayment(payment),
    lookupAtMs,
    operation ? contentOf(['payment', operation.content]) : '',
    profile.version,
    word(refusal?.code),
    payment.amount.toString(),
    word(recharge?.threshold),
    profile.creditLimit.toString(),
    ...periodsOf(payment),
    word(recharge?.dayCap),
    word(recharge?.monthCap),
    profile.id,
    word(operation?.id),
    renewal ? (renewal.after ?? '-') : '',
  ]
}

function periodsOf({ capped }: Payment): readonly [day: string, month: string] {
  return [word(capped?.day), word(capped?.month)]
}

export function moveArguments(
  { revision, payment: before }: StoredPayment,
  change: Change,
  { paying: { profile }, nowMs }: { readonly paying: PayingAccount; readonly nowMs: number },
): Arguments {
  const { payment, lookupAtMs, credits, recharge } = change
  return [
    nowMs,
    payment.id,
    revision,
    encodePayment(payment),
    word(lookupAtMs),
    profile.version,
    ...profileArguments(change, profile),
    profile.id,
    profile.currency,
    profile.creditLimit.toString(),
    ...thresholdArguments(profile),
    change.entry ? encodeEntry(change.entry) : '',
    credits === undefined ? 0 : 1,
    word(recharge?.kind),
    ...waitOf(recharge),
    ...periodsOf(before),
    payment.amount.toString(),
    word(change.renewAtMs),
    ...listsOf(change),
  ]
}

function profileArguments(change: Change, profile: AccountProfile): readonly [text: string, turnsAt: string] {
  return isRewritten(change, profile) ? [encodeProfile(change.profile), word(firstTurnMs(change.profile))] : ['', '']
}

export function isRewritten(
  change: Change,
  profile: AccountProfile,
): change is Change & { readonly profile: AccountProfile } {
  return change.profile !== undefined && change.profile !== profile
}

function waitOf(recharge: Change['recharge']): readonly [backOffMs: number, maxFailures: number] {
  return recharge?.kind === 'failed' ? [recharge.backOffMs, recharge.maxFailures] : [0, 0]
}

function listsOf({ entry, events }: Change): Arguments {
  const moves = entry?.moves.map(([, counter, by]) => [counter, by]) ?? []
  const books = entry?.books ?? []
  const counts = `${moves.length} ${books.length} ${events.length}`
  return [counts, ...moves.flat(), ...books.flat(), ...events.flatMap(eventArguments)]
}

function eventArguments({ type, data }: PaymentEvent): Arguments {
  const fields = Object.entries(data).flat()
  return [fields.length + 1, type, ...fields]
}

/** Why open_payment refused. */
export function openRefusal([code = '', figure = '']: readonly string[], opening: Opening): PaymentRefused {
  const { payment, refusal, operation } = opening
  if (refusal?.code === code) return refusal
  switch (code as PaymentRefusalCode) {
    case 'request_conflict':
      return refusePayment('request_conflict', `operation ${operation?.id ?? ''} came before with other content`)
    case 'amount_too_large':
      return refusePayment(
        'amount_too_large',
        `the credit would not be below ${formatAmount(MAX_MICROS + 1n)}`,
        '/amount',
      )
    case 'recharge_in_flight':
      return refusePayment('recharge_in_flight', `payment ${figure} is under way`)
    case 'recharge_capped':
      return capRefusal(figure === 'month' ? 'month' : 'day', opening)
    case 'recharge_paused':
      return refusePayment('recharge_paused', `the recharge of account ${payment.account} is paused`)
    case 'renewal_in_flight':
      return refusePayment('renewal_in_flight', `payment ${figure} came first`)
    case 'recharge_not_due':
      return refusePayment('recharge_not_due', `account ${payment.account} is not below its threshold`)
    default:
      invariant(false, `open_payment refused ${code}`)
  }
}

function capRefusal(period: CapReached['period'], { payment: { amount }, recharge }: Opening): PaymentRefused {
  const cap = (period === 'day' ? recharge?.dayCap : recharge?.monthCap) ?? 0n
  const refused = refusePayment('recharge_capped', `the recharges of the ${period} reach their cap`)
  return { ...refused, capped: { period, cap, amount } }
}

/** Why move_payment refused. */
export function moveRefusal([code, figure]: readonly [code: string, figure: string], payment: Payment): PaymentRefused {
  if (code === 'insufficient_credit') {
    const available = `${formatAmount(BigInt(figure))} ${payment.currency}`
    return refusePayment('insufficient_credit', `account ${payment.account} has ${available} available`, '/amount')
  }
  if (code === 'minutes_used') {
    const left = `account ${payment.account} has ${figure} s of them left`
    return refusePayment('minutes_used', `the minutes were used: ${left}`, '/amount')
  }
  invariant(code === 'charge_credited', `move_payment refused ${code}`)
  return refusePayment('request_conflict', `the charge was credited for payment ${figure}`)
}
