/** What the commands read of the daemon's answers about cards, orders, payments and the recharge. */
import { z } from 'zod'

const text = z.string()
const whole = z.int()

export const card = z.looseObject({
  id: text,
  brand: text,
  last4: text,
  expires: text,
  recurring: z.boolean(),
})

export type Card = z.output<typeof card>

export const order = z.looseObject({
  order: text,
  amount: text,
  currency: text,
  minutes: z.looseObject({ seconds: whole }).optional(),
  recurring: z.boolean().optional(),
  expiresAt: text,
})

export type Order = z.output<typeof order>

export const payment = z.looseObject({
  payment: text,
  kind: text,
  state: text,
  amount: text,
  currency: text,
  refunded: text,
  card: z.looseObject({ brand: text, last4: text }),
  receipt: text.optional(),
  reason: text.optional(),
  openedAt: text,
})

export type Payment = z.output<typeof payment>

export const standing = z.looseObject({
  currency: text,
  items: z.array(z.looseObject({ id: text, bundles: whole, seconds: whole, amount: text })),
  renewsAt: text.optional(),
  payment: payment.optional(),
  nextAt: text.optional(),
})

export type Standing = z.output<typeof standing>

export const recharge = z.looseObject({
  recharge: z
    .looseObject({
      enabled: z.boolean(),
      threshold: text,
      amount: text.optional(),
      targetBalance: text.optional(),
    })
    .optional(),
  failures: whole,
  nextAt: text.optional(),
  paused: text.optional(),
  chargedToday: text,
  chargedThisMonth: text,
})

export type Recharge = z.output<typeof recharge>

export const reconciled = z.looseObject({
  provider: text,
  charges: whole,
  sums: z.array(z.looseObject({ currency: text, charged: text, credited: text })),
  disagreements: z.array(z.looseObject({ kind: text })),
})
