/**
 * What was reported of an account's stored bytes, month by month, and what a month costs. A month is
 *
 *   open     its days are reported; the last word for a day counts
 *   closed   what it costs is decided, and no report changes it any more
 *   settled  closed, and the fee is posted or there is none
 *
 *   open → closed → settled
 *
 * Each move is a write of its own, so that a daemon may die between two of them: what was decided is in the month, and
 * another posts the same.
 */
import { type StorageTerms } from '../accounts/storage-terms.ts'
import { divide, formatAmount, type Micros } from '../base/money.ts'
import { instantOf } from '../base/time.ts'

export interface StorageMonth {
  /** "2026-11" */
  readonly month: string
  /** Bytes by day of the month: "14". */
  readonly days: Readonly<Record<string, number>>
  /** When a day last became another. */
  readonly reportedAtMs: number
  readonly closed?: ClosedMonth
}

export interface ClosedMonth extends StorageFee {
  readonly atMs: number
  /** There is nothing to post, or it was posted. */
  readonly settled: boolean
  /** "<partition>-<number>" of the journal entry. */
  readonly entry?: string
}

export interface StorageFee {
  readonly measuredBytes: number
  readonly units: number
  /** 0 is no fee. */
  readonly amount: Micros
  /** For people: measure, threshold and price; empty where storage costs nothing. */
  readonly why: string
}

/** Oldest first. */
export type StorageBook = readonly StorageMonth[]

/** Months before this one that may be reported, and are shown. */
export const MONTHS_KEPT = 12

/** A report that comes when a month was to be billed already has others behind it, from days when nobody heard them. */
const LATE_REPORT_MS = 86_400_000

export function monthOf(day: string): string {
  return day.slice(0, 7)
}

/** So many months earlier or, below zero, later. */
export function monthBefore(month: string, months: number): string {
  const [year = 0, number = 0] = month.split('-').map(Number)
  return new Date(Date.UTC(year, number - 1 - months, 1)).toISOString().slice(0, 7)
}

/** The book with this day; the same book where that is known. Undefined: the month is closed. */
export function withDay(
  book: StorageBook,
  { day, bytes, nowMs }: { readonly day: string; readonly bytes: number; readonly nowMs: number },
): StorageBook | undefined {
  const month = monthOf(day)
  const known = book.find((each) => each.month === month)
  if (known?.closed) return undefined
  const number = day.slice(8)
  if (known?.days[number] === bytes) return book
  return withMonth(book, { month, days: { ...known?.days, [number]: bytes }, reportedAtMs: nowMs })
}

export function withMonth(book: StorageBook, month: StorageMonth): StorageBook {
  const others = book.filter((each) => each.month !== month.month)
  return [...others, month].toSorted((a, b) => (a.month < b.month ? -1 : 1))
}

/** Without what is settled and so old that nobody can report it any more. */
export function withoutOld(book: StorageBook, thisMonth: string): StorageBook {
  const first = monthBefore(thisMonth, MONTHS_KEPT)
  return book.filter(({ month, closed }) => month >= first || closed?.settled !== true)
}

/** When an open month is closed. */
export function closesAtMs(
  { month, reportedAtMs }: StorageMonth,
  { billedOnDay, timezone }: { readonly billedOnDay: number; readonly timezone: string },
): number {
  const [year = 0, number = 0] = month.split('-').map(Number)
  const dueAtMs = instantOf({ year, month: number + 1, day: billedOnDay }, timezone)
  return reportedAtMs < dueAtMs ? dueAtMs : reportedAtMs + LATE_REPORT_MS
}

const FREE: Pick<StorageFee, 'units' | 'amount' | 'why'> = { units: 0, amount: 0n, why: '' }

/** Begun units count whole. Without terms storage costs nothing. */
export function storageFee({ month, days }: StorageMonth, terms: StorageTerms | undefined): StorageFee {
  const measured = measuredOf(days, terms?.measure ?? 'peak')
  const { bytes: measuredBytes } = measured
  if (!terms) return { measuredBytes, ...FREE }
  const { price, unitBytes, thresholdBytes, charged } = terms
  const head = `storage in ${month}: ${measured.text}`
  if (measuredBytes <= thresholdBytes) {
    return { measuredBytes, ...FREE, why: `${head}, not above the ${thresholdBytes} bytes that are free` }
  }
  const counted = charged === 'above' ? measuredBytes - thresholdBytes : measuredBytes
  const units = Number(divide(BigInt(counted), BigInt(unitBytes), 'up'))
  const of = charged === 'above' ? `above ${thresholdBytes} bytes` : `as it is above ${thresholdBytes} bytes`
  const why = `${head}; ${units} ${units === 1 ? 'unit' : 'units'} of ${unitBytes} bytes ${of}, ${formatAmount(price)} each`
  return { measuredBytes, units, amount: BigInt(units) * price, why }
}

interface Measured {
  readonly bytes: number
  readonly text: string
}

function measuredOf(days: StorageMonth['days'], measure: StorageTerms['measure']): Measured {
  // In the order of the days: of several that are equal the first is named.
  const reported = Object.entries(days).toSorted(([a], [b]) => (a < b ? -1 : 1))
  if (measure === 'average') {
    const sum = reported.reduce((total, [, bytes]) => total + BigInt(bytes), 0n)
    const bytes = Number(divide(sum, BigInt(Math.max(reported.length, 1)), 'half_up'))
    return { bytes, text: `average ${bytes} bytes of ${reported.length} days` }
  }
  const peak = reported.reduce((highest, next) => (next[1] > highest[1] ? next : highest), reported[0] ?? ['', 0])
  return { bytes: peak[1], text: `peak ${peak[1]} bytes on day ${Number(peak[0])}` }
}
