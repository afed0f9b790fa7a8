/** A deck put onto the version in force: what only changes, and what goes on until a new price begins. */
import type { RateRow } from '../rating/tariff.ts'
import { readMoment } from '../rating/validity.ts'
import type { ClosedCode } from './deck-rows.ts'

export interface Onto {
  /** Rates of the version in force. */
  readonly base: readonly RateRow[]
  readonly nowMs: number
  readonly zone: string
}

export interface Change {
  readonly rates: readonly RateRow[]
  readonly closed: readonly ClosedCode[]
}

export interface Joined {
  readonly rates: readonly RateRow[]
  /** Rates of the base that go on until a new one begins or the code is gone. */
  readonly carried: number
}

/** The base with what changes; a code that is not named stays as it is. */
export function amended(change: Change, onto: Onto): Joined {
  const named = new Set([...change.rates.map(keyOf), ...change.closed.map(({ prefix }) => prefix)])
  const kept = onto.base.filter((rate) => !named.has(keyOf(rate)) && !named.has(rate.prefix))
  const { rates, carried } = withoutGaps(change, onto)
  return { rates: [...kept, ...rates], carried }
}

/** A new price that begins later leaves no time without one: until then the rate in force goes on. */
export function withoutGaps({ rates, closed }: Change, { base, nowMs, zone }: Onto): Joined {
  const begins = new Map<string, string>()
  const covered = new Set<string>()
  const note = (key: string, from: string | undefined): void => {
    const before = begins.get(key)
    if (from === undefined || startMs(from, zone) <= nowMs) covered.add(key)
    else if (before === undefined || startMs(from, zone) < startMs(before, zone)) begins.set(key, from)
  }
  for (const rate of rates) note(keyOf(rate), rate.validFrom)
  for (const { prefix, from } of closed) if (from !== undefined) note(prefix, from)
  const carried = base.flatMap((rate) => {
    const key = begins.has(keyOf(rate)) ? keyOf(rate) : rate.prefix
    const from = begins.get(key)
    if (from === undefined || covered.has(key) || !isValidAt(rate, nowMs, zone)) return []
    return [{ ...rate, validUntil: earlier(rate.validUntil, dayBefore(from), zone) }]
  })
  return { rates: [...carried, ...rates], carried: carried.length }
}

function keyOf({ prefix, direction = 'both' }: RateRow): string {
  return `${prefix}|${direction}`
}

function startMs(text: string, zone: string): number {
  return readMoment(text, zone, 'start') ?? -Infinity
}

function endMs(text: string | undefined, zone: string): number {
  return text === undefined ? Infinity : (readMoment(text, zone, 'end') ?? Infinity)
}

function isValidAt({ validFrom, validUntil }: RateRow, atMs: number, zone: string): boolean {
  return (validFrom === undefined || startMs(validFrom, zone) <= atMs) && endMs(validUntil, zone) > atMs
}

function earlier(until: string | undefined, end: string, zone: string): string {
  return until !== undefined && endMs(until, zone) < endMs(end, zone) ? until : end
}

/** The last day before a day; an instant ends what was before it by itself. */
function dayBefore(from: string): string {
  if (from.length > 10) return from
  return new Date(Date.parse(`${from}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10)
}
