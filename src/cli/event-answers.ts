/** What the commands read of the daemon's answers about webhooks and jobs. */
import { z } from 'zod'

const text = z.string()
const whole = z.int()

export const webhook = z.looseObject({
  id: text,
  url: text,
  types: z.array(text),
  account: text.optional(),
  description: text.optional(),
  disabled: z.looseObject({ reason: text, at: text }).optional(),
  failingSince: text.optional(),
})

export const keyedWebhook = webhook.extend({ secret: text })

export const testedWebhook = z.looseObject({
  delivered: z.boolean(),
  status: whole.optional(),
  why: text.optional(),
  tookMs: whole,
})

export const replayed = z.looseObject({ events: whole })

export const delivery = z.looseObject({
  event: text,
  type: text,
  at: text,
  attempt: whole,
  outcome: text,
  status: whole.optional(),
  why: text.optional(),
  tookMs: whole,
})

export const job = z.looseObject({
  queue: text,
  id: text,
  attempts: whole,
  endedAt: text.optional(),
  reason: text.optional(),
  about: z.record(text, text),
})
