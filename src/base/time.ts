/** Instants are epoch milliseconds, lengths are whole seconds; a day or clock time is worked out in a named zone. */

export interface Clock {
  nowMs(): number
}

export interface ZonedTime {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  /** 0 is Sunday. */
  readonly weekday: number
}

const FIELDS = new Map<string, Intl.DateTimeFormat>()

/** A formatter costs milliseconds to make and is the same for ever, so there is one for each zone. */
function formatterOf(zone: string): Intl.DateTimeFormat {
  const known = FIELDS.get(zone)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'iso8601',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
  FIELDS.set(zone, made)
  return made
}

export function isTimeZone(zone: string): boolean {
  try {
    formatterOf(zone)
    return true
  } catch {
    return false
  }
}

export function zonedTime(atMs: number, zone: string): ZonedTime {
  const parts: Record<string, number> = {}
  for (const { type, value } of formatterOf(zone).formatToParts(atMs)) parts[type] = Number(value)
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
  const weekday = new Date(Date.UTC(year, month - 1, day)).getUTCDay()
  return { year, month, day, hour, minute, second, weekday }
}

export interface LocalTime {
  readonly year: number
  /** 1 to 12; more or less is carried into the year. */
  readonly month: number
  readonly day: number
  readonly hour?: number
  readonly minute?: number
}

/**
 * The instant of a local time. A time that the clocks skip is the instant they skip at plus the rest; of a time that
 * comes twice it is the first.
 */
export function instantOf(local: LocalTime, zone: string): number {
  const wanted = Date.UTC(local.year, local.month - 1, local.day, local.hour ?? 0, local.minute ?? 0)
  const offsets = [wanted - 86_400_000, wanted + 86_400_000].map((at) => zoneOffsetMs(at, zone))
  const [before = 0, after = 0] = offsets
  const candidates = [wanted - before, wanted - after].filter((at) => zoneOffsetMs(at, zone) === wanted - at)
  return candidates.length > 0 ? Math.min(...candidates) : wanted - before
}

/** How far the clocks of a zone are ahead of UTC at an instant. */
export function zoneOffsetMs(atMs: number, zone: string): number {
  if (zone === 'UTC') return 0
  const local = zonedTime(atMs, zone)
  const asUtc = Date.UTC(local.year, local.month - 1, local.day, local.hour, local.minute, local.second)
  return asUtc - Math.floor(atMs / 1000) * 1000
}

/**
 * The first instant in (afterMs, untilMs] from which the clocks of a zone run at another offset; undefined when there
 * is none. No zone changes its clocks twice in a day, so one look a day finds every change.
 */
export function nextOffsetChange(afterMs: number, untilMs: number, zone: string): number | undefined {
  if (zone === 'UTC') return undefined
  const before = zoneOffsetMs(afterMs, zone)
  let sameMs = afterMs
  while (sameMs < untilMs) {
    const nextMs = Math.min(sameMs + 86_400_000, untilMs)
    if (zoneOffsetMs(nextMs, zone) !== before) return changeBetween(sameMs, nextMs, zone)
    sameMs = nextMs
  }
  return undefined
}

/** Clocks change on a whole second. */
function changeBetween(sameMs: number, changedMs: number, zone: string): number {
  const before = zoneOffsetMs(sameMs, zone)
  let same = Math.floor(sameMs / 1000)
  let changed = Math.floor(changedMs / 1000)
  while (changed - same > 1) {
    const middle = Math.floor((same + changed) / 2)
    if (zoneOffsetMs(middle * 1000, zone) === before) same = middle
    else changed = middle
  }
  return changed * 1000
}

/** The days of a month; 1 is January. */
export function daysInMonth(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate()
}

interface ZonedDay {
  readonly day: string
  readonly fromMs: number
  readonly untilMs: number
}

/** Every decision asks for the day, and zone arithmetic costs more than the rest of it: the last day of each zone stays. */
const LAST_DAYS = new Map<string, ZonedDay>()

/** "2026-11-23" of an instant in a zone. */
export function dayOf(atMs: number, zone: string): string {
  const last = LAST_DAYS.get(zone)
  if (last && atMs >= last.fromMs && atMs < last.untilMs) return last.day
  const { year, month, day } = zonedTime(atMs, zone)
  const text = `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
  const fromMs = instantOf({ year, month, day }, zone)
  LAST_DAYS.set(zone, { day: text, fromMs, untilMs: instantOf({ year, month, day: day + 1 }, zone) })
  return text
}

/**
 * The first instant after `afterMs` at which a monthly cycle turns: midnight of `cycleDay` in the zone, on the last
 * day of a month that is shorter (rule G6).
 */
export function nextCycleStart(afterMs: number, cycleDay: number, zone: string): number {
  const { year, month } = zonedTime(afterMs, zone)
  for (let ahead = 0; ahead <= 2; ahead += 1) {
    const first = new Date(Date.UTC(year, month - 1 + ahead, 1))
    const cycleYear = first.getUTCFullYear()
    const cycleMonth = first.getUTCMonth() + 1
    const day = Math.min(cycleDay, daysInMonth(cycleYear, cycleMonth))
    const start = instantOf({ year: cycleYear, month: cycleMonth, day }, zone)
    if (start > afterMs) return start
  }
  throw new RangeError(`no cycle start after ${afterMs}`)
}

const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/
const EPOCH_SECONDS = /^\d{9,11}(\.\d{1,9})?$/

/** RFC 3339 or epoch seconds with a fraction ("1795380011.123456") to milliseconds; undefined when it is neither. */
export function parseInstant(text: string): number | undefined {
  if (EPOCH_SECONDS.test(text)) {
    const [seconds = '0', fraction = ''] = text.split('.')
    return Number(seconds) * 1000 + Number(fraction.padEnd(3, '0').slice(0, 3))
  }
  if (!RFC_3339.test(text)) return undefined
  if (!isDate(text.slice(0, 10))) return undefined
  const at = Date.parse(text.replace(' ', 'T'))
  return Number.isNaN(at) ? undefined : at
}

/** Date.parse takes 30 February for 2 March. */
function isDate(text: string): boolean {
  const [year = 0, month = 0, day = 0] = text.split('-').map(Number)
  return month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month)
}

export function formatInstant(atMs: number): string {
  return new Date(atMs).toISOString()
}
