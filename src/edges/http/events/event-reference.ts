/** The messages of webhooks in the OpenAPI document. */
import { z } from 'zod'
import { eventTypes } from '../../../events/event.ts'
import { catalogue } from '../../events/catalogue.ts'

const header = (name: string, description: string) => ({
  name,
  in: 'header',
  required: true,
  description,
  schema: { type: 'string' },
})

const HEADERS = [
  header('webhook-id', 'Id of the event: the same when it is sent again.'),
  header('webhook-timestamp', 'When it was sent, in seconds since 1970.'),
  header('webhook-signature', '`v1,` and base64 of HMAC-SHA256 over id, timestamp and body, for each secret in force.'),
]

const ANSWERS = {
  '2XX': { description: 'Taken; all else is tried again.' },
  '410': { description: 'Nothing more is to be sent here.' },
}

/** By type of event. */
export function webhookReference(): Readonly<Record<string, unknown>> {
  return Object.fromEntries(eventTypes.map((type) => [type, { post: received(type) }]))
}

function received(type: (typeof eventTypes)[number]) {
  const { says, data } = catalogue[type]
  const account = z.string().optional().describe('Absent for what is of the whole installation.')
  const message = z.object({
    type: z.literal(type),
    timestamp: z.string().describe('When it happened: RFC 3339, UTC.'),
    data: z.object({ account, ...data.shape }),
  })
  return {
    operationId: `receive_${type.replace('.', '_')}`,
    summary: says,
    tags: ['Events'],
    security: [],
    parameters: HEADERS,
    requestBody: { required: true, content: { 'application/json': { schema: jsonSchema(message) } } },
    responses: ANSWERS,
  }
}

/** New fields may come, so that what is sent is not closed. */
function jsonSchema(message: z.ZodType): unknown {
  const { $schema: _, ...schema } = z.toJSONSchema(message, {
    io: 'output',
    override: ({ jsonSchema: part }) => {
      delete part.additionalProperties
    },
  })
  return schema
}
