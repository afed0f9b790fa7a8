/** Cards, orders, payments and the recharge as callers read them. */
import { z } from 'zod'
import { given } from '../../../accounts/profile.ts'
import { formatAmount } from '../../../base/money.ts'
import { formatInstant } from '../../../base/time.ts'
import type { Card, CardBook } from '../../../payments/card.ts'
import type { Order } from '../../../payments/desk.ts'
import { type BoughtMinutes, type Payment, paymentKinds, type Refund } from '../../../payments/payment.ts'
import type { Reconciled } from '../../../payments/reconcile.ts'
import type { RechargeView } from '../../../recharge/recharging.ts'
import { rechargeJson, rechargeSchema } from '../accounts/account-json.ts'

const money = z.string().describe('Decimal text in the currency of the account.')
const instant = z.string().describe('RFC 3339, UTC.')

export const cardSchema = z
  .object({
    id: z.string(),
    provider: z.string(),
    brand: z.string(),
    last4: z.string(),
    expires: z.string().describe('Year and month: "2034-12".'),
    contact: z.object({
      name: z.string().optional(),
      email: z.string().optional(),
      phone: z.string().optional(),
      address: z.string().optional(),
    }),
    recurring: z.boolean().describe('It pays what recurs.'),
    addedAt: instant,
  })
  .meta({ id: 'PaymentMethod' })

export const cardsSchema = z.object({ items: z.array(cardSchema) })

export const setupSchema = z.object({
  setup: z.string().describe('Sent as token when the form is done.'),
  clientSecret: z.string().describe("For the provider's form."),
})

const minutesSchema = z
  .object({ seconds: z.int(), bundles: z.int().optional().describe('How many of them.') })
  .describe('Minutes that are bought.')
const recurring = z.boolean().optional().describe('Of bundles: bought again with each cycle.')

export const orderSchema = z
  .object({
    order: z.string(),
    kind: z.enum(['credit', 'bundle', 'dialer']),
    amount: money.describe('What is charged when it is confirmed.'),
    currency: z.string(),
    minutes: minutesSchema.optional(),
    recurring,
    buyer: z.string().optional(),
    expiresAt: instant,
  })
  .meta({ id: 'Order' })

export const paymentSchema = z
  .object({
    payment: z.string(),
    kind: z.enum(paymentKinds),
    state: z.enum(['opened', 'unknown', 'needs_authentication', 'failed', 'succeeded']),
    amount: money,
    currency: z.string(),
    refunded: money,
    provider: z.string(),
    card: z.object({ id: z.string(), brand: z.string(), last4: z.string() }),
    minutes: minutesSchema.optional(),
    recurring,
    attempt: z.int().optional().describe('Of bundles that are bought again: counts the payments for one cycle.'),
    buyer: z.string().optional(),
    receipt: z.string().optional(),
    charge: z.string().optional().describe("The provider's id."),
    reason: z.string().optional().describe('Why it failed or is not known.'),
    clientSecret: z.string().optional().describe("With needs_authentication: for the provider's form."),
    openedAt: instant,
    changedAt: instant,
    refunds: z.array(
      z.object({
        id: z.string(),
        amount: money,
        seconds: z.int().optional().describe('Of minutes: what is taken back.'),
        state: z.enum(['opened', 'unknown', 'failed', 'succeeded']),
        reason: z.string().optional(),
      }),
    ),
  })
  .meta({ id: 'Payment' })

export const rechargeViewSchema = z
  .object({
    recharge: rechargeSchema.optional().describe('The settings, as in the profile.'),
    payment: z.string().optional().describe('The payment that is under way.'),
    failures: z.int().describe('In a row.'),
    nextAt: instant.optional().describe('After a failure or a cap: not before.'),
    paused: z.string().optional().describe('Why: failures, card_missing, staff or restored.'),
    chargedToday: money,
    chargedThisMonth: money,
  })
  .meta({ id: 'Recharge' })

