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
  readonly counts: Readonly<Record<ChangeKind | 'unchanged', number>>
  readonly changes: readonly RateChange[]
}

export function diffRates(before: readonly DiffRate[], after: readonly DiffRate[]): TariffDiff {
  const old = new Map(before.map((rate) => [keyOf(rate), rate]))
  const counts = { new: 0, closed: 0, up: 0, down: 0, terms: 0, unchanged: 0 }
  const changes: RateChange[] = []
  const note = (kind: ChangeKind | 'unchanged', was: DiffRate | undefined, is: DiffRate | undefined): void => {
    counts[kind] += 1
    if (kind !== 'unchanged') changes.push(changeOf(kind, was, is))
  }
  for (const rate of after) {
    const key = keyOf(rate)
    const was = old.get(key)
    old.delete(key)
    note(was ? compare(was, rate) : 'new', was, rate)
  }
  for (const rate of old.values()) note('closed', rate, undefined)
  return { counts, changes: changes.toSorted(byPrefix) }
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

/** A rate is the same one when it is for the same numbers, direction and time. */
function keyOf({ prefix, direction = 'both', validFrom = '', validUntil = '' }: DiffRate): string {
  return [prefix, direction, validFrom, validUntil].join('|')
}

function compare(before: DiffRate, after: DiffRate): ChangeKind | 'unchanged' {
  const [old, now] = [priceOf(before), priceOf(after)]
  if (old && now && !old.equals(now)) return now.greaterThan(old) ? 'up' : 'down'
  return JSON.stringify(termsOf(before)) === JSON.stringify(termsOf(after)) ? 'unchanged' : 'terms'
}

function priceOf({ perMinute, blocked }: DiffRate): Decimal | undefined {
  return perMinute === undefined || perMinute === '' || blocked ? undefined : new Decimal(perMinute)
}

/** With what is taken where nothing is said. What people call it is no term. */
function termsOf(rate: DiffRate): readonly unknown[] {
  const { connectFee = '0', firstIncrement = 60, nextIncrement = 60, minimumSeconds = 0, noChargeSeconds = 0 } = rate
  const { blocked = false } = rate
  const [bands, steps] = [plain(rate.bands ?? []), plain(rate.steps ?? [])]
  const price = priceOf(rate)?.toFixed()
  const amounts = [price, new Decimal(connectFee).toFixed()]
  return [amounts, firstIncrement, nextIncrement, minimumSeconds, noChargeSeconds, blocked, bands, steps]
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
