/** Fields that several files share, each with the sentence that refuses a bad one. */
import { z } from 'zod'
import { dialledDigits } from '../base/e164.ts'
import { parseAmount } from '../base/money.ts'
import { isTimeZone, parseInstant } from '../base/time.ts'
import { readMoment } from '../rating/validity.ts'

export type DeepReadonly<T> = T extends (infer E)[]
  ? readonly DeepReadonly<E>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T

/** An id in URLs, keys and file names. */
export function name(error = 'must be 1 to 64 letters, digits, "_", "." or "-", beginning with a letter or digit') {
  return z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, error)
    .meta({ what: 'name' })
}

export function label(longest = 120) {
  return z.string().min(1).max(longest)
}

const AMOUNT = /^\d{1,10}(\.\d{1,6})?$/

/** An amount of money, not below zero. */
export function amount() {
  return z
    .string()
    .regex(AMOUNT, 'must be an amount such as "12.50", not below zero, with at most 6 decimals')
    .refine((text) => !AMOUNT.test(text) || parseAmount(text) !== undefined, 'must be below 9007199254.740992')
    .meta({ numeric: true, what: 'amount' })
}

/** An amount of money, above zero. */
export function positiveAmount() {
  return amount().refine((text) => parseAmount(text) !== 0n, 'must be above zero')
}

/** An amount, or whole percents of another. */
export function amountOrShare() {
  return z
    .string()
    .regex(/^(\d{1,10}(\.\d{1,6})?|([1-9]\d?|100)%)$/, 'must be an amount such as "12.50", or a share such as "20%"')
    .refine((text) => text.endsWith('%') || parseAmount(text) !== undefined, 'must be below 9007199254.740992')
    .meta({ numeric: true, what: 'amount or share' })
}

/** Whole seconds, or whole percents of others. */
export function secondsOrShare() {
  return z
    .string()
    .regex(/^(\d{1,9}|([1-9]\d?|100)%)$/, 'must be whole seconds such as 600, or a share such as "20%"')
    .meta({ numeric: true, what: 'seconds or share' })
}

export function email() {
  return z.email('must be an address such as billing@example.com').max(254).meta({ what: 'address' })
}

/** A price; finer than an amount. */
export function price() {
  return z
    .string()
    .regex(/^\d{1,7}(\.\d{1,10})?$/, 'must be a price such as "0.0125", not below zero, with at most 10 decimals')
    .meta({ numeric: true, what: 'price' })
}

/** The digits that a number begins with, with or without "+". */
export function prefix() {
  return z
    .string()
    .regex(/^\+?\d{1,15}$/, 'must be 1 to 15 digits, with or without "+"')
    .meta({ numeric: true, what: 'prefix' })
}

/** The beginning of a number or name as trunks see it; "00" and "+" are left out. */
export function beginning() {
  return z
    .string()
    .refine((text) => /^[0-9A-Za-z_*#]{1,64}$/.test(dialledDigits(text)), {
      error: 'must be the beginning of a number, such as "+1415", or a whole one',
    })
    .meta({ numeric: true, what: 'beginning of a number' })
}

export function wholeNumber() {
  return z
    .string()
    .regex(/^\d{2,15}$/, 'must be a whole number of 2 to 15 digits')
    .meta({ numeric: true, what: 'number' })
}

export function currency() {
  return z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be a currency of three capitals, such as USD')
    .meta({ what: 'currency' })
}

export function timezone() {
  return z.string().refine(isTimeZone, 'must be a time zone such as Europe/Berlin').meta({ what: 'time zone' })
}

export function direction() {
  return z.enum(['outbound', 'inbound'])
}

export function onEngineError() {
  return z.enum(['deny', 'allowCapped'])
}

export function onExhausted() {
  return z.enum(['finish_call', 'cut', 'spill'])
}

export function instant() {
  return z
    .string()
    .refine((text) => parseInstant(text) !== undefined, {
      error: 'must be an instant such as 2027-01-01T00:00:00Z',
    })
    .meta({ what: 'instant' })
}

/** A day, which begins at midnight of the file's time zone, or an instant. */
export function dayOrInstant() {
  return z
    .string()
    .refine((text) => readMoment(text, 'UTC', 'start') !== undefined, {
      error: 'must be a day such as 2027-01-01 or an instant such as 2027-01-01T00:00:00Z',
    })
    .meta({ what: 'day or instant' })
}

export function seconds(least: number, most: number) {
  return z.int().min(least).max(most)
}

/** Stored data. */
export function bytes() {
  return z.int().min(0)
}

/** What storage is counted in. */
export function unitBytes() {
  return z.int().min(1_000)
}

/** No entry twice. */
export function unique<T extends z.ZodType>(list: z.ZodArray<T>) {
  return list.refine((entries) => new Set(entries).size === entries.length, 'must not have an entry twice')
}

export function httpUrl() {
  return z.url({ protocol: /^https?$/, error: 'must be a URL such as http://127.0.0.1:8060/RPC' })
}
