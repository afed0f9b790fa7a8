/** `from` and `to` of reports: instants, or days in the zone of the account; both ends are included. */
import { z } from 'zod'
import { instantOf, zonedTime } from '../../base/time.ts'
import type { UsagePeriod } from '../../usage/summary.ts'
import { instantMs, isDay } from './fields.ts'
import { badField } from './input.ts'

const DAY = /^\d{4}-\d\d-\d\d$/

/** A "+" that was not escaped arrives as a space. */
const UNESCAPED_OFFSET = / (\d\d:\d\d)$/

function moment(description: string) {
  return z
    .string()
    .transform((text) => text.replace(UNESCAPED_OFFSET, '+$1'))
    .refine((text) => (DAY.test(text) ? isDay(text) : instantMs(text) !== undefined), {
      error: 'must be a day such as 2026-11-23 or an instant such as 2026-11-23T00:00:00Z',
    })
    .describe(description)
}

/** Query of every report. */
export const range = {
  from: moment('First day, or first instant.').exactOptional(),
  to: moment('Last day, or last instant; included.').exactOptional(),
}

export interface RangeTexts {
  readonly from?: string
  readonly to?: string
}

/** `[fromMs, untilMs)`. */
export interface Range {
  readonly fromMs?: number
  readonly untilMs?: number
}

export function rangeIn({ from, to }: RangeTexts, zone: string, place: 'query' | 'body' = 'query'): Range {
  const fromMs = from === undefined ? undefined : startOf(from, zone)
  const untilMs = to === undefined ? undefined : endOf(to, zone)
  if (fromMs !== undefined && untilMs !== undefined && fromMs >= untilMs) {
    throw badField('/to', 'must not be before from', place)
  }
  return { ...(fromMs === undefined ? {} : { fromMs }), ...(untilMs === undefined ? {} : { untilMs }) }
}

interface Asking {
  readonly timezone: string
  readonly nowMs: number
  readonly place?: 'query' | 'body'
}

/** The range, or what is left out of it: this month so far, in the zone of the account. */
export function periodOf(texts: RangeTexts, { timezone, nowMs, place = 'query' }: Asking): UsagePeriod {
  const { year, month } = zonedTime(nowMs, timezone)
  const startMs = instantOf({ year, month, day: 1 }, timezone)
  const period = { fromMs: startMs, untilMs: nowMs + 1, ...rangeIn(texts, timezone, place) }
  if (period.fromMs >= period.untilMs) throw badField('/from', 'must not be after to', place)
  return period
}

function startOf(text: string, zone: string): number {
  return DAY.test(text) ? dayStart(text, zone, 0) : (instantMs(text) ?? 0)
}

/** The first instant that is not included. */
function endOf(text: string, zone: string): number {
  return DAY.test(text) ? dayStart(text, zone, 1) : (instantMs(text) ?? 0) + 1
}

function dayStart(text: string, zone: string, daysLater: number): number {
  const [year = 0, month = 0, day = 0] = text.split('-').map(Number)
  return instantOf({ year, month, day: day + daysLater }, zone)
}
