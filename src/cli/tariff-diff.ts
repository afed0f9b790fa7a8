/** What changes between two versions of a tariff, rate by rate. */
import { Decimal } from 'decimal.js'

export interface DiffRate {
  readonly prefix: string
  readonly destination?: string | undefined
  readonly direction?: string | undefined
  readonly perMinute?: string | undefined
  readonly connectFee?: string | undefined
  readonly firstIncrement?: number | undefined
  readonly nextIncrement?: number | undefined
  readonly minimumSeconds?: number | undefined
  readonly noChargeSeconds?: number | undefined
  readonly validFrom?: string | undefined
  readonly validUntil?: string | undefined
  readonly blocked?: boolean | undefined
  readonly bands?: unknown
  readonly steps?: unknown
}

export const changeKinds = ['new', 'closed', 'up', 'down', 'terms'] as const

/** `terms` is a rate whose price of a minute stays and of which something else changes. */
export type ChangeKind = (typeof changeKinds)[number]

export interface RateChange {
  readonly change: ChangeKind
  readonly prefix: string
  readonly direction: string
  readonly destination?: string
  readonly before?: DiffRate
  readonly after?: DiffRate
}

export interface TariffDiff {
  /** How many rates there were. */
  readonly before: number
  readonly counts: Readonly<Record<ChangeKind | 'unchanged', number>>
  readonly changes: readonly RateChange[]
}

/** Of several rates of one prefix and direction the one that begins last is compared: what holds when all dates have come. */
export function diffRates(before: readonly DiffRate[], after: readonly DiffRate[]): TariffDiff {
  const old = lastOfEach(before)
  const size = old.size
  const counts = { new: 0, closed: 0, up: 0, down: 0, terms: 0, unchanged: 0 }
  const changes: RateChange[] = []
  const note = (kind: ChangeKind | 'unchanged', was: DiffRate | undefined, is: DiffRate | undefined): void => {
    counts[kind] += 1
    if (kind !== 'unchanged') changes.push(changeOf(kind, was, is))
  }
  for (const [key, rate] of lastOfEach(after)) {
    const was = old.get(key)
    old.delete(key)
    note(was ? compare(was, rate) : 'new', was, rate)
  }
  for (const rate of old.values()) note('closed', rate, undefined)
  return { before: size, counts, changes: changes.toSorted(byPrefix) }
}

function lastOfEach(rates: readonly DiffRate[]): Map<string, DiffRate> {
  const last = new Map<string, DiffRate>()
  for (const rate of rates) {
    const key = `${rate.prefix}|${rate.direction ?? 'both'}`
    const known = last.get(key)
    if (!known || (known.validFrom ?? '') <= (rate.validFrom ?? '')) last.set(key, rate)
  }
  return last
}

function changeOf(change: ChangeKind, before: DiffRate | undefined, after: DiffRate | undefined): RateChange {
  const { prefix = '', direction = 'both', destination } = after ?? before ?? {}
  return {
    change,
    prefix,
    direction,
    ...(destination === undefined ? {} : { destination }),
    ...(before ? { before } : {}),
    ...(after ? { after } : {}),
  }
}

function compare(before: DiffRate, after: DiffRate): ChangeKind | 'unchanged' {
  const [old, now] = [priceOf(before), priceOf(after)]
  if (old && now && !old.equals(now)) return now.greaterThan(old) ? 'up' : 'down'
  return JSON.stringify(termsOf(before)) === JSON.stringify(termsOf(after)) ? 'unchanged' : 'terms'
}

/** None of a blocked rate. */
function priceOf({ perMinute, blocked }: DiffRate): Decimal | undefined {
  return perMinute === undefined || perMinute === '' || blocked ? undefined : new Decimal(perMinute)
}

/** With what is taken where nothing is said. What people call it is no term, nor is the day on which it begins. */
function termsOf(rate: DiffRate): readonly unknown[] {
  const { connectFee = '0', bands = [], steps = [], validUntil = '', blocked = false } = rate
  const amounts = [priceOf(rate)?.toFixed(), new Decimal(connectFee).toFixed()]
  return [amounts, secondsOf(rate), validUntil, blocked, plain(bands), plain(steps)]
}

function secondsOf({ firstIncrement = 60, nextIncrement = 60, minimumSeconds = 0, noChargeSeconds = 0 }: DiffRate) {
  return [firstIncrement, nextIncrement, minimumSeconds, noChargeSeconds]
}

const NUMBER = /^\d+(\.\d+)?$/

/** However it is written: keys in one order, prices without spare zeros, and nothing that is not said. */
function plain(value: unknown): unknown {
  if (typeof value === 'string') return NUMBER.test(value) ? new Decimal(value).toFixed() : value
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const said = Object.entries(value).filter(([, entry]) => entry !== undefined)
  return Object.fromEntries(said.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, entry]) => [name, plain(entry)]))
}

function byPrefix(a: RateChange, b: RateChange): number {
  if (a.prefix !== b.prefix) return a.prefix < b.prefix ? -1 : 1
  return a.direction < b.direction ? -1 : 1
}
