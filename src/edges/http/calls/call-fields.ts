/**
 * Fields of the call path. They are read generously, as a refusal here is a dropped call: numbers and instants may be
 * text, text may be a number, and what is null, empty, or a time of zero is absent.
 */
import { z } from 'zod'
import { parseInstant } from '../../../base/time.ts'
import { badField } from '../input.ts'
import { byteLength } from '../wire/bytes.ts'

const MAX_ID_BYTES = 256
const MAX_REF_BYTES = 512

/** Text of any bytes that the daemon only compares and gives back. */
export function opaque() {
  return z
    .string()
    .refine(isOpaque, { error: ({ input }) => opaqueProblem(String(input)) })
    .meta({ maxLength: MAX_ID_BYTES })
}

function isOpaque(text: string): boolean {
  return (text.length * 3 <= MAX_ID_BYTES || byteLength(text) <= MAX_ID_BYTES) && text.isWellFormed()
}

function opaqueProblem(text: string): string {
  return text.isWellFormed() ? `must have at most ${MAX_ID_BYTES} bytes` : 'must not hold half a character'
}

export function whole(least: number, most: number) {
  const error = `must be a whole number from ${least} to ${most}`
  const digits = z
    .string()
    .regex(/^\d{1,10}$/)
    .transform(Number)
    .refine((value) => value >= least && value <= most, error)
  return z.union([z.int().min(least).max(most), digits], { error })
}

const DECIMAL = /^\d{1,10}(\.\d{1,9})?$/

/** Seconds, with a fraction or without. */
export function seconds(most: number) {
  const error = `must be a number from 0 to ${most}`
  const digits = z
    .string()
    .regex(DECIMAL)
    .transform(Number)
    .refine((value) => value <= most, error)
  return z.union([z.number().min(0).max(most), digits], { error })
}

/** Seconds, of which a begun one counts as whole. */
export function begunSeconds(least: number, most: number) {
  const error = `must be a number from ${least} to ${most}`
  return z
    .union([z.number(), z.string().regex(DECIMAL).transform(Number)], { error })
    .transform(Math.ceil)
    .pipe(z.int(error).min(least).max(most))
    .meta({ minimum: least, maximum: most })
}

/** RFC 3339, or seconds since 1970 with a fraction; epoch milliseconds afterwards. */
export function edgeInstant() {
  const error = 'must be RFC 3339 or seconds since 1970, such as "1795380011.123456"'
  return z.union([z.string(), z.number()], { error }).transform((value, context) => {
    const atMs = parseInstant(String(value))
    if (atMs !== undefined) return atMs
    context.issues.push({ code: 'custom', message: error, input: value })
    return z.NEVER
  })
}

/**
 * A field that may be left out. JSON knows no `undefined`, so this is what `exactOptional` says; but that one tries to read
 * what is not there, which costs more than all the rest of a request.
 */
export function absentOr<T extends z.ZodType>(schema: T): z.ZodExactOptional<T> {
  return schema.optional() as unknown as z.ZodExactOptional<T>
}

const refValue = z.union([z.string(), z.number(), z.boolean(), z.null()])

/** What the edge wants back when the daemon asks something of it. */
export function reference() {
  const error = `must be text, or an object without objects in it, of at most ${MAX_REF_BYTES} bytes`
  return z
    .union([z.string(), z.record(z.string(), refValue)], { error })
    .refine((ref) => byteLength(typeof ref === 'string' ? ref : JSON.stringify(ref)) <= MAX_REF_BYTES, error)
}

/** May be empty: an anonymous caller, the only leg. */
const KEPT_WHEN_EMPTY: ReadonlySet<string> = new Set(['from', 'to', 'callId'])

/** Switches say 0 of a call that was not answered. */
const ABSENT_WHEN_ZERO: ReadonlySet<string> = new Set(['ts', 'answeredAt', 'endedAt', 'sipCode'])

const ZERO = /^0(\.0*)?$/

/** Switches send ids and numbers of digits only as JSON numbers. */
const TEXT_FIELDS: ReadonlySet<string> = new Set([
  ...['id', 'node', 'instance', 'callId', 'legId', 'attempt', 'cause'],
  ...['account', 'trunk', 'source', 'user', 'from', 'to'],
])

const PLAIN_NUMBER = /^-?\d+(\.\d+)?$/

/** A number that JSON did not read digit for digit stays a number, and is refused: another id could read the same. */
function asText(value: unknown): unknown {
  if (typeof value !== 'number' || (Number.isInteger(value) && !Number.isSafeInteger(value))) return value
  const text = String(value)
  return PLAIN_NUMBER.test(text) ? text : value
}

export interface KnownFields {
  readonly names: ReadonlySet<string>
  /** Told of each field that is not among them. */
  readonly unknown: (name: string) => void
}

/** The fields that say something. */
export function tidied(body: unknown, known: KnownFields, at = ''): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw badField(at, 'must be an object')
  const fields: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(body)) {
    if (!known.names.has(name)) known.unknown(name)
    else if (!isAbsent(name, value)) fields[name] = TEXT_FIELDS.has(name) ? asText(value) : value
  }
  return fields
}

/** Calls of an edge's list: an id alone, or an object with what is known of the call. */
export function tidiedCalls(calls: unknown, known: KnownFields): unknown {
  if (!Array.isArray(calls)) return calls
  return calls.map((call: unknown) => (isObject(call) ? tidied(call, known) : asText(call)))
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isAbsent(name: string, value: unknown): boolean {
  if (value === null) return true
  if (value === '') return !KEPT_WHEN_EMPTY.has(name)
  return (
    ABSENT_WHEN_ZERO.has(name) && (typeof value === 'string' || typeof value === 'number') && ZERO.test(String(value))
  )
}
