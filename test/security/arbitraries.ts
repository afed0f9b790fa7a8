/**
 * Requests to fuzz the API with, made from the schemas that the daemon itself shows in /openapi.json: some as they should be,
 * some with one field that is wrong, some that are nothing at all.
 */
import fc from 'fast-check'

interface JsonSchema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly minItems?: number
  readonly maxItems?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly additionalProperties?: JsonSchema | boolean
}

interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly schema: JsonSchema
}

interface Operation {
  readonly operationId: string
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> }
}

export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components?: { readonly schemas?: Readonly<Record<string, JsonSchema>> }
}

export interface FuzzRequest {
  readonly operation: string
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/** What breaks careless programs. */
const NASTY: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, -1, 0, -0, 1e21, 0.1, 2 ** 53, -(2 ** 63), '', ' ', '0', '-1', '1e400', 'null'),
  fc.constantFrom<unknown>('0.0000001', '9007199254740992', '99999999999999999999', '-0.00', '1,5', 'NaN', 'Infinity'),
  fc.constantFrom<unknown>(
    '\u0000',
    '\ud800',
    '\uffff',
    '__proto__',
    'constructor',
    '../../etc/passwd',
    "'; FLUSHALL",
    '{1}',
  ),
  fc.constantFrom<unknown>('2026-13-45', '0000-00-00T00:00:00Z', '1795380011.1234567890123', '2026-02-30T00:00:00Z'),
  fc.constantFrom<unknown>(
    [],
    {},
    [[]],
    { a: { b: { c: {} } } },
    Array.from({ length: 200 }, () => 1),
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ maxLength: 2_000, size: 'max' }),
  fc.double(),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
)

/** Ids that the daemon knows, so that what is fuzzed has something to work on. */
const KNOWN = [
  'open',
  'open-child',
  'vault',
  'fuzz-call',
  'bench',
  'default',
  '+442079460958',
  '5.00',
  '10',
  'minutes',
  '1',
]

/** What reads all there is, or waits for another database, is not what is tested here. */
const LONG: ReadonlySet<string> = new Set(['verifyAudit', 'verifyArchive', 'showArchive', 'listUsageChanges'])

export function requestsOf(api: OpenApi): fc.Arbitrary<FuzzRequest> {
  const all = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) =>
      LONG.has(operation.operationId) ? [] : [requestOf(api, { path, method, operation })],
    ),
  )
  return fc.oneof(...all)
}

interface Place {
  readonly path: string
  readonly method: string
  readonly operation: Operation
}

function requestOf(api: OpenApi, { path, method, operation }: Place): fc.Arbitrary<FuzzRequest> {
  const { parameters = [], requestBody, operationId } = operation
  const wanted = (place: Parameter['in']) => parameters.filter((parameter) => parameter.in === place)
  const values = (place: Parameter['in'], optional: boolean): fc.Arbitrary<Partial<Record<string, unknown>>> =>
    fc.record(
      Object.fromEntries(wanted(place).map(({ name, schema }) => [name, fieldOf(api, schema)])),
      optional ? { requiredKeys: [] } : {},
    )
  const content = Object.values(requestBody?.content ?? {})[0]
  const body = content ? bodyOf(valueOf(api, content.schema, 0)) : fc.constant(undefined)
  return fc
    .tuple(values('path', false), values('query', true), body, headersOf(requestBody !== undefined))
    .map(([inPath, inQuery, text, headers]) => ({
      operation: operationId,
      method: method.toUpperCase(),
      path: path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => encoded(inPath[name])) + queryOf(inQuery),
      headers,
      ...(text === undefined ? {} : { body: text }),
    }))
}

function queryOf(values: Partial<Record<string, unknown>>): string {
  const parts = Object.entries(values).map(([name, value]) => `${name}=${encoded(value)}`)
  return parts.length === 0 ? '' : `?${parts.join('&')}`
}

/** Half a character cannot be sent in a path. */
function encoded(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return encodeURIComponent((text as string | undefined)?.toWellFormed() ?? '')
}

function headersOf(hasBody: boolean): fc.Arbitrary<Record<string, string>> {
  const types = [
    'application/json',
    'application/json',
    'application/json; charset=utf-8',
    'text/plain',
    'application/xml',
  ]
  const type = fc.constantFrom(...types, 'application/x-www-form-urlencoded', 'application/json; charset=utf-16', '')
  return fc.record(
    {
      'content-type': hasBody
        ? fc.oneof({ weight: 12, arbitrary: fc.constant('application/json') }, type)
        : fc.constant(''),
      accept: fc.constantFrom('application/json', 'text/plain', '*/*', 'image/png', ''),
      'idempotency-key': fc.oneof(fc.uuid(), fc.constantFrom('same-key', 'x'.repeat(300), '')),
    },
    { requiredKeys: ['content-type'] },
  )
}

