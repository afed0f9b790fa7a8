/** Words of the command line as values; what cannot be one is a mistake of usage. */
import { InvalidArgumentError } from 'commander'
import { parseAmount } from '../base/money.ts'
import { isTimeZone, parseInstant } from '../base/time.ts'

/** A whole number between two others. */
export function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
  }
}

/** Money of an account, as text that the daemon takes. */
export function amount(text: string): string {
  if (parseAmount(text) !== undefined && !text.startsWith('-')) return text
  throw new InvalidArgumentError('It must be an amount such as 12.50, with at most six decimals.')
}

/** Likewise, and more than nothing. */
export function positiveAmount(text: string): string {
  if ((parseAmount(amount(text)) ?? 0n) > 0n) return text
  throw new InvalidArgumentError('It must be more than 0.')
}

export function oneOf<const Word extends string>(...words: readonly Word[]): (text: string) => Word {
  return (text) => {
    const found = words.find((word) => word === text)
    if (found !== undefined) return found
    throw new InvalidArgumentError(`It must be one of ${words.join(', ')}.`)
  }
}

/** "a,b" and a repeated option are one list. */
export function words(text: string, before: readonly string[] = []): readonly string[] {
  const found = text.split(',').map((word) => word.trim())
  return [...before, ...found.filter((word) => word !== '')]
}

/** Part of a path of the API. */
export function id(text: string): string {
  if (/^[A-Za-z0-9._-]{1,64}$/.test(text) && !/^\.+$/.test(text)) return text
  throw new InvalidArgumentError('It must be 1 to 64 letters, digits, ".", "_" or "-".')
}

export function instantText(text: string): string {
  if (parseInstant(text) !== undefined) return text
  throw new InvalidArgumentError('It must be an instant such as 2026-11-23T12:00:00Z.')
}

export function day(text: string): string {
  const at = /^\d{4}-\d\d-\d\d$/.test(text) ? parseInstant(`${text}T00:00:00Z`) : undefined
  if (at !== undefined) return text
  throw new InvalidArgumentError('It must be a day such as 2026-11-14.')
}

export function timezone(text: string): string {
  if (isTimeZone(text)) return text
  throw new InvalidArgumentError('It must be a time zone such as Europe/London.')
}

export function callId(text: string): string {
  if (/^[0-9A-Za-z]{1,64}$/.test(text)) return text
  throw new InvalidArgumentError("It must be the daemon's id of a call, as `tollgate call list` shows it.")
}
