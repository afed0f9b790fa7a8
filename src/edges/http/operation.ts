/** One operation of the API: what it needs, what it is sent and answers. Held to at run time and shown in OpenAPI. */
import { STATUS_CODES } from 'node:http'
import { z } from 'zod'
import type { Needs } from './auth.ts'
import { PROBLEM_TYPE } from './problem.ts'
import { fieldCodes } from './problem-codes.ts'

export interface OperationInput {
  readonly params?: z.ZodType
  readonly querystring?: z.ZodType
  readonly headers?: z.ZodType
  readonly body?: z.ZodType
}

export interface OperationText {
  readonly id: string
  readonly summary: string
  readonly tag:
    'Calls' | 'Accounts' | 'Money' | 'Payments' | 'Reports' | 'Tariffs' | 'Keys' | 'Webhooks' | 'Events' | 'Operation'
  readonly needs: Needs
  readonly description?: string
  readonly wholeInstallation?: boolean
  /** By status. */
  readonly answers: Readonly<Record<number, Answer>>
  /** Statuses of problems beyond those that every operation may answer. */
  readonly problems?: readonly number[]
  readonly consumes?: readonly string[]
}

export interface Answer {
  readonly description: string
  /** By media type. */
  readonly content: Record<string, { readonly schema: z.ZodType }>
}

export function json(schema: z.ZodType, description: string): Answer {
  return { description, content: { 'application/json': { schema } } }
}

export function text(description: string): Answer {
  return { description, content: { 'text/plain': { schema: z.string() } } }
}

/** As `Accept` asks. */
export function jsonOrText(schema: z.ZodType, description: string): Answer {
  const lines = z.string().describe('The same as key=value lines.')
  return { description, content: { 'application/json': { schema }, 'text/plain': { schema: lines } } }
}

const problemSchema = z
  .looseObject({
    type: z.string().describe('urn:tollgate:problem:<code>'),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('A sentence for people.'),
    instance: z.string().describe('The path that was asked for.'),
    code: z.string().describe('One of docs/codes.md.'),
    errors: z
      .array(
        z.object({
          pointer: z.string().describe('JSON Pointer of the field.'),
          message: z.string(),
          code: z.enum(fieldCodes),
          in: z.enum(['query', 'path', 'header']).optional().describe('Where the field is, when not in the body.'),
        }),
      )
      .optional(),
    reference: z.string().optional().describe('Of a 500: the log has more under it.'),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details.' })

/** Tells openapi.ts that the body may be left out. */
export const OPTIONAL_BODY = 'x-optional-body'

export function operation<const Input extends OperationInput>(words: OperationText, input: Input) {
  const { id, summary, tag, needs, description, consumes, wholeInstallation } = words
  const documentation = {
    operationId: id,
    summary,
    tags: [tag],
    ...(description === undefined ? {} : { description }),
    ...(consumes === undefined ? {} : { consumes: [...consumes] }),
    ...(input.body instanceof z.ZodOptional ? { [OPTIONAL_BODY]: true } : {}),
    security: needs === 'no key' ? [] : [{ apiKey: needs === 'any key' ? [] : [needs] }],
    response: responses(words, input),
  }
  return {
    schema: { ...input, ...documentation } as Input,
    config: { needs, ...(wholeInstallation === undefined ? {} : { wholeInstallation }) },
  }
}

function responses(words: OperationText, input: OperationInput): Record<number, Answer> {
  const problems = problemStatuses(words, input).map((status) => [status, problemAnswer(status)] as const)
  return { ...Object.fromEntries(problems), ...words.answers }
}

/** Every operation may break; one with a key may lack it, and one with input may be sent another. */
function problemStatuses(words: OperationText, input: OperationInput): readonly number[] {
  const { needs, problems = [], wholeInstallation = false } = words
  const statuses = new Set([500, 503, ...problems])
  if (needs !== 'no key') statuses.add(401)
  if ((needs !== 'no key' && needs !== 'any key') || wholeInstallation) statuses.add(403)
  if (Object.keys(input).length > 0) statuses.add(400)
  if (input.body) for (const status of [413, 415]) statuses.add(status)
  return [...statuses].sort((a, b) => a - b)
}

function problemAnswer(status: number): Answer {
  return { description: STATUS_CODES[status] ?? 'Problem', content: { [PROBLEM_TYPE]: { schema: problemSchema } } }
}