function bodyOf(valid: fc.Arbitrary<unknown>): fc.Arbitrary<string | undefined> {
  const json = valid.map((value) => JSON.stringify(value))
  return fc.oneof(
    { weight: 8, arbitrary: json },
    {
      weight: 4,
      arbitrary: fc.tuple(valid, fc.nat(), NASTY).map(([value, at, nasty]) => JSON.stringify(spoilt(value, at, nasty))),
    },
    { weight: 1, arbitrary: fc.tuple(json, fc.nat()).map(([text, at]) => text.slice(0, at % (text.length + 1))) },
    { weight: 1, arbitrary: NASTY.map((value) => JSON.stringify(value)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('', '{', '[1', '{"a":1,"a":2}', '\ufeff{}', '[]', '"', '1e999', '['.repeat(3_000)),
    },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 300 }) },
    { weight: 1, arbitrary: fc.constant('{"__proto__":{"admin":true},"constructor":{"prototype":{"x":1}}}') },
  )
}

/** One field is another thing, is gone, or is one too many. */
function spoilt(value: unknown, at: number, nasty: unknown): unknown {
  if (typeof value !== 'object' || value === null) return nasty
  if (Array.isArray(value))
    return value.map((item: unknown, n) => (n === at % value.length ? spoilt(item, at, nasty) : item))
  const names = Object.keys(value)
  const name = names[at % (names.length + 2)] ?? ['unknown', '__proto__'][at % 2] ?? ''
  const fields = value as Record<string, unknown>
  if (at % 5 === 0) return Object.fromEntries(Object.entries(fields).filter(([known]) => known !== name))
  return { ...fields, [name]: nasty }
}

function fieldOf(api: OpenApi, schema: JsonSchema): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 6, arbitrary: valueOf(api, schema, 0) },
    { weight: 4, arbitrary: fc.constantFrom(...KNOWN) },
    { weight: 2, arbitrary: NASTY },
  )
}

const MAX_DEPTH = 6

function valueOf(api: OpenApi, schema: JsonSchema, depth: number): fc.Arbitrary<unknown> {
  const { $ref, anyOf, oneOf, allOf } = schema
  if (depth > MAX_DEPTH) return fc.constant(null)
  if ($ref !== undefined) {
    const found = api.components?.schemas?.[$ref.split('/').at(-1) ?? '']
    if (!found) throw new Error(`no schema ${$ref}`)
    return valueOf(api, found, depth + 1)
  }
  const several = anyOf ?? oneOf ?? allOf
  if (several && several.length > 0) return fc.oneof(...several.map((one) => valueOf(api, one, depth + 1)))
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum && schema.enum.length > 0) return fc.constantFrom(...schema.enum)
  return plainOf(api, schema, depth)
}

function plainOf(api: OpenApi, schema: JsonSchema, depth: number): fc.Arbitrary<unknown> {
  const type = typeof schema.type === 'string' ? schema.type : schema.type?.[0]
  switch (type) {
    case 'object':
      return objectOf(api, schema, depth)
    case 'array':
      return fc.array(valueOf(api, schema.items ?? {}, depth + 1), { minLength: schema.minItems ?? 0, maxLength: 4 })
    case 'integer':
      return fc.integer(range(schema))
    case 'number':
      return fc.double({ ...range(schema), noNaN: true })
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'string':
    default:
      return textOf(schema)
  }
}

function range({ minimum = 0, maximum = 100_000 }: JsonSchema): { min: number; max: number } {
  return { min: Math.max(minimum, -(2 ** 31)), max: Math.max(minimum, Math.min(maximum, 2 ** 31 - 1)) }
}

function textOf({ maxLength = 40, pattern }: JsonSchema): fc.Arbitrary<string> {
  const amount = fc.integer({ min: 0, max: 100_000 }).map((cents) => (cents / 100).toFixed(2))
  const known = fc.oneof(fc.constantFrom(...KNOWN), amount, fc.string({ maxLength: Math.min(maxLength, 40) }))
  const day = fc.constantFrom('2026-11-27', '2026-11-27T12:00:00Z', '1795380011')
  return pattern === undefined ? fc.oneof(known, day) : fc.oneof(known, day, matching(pattern))
}

/** Patterns that the generator does not know are left to the others. */
function matching(pattern: string): fc.Arbitrary<string> {
  try {
    return fc.stringMatching(new RegExp(pattern), { size: 'small' })
  } catch {
    return fc.string({ maxLength: 8 })
  }
}

function objectOf(api: OpenApi, schema: JsonSchema, depth: number): fc.Arbitrary<unknown> {
  const { properties = {}, required = [] } = schema
  const fields = Object.entries(properties).map(([name, field]) => [name, valueOf(api, field, depth + 1)] as const)
  return fc.record(Object.fromEntries(fields), { requiredKeys: required.filter((name) => name in properties) })
}
