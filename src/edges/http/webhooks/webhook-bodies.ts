/** Webhook endpoints and deliveries as the API takes and shows them. */
import { z } from 'zod'
import { formatInstant } from '../../../base/time.ts'
import { eventTypes } from '../../../events/event.ts'
import { OLD_SECRET_SECONDS } from '../../../webhooks/desk.ts'
import type { WebhookEndpoint } from '../../../webhooks/endpoint.ts'
import { type Delivery, DELIVERY_CURSOR } from '../../../webhooks/parts.ts'
import { id, instantText, label, page, unique, whole } from '../fields.ts'

const url = () => z.string().max(2_048).meta({ example: 'https://example.com/hook' })
const types = () => unique(z.array(z.enum(eventTypes)).max(eventTypes.length))

export const webhookParams = z.object({
  webhook: z.string().regex(/^[A-Za-z0-9]{1,64}$/, 'must be the id of a webhook'),
})

export const webhookBody = z.strictObject({
  url: url().describe('Where events are posted to; https, and an address of the public Internet.'),
  types: types().default([]).describe('Types of events; none is all of them.'),
  description: label().exactOptional().describe('What people call it.'),
  account: id().exactOptional().describe('Events of this account and those below it; none is every account.'),
})

export const webhookPatch = z.strictObject({
  url: url().exactOptional(),
  types: types().exactOptional(),
  description: label().exactOptional(),
  disabled: z.boolean().exactOptional().describe('True sends nothing more; false sends again, whatever disabled it.'),
})

export const rotateBody = z
  .strictObject({
    oldSeconds: whole(0, 30 * 86_400)
      .default(OLD_SECRET_SECONDS)
      .describe('How long the secret before this one goes on to sign as well.'),
  })
  .prefault({})
  .optional()

export const replayBody = z.strictObject({
  since: instantText().describe('Events from then on are delivered again, as far back as they are kept.'),
})

export const deliveriesQuery = z.strictObject(page(DELIVERY_CURSOR))

const instant = z.string().describe('RFC 3339, UTC.')

export const webhookSchema = z
  .object({
    id: z.string(),
    url: z.string(),
    types: z.array(z.enum(eventTypes)),
    description: z.string().optional(),
    account: z.string().optional(),
    createdAt: instant,
    disabled: z
      .object({ reason: z.enum(['operator', 'gone', 'failing']), at: instant })
      .optional()
      .describe('Absent while it is sent to.'),
    failingSince: instant.optional().describe('Since when nothing could be delivered.'),
    secrets: z.int().describe('How many secrets sign.'),
  })
  .meta({ id: 'Webhook' })

export const keyedSchema = webhookSchema.extend({ secret: z.string().describe('The new secret, shown this once.') })

export const deliverySchema = z
  .object({
    event: z.string().describe('Id of the event, as in `webhook-id`.'),
    type: z.string(),
    at: instant,
    attempt: z.int(),
    outcome: z.enum(['delivered', 'failed', 'gave_up']),
    status: z.int().optional().describe('HTTP status of the answer.'),
    why: z.string().optional().describe('Why there was no answer.'),
    tookMs: z.int(),
  })
  .meta({ id: 'Delivery' })

export const testedSchema = z.object({
  delivered: z.boolean(),
  status: z.int().optional(),
  why: z.string().optional(),
  tookMs: z.int(),
})

export function webhookJson(endpoint: WebhookEndpoint, nowMs: number) {
  const { id: webhook, url: to, types: wanted, description, account, createdAtMs, disabled, failingSinceMs } = endpoint
  const secrets = endpoint.secrets.filter(({ untilMs = Infinity }) => nowMs < untilMs).length
  return {
    id: webhook,
    url: to,
    types: [...wanted],
    ...(description === undefined ? {} : { description }),
    ...(account === undefined ? {} : { account }),
    createdAt: formatInstant(createdAtMs),
    ...(disabled ? { disabled: { reason: disabled.reason, at: formatInstant(disabled.atMs) } } : {}),
    ...(failingSinceMs === undefined ? {} : { failingSince: formatInstant(failingSinceMs) }),
    secrets,
  }
}

export function deliveryJson({ atMs, ...delivery }: Delivery) {
  return { ...delivery, at: formatInstant(atMs) }
}
