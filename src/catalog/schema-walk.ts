/** Finding one's way in a zod schema: what a path leads to, which keys are known there, what is said about it. */
import { z } from 'zod'

export type Schema = z.core.$ZodType

/** What a schema says of itself beside its rules. */
export interface Notes {
  readonly description?: string
  /** Never shown: not in problems, not in logs. */
  readonly secret?: boolean
  /** Read once, when the daemon starts. */
  readonly restart?: boolean
  /** Text that may stand without quotes although it looks like a number. */
  readonly numeric?: boolean
  /** What kind of text it is, for the reference. */
  readonly what?: string
}

/** The schema inside optional, default and readonly. */
export function bare(schema: Schema): Schema {
  return layers(schema).at(-1) ?? schema
}

/** From the outside in; a note may hang on any layer. */
function layers(schema: Schema): readonly Schema[] {
  const found = [schema]
  for (let inner = unwrapped(schema); inner; inner = unwrapped(inner)) found.push(inner)
  return found
}

function unwrapped(schema: Schema): Schema | undefined {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodReadonly) return schema.unwrap()
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) return schema.unwrap()
  return undefined
}

export function notesOf(schema: Schema): Notes {
  const notes = layers(schema).map((layer) => z.globalRegistry.get(layer) ?? {})
  return Object.assign({}, ...notes.toReversed()) as Notes
}

/** The default in its input form; undefined when there is none. */
export function defaultOf(schema: Schema): unknown {
  for (const layer of layers(schema)) {
    if (layer instanceof z.ZodDefault || layer instanceof z.ZodPrefault) return layer.def.defaultValue
  }
  return undefined
}

/** The keys that a schema knows; undefined when any key may stand there. */
export function knownKeys(schema: Schema, value?: unknown): readonly string[] | undefined {
  const inner = bare(schema)
  if (inner instanceof z.ZodObject) return Object.keys(inner.shape)
  if (inner instanceof z.ZodRecord) {
    const key = bare(inner.keyType)
    return key instanceof z.ZodEnum ? key.options.map(String) : undefined
  }
  if (!(inner instanceof z.ZodUnion)) return undefined
  const option = optionFor(inner, value)
  if (option) return knownKeys(option, value)
  return [...new Set(inner.options.flatMap((one) => knownKeys(one) ?? []))]
}

/** The schema of one entry; undefined when there can be none. */
export function childOf(schema: Schema, key: string | number, value?: unknown): Schema | undefined {
  const inner = bare(schema)
  if (inner instanceof z.ZodObject) return Object.hasOwn(inner.shape, key) ? (inner.shape[key] as Schema) : undefined
  if (inner instanceof z.ZodRecord) return inner.valueType
  if (inner instanceof z.ZodArray) return inner.element
  if (!(inner instanceof z.ZodUnion)) return undefined
  const option = optionFor(inner, value)
  if (option) return childOf(option, key, value)
  return inner.options.map((one) => childOf(one, key)).find((child) => child !== undefined)
}

/** The schema at the end of a path, with the value there, for unions are decided by it. */
export function schemaAt(schema: Schema, path: readonly PropertyKey[], value: unknown): Schema | undefined {
  let at: Schema | undefined = schema
  let here = value
  for (const part of path) {
    if (!at || typeof part === 'symbol') return undefined
    at = childOf(at, part, here)
    here = valueAt(here, [part])
  }
  return at
}

export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let here = value
  for (const part of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, part)) return undefined
    here = (here as Record<PropertyKey, unknown>)[part]
  }
  return here
}

/** The form of a union that a value is meant to have: by its discriminator, else by being a list, keys or text. */
export function optionFor(union: z.ZodUnion, value: unknown): Schema | undefined {
  if (union instanceof z.ZodDiscriminatedUnion) {
    const kind = valueAt(value, [union.def.discriminator])
    return union.options.find((option) => literals(childOf(option, union.def.discriminator)).includes(String(kind)))
  }
  if (value === undefined) return undefined
  return union.options.find((option) => formOf(bare(option)) === formOfValue(value))
}

export function literals(schema: Schema | undefined): readonly string[] {
  const inner = schema && bare(schema)
  if (inner instanceof z.ZodLiteral) return [...inner.values].map(String)
  return inner instanceof z.ZodEnum ? inner.options.map(String) : []
}

type Form = 'list' | 'keys' | 'text'

function formOf(schema: Schema): Form {
  if (schema instanceof z.ZodArray) return 'list'
  return schema instanceof z.ZodObject || schema instanceof z.ZodRecord ? 'keys' : 'text'
}

function formOfValue(value: unknown): Form {
  if (Array.isArray(value)) return 'list'
  return typeof value === 'object' && value !== null && !(value instanceof String) ? 'keys' : 'text'
}
