/** Tariffs as they are uploaded. Rates are held to their form here, row by row; what they say is checked by the book. */
import { z } from 'zod'
import { currency, instantText, label, price, timezone } from '../fields.ts'
import { check } from '../input.ts'
import { type FieldProblem, HttpProblem } from '../problem.ts'
import type { RateInput } from '../parts.ts'
import type { Limits } from '../../../rating/guard-rails.ts'

const MAX_RATES = 4_000_000
const MAX_PARTS = 48
const MAX_PROBLEMS = 100

/** So many rows are checked before other requests have their turn. */
const ROWS_AT_A_TIME = 500

const seconds = z.int().min(0).max(86_400)
const increment = z.int().min(1).max(86_400)
const clockTime = z.string().regex(/^(24:00|([01]\d|2[0-3]):[0-5]\d)$/, 'must be a time such as "19:00"')
const moment = z.string().max(64).describe('A day in the zone of the tariff, or an instant.')

const band = z.strictObject({
  days: z
    .array(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']))
    .min(1)
    .max(7),
  from: clockTime,
  to: clockTime,
  perMinute: price(),
  connectFee: price().exactOptional(),
  firstIncrement: increment.exactOptional(),
  nextIncrement: increment.exactOptional(),
})

const step = z.strictObject({ fromSecond: seconds, perMinute: price(), increment })

const rateSchema = z
  .strictObject({
    prefix: z
      .string()
      .regex(/^(\+?\d{1,15}|\*)?$/, 'must be 1 to 15 digits, or "*" for every other number')
      .transform((text) => text.replace('+', ''))
      .describe('Digits that the number begins with; the longest decides.'),
    destination: label(200).exactOptional(),
    direction: z.enum(['outbound', 'inbound', 'both']).exactOptional().describe('None is both.'),
    perMinute: price().exactOptional().describe('May be absent of a blocked rate.'),
    connectFee: price().exactOptional().describe('None is 0.'),
    firstIncrement: increment.exactOptional().describe('None is 60.'),
    nextIncrement: increment.exactOptional().describe('None is 60.'),
    minimumSeconds: seconds.exactOptional(),
    noChargeSeconds: seconds.exactOptional().describe('A call no longer than this is free.'),
    steps: z.array(step).max(MAX_PARTS).exactOptional().describe('Price by how long the call has lasted.'),
    bands: z.array(band).max(MAX_PARTS).exactOptional().describe('Price by hours of the week.'),
    validFrom: moment.exactOptional(),
    validUntil: moment.exactOptional(),
    blocked: z.boolean().exactOptional(),
  })
  .refine((rate) => rate.perMinute !== undefined || rate.blocked === true, {
    path: ['perMinute'],
    error: 'is required',
  })
  .transform((rate): RateInput => ({ ...rate, perMinute: rate.perMinute ?? '' }))
  .meta({ id: 'Rate' })

const versionFields = {
  currency: currency(),
  effectiveFrom: moment.exactOptional().describe('When it is put in force; none is not by itself.'),
  timezone: timezone().exactOptional().describe('Of its bands and days; none is UTC.'),
  rounding: z
    .strictObject({
      decimals: z.int().min(0).max(6).exactOptional(),
      mode: z.enum(['half_up', 'up', 'down']).exactOptional(),
    })
    .exactOptional()
    .describe('How the price of a call is rounded, once; none is half up to the micro.'),
}

/** What OpenAPI shows. */
export const versionBody = z.strictObject({ ...versionFields, rates: z.array(rateSchema).min(1).max(MAX_RATES) })

/** What is checked before the rows are. */
export const versionHead = z.strictObject({ ...versionFields, rates: z.array(z.unknown()).min(1).max(MAX_RATES) })

/** The first of many lines, with what an export says of itself; the rates follow. */
export const firstLine = z
  .strictObject({ ...versionFields, name: z.string().exactOptional(), version: z.int().exactOptional() })
  .transform(({ name: _name, version: _version, ...head }) => head)

const percent = z.number().min(0).max(1_000_000)

const limit = z
  .strictObject({
    change: percent.exactOptional().describe('Percent from which a price counts as dearer or cheaper; 20.'),
    dearer: percent.exactOptional().describe('Percent of the prefixes that may be dearer; 10.'),
    cheaper: percent.exactOptional().describe('Percent of the prefixes that may be cheaper; 10.'),
    closed: percent.exactOptional().describe('Percent of the prefixes that may be closed or blocked; 20.'),
    jump: z.number().gt(1).max(1_000_000_000).exactOptional().describe('Times that a price may rise or fall; 10.'),
    free: z.int().min(0).max(MAX_RATES).exactOptional().describe('Rates that may become free; 0.'),
  } satisfies Record<keyof Limits, z.ZodType>)
  .describe('Holds the version to the guard rails; what is not said is as usual.')

export const activateBody = z
  .strictObject({
    at: instantText().exactOptional().describe('None is now, or when the version says itself.'),
    limit: limit.exactOptional(),
  })
  .optional()

/** The rows as rates, or a 422 that names the rows and fields; all rows are read, so that whoever sends them is heard. */
export async function readRates(rows: Iterable<unknown> | AsyncIterable<unknown>): Promise<readonly RateInput[]> {
  const rates: RateInput[] = []
  const errors: FieldProblem[] = []
  let place = -1
  for await (const row of rows) {
    place += 1
    if (place % ROWS_AT_A_TIME === ROWS_AT_A_TIME - 1) await otherRequests()
    if (errors.length >= MAX_PROBLEMS) continue
    const read = place < MAX_RATES ? check(rateSchema, row) : tooMany
    if (read.ok) rates.push(read.value)
    else errors.push(...read.errors.map((error) => ({ ...error, pointer: `/rates/${place}${error.pointer}` })))
  }
  if (errors.length === 0 && rates.length === 0)
    errors.push({ pointer: '/rates', message: 'has no rate', code: 'range' })
  if (errors.length > 0) throw tariffInvalid(errors)
  return rates
}

const beyond: FieldProblem = {
  pointer: '',
  message: `is beyond the ${MAX_RATES} rates a tariff can have`,
  code: 'range',
}
const tooMany = { ok: false, errors: [beyond] } as const

function otherRequests(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

export function tariffInvalid(errors: readonly FieldProblem[]): HttpProblem {
  const [first] = errors
  const more = errors.length > 1 ? `, and ${errors.length - 1} more` : ''
  const detail = first ? `${placeOf(first.pointer)} ${first.message}${more}` : 'the tariff is not valid'
  return new HttpProblem('tariff_invalid', detail, { errors: errors.slice(0, MAX_PROBLEMS) })
}

/** "/rates/2/bands/0/from" is "row 3, bands/0/from". */
function placeOf(pointer: string): string {
  const [, row, field] = /^\/rates\/(\d+)\/?(.*)$/.exec(pointer) ?? []
  if (row === undefined) return pointer
  return field ? `row ${Number(row) + 1}, ${field},` : `row ${Number(row) + 1}`
}
