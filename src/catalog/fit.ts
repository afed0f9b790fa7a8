/**
 * Text to values, as the schema asks for them. Files and variables hold text only; what looks like a number becomes one
 * where the schema wants a number and stays text where it wants text, so a price, a prefix or +44 is never rounded.
 */
import { z } from 'zod'
import { bare, childOf, optionFor, type Schema } from './schema-walk.ts'

/** Text that was not quoted: it may be a number, true, false or nothing. Quoted text is a plain string. */
export class PlainText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  /** Lets a discriminator be read before its value is fitted. */
  toString(): string {
    return this.text
  }
}

export type RawMap = { readonly [key: string]: Raw }
export type Raw = PlainText | string | readonly Raw[] | RawMap

/** "key:" with nothing after it, "~" and "null": the key is as good as absent. */
function isNothing(raw: Raw): boolean {
  return raw instanceof PlainText && ['', '~', 'null', 'Null', 'NULL'].includes(raw.text)
}

export function isRawList(raw: Raw): raw is readonly Raw[] {
  return Array.isArray(raw)
}

export function isRawMap(raw: Raw | undefined): raw is RawMap {
  return typeof raw === 'object' && !(raw instanceof PlainText) && !isRawList(raw)
}

/** The value that the schema is then asked to check. What does not fit stays text and is refused there. */
export function fit(schema: Schema | undefined, raw: Raw): unknown {
  const inner = schema && bare(schema)
  if (inner instanceof z.ZodUnion) return fit(optionFor(inner, isRawMap(raw) ? raw : formOf(raw)) ?? z.unknown(), raw)
  if (raw instanceof PlainText) return fitPlain(inner, raw)
  if (typeof raw === 'string') return raw
  if (isRawList(raw)) return raw.map((entry, at) => fit(inner && childOf(inner, at), entry))
  return fitMap(inner, raw)
}

/** A known key with nothing after it is left out, so that its default holds; an unknown one is still unknown. */
function fitMap(schema: Schema | undefined, raw: RawMap): unknown {
  const optional = schema instanceof z.ZodObject
  const entries = Object.entries(raw).flatMap(([key, entry]): [string, unknown][] => {
    const child = schema && childOf(schema, key, raw)
    if (!isNothing(entry)) return [[key, fit(child, entry)]]
    return optional && child ? [] : [[key, null]]
  })
  return Object.fromEntries(entries)
}

function formOf(raw: Raw): unknown {
  return isRawList(raw) ? raw : ''
}

const NUMBER = /^[+-]?\d{1,15}(\.\d{1,15})?$/

function fitPlain(schema: Schema | undefined, raw: PlainText): unknown {
  if (isNothing(raw)) return undefined
  if (schema instanceof z.ZodNumber && NUMBER.test(raw.text)) return Number(raw.text)
  if (schema instanceof z.ZodBoolean && /^true$/i.test(raw.text)) return true
  if (schema instanceof z.ZodBoolean && /^false$/i.test(raw.text)) return false
  return raw.text
}
