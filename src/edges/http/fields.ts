/** Fields of accounts, money and tariffs, each with the sentence that refuses a bad one. They are read strictly. */
import { z } from 'zod'
import type { Share } from '../../accounts/thresholds.ts'
import { type Micros, parseAmount } from '../../base/money.ts'
import { isTimeZone, parseInstant } from '../../base/time.ts'
import { DEFAULT_PAGE, MAX_PAGE } from './paging.ts'

const ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/

/** An id of an account, pool or tariff: it stands in URLs, keys and file names. */
export function id() {
  return z
    .string()
    .regex(ID, 'must be 1 to 64 letters, digits, "_", "." or "-", beginning with a letter or digit')
    .meta({ example: 'acme' })
}

export function label(longest = 120) {
  return z.string().trim().min(1).max(longest)
}

const AMOUNT = /^\d{1,10}(\.\d{1,6})?$/
const NOT_AN_AMOUNT = 'must be text such as "12.50", not below zero, with at most 6 decimals'

/** That a field is missing is said in the same words everywhere. */
function unlessAbsent(message: string) {
  return { error: (issue: { readonly input?: unknown }) => (issue.input === undefined ? undefined : message) }
}

/** An amount of money as text; micros afterwards. */
export function amount(least: Micros = 0n) {
  return z
    .string(unlessAbsent(NOT_AN_AMOUNT))
    .regex(AMOUNT, NOT_AN_AMOUNT)
    .transform((text, context) => {
      const micros = parseAmount(text)
      if (micros !== undefined && micros >= least) return micros
      const message = micros === undefined ? 'must be below 9007199254.740992' : 'must be above zero'
      context.issues.push({ code: 'custom', message, input: text })
      return z.NEVER
    })
    .meta({ example: '12.50' })
}

/** Whole percents of something. */
export function share() {
  return z
    .string()
    .regex(/^([1-9]\d?|100)%$/, 'must be a share such as "20%"')
    .transform((text) => text as Share)
    .meta({ example: '20%' })
}

export function email() {
  return z.email(unlessAbsent('must be an address such as billing@example.com')).max(254)
}

export function positiveAmount() {
  return amount(1n)
}

/** A price of a minute; finer than an amount, and never a number of the machine. */
export function price() {
  const error = 'must be text such as "0.0125", not below zero, with at most 10 decimals'
  return z
    .string(unlessAbsent(error))
    .regex(/^\d{1,7}(\.\d{1,10})?$/, error)
    .meta({ example: '0.0125' })
}

export function currency() {
  return z.string().regex(/^[A-Z]{3}$/, 'must be a currency of three capitals, such as USD')
}

export function timezone() {
  return z.string().max(64).refine(isTimeZone, 'must be a time zone such as Europe/Berlin')
}

export function direction() {
  return z.enum(['outbound', 'inbound'])
}

/** The digits that a number begins with; "+" is left out afterwards. */
export function prefix() {
  return z
    .string()
    .regex(/^\+?\d{1,15}$/, 'must be 1 to 15 digits, with or without "+"')
    .transform((text) => text.replace('+', ''))
}

export function whole(least: number, most: number) {
  return z.int().min(least).max(most)
}

/** Stored data. */
export function bytes() {
  return z.int().min(0).max(Number.MAX_SAFE_INTEGER)
}

const DATE = /^(\d{4})-(\d\d)-(\d\d)/

/** Days that no calendar has are read as others by the platform. */
export function isDay(text: string): boolean {
  const match = DATE.exec(text)
  if (!match) return false
  const [year = 0, month = 0, day = 0] = match.slice(1).map(Number)
  return month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate()
}

/** Such as "2026-11-14". */
export function day() {
  return z.string().refine((text) => text.length === 10 && isDay(text), 'must be a day such as 2026-11-14')
}

/** RFC 3339 text to epoch milliseconds; undefined when it is none. */
export function instantMs(text: string): number | undefined {
  return isDay(text) ? parseInstant(text) : undefined
}

/** RFC 3339; epoch milliseconds afterwards. */
export function instantText() {
  return z
    .string()
    .transform((text, context) => {
      const atMs = instantMs(text)
      if (atMs !== undefined) return atMs
      context.issues.push({ code: 'custom', message: 'must be an instant such as 2027-01-01T00:00:00Z', input: text })
      return z.NEVER
    })
    .meta({ format: 'date-time' })
}

/** No entry twice. */
export function unique<T extends z.ZodType>(list: z.ZodArray<T>) {
  return list.refine((entries) => new Set(entries).size === entries.length, 'must not have an entry twice')
}

const limit = z.coerce
  .number()
  .int()
  .min(1)
  .max(MAX_PAGE)
  .default(DEFAULT_PAGE)
  .describe(`Entries of a page, at most ${MAX_PAGE}.`)

/** Query of a list whose cursors look so. */
export function page(cursor: RegExp) {
  return {
    cursor: z
      .string()
      .regex(cursor, 'must be the nextCursor of the page before')
      .exactOptional()
      .describe('`nextCursor` of the page before.'),
    limit,
  }
}
