/** From when until when a rate is valid: instants, or days in the tariff's zone. */
import { daysInMonth, instantOf, parseInstant } from '../base/time.ts'

/** `[fromMs, untilMs)`; without dates it is everything. */
export interface Validity {
  readonly fromMs: number
  readonly untilMs: number
}

export const ALWAYS: Validity = { fromMs: -Infinity, untilMs: Infinity }

const DAY = /^(\d{4})-(\d\d)-(\d\d)(?=$|[Tt ])/

interface Day {
  readonly year: number
  readonly month: number
  readonly day: number
}

/** The day a text begins with, if the calendar has it: the platform reads 30 February as 2 March. */
function dayOfText(text: string): Day | undefined {
  const match = DAY.exec(text)
  if (!match) return undefined
  const [year = 0, month = 0, day = 0] = match.slice(1).map(Number)
  const real = month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month)
  return real ? { year, month, day } : undefined
}

/**
 * "2026-12-01T00:00:00Z" is that instant. "2026-12-01" is a day in the zone: its first instant as a start; as an end it
 * is included, so it is the first instant of the next day.
 */
export function readMoment(text: string, zone: string, edge: 'start' | 'end'): number | undefined {
  const day = dayOfText(text)
  if (!day) return undefined
  if (text.length > 10) return parseInstant(text)
  return instantOf(edge === 'start' ? day : { ...day, day: day.day + 1 }, zone)
}

export function overlaps(a: Validity, b: Validity): boolean {
  return a.fromMs < b.untilMs && b.fromMs < a.untilMs
}
