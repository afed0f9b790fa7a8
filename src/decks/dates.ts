/** Dates as carriers write them. One that has two readings is refused unless the order is told. */
import { daysInMonth, formatInstant, instantOf, parseInstant } from '../base/time.ts'
import type { Unreadable } from './codes.ts'

export const dateOrders = ['dmy', 'mdy', 'ymd'] as const
export type DateOrder = (typeof dateOrders)[number]

export interface DateRules {
  readonly order?: DateOrder | undefined
  /** Of times that name none. */
  readonly zone: string
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const ISO = /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})$/
const NUMBERS = /^(\d{1,2})([-/. ])(\d{1,2})\2(\d{2}|\d{4})$/
const COMPACT = /^(20\d\d)(\d\d)(\d\d)$/
const DAY_FIRST = /^(\d{1,2})(?:st|nd|rd|th)?[-/. ]*([a-z]{3,9})\.?,?[-/. ]*(\d{2}|\d{4})$/i
const MONTH_FIRST = /^([a-z]{3,9})\.?[-/. ]*(\d{1,2})(?:st|nd|rd|th)?,?[-/. ]+(\d{4})$/i
const TIME = /[T ,]+(\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d+)?)?\s*(am|pm)?$/i

interface Day {
  readonly year: number
  readonly month: number
  readonly day: number
}

/** Years in which carriers' prices begin and end; 9999 is how many write that there is no end. */
const FIRST_YEAR = 1990
const LAST_YEAR = 2099
const NO_END = 9999

/** Reads the dates of one file: the first in slashes that can only be read in one way settles the order of all. */
export class DateReader {
  readonly #rules: DateRules
  #order: DateOrder | undefined
  #because = ''

  constructor(rules: DateRules) {
    this.#rules = rules
  }

  read(cell: string): string | Unreadable {
    const text = cell.trim()
    const order = this.#rules.order === undefined ? orderIn(text) : undefined
    if (order !== undefined && this.#order !== undefined && order !== this.#order) {
      return { problem: `"${text}" is ${order}, unlike "${this.#because}" before it: no order reads both` }
    }
    if (order !== undefined && this.#order === undefined) [this.#order, this.#because] = [order, text]
    return readDate(text, this.#rules)
  }
}

/** Of "31/12/2026", and of none that has more than one reading or says its order by itself. */
function orderIn(text: string): DateOrder | undefined {
  const numbers = NUMBERS.exec(TIME.exec(text) ? text.replace(TIME, '').trim() : text)
  return numbers && numbers[2] !== '.' && numbers[1] !== numbers[3] ? onlyOrder(numbers) : undefined
}

/** "2026-12-01", or an instant where the cell has a time that is not midnight. */
function readDate(text: string, rules: DateRules): string | Unreadable {
  if (/\D/.test(text) && parseInstant(text) !== undefined) return text
  const time = TIME.exec(text)
  const day = dayIn(time ? text.slice(0, time.index).trim() : text, rules.order)
  if ('problem' in day) return day
  const wrong = wrongIn(day, rules.order)
  if (wrong !== undefined) return { problem: `"${text}" is ${wrong}` }
  const { hour, minute } = clockOf(time)
  if (hour > 23 || minute > 59) return { problem: `"${text}" is no time of day` }
  return momentText({ ...day, hour, minute }, rules.zone)
}

function wrongIn(day: Day, order: DateOrder | undefined): string | undefined {
  if (!isInCalendar(day)) return `no day of the calendar${order ? ` as ${order}` : ''}`
  const isLikely = (day.year >= FIRST_YEAR && day.year <= LAST_YEAR) || day.year === NO_END
  return isLikely ? undefined : `in no year of ${FIRST_YEAR} to ${LAST_YEAR}`
}

function momentText(at: Day & { readonly hour: number; readonly minute: number }, zone: string): string {
  if (at.hour > 0 || at.minute > 0) return formatInstant(instantOf(at, zone))
  return `${at.year}-${two(at.month)}-${two(at.day)}`
}

function isInCalendar({ year, month, day }: Day): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month)
}

function clockOf(time: RegExpExecArray | null): { readonly hour: number; readonly minute: number } {
  const [, hours = '0', minutes = '0', , half = ''] = time ?? []
  const minute = Number(minutes)
  if (half === '') return { hour: Number(hours), minute }
  return { hour: (Number(hours) % 12) + (/pm/i.test(half) ? 12 : 0), minute }
}

function dayIn(text: string, order: DateOrder | undefined): Day | Unreadable {
  const iso = ISO.exec(text) ?? COMPACT.exec(text)
  if (iso) return { year: Number(iso[1]), month: Number(iso[2]), day: Number(iso[3]) }
  const named = DAY_FIRST.exec(text)
  if (named) return byName(text, { day: named[1], month: named[2], year: named[3] })
  const american = MONTH_FIRST.exec(text)
  if (american) return byName(text, { month: american[1], day: american[2], year: american[3] })
  const numbers = NUMBERS.exec(text)
  if (!numbers) return { problem: `"${text}" is no date` }
  return byOrder(text, { numbers, order })
}

function byName(
  text: string,
  {
    day,
    month = '',
    year = '',
  }: { readonly day?: string | undefined; readonly month?: string | undefined; readonly year?: string | undefined },
): Day | Unreadable {
  const at = MONTHS.indexOf(month.slice(0, 3).toLowerCase())
  if (at < 0) return { problem: `"${text}" is no date: "${month}" is no month` }
  return { year: fullYear(year), month: at + 1, day: Number(day) }
}

/** In the order that was told, or in the only one that there can be. */
function byOrder(text: string, { numbers, order = onlyOrder(numbers) }: Ordering): Day | Unreadable {
  const [, first = '', , second = '', third = ''] = numbers
  if (order === undefined) return { problem: `"${text}" has more than one reading: say --dates dmy, mdy or ymd` }
  if (order === 'dmy') return { year: fullYear(third), month: Number(second), day: Number(first) }
  if (order === 'mdy') return { year: fullYear(third), month: Number(first), day: Number(second) }
  if (third.length === 4) return { problem: `"${text}" is no date as ymd` }
  return { year: fullYear(first), month: Number(second), day: Number(third) }
}

interface Ordering {
  readonly numbers: RegExpExecArray
  readonly order: DateOrder | undefined
}

/** With dots the day is first, wherever dots are used; a number above 12 is no month. */
function onlyOrder([, first, mark, second, third = '']: RegExpExecArray): DateOrder | undefined {
  if (third.length !== 4) return undefined
  if (mark === '.' || Number(first) > 12 || first === second) return 'dmy'
  return Number(second) > 12 ? 'mdy' : undefined
}

function fullYear(text: string): number {
  return text.length === 2 ? 2000 + Number(text) : Number(text)
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