export const reconciledSchema = z.object({
  provider: z.string(),
  since: instant,
  charges: z.int().describe('Charges of the provider that were looked at.'),
  sums: z.array(
    z.object({
      currency: z.string(),
      charged: money.describe('By the provider, less what it gave back.'),
      credited: money.describe('By us, less what was debited for refunds.'),
    }),
  ),
  disagreements: z.array(z.looseObject({ kind: z.string() })),
})

export function cardJson(
  { id, provider, brand, last4, expiryMonth, expiryYear, contact, addedAtMs }: Card,
  book: CardBook,
): z.infer<typeof cardSchema> {
  const expires = `${expiryYear}-${String(expiryMonth).padStart(2, '0')}`
  const addedAt = formatInstant(addedAtMs)
  return { id, provider, brand, last4, expires, contact, recurring: book.recurring === id, addedAt }
}

export function cardsJson(book: CardBook): z.infer<typeof cardsSchema> {
  return { items: book.cards.map((card) => cardJson(card, book)) }
}

export function orderJson(order: Order): z.infer<typeof orderSchema> {
  const { id, goods, amount, currency, minutes, buyer, expiresAtMs } = order
  const recurs = goods.kind === 'bundle' ? { recurring: goods.recurring } : {}
  return {
    order: id,
    kind: goods.kind,
    amount: formatAmount(amount),
    currency,
    ...(minutes ? { minutes: minutesJson(minutes) } : {}),
    ...recurs,
    ...given({ buyer }),
    expiresAt: formatInstant(expiresAtMs),
  }
}

export function paymentJson(payment: Payment): z.infer<typeof paymentSchema> {
  const { id, kind, state, amount, currency, provider, card, refunds } = payment
  const back = refunds.filter((refund) => refund.state === 'succeeded')
  return {
    payment: id,
    kind,
    state,
    amount: formatAmount(amount),
    currency,
    refunded: formatAmount(back.reduce((sum, refund) => sum + refund.amount, 0n)),
    provider,
    card: { id: card.id, brand: card.brand, last4: card.last4 },
    ...boughtJson(payment),
    ...told(payment),
    openedAt: formatInstant(payment.openedAtMs),
    changedAt: formatInstant(payment.changedAtMs),
    refunds: refunds.map(refundJson),
  }
}

function minutesJson({ seconds, bundles }: BoughtMinutes) {
  return { seconds, ...given({ bundles }) }
}

function boughtJson({ minutes, recurring, renewal }: Payment) {
  return {
    ...(minutes ? { minutes: minutesJson(minutes) } : {}),
    ...given({ recurring, attempt: renewal?.attempt }),
  }
}

function told({ buyer, receipt, charge, reason, clientSecret }: Payment) {
  return given({ buyer, receipt, charge, reason, clientSecret })
}

function refundJson({ id, amount, seconds, state, reason }: Refund) {
  return { id, amount: formatAmount(amount), state, ...given({ seconds, reason }) }
}

export function rechargeViewJson({ recharge, state }: RechargeView): z.infer<typeof rechargeViewSchema> {
  const { flight, failures, nextAtMs, paused, chargedDay, chargedMonth } = state
  return {
    ...(recharge ? { recharge: rechargeJson(recharge) } : {}),
    ...(flight === undefined ? {} : { payment: flight }),
    failures,
    ...(nextAtMs === undefined ? {} : { nextAt: formatInstant(nextAtMs) }),
    ...(paused === undefined ? {} : { paused }),
    chargedToday: formatAmount(chargedDay),
    chargedThisMonth: formatAmount(chargedMonth),
  }
}

export function reconciledJson({
  provider,
  sinceMs,
  charges,
  sums,
  disagreements,
}: Reconciled): z.infer<typeof reconciledSchema> {
  return {
    provider,
    since: formatInstant(sinceMs),
    charges,
    sums: Object.entries(sums).map(([currency, { charged, credited }]) => {
      return { currency, charged: formatAmount(charged), credited: formatAmount(credited) }
    }),
    disagreements: disagreements.map((what) =>
      'amount' in what ? { ...what, amount: formatAmount(what.amount) } : what,
    ),
  }
}
