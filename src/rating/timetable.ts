/**
 * Which band of a rate is in force by the clock on the wall: a week of minutes, cut at the bands' edges. It knows no
 * zone and no price; bands are numbers.
 */

export const WEEK_DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const

const DAY_MINUTES = 1440
const WEEK_MINUTES = 7 * DAY_MINUTES
const MINUTE_MS = 60_000
const WEEK_MS = WEEK_MINUTES * MINUTE_MS

/** 1970-01-01 was a Thursday; the week here begins on Sunday. */
const EPOCH_WEEKDAY_MS = 4 * DAY_MINUTES * MINUTE_MS

/** No band: the rate's own price. */
export const NO_BAND = -1

export interface BandHours {
  readonly days: readonly string[]
  readonly from: string
  readonly to: string
}

export interface Timetable {
  /** Minutes of the week at which a stretch begins, rising; the first is 0. */
  readonly starts: readonly number[]
  /** The band of each stretch, or NO_BAND. */
  readonly bands: readonly number[]
  /** "mon,tue 19:00-07:00", by band. */
  readonly labels: readonly string[]
}

export interface HoursProblem {
  /** Of which band. */
  readonly band: number
  readonly field: 'days' | 'from' | 'to'
  readonly message: string
}

interface Stretch {
  readonly from: number
  readonly to: number
  readonly band: number
}

const CLOCK = /^([01]\d|2[0-3]):([0-5]\d)$/

function clockMinutes(text: string): number | undefined {
  const match = CLOCK.exec(text)
  return match ? Number(match[1]) * 60 + Number(match[2]) : undefined
}

function isWeekDay(day: string): day is (typeof WEEK_DAYS)[number] {
  return WEEK_DAYS.some((known) => known === day)
}

/** The bands' hours as a timetable; they may touch and may not overlap. */
export function compileTimetable(bands: readonly BandHours[]): Timetable | { readonly problems: HoursProblem[] } {
  const problems: HoursProblem[] = []
  const stretches: Stretch[] = []
  for (const [band, hours] of bands.entries()) {
    const found = checkHours(hours)
    if (found) problems.push({ band, ...found })
    else stretches.push(...stretchesOf(band, hours))
  }
  stretches.sort((a, b) => a.from - b.from)
  const overlap = firstOverlap(stretches)
  if (overlap) problems.push(overlap)
  if (problems.length > 0) return { problems }
  return { ...fillWeek(stretches), labels: bands.map(({ days, from, to }) => `${days.join(',')} ${from}-${to}`) }
}

function checkHours({ days, from, to }: BandHours): Omit<HoursProblem, 'band'> | undefined {
  if (days.length === 0) return { field: 'days', message: 'names no day' }
  const odd = days.find((day) => !isWeekDay(day))
  if (odd !== undefined) return { field: 'days', message: `"${odd}" is not one of ${WEEK_DAYS.join(', ')}` }
  if (clockMinutes(from) === undefined) return { field: 'from', message: `"${from}" is no time such as "19:00"` }
  if (to !== '24:00' && clockMinutes(to) === undefined) {
    return { field: 'to', message: `"${to}" is no time such as "07:00"` }
  }
  return undefined
}

/** A band that ends at or before the time at which it begins runs into the next day: 09:00 to 09:00 is a day long. */
function stretchesOf(band: number, { days, from, to }: BandHours): readonly Stretch[] {
  const fromMinutes = clockMinutes(from) ?? 0
  const toMinutes = clockMinutes(to) ?? DAY_MINUTES
  const length = toMinutes > fromMinutes ? toMinutes - fromMinutes : toMinutes - fromMinutes + DAY_MINUTES
  return WEEK_DAYS.flatMap((day, dayNumber) => {
    if (!days.includes(day)) return []
    const start = dayNumber * DAY_MINUTES + fromMinutes
    const end = start + length
    if (end <= WEEK_MINUTES) return [{ from: start, to: end, band }]
    return [
      { from: start, to: WEEK_MINUTES, band },
      { from: 0, to: end - WEEK_MINUTES, band },
    ]
  })
}

function firstOverlap(stretches: readonly Stretch[]): HoursProblem | undefined {
  let before: Stretch | undefined
  for (const stretch of stretches) {
    if (before && stretch.from < before.to) {
      const [earlier, later] = [before.band, stretch.band].sort((a, b) => a - b)
      return { band: later ?? 0, field: 'from', message: `overlaps band ${String(earlier)} of the same rate` }
    }
    before = stretch
  }
  return undefined
}

function fillWeek(stretches: readonly Stretch[]): Pick<Timetable, 'starts' | 'bands'> {
  const starts: number[] = []
  const bands: number[] = []
  let end = 0
  for (const { from, to, band } of stretches) {
    if (from > end) {
      starts.push(end)
      bands.push(NO_BAND)
    }
    starts.push(from)
    bands.push(band)
    end = to
  }
  if (end < WEEK_MINUTES) {
    starts.push(end)
    bands.push(NO_BAND)
  }
  return { starts, bands }
}

export interface BandInForce {
  readonly band: number
  /** The local time at which another stretch begins. */
  readonly untilLocalMs: number
}

/** The band at a local time, which is the instant plus the offset of the zone. */
export function bandAt(timetable: Timetable, localMs: number): BandInForce {
  const sinceWeekStart = (((localMs + EPOCH_WEEKDAY_MS) % WEEK_MS) + WEEK_MS) % WEEK_MS
  const minute = Math.floor(sinceWeekStart / MINUTE_MS)
  let stretch = 0
  while ((timetable.starts[stretch + 1] ?? WEEK_MINUTES) <= minute) stretch += 1
  const until = timetable.starts[stretch + 1] ?? WEEK_MINUTES
  const band = timetable.bands[stretch] ?? NO_BAND
  return { band, untilLocalMs: localMs - sinceWeekStart + until * MINUTE_MS }
}
