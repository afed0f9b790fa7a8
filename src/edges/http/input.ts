/** Input held to its schema; what is wrong with it is told field by field. */
import type { z } from 'zod'
import { type FieldProblem, HttpProblem, jsonPointer } from './problem.ts'
import type { FieldCode } from './problem-codes.ts'

export type Place = 'body' | 'query' | 'path' | 'header'

type Issue = z.core.$ZodIssue

const MAX_ERRORS = 100

const FIELD_CODES: Readonly<Record<Issue['code'], FieldCode>> = {
  invalid_type: 'type',
  unrecognized_keys: 'unknown_field',
  too_small: 'range',
  too_big: 'range',
  not_multiple_of: 'range',
  invalid_format: 'format',
  invalid_value: 'value',
  invalid_union: 'value',
  invalid_key: 'value',
  invalid_element: 'value',
  custom: 'value',
}

const REQUIRED = 'is required'

/** Texts of issues whose schema says nothing itself. */
function issueText(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.input === undefined) return REQUIRED
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${TYPE_WORDS[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`
    case 'too_small':
      return tooSmall(issue)
    case 'too_big':
      return tooBig(issue)
    default:
      return undefined
  }
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
}

function tooSmall({ origin, minimum }: { readonly origin: string; readonly minimum: number | bigint }): string {
  if (origin === 'string') return minimum === 1 ? 'must not be empty' : `must have at least ${minimum} characters`
  if (origin === 'array') return `must have at least ${minimum} ${minimum === 1 ? 'entry' : 'entries'}`
  return `must be at least ${minimum}`
}

function tooBig({ origin, maximum }: { readonly origin: string; readonly maximum: number | bigint }): string {
  if (origin === 'string') return `must have at most ${maximum} characters`
  if (origin === 'array') return `must have at most ${maximum} entries`
  return `must be at most ${maximum}`
}

const PARSING = { error: issueText }

export type Checked<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly errors: FieldProblem[] }

export function check<S extends z.ZodType>(schema: S, input: unknown, place: Place = 'body'): Checked<z.output<S>> {
  const result = schema.safeParse(input, PARSING)
  if (result.success) return { ok: true, value: result.data }
  return { ok: false, errors: result.error.issues.flatMap((issue) => fieldProblems(issue, place)) }
}

/** The input as its schema has it, or a 400 that names the fields. */
export function checked<S extends z.ZodType>(schema: S, input: unknown, place: Place = 'body'): z.output<S> {
  const result = check(schema, input, place)
  if (result.ok) return result.value
  throw invalidInput(result.errors)
}

export function invalidInput(errors: readonly FieldProblem[]): HttpProblem {
  const [first] = errors
  const more = errors.length > 1 ? `, and ${errors.length - 1} more` : ''
  const detail = first ? `${first.pointer || 'the input'} ${first.message}${more}` : 'the input is not valid'
  return new HttpProblem('invalid_input', detail, { errors: errors.slice(0, MAX_ERRORS) })
}

/** One field at fault outside of a schema. */
export function badField(pointer: string, message: string, place: Place = 'body'): HttpProblem {
  return invalidInput([{ pointer, message, code: 'value', ...placeMember(place) }])
}

function fieldProblems(issue: Issue, place: Place): FieldProblem[] {
  const where = placeMember(place)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const name = key.slice(0, 64)
      return {
        pointer: jsonPointer([...issue.path, name]),
        message: `"${name}" is not known here`,
        code: 'unknown_field',
        ...where,
      }
    })
  }
  const code = issue.message === REQUIRED ? 'required' : FIELD_CODES[issue.code]
  return [{ pointer: jsonPointer(issue.path), message: issue.message, code, ...where }]
}

function placeMember(place: Place): Pick<FieldProblem, 'in'> {
  return place === 'body' ? {} : { in: place }
}
