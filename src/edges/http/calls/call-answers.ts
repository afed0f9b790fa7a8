/** What edges are answered: flat, with whole seconds and amounts as text. */
import { z } from 'zod'
import { formatAmount } from '../../../base/money.ts'
import { type RefusalCode, refusalCodes, type Refused } from '../../../base/outcome.ts'
import type { Allowed, AuthorizeAnswer, EventResult } from '../../../calls/requests.ts'
import type { SipReply } from '../parts.ts'
import { HttpProblem } from '../problem.ts'

const allowedSchema = z.object({
  allow: z.literal(true),
  decision: z.literal('allow'),
  code: z.literal('ok'),
  sipCode: z.literal(200),
  call: z.string().describe("The daemon's id of the call."),
  maxDurationSeconds: z.int().describe('How long the call may last in all, from answer, unless told otherwise.'),
  reservedSeconds: z.int().describe('What is held now.'),
  final: z.boolean().describe('Nothing more can be granted.'),
  fundedBy: z.enum(['trunk', 'pool', 'credit', 'free', 'mixed']),
  reserved: z.string().describe('Credit put aside.'),
  currency: z.string(),
  account: z.string(),
})

export const deniedSchema = z.object({
  allow: z.literal(false),
  decision: z.literal('deny'),
  code: z.enum(refusalCodes),
  sipCode: z.int(),
  sipReason: z.string(),
  detail: z.string(),
  maxDurationSeconds: z.literal(0),
  call: z.string().describe('Empty where there is none.'),
})

export const decisionSchema = z.union([allowedSchema, deniedSchema]).meta({ id: 'Decision' })

export const eventResultSchema = z
  .object({
    call: z.string().optional().describe("The daemon's id of the call."),
    callId: z.string().optional(),
    state: z.enum(['authorized', 'answered', 'ending', 'ended', 'failed', 'unknown', 'emergency', 'noted']),
    charge: z.string().optional().describe('What the payer was charged.'),
    currency: z.string().optional(),
    seconds: z.int().optional(),
    billedSeconds: z.int().optional(),
    ignored: z.literal(true).optional().describe('The event changed nothing.'),
    code: z.literal('account_unknown').optional().describe('The key may not speak of this call.'),
  })
  .meta({ id: 'EventResult' })

export const eventsAnswerSchema = z.object({ accepted: z.int(), results: z.array(eventResultSchema) })

type Replies = (code: RefusalCode) => SipReply
type AllowedAnswer = z.infer<typeof allowedSchema>
type DeniedAnswer = z.infer<typeof deniedSchema>

/** The same leg with other content is no decision: 409. */
export function decisionAnswer(answer: AuthorizeAnswer, replies: Replies): AllowedAnswer | DeniedAnswer {
  switch (answer.kind) {
    case 'allowed':
      return allowedAnswer(answer)
    case 'denied':
      return deniedAnswer(answer.refusal, answer.call, replies)
    case 'conflict':
      throw new HttpProblem('request_conflict', 'the same leg came before with other content', {
        members: { call: answer.call },
      })
  }
}

function allowedAnswer(allowed: Allowed): AllowedAnswer {
  return {
    allow: true,
    decision: 'allow',
    code: 'ok',
    sipCode: 200,
    call: allowed.call,
    maxDurationSeconds: allowed.maxDurationSeconds,
    reservedSeconds: allowed.reservedSeconds,
    final: allowed.final,
    fundedBy: allowed.fundedBy,
    reserved: formatAmount(allowed.reserved),
    currency: allowed.currency,
    account: allowed.account,
  }
}

export function deniedAnswer(refusal: Refused, call: string, replies: Replies): DeniedAnswer {
  const { status, reason } = replies(refusal.code)
  return {
    allow: false,
    decision: 'deny',
    code: refusal.code,
    sipCode: status,
    sipReason: reason,
    detail: refusal.detail,
    maxDurationSeconds: 0,
    call,
  }
}

export function eventAnswer(result: EventResult, callId: string | undefined): z.infer<typeof eventResultSchema> {
  const { call, state, charge, currency, seconds, billedSeconds, ignored } = result
  const known = result.callId ?? callId
  return {
    ...(call === undefined ? {} : { call }),
    ...(known === undefined ? {} : { callId: known }),
    state,
    ...(charge === undefined ? {} : { charge: formatAmount(charge) }),
    ...(currency === undefined ? {} : { currency }),
    ...(seconds === undefined ? {} : { seconds }),
    ...(billedSeconds === undefined ? {} : { billedSeconds }),
    ...(ignored ? { ignored: true } : {}),
  }
}
