/** `GET /v1/events`: events as they happen. */
import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type AccountEvent, eventTypes } from '../../../events/event.ts'
import { mayReach, mustReach } from '../access.ts'
import { keyOf, verified } from '../auth.ts'
import { id, unique } from '../fields.ts'
import { operation } from '../operation.ts'
import type { HttpParts } from '../parts.ts'
import { HttpProblem } from '../problem.ts'
import type { HttpServer } from '../server-type.ts'
import { EventHub } from './event-hub.ts'

const query = z.strictObject({
  account: id().exactOptional().describe('Events of this account and those below it only.'),
  types: z
    .string()
    .transform((text) => text.split(','))
    .pipe(unique(z.array(z.enum(eventTypes))))
    .exactOptional()
    .describe('Types of events, separated by commas; none is all of them.'),
})

const headers = z.object({
  'last-event-id': z
    .string()
    .regex(/^\d{1,15}-\d{1,20}$/, 'must be the id of an event of this stream')
    .exactOptional()
    .describe('The stream goes on after this event, as far back as events are kept.'),
})

interface Filter {
  readonly account?: string
  readonly types?: readonly string[]
}

export function addStreamRoutes(server: HttpServer, parts: HttpParts): void {
  const hub = new EventHub({ log: parts.events.log, most: parts.events.mostStreams })
  server.addHook('preClose', (done) => {
    hub.stop()
    done()
  })
  const stream = operation(
    {
      id: 'streamEvents',
      summary: 'Events as they happen, as server-sent events.',
      description:
        'Each has as `data` the JSON of its webhook, with the id of the event beside. The same event may come twice.',
      tag: 'Events',
      needs: 'events:read',
      answers: {
        200: { description: 'A stream without an end.', content: { 'text/event-stream': { schema: z.string() } } },
      },
      problems: [404],
    },
    { querystring: query, headers },
  )
  server.get('/v1/events', stream, async (request, reply) => {
    const key = keyOf(request)
    const { account = key.account, types } = request.query
    if (account !== undefined) await mustReach(parts.office, key, account)
    if (hub.isFull) throw new HttpProblem('too_many_streams', 'as many listen as may')
    const filter: Filter = { ...(account === undefined ? {} : { account }), ...(types ? { types } : {}) }
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    const cursor = request.headers['last-event-id']
    const text = hub.stream({
      ...(cursor === undefined ? {} : { cursor }),
      wants: (event) => isWanted(parts, event, filter),
      beats: () => goesOn(parts, request, filter),
      signal: gone.signal,
    })
    reply.header('content-type', 'text/event-stream').header('x-accel-buffering', 'no')
    return reply.send(Readable.from(text))
  })
}

async function isWanted({ office }: HttpParts, event: AccountEvent, { account, types }: Filter): Promise<boolean> {
  if (types && !types.includes(event.type)) return false
  return (
    account === undefined || (event.account !== '' && mayReach(office, { id: '', scopes: [], account }, event.account))
  )
}

/** A key that was revoked hears nothing more. */
async function goesOn({ keys, events }: HttpParts, request: FastifyRequest, { types }: Filter): Promise<boolean> {
  if (!(await verified(keys, request.headers.authorization))) return false
  if (!types || types.includes('call.ended')) await events.listenToCalls()
  return true
}
