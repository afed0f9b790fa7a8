/** What edges send, from their words to the daemon's. */
import { z } from 'zod'
import { given } from '../../../accounts/profile.ts'
import type { AuthorizeRequest, CallEvent, EdgeEvent, ExtendRequest } from '../../../calls/requests.ts'
import { callEventTypes } from '../../../calls/requests.ts'
import { badField, check, checked, type Checked, invalidInput } from '../input.ts'
import type { FieldProblem } from '../problem.ts'
import {
  absentOr,
  begunSeconds,
  edgeInstant,
  type KnownFields,
  opaque,
  reference,
  seconds,
  tidied,
  tidiedCalls,
  whole,
} from './call-fields.ts'

const MAX_BATCH = 100
const MAX_LISTED_CALLS = 10_000
const MAX_SECONDS = 31_536_000

const DEFAULT_NODE = 'default'

const callId = opaque().min(1).describe('SIP Call-ID, channel UUID, Linkedid: any bytes.')
const node = opaque().default(DEFAULT_NODE).describe('The edge, or a pool of edges that share dialogs.')
const legId = opaque().default('').describe('From-tag, A-leg channel.')
const direction = z.enum(['outbound', 'inbound'])

/** Who pays, and what tells it. */
const payer = {
  account: opaque().exactOptional().describe('Who pays; else the rules of the trunks decide.'),
  trunk: opaque().exactOptional().describe('Name of a trunk rule.'),
  source: opaque().exactOptional().describe('Address that the call came from.'),
  user: opaque().exactOptional().describe('User of the account.'),
}

export const authorizeSchema = z.object({
  node,
  instance: opaque().exactOptional().describe('Boot of the edge.'),
  callId,
  legId,
  ...payer,
  direction,
  from: opaque().describe('Calling number; empty when withheld.'),
  to: opaque().min(1).describe('Called number.'),
  media: z.enum(['voice', 'video', 'message']).default('voice'),
  mode: z.enum(['clock', 'edge', 'whole']).exactOptional().describe('Who asks for the next slice.'),
  requestSeconds: absentOr(begunSeconds(1, 86_400)).describe('Seconds that are asked for.'),
  attempt: opaque().exactOptional().describe('CSeq or branch: tells a new attempt from a repeat.'),
  ts: absentOr(edgeInstant()).describe('When the edge sent it.'),
  ref: absentOr(reference()).describe('Given back when the daemon asks something of the edge.'),
})

export const extendSchema = z.object({
  node,
  callId,
  legId,
  usedSeconds: absentOr(begunSeconds(0, MAX_SECONDS)).describe('Seconds talked.'),
  requestSeconds: absentOr(begunSeconds(1, 86_400)).describe('Seconds that are asked for.'),
})

const callEventSchema = z.object({
  type: z.enum(callEventTypes),
  id: opaque().exactOptional().describe('Id of the event.'),
  node,
  instance: opaque().exactOptional().describe('Boot of the edge.'),
  callId,
  legId,
  attempt: opaque().exactOptional().describe('The attempt of the leg that it speaks of, as authorize said it.'),
  ts: absentOr(edgeInstant()).describe('When the edge sent it.'),
  answeredAt: absentOr(edgeInstant()).describe("By the edge's clock."),
  endedAt: absentOr(edgeInstant()).describe("By the edge's clock."),
  seconds: absentOr(seconds(MAX_SECONDS)).describe("The edge's own count of the talk; else endedAt − answeredAt."),
  cause: opaque().exactOptional(),
  sipCode: absentOr(whole(100, 699)),
  decision: z.enum(['allow', 'deny', 'failopen']).exactOptional().describe('"failopen": connected without our leave.'),
  ...payer,
  from: opaque().exactOptional(),
  to: opaque().exactOptional(),
  direction: direction.exactOptional(),
  ref: absentOr(reference()),
})

const knownCall = z.object({
  callId,
  legId,
  account: payer.account,
  trunk: payer.trunk,
  user: payer.user,
  from: opaque().exactOptional(),
  to: opaque().exactOptional(),
  direction: direction.exactOptional(),
  answeredAt: absentOr(edgeInstant()).describe("By the edge's clock."),
  ref: absentOr(reference()),
})

const listedCall = z.union(
  [
    knownCall.transform(({ answeredAt, ...rest }) => withTimes(rest, { answeredAtMs: answeredAt })),
    callId.transform((id) => ({ callId: id, legId: '' })),
  ],
  { error: 'must be a call id, or an object with callId, legId and what is known of the call' },
)

const edgeEventFields = {
  id: opaque().exactOptional().describe('Id of the event.'),
  node: opaque().describe('The edge.'),
  instance: opaque().describe('Boot of the edge.'),
  ts: absentOr(edgeInstant()).describe('When the edge sent it.'),
}

const edgeUpSchema = z.object({ type: z.literal('edge_up'), ...edgeEventFields })

