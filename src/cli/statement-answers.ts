/** What the commands read of statements and of what storage costs. */
import { z } from 'zod'

const text = z.string()
const whole = z.int()

const totals = { monthly: text, calls: text, payments: text, credits: text, total: text }

export const statement = z.looseObject({
  account: text,
  from: text,
  to: text,
  timezone: text,
  currency: text,
  opening: text,
  closing: text,
  totalDue: text,
  dueDate: text,
  ...totals,
  charges: z.array(z.looseObject({ class: text, count: whole, amount: text })),
  usage: z.looseObject({ calls: whole, seconds: whole, billedSeconds: whole, poolSeconds: whole, charge: text }),
  items: z.array(
    z.looseObject({
      at: text,
      what: text,
      class: text.optional(),
      why: text.optional(),
      amount: text,
      charge: text.optional(),
    }),
  ),
  hasMoreItems: z.boolean(),
})

export const accountTotals = z.looseObject({ account: text, ...totals })

export const storageMonth = z.looseObject({
  month: text,
  state: text,
  measuredBytes: whole,
  units: whole,
  fee: text,
  why: text.optional(),
  closesAt: text.optional(),
})

export const storage = z.looseObject({
  account: text,
  currency: text,
  timezone: text,
  terms: z
    .looseObject({ price: text, unitBytes: whole, thresholdBytes: whole, charged: text, measure: text })
    .optional(),
  months: z.array(storageMonth),
})
