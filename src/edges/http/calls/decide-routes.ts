/** Authorize and extend: what edges ask while calls are set up and go on. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Refused, refused } from '../../../base/outcome.ts'
import type { Decision } from '../../../calls/parts.ts'
import type { AuthorizeAnswer, AuthorizeRequest } from '../../../calls/requests.ts'
import { decisionLine } from '../../../observe/log.ts'
import { mayReach } from '../access.ts'
import { keyOf } from '../auth.ts'
import { jsonOrText, operation } from '../operation.ts'
import type { HttpParts, KeyIdentity } from '../parts.ts'
import { HttpProblem } from '../problem.ts'
import type { HttpServer } from '../server-type.ts'
import { sendFlat } from '../wire/flat-answer.ts'
import { decisionAnswer, decisionSchema } from './call-answers.ts'
import { authorizeSchema, extendSchema, readAuthorize, readExtend } from './call-bodies.ts'
import { CALL_PATH_TYPES, CALL_PATH_BYTES, readByHandler } from './call-path.ts'
import type { UnknownFields } from './unknown-fields.ts'

const DECISION = jsonOrText(decisionSchema, 'The decision. A refused call is not an error.')

export function addDecideRoutes(server: HttpServer, parts: HttpParts, unknown: UnknownFields): void {
  const authorize = operation(
    {
      id: 'authorizeCall',
      summary: 'May this call be made, and for how long?',
      tag: 'Calls',
      needs: 'calls:decide',
      consumes: CALL_PATH_TYPES,
      answers: { 200: DECISION },
      problems: [409],
    },
    { body: authorizeSchema },
  )
  const options = { bodyLimit: CALL_PATH_BYTES, validatorCompiler: readByHandler }
  server.post('/v1/calls/authorize', { ...authorize, ...options }, async (request, reply) => {
    const asked = readAuthorize(request.body, unknown.of('authorize'))
    const answer = await authorizeFor(parts, keyOf(request), asked)
    return decide(parts, { request, reply, answer })
  })

  const extend = operation(
    {
      id: 'extendCall',
      summary: 'May this call go on, and for how long?',
      tag: 'Calls',
      needs: 'calls:decide',
      consumes: CALL_PATH_TYPES,
      answers: { 200: DECISION },
      problems: [404, 409],
    },
    { body: extendSchema },
  )
  server.post('/v1/calls/extend', { ...extend, ...options }, async (request, reply) => {
    const asked = readExtend(request.body, unknown.of('extend'))
    const key = keyOf(request)
    const known = key.account === undefined || (await ownsLeg(parts, key, asked.leg)) === true
    const answer = known ? await parts.desk.extend(asked) : undefined
    if (!answer) throw new HttpProblem('call_unknown', 'nothing is known of this leg')
    return decide(parts, { request, reply, answer })
  })
}

interface Deciding {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly answer: AuthorizeAnswer
}

function decide(parts: HttpParts, { request, reply, answer }: Deciding): FastifyReply {
  return sendFlat(request, reply, decisionAnswer(answer, parts.replies))
}

/**
 * Keys of one account name the payer, as the trunks' rules might find another; and the leg, if there is one, is the
 * account's own.
 */
async function authorizeFor(parts: HttpParts, key: KeyIdentity, asked: AuthorizeRequest): Promise<AuthorizeAnswer> {
  if (key.account === undefined) return parts.desk.authorize(asked)
  const refusal = await outsideOf(parts, key, asked)
  if (!refusal) return parts.desk.authorize(asked)
  const decision: Decision = { operation: 'authorize', call: '', code: refusal.code, to: asked.to, tookMs: 0 }
  parts.metrics.decided(decision)
  decisionLine(parts.log, decision)
  return { kind: 'denied', call: '', refusal }
}

async function outsideOf(parts: HttpParts, key: KeyIdentity, asked: AuthorizeRequest): Promise<Refused | undefined> {
  if (asked.account === undefined) return refused('account_unknown', 'a key of one account names the account')
  const within = await mayReach(parts.office, key, asked.account)
  if (within && (await ownsLeg(parts, key, asked.leg)) !== false) return undefined
  return refused('account_unknown', 'nothing identifies the payer')
}

/** Whether the payer of a leg is the key's; undefined when nothing is known of the leg. */
export async function ownsLeg(
  parts: Pick<HttpParts, 'desk' | 'office'>,
  key: KeyIdentity,
  leg: AuthorizeRequest['leg'],
): Promise<boolean | undefined> {
  const payer = await parts.desk.payerOf(leg)
  return payer === undefined ? undefined : mayReach(parts.office, key, payer)
}
