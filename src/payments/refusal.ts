/** Why a purchase, a card or a refund is not taken. What a provider declines is no refusal: it is how a payment ends. */

import type { Micros } from '../base/money.ts'

export const paymentRefusalCodes = [
  'account_unknown',
  'account_closed',
  'card_unknown',
  'card_missing',
  'card_refused',
  'too_many_cards',
  'order_unknown',
  'minutes_unavailable',
  'too_many_bundles',
  'amount_below_minimum',
  'amount_not_payable',
  'amount_too_large',
  'payment_unknown',
  'payment_not_refundable',
  'refund_too_large',
  'minutes_used',
  'insufficient_credit',
  'request_conflict',
  'recharge_unset',
  'recharge_paused',
  'recharge_not_due',
  'recharge_in_flight',
  'recharge_capped',
  'renewal_not_due',
  'renewal_in_flight',
] as const

export type PaymentRefusalCode = (typeof paymentRefusalCodes)[number]

export interface PaymentRefused {
  readonly kind: 'refused'
  readonly code: PaymentRefusalCode
  readonly detail: string
  /** JSON Pointer of the field at fault. */
  readonly field?: string
  /** Of `recharge_capped`. */
  readonly capped?: CapReached
}

/** What would have been bought, and the cap that it would have passed. */
export interface CapReached {
  readonly period: 'day' | 'month'
  readonly cap: Micros
  readonly amount: Micros
}

export function refusePayment(code: PaymentRefusalCode, detail: string, field?: string): PaymentRefused {
  return { kind: 'refused', code, detail, ...(field === undefined ? {} : { field }) }
}
