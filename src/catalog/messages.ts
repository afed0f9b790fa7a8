/** What the schema refuses, said in a sentence: "must be at most 1024, not 4096". */
import { z } from 'zod'
import type { ConfigPath } from './problems.ts'
import { knownKeys, literals, notesOf, optionFor, type Schema, schemaAt, valueAt } from './schema-walk.ts'
import { didYouMean } from './suggest.ts'

type Issue = z.core.$ZodIssue

export interface Complaint {
  readonly path: ConfigPath
  /** The key itself is wrong, not what stands under it. */
  readonly atKey: boolean
  readonly message: string
}

/** What was checked: its schema and the whole value. */
export interface Checked {
  readonly schema: Schema
  readonly value: unknown
}

export function complaints(issue: Issue, checked: Checked): readonly Complaint[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol')
  if (issue.code === 'unrecognized_keys') return unknownKeys(issue.keys, path, checked)
  if (issue.code === 'invalid_union') return unionComplaints(issue, path, checked)
  if (issue.code === 'invalid_key') {
    return [{ path, atKey: true, message: issue.issues[0]?.message ?? 'this key is not allowed here' }]
  }
  const value = valueAt(checked.value, path)
  if (value === undefined && issue.code !== 'custom') return [{ path, atKey: false, message: missing(checked, path) }]
  return [{ path, atKey: false, message: `${wish(issue)}${instead(checked, path, issue)}` }]
}

function unknownKeys(keys: readonly string[], path: ConfigPath, checked: Checked): readonly Complaint[] {
  const schema = schemaAt(checked.schema, path, checked.value)
  const known = schema ? knownKeys(schema, valueAt(checked.value, path)) : undefined
  return keys.map((key) => ({
    path: [...path, key],
    atKey: true,
    message: `unknown key "${key}"${didYouMean(key, known ?? [])}`,
  }))
}

/** Of a union only the form that was meant is worth complaining about. */
function unionComplaints(
  issue: z.core.$ZodIssueInvalidUnion,
  path: ConfigPath,
  checked: Checked,
): readonly Complaint[] {
  const schema = schemaAt(checked.schema, path, checked.value)
  if (!(schema instanceof z.ZodUnion)) return [discriminatorComplaint(path, checked)]
  const value = valueAt(checked.value, path)
  if (value === undefined) return [{ path, atKey: false, message: 'is missing' }]
  const meant = optionFor(schema, value)
  const branch = issue.errors[schema.options.findIndex((option) => option === meant)]
  if (!branch) return [{ path, atKey: false, message: 'must be text or a list' }]
  return branch.flatMap((inner) => complaints({ ...inner, path: [...path, ...inner.path] }, checked))
}

/** The key that says which form is meant is absent or has another value. */
function discriminatorComplaint(path: ConfigPath, checked: Checked): Complaint {
  const owner = schemaAt(checked.schema, path.slice(0, -1), checked.value)
  const last = String(path.at(-1))
  const options = owner instanceof z.ZodUnion ? owner.options : []
  const allowed = options.flatMap((option) => literals(schemaAt(option, [last], undefined)))
  const value = valueAt(checked.value, path)
  if (value === undefined) return { path, atKey: false, message: `is missing; must be one of ${allowed.join(', ')}` }
  const hint = typeof value === 'string' ? didYouMean(value, allowed) : ''
  const message = `must be one of ${allowed.join(', ')}, not ${shown(value)}${hint}`
  return { path, atKey: false, message }
}

function missing(checked: Checked, path: ConfigPath): string {
  const schema = schemaAt(checked.schema, path, checked.value)
  const allowed = literals(schema)
  return allowed.length > 0 ? `is missing; must be one of ${allowed.join(', ')}` : 'is missing'
}

function wish(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${TYPES[issue.expected] ?? issue.expected}`
    case 'too_small':
      return `must ${sizeOf(issue.origin, 'least', issue.minimum)}`
    case 'too_big':
      return `must ${sizeOf(issue.origin, 'most', issue.maximum)}`
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`
    default:
      return issue.message
  }
}

const TYPES: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'keys with values',
  record: 'keys with values',
  string: 'text',
}

function sizeOf(origin: string, side: 'least' | 'most', limit: number | bigint): string {
  if (origin === 'string') return `have at ${side} ${limit} characters`
  return origin === 'array' ? `have at ${side} ${limit} entries` : `be at ${side} ${limit}`
}

/** What stands there, so that it can be found again; a secret is never repeated. */
function instead(checked: Checked, path: ConfigPath, issue: Issue): string {
  const value = valueAt(checked.value, path)
  if (isSecret(checked, path) || issue.code === 'custom') return ''
  const hint = issue.code === 'invalid_value' ? didYouMean(String(value), issue.values.map(String)) : ''
  return `, not ${shown(value)}${hint}`
}

function isSecret(checked: Checked, path: ConfigPath): boolean {
  return path.some((_, at) => {
    const schema = schemaAt(checked.schema, path.slice(0, at + 1), checked.value)
    return schema !== undefined && notesOf(schema).secret === true
  })
}

const LONGEST_SHOWN = 40

function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'keys'
  const text = String(value)
  return typeof value === 'string' ? `"${text.slice(0, LONGEST_SHOWN)}"` : text
}
