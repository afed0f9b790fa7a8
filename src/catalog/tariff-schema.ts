/** The files of tariffs/: a head in YAML, and rates in it or in a CSV file beside it. */
import { z } from 'zod'
import { WEEK_DAYS } from '../rating/timetable.ts'
import { currency, dayOrInstant, type DeepReadonly, label, name, price, seconds, timezone, unique } from './fields.ts'

const MAX_INCREMENT = 86_400
const MAX_PARTS = 48
const CLOCK = /^([01]\d|2[0-3]):[0-5]\d$/

function ratePrefix() {
  return z
    .string()
    .regex(/^(\+?\d{1,15}|\*)$/, 'must be 1 to 15 digits, or "*" for every other number')
    .meta({ numeric: true, what: 'prefix' })
}

function increment() {
  return seconds(1, MAX_INCREMENT).optional()
}

function fee() {
  return price()
    .regex(/^\d+(\.\d{1,6})?$/, 'must have at most 6 decimals')
    .optional()
}

const band = z.strictObject({
  days: unique(z.array(z.enum(WEEK_DAYS)).min(1)).describe('Days on which it begins.'),
  from: z.string().regex(CLOCK, 'must be a time such as "19:00"').describe('Local time at which it begins.'),
  to: z
    .string()
    .regex(/^(24:00|([01]\d|2[0-3]):[0-5]\d)$/, 'must be a time such as "07:00"')
    .describe('Local time at which it ends; not after `from` is on the next day.'),
  perMinute: price().describe('Price of a minute.'),
  connectFee: fee().describe("Price of the connection; none is the rate's."),
  firstIncrement: increment().describe("Seconds of the first step; none is the rate's."),
  nextIncrement: increment().describe("Seconds of each step after it; none is the rate's."),
})

const step = z.strictObject({
  fromSecond: seconds(1, MAX_INCREMENT).describe('Second of the call at which it begins.'),
  perMinute: price().describe('Price of a minute from there.'),
  increment: seconds(1, MAX_INCREMENT).describe('Seconds are charged in steps of this.'),
})

function bands() {
  return z.array(band).min(1).max(MAX_PARTS)
}

function steps() {
  return z.array(step).min(1).max(MAX_PARTS)
}

export const rateSchema = z
  .strictObject({
    prefix: ratePrefix().describe(
      'Digits that the number begins with; the longest prefix decides. "*" is every other number.',
    ),
    destination: label(200).optional().describe('What people call it.'),
    direction: z.enum(['outbound', 'inbound', 'both']).optional().describe('Calls that it is for; none is both.'),
    perMinute: price().optional().describe('Price of a minute; may be left out of a blocked rate.'),
    connectFee: fee().describe('Price of the connection, once a call; none is 0.'),
    firstIncrement: increment().describe('Seconds of the first step; none is 60.'),
    nextIncrement: increment().describe('Seconds of each step after it; none is 60.'),
    minimumSeconds: seconds(0, MAX_INCREMENT)
      .optional()
      .describe('A call is charged as at least this long; none is 0.'),
    noChargeSeconds: seconds(0, MAX_INCREMENT).optional().describe('A call no longer than this is free; none is 0.'),
    steps: steps().optional().describe('Other prices from a second of the call on.'),
    bands: bands().optional().describe('Other prices at hours of the week.'),
    validFrom: dayOrInstant().optional().describe('First day, in the time zone of the tariff, or instant.'),
    validUntil: dayOrInstant().optional().describe('Last day, or the instant at which it ends.'),
    blocked: z.boolean().optional().describe('No call may be made.'),
  })
  .superRefine((rate, context) => {
    if (rate.perMinute === undefined && rate.blocked !== true) {
      context.addIssue({
        code: 'custom',
        path: ['perMinute'],
        message: 'is missing; only a blocked rate needs no price',
      })
    }
  })

const roundingSchema = z.strictObject({
  decimals: z.int().min(0).max(6).optional().describe('Decimals of a charge; none is 6.'),
  mode: z.enum(['half_up', 'up', 'down']).optional().describe('How a charge is rounded; none is half_up.'),
})

export const tariffFileSchema = z.strictObject({
  name: name().optional().describe('Name of the tariff, the same as that of the file.'),
  currency: currency().describe('Currency of its prices.'),
  timezone: timezone().optional().describe('Time zone of its bands and days; none is UTC.'),
  effectiveFrom: dayOrInstant().optional().describe('Day or instant from which it holds; none is at once.'),
  rounding: roundingSchema.optional().describe('How the price of a call is rounded, once, at its end.'),
  rates: z
    .union([
      z
        .string()
        .regex(
          /^[A-Za-z0-9][A-Za-z0-9_.-]*\.csv$/,
          'must be a list of rates or the name of a .csv file beside this one',
        ),
      z.array(rateSchema).min(1),
    ])
    .describe('The rates, or the CSV file beside this one that has them.'),
  bands: z.record(ratePrefix(), bands()).optional().describe('Bands of rates of the CSV file, by prefix.'),
  steps: z.record(ratePrefix(), steps()).optional().describe('Steps of rates of the CSV file, by prefix.'),
})

export type TariffFileValue = DeepReadonly<z.infer<typeof tariffFileSchema>>
export type RateValue = DeepReadonly<z.infer<typeof rateSchema>>

/** The columns of a CSV file of rates, each a field of a rate. */
export const csvColumns = {
  prefix: 'prefix',
  destination: 'destination',
  direction: 'direction',
  per_minute: 'perMinute',
  connect_fee: 'connectFee',
  first_increment: 'firstIncrement',
  next_increment: 'nextIncrement',
  minimum_seconds: 'minimumSeconds',
  no_charge_seconds: 'noChargeSeconds',
  valid_from: 'validFrom',
  valid_until: 'validUntil',
  blocked: 'blocked',
} as const satisfies Readonly<Record<string, keyof RateValue>>

export type CsvColumn = keyof typeof csvColumns