const edgeListSchema = z.object({
  type: z.literal('edge_list'),
  ...edgeEventFields,
  calls: z.array(listedCall).max(MAX_LISTED_CALLS).describe('Every call that the edge has now.'),
})

const eventSchema = z.union([callEventSchema, edgeUpSchema, edgeListSchema])

export const eventsSchema = z.union([eventSchema, z.array(eventSchema).min(1).max(MAX_BATCH)])

export type EdgeWord =
  { readonly about: 'call'; readonly event: CallEvent } | { readonly about: 'edge'; readonly event: EdgeEvent }

function namesOf(...schemas: readonly z.ZodObject[]): ReadonlySet<string> {
  return new Set(schemas.flatMap((schema) => Object.keys(schema.shape)))
}

const authorizeNames = namesOf(authorizeSchema)
const extendNames = namesOf(extendSchema)
const eventNames = namesOf(callEventSchema, edgeUpSchema, edgeListSchema)
const listedNames = namesOf(knownCall)

type Unknown = KnownFields['unknown']

export function readAuthorize(body: unknown, unknown: Unknown): AuthorizeRequest {
  const fields = checked(authorizeSchema, tidied(body, { names: authorizeNames, unknown }))
  const { node: edge, callId: id, legId: leg, ts, ...rest } = fields
  const request = { ...rest, leg: { node: edge, callId: id, legId: leg } }
  return ts === undefined ? request : { ...request, tsMs: ts }
}

export function readExtend(body: unknown, unknown: Unknown): ExtendRequest {
  const fields = checked(extendSchema, tidied(body, { names: extendNames, unknown }))
  const { node: edge, callId: id, legId: leg, ...rest } = fields
  return { ...rest, leg: { node: edge, callId: id, legId: leg } }
}

/** One event or a list of them; nothing is taken of a list with a bad one in it. */
export function readEvents(body: unknown, unknown: Unknown): readonly EdgeWord[] {
  if (!Array.isArray(body)) return takeAll([readEvent(body, '', unknown)])
  if (body.length === 0) throw badField('', 'must have at least 1 event')
  if (body.length > MAX_BATCH) throw badField('', `must have at most ${MAX_BATCH} events`)
  return takeAll(body.map((event, place) => readEvent(event, `/${place}`, unknown)))
}

function takeAll(read: readonly Checked<EdgeWord>[]): readonly EdgeWord[] {
  const errors = read.flatMap((word) => (word.ok ? [] : word.errors))
  if (errors.length > 0) throw invalidInput(errors)
  return read.flatMap((word) => (word.ok ? [word.value] : []))
}

function readEvent(event: unknown, at: string, unknown: Unknown): Checked<EdgeWord> {
  const fields = tidied(event, { names: eventNames, unknown }, at)
  const { type } = fields
  if (type === 'edge_list') fields['calls'] = tidiedCalls(fields['calls'], { names: listedNames, unknown })
  const read = type === 'edge_up' || type === 'edge_list' ? readEdgeEvent(fields, type) : readCallEvent(fields)
  if (read.ok || at === '') return read
  return { ok: false, errors: read.errors.map((error) => ({ ...error, pointer: `${at}${error.pointer}` })) }
}

function readEdgeEvent(fields: Record<string, unknown>, type: EdgeEvent['type']): Checked<EdgeWord> {
  const result = type === 'edge_up' ? check(edgeUpSchema, fields) : check(edgeListSchema, fields)
  if (!result.ok) return result
  const { ts, id: _, ...rest } = result.value
  return { ok: true, value: { about: 'edge', event: withTimes(rest, { tsMs: ts }) } }
}

function readCallEvent(fields: Record<string, unknown>): Checked<EdgeWord> {
  const result = check(callEventSchema, fields)
  if (!result.ok) return { ok: false, errors: result.errors.map(withEveryType) }
  const { node: edge, callId: call, legId: leg, ts, answeredAt, endedAt, decision, ...rest } = result.value
  const event: CallEvent = {
    ...rest,
    leg: { node: edge, callId: call, legId: leg },
    ...(decision === 'failopen' ? { failOpen: true } : {}),
  }
  const times = { tsMs: ts, answeredAtMs: answeredAt, endedAtMs: endedAt }
  return { ok: true, value: { about: 'call', event: withTimes(event, times) } }
}

/** With the times that were given. */
function withTimes<T extends object, Name extends string>(
  words: T,
  times: Readonly<Record<Name, number | undefined>>,
): T & { readonly [At in Name]?: number } {
  return { ...words, ...given(times) }
}

function withEveryType(error: FieldProblem): FieldProblem {
  if (error.pointer !== '/type' || error.code === 'required') return error
  return { ...error, message: `must be one of ${[...callEventTypes, 'edge_up', 'edge_list'].join(', ')}` }
}
