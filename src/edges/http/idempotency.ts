/** Idempotency-Key: the id of an operation, unique for its account for ever; a repeat gets the first answer again. */
import { z } from 'zod'
import { invalidInput } from './input.ts'
import { HttpProblem } from './problem.ts'

const HEADER = 'idempotency-key'
const KEY = /^[\x21-\x7e]{1,255}$/

const keyText = z
  .string()
  .describe(
    '1 to 255 printable characters without spaces; unique for ever among the credits, debits and pools of the account.',
  )

/** Shown in OpenAPI; what is wrong with one is told by the functions below. */
export const keyHeader = z.looseObject({ [HEADER]: keyText })
export const optionalKeyHeader = z.looseObject({ [HEADER]: keyText.optional() })

type Headers = Readonly<Record<string, unknown>>

export function idempotencyKeyIn(headers: Headers): string | undefined {
  const key = headers[HEADER]
  if (key === undefined) return undefined
  if (typeof key === 'string' && KEY.test(key)) return key
  const message = 'must be 1 to 255 printable characters without spaces'
  throw invalidInput([{ pointer: `/${HEADER}`, message, code: 'format', in: 'header' }])
}

/** Before the body is read. */
export async function needsIdempotencyKey(request: { readonly headers: Headers }): Promise<void> {
  if (idempotencyKeyIn(request.headers) !== undefined) return
  throw new HttpProblem('idempotency_key_missing', 'send an Idempotency-Key header, another for each operation')
}
