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

/** The base with what changes; a code that is not named stays as it is, and so does the direction that is not. */
export function amended(change: Change, onto: Onto): Joined {
  const closed = change.closed.flatMap(({ prefix }) => keysOf({ prefix }))
  const named = new Set([...change.rates.flatMap(keysOf), ...closed])
  const kept = onto.base.flatMap((rate) => {
    return inDirections(
      rate,
      directionsOf(rate).filter((direction) => !named.has(keyOf(rate.prefix, direction))),
    )
  })
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
  for (const rate of rates) for (const key of keysOf(rate)) note(key, rate.validFrom)
  for (const { prefix, from } of closed) if (from !== undefined) for (const key of keysOf({ prefix })) note(key, from)
  const carried = base.flatMap((rate) => {
    if (!isValidAt(rate, nowMs, zone)) return []
    const waiting = directionsOf(rate).filter((direction) => !covered.has(keyOf(rate.prefix, direction)))
    const byDay = Map.groupBy(waiting, (direction) => begins.get(keyOf(rate.prefix, direction)))
    return [...byDay].flatMap(([from, directions]) => {
      if (from === undefined) return []
      const validUntil = earlier(rate.validUntil, dayBefore(from), zone)
      return inDirections(rate, directions).map((part) => ({ ...part, validUntil }))
    })
  })
  return { rates: [...carried, ...rates], carried: carried.length }
}

type OneDirection = 'outbound' | 'inbound'

function directionsOf({ direction = 'both' }: Pick<RateRow, 'direction'>): readonly OneDirection[] {
  return direction === 'both' ? ['outbound', 'inbound'] : [direction]
}

function keyOf(prefix: string, direction: OneDirection): string {
  return `${prefix}|${direction}`
}

function keysOf(rate: Pick<RateRow, 'prefix' | 'direction'>): readonly string[] {
  return directionsOf(rate).map((direction) => keyOf(rate.prefix, direction))
}

/** The rate for these of its directions. */
function inDirections(rate: RateRow, directions: readonly OneDirection[]): readonly RateRow[] {
  if (directions.length === directionsOf(rate).length) return [rate]
  return directions.map((direction) => ({ ...rate, direction }))
}

export function startMs(text: string, zone: string): number {
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
export function dayBefore(from: string): string {
  if (from.length > 10) return from
  return new Date(Date.parse(`${from}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10)
}
