/** Events: what edges tell of calls and of themselves. Repeats are harmless, so a batch is taken whole or sent again. */
import type { EventResult } from '../../../calls/requests.ts'
import { mayReach } from '../access.ts'
import { keyOf, keyRestricted } from '../auth.ts'
import { jsonOrText, operation } from '../operation.ts'
import type { HttpParts, KeyIdentity } from '../parts.ts'
import type { HttpServer } from '../server-type.ts'
import { type Flat, sendFlat } from '../wire/flat-answer.ts'
import { eventAnswer, eventsAnswerSchema } from './call-answers.ts'
import { type EdgeWord, eventsSchema, readEvents } from './call-bodies.ts'
import { CALL_PATH_TYPES, EVENTS_BYTES, readByHandler } from './call-path.ts'
import { ownsLeg } from './decide-routes.ts'
import type { UnknownFields } from './unknown-fields.ts'

export function addEventRoutes(server: HttpServer, parts: HttpParts, unknown: UnknownFields): void {
  const events = operation(
    {
      id: 'takeEvents',
      summary: 'What happened to calls: one event or up to 100.',
      description:
        'Answered when durable. After a 503 the whole batch is sent again; what was taken is not taken twice.',
      tag: 'Calls',
      needs: 'calls:decide',
      consumes: CALL_PATH_TYPES,
      answers: { 200: jsonOrText(eventsAnswerSchema, 'What stands now, in the order of the events.') },
    },
    { body: eventsSchema },
  )
  const options = { bodyLimit: EVENTS_BYTES, validatorCompiler: readByHandler }
  server.post('/v1/calls/events', { ...events, ...options }, async (request, reply) => {
    const words = readEvents(request.body, unknown.of('events'))
    const key = keyOf(request)
    if (key.account !== undefined && words.some((word) => word.about === 'edge')) throw keyRestricted()
    const results: Flat[] = []
    for (const word of words) {
      results.push(await take(parts, key, word))
      parts.metrics.eventTaken(word.event.type)
    }
    return sendFlat(request, reply, { accepted: results.length, results })
  })
}

async function take(parts: HttpParts, key: KeyIdentity, word: EdgeWord): Promise<Flat> {
  if (word.about === 'edge') return eventAnswer(await parts.desk.edgeEvent(word.event), undefined)
  const { callId } = word.event.leg
  if (!(await maySpeakOf(parts, key, word.event))) {
    const unknown: EventResult = { state: 'unknown', ignored: true }
    return { ...eventAnswer(unknown, callId), code: 'account_unknown' }
  }
  return eventAnswer(await parts.desk.event(word.event), callId)
}

/** Of a leg that nobody knows, a key of one account says who pays. */
async function maySpeakOf(
  parts: HttpParts,
  key: KeyIdentity,
  event: Extract<EdgeWord, { about: 'call' }>['event'],
): Promise<boolean> {
  if (key.account === undefined) return true
  if (event.account !== undefined && !(await mayReach(parts.office, key, event.account))) return false
  return (await ownsLeg(parts, key, event.leg)) ?? event.account !== undefined
}
