/**
 * Guard rails: what makes a version look like a mistake, however well it is formed. It is held against the version that
 * it follows, prefix by prefix, by what a call of a minute costs, so that a connect fee and an increment show as well.
 * Of several rates of a prefix and direction the one that begins last is compared: what holds when all dates have come.
 */
import { formatAmount } from '../base/money.ts'
import { DENOMINATORS } from './decimals.ts'
import { NO_ROW, prefixOfKey } from './prefix-index.ts'
import { BLOCKED, INBOUND, OUTBOUND, WORD } from './rate-table.ts'
import type { Tariff } from './tariff.ts'

export const limitNames = ['change', 'dearer', 'cheaper', 'closed', 'jump', 'free'] as const

export interface Limits {
  /** Percent from which a price counts as dearer or cheaper. */
  readonly change: number
  /** Percent of the prefixes that may be dearer, cheaper, closed. */
  readonly dearer: number
  readonly cheaper: number
  readonly closed: number
  /** Times that a price may rise or fall. */
  readonly jump: number
  /** Rates that may become free. */
  readonly free: number
}

export const usualLimits: Limits = { change: 20, dearer: 10, cheaper: 10, closed: 20, jump: 10, free: 0 }

export interface Guard {
  readonly limit: keyof Limits
  readonly message: string
  /** The first of what was found. */
  readonly examples: readonly string[]
}

/** Of a few prefixes one is many percent; a person sees them all. */
const FEW_PREFIXES = 20

const EXAMPLES = 3
const MINUTE = 60
const MICROS = 1_000_000

/** So many prefixes are compared before the caller has its turn. */
const PREFIXES_AT_ONCE = 500

/** Rates of the tariff, each direction of a prefix counted by itself. Yields to the caller now and then. */
export function* guardsOf(
  { before, after }: { readonly before: Tariff | undefined; readonly after: Tariff },
  allowed: Limits,
): Generator<undefined, readonly Guard[]> {
  const tally = new Tally(allowed)
  for (const [place, key] of steps(after)) {
    if (place % PREFIXES_AT_ONCE === 0) yield
    tally.compareAll(firstOf(before, key), firstOf(after, key))
  }
  for (const [place, key] of steps(before)) {
    if (place % PREFIXES_AT_ONCE === 0) yield
    tally.countAll(firstOf(before, key), firstOf(after, key))
  }
  return tally.guards()
}

export function guardText({ limit, message, examples }: Guard): string {
  const more = examples.length > 0 ? ` (${examples.join('; ')})` : ''
  return `${message}${more}; --limit ${limit}=<n> allows more`
}

/** A rate for both directions is compared with one for both. */
const DIRECTIONS = [OUTBOUND, INBOUND, OUTBOUND | INBOUND] as const

interface Rate {
  readonly tariff: Tariff
  readonly key: number
  readonly row: number
}

function* steps(tariff: Tariff | undefined): Generator<readonly [number, number]> {
  let place = 0
  for (const key of tariff?.index.keys() ?? []) yield [(place += 1), key]
}

/** The first of the rates of a prefix. */
function firstOf(tariff: Tariff | undefined, key: number): Rate | undefined {
  const row = tariff?.index.get(key) ?? NO_ROW
  return tariff === undefined || row === NO_ROW ? undefined : { tariff, key, row }
}

/** The last to begin in a direction. */
function lastOf(first: Rate | undefined, direction: number): Rate | undefined {
  if (!first) return undefined
  const { rates } = first.tariff
  let last = NO_ROW
  for (let { row } = first; row !== NO_ROW; row = rates.nextRow(row)) {
    if ((rates.get(row, WORD.flags) & (OUTBOUND | INBOUND)) !== direction) continue
    if (last === NO_ROW || rates.validityOf(row).fromMs > rates.validityOf(last).fromMs) last = row
  }
  return last === NO_ROW ? undefined : { ...first, row: last }
}

class Found {
  count = 0
  readonly examples: string[] = []

  note(before: Rate | undefined, after: Rate | undefined): void {
    this.count += 1
    if (this.examples.length < EXAMPLES) this.examples.push(exampleOf(before, after))
  }
}

class Tally {
  known = 0
  readonly #allowed: Limits
  readonly #dearer = new Found()
  readonly #cheaper = new Found()
  readonly #closed = new Found()
  readonly #jump = new Found()
  readonly #free = new Found()

  constructor(allowed: Limits) {
    this.#allowed = allowed
  }

  /** What is there afterwards. */
  compareAll(old: Rate | undefined, now: Rate | undefined): void {
    for (const direction of DIRECTIONS) {
      const after = lastOf(now, direction)
      if (after) this.#compare(lastOf(old, direction), after)
    }
  }

  /** What was there before, and what of it is there no more. */
  countAll(old: Rate | undefined, now: Rate | undefined): void {
    for (const direction of DIRECTIONS) {
      const before = lastOf(old, direction)
      if (before) this.known += 1
      if (before && !isBlocked(before) && !lastOf(now, direction)) this.#closed.note(before, undefined)
    }
  }

  #compare(before: Rate | undefined, after: Rate): void {
    const [old, now] = [minuteOf(before), minuteOf(after)]
    if (now === undefined && before && !isBlocked(before)) this.#closed.note(before, after)
    if (now === 0 && old !== 0) this.#free.note(before, after)
    if (old && now) this.#weigh(now / old, () => [before, after])
  }

  #weigh(factor: number, rates: () => readonly [Rate | undefined, Rate]): void {
    const { change, jump } = this.#allowed
    const times = 1 + change / 100
    if (factor > times) this.#dearer.note(...rates())
    if (factor < 1 / times) this.#cheaper.note(...rates())
    if (factor >= jump || factor <= 1 / jump) this.#jump.note(...rates())
  }

  guards(): readonly Guard[] {
    const { change, jump, free } = this.#allowed
    return [
      ...this.#share('dearer', this.#dearer, `are dearer by more than ${change} %`),
      ...this.#share('cheaper', this.#cheaper, 'are cheaper by as much'),
      ...this.#share('closed', this.#closed, 'are closed or blocked; --changes is for a deck of changes only'),
      ...counted('jump', this.#jump, { what: `prices rise or fall by ${jump} times or more`, most: 0 }),
      ...counted('free', this.#free, { what: 'rates become free', most: free }),
    ]
  }

  #share(limit: 'dearer' | 'cheaper' | 'closed', { count, examples }: Found, what: string): readonly Guard[] {
    const percent = (100 * count) / Math.max(this.known, 1)
    if (this.known < FEW_PREFIXES || percent <= this.#allowed[limit]) return []
    const share = `${percent.toFixed(1)} %, allowed are ${this.#allowed[limit]} %`
    return [{ limit, message: `${count} of ${this.known} prefixes ${what}: ${share}`, examples }]
  }
}

function counted(
  limit: keyof Limits,
  { count, examples }: Found,
  { what, most }: { readonly what: string; readonly most: number },
): readonly Guard[] {
  return count <= most ? [] : [{ limit, message: `${count} ${what}`, examples }]
}

function isBlocked({ tariff, row }: Rate): boolean {
  return (tariff.rates.get(row, WORD.flags) & BLOCKED) !== 0
}

/** Micros of a minute's call outside bands and steps, not rounded: shares and factors are asked of it, never a charge. */
function minuteOf(rate: Rate | undefined): number | undefined {
  if (!rate || isBlocked(rate)) return undefined
  const { tariff, row } = rate
  const word = (name: keyof typeof WORD): number => tariff.rates.get(row, WORD[name])
  if (word('noChargeSeconds') >= MINUTE) return 0
  const [first, next] = [word('firstIncrement'), word('nextIncrement')]
  const counted = first + Math.ceil(Math.max(MINUTE - first, 0) / next) * next
  const fee = Number(tariff.rates.fees.valueOf(word('fee'))?.micros ?? 0n)
  return fee + perSecond(rate) * Math.max(counted, word('minimumSeconds'))
}

function perSecond({ tariff, row }: Rate): number {
  const { numerator, scale } = tariff.rates.prices.valueOf(tariff.rates.get(row, WORD.price)) ?? {
    numerator: 0,
    scale: 0,
  }
  return numerator / Number(DENOMINATORS[scale])
}

/** "4479 United Kingdom mobile 0.0150 → 1.5000", with what a minute costs where the price does not say it. */
function exampleOf(before: Rate | undefined, after: Rate | undefined): string {
  const rate = after ?? before
  const name = rate && rate.tariff.rates.destinations.valueOf(rate.tariff.rates.get(rate.row, WORD.destination))
  const prefix = rate ? prefixOfKey(rate.key) : ''
  return `${`${prefix} ${name ?? ''}`.trim()} ${priceText(before)} → ${priceText(after)}`
}

function priceText(rate: Rate | undefined): string {
  if (!rate) return 'none'
  if (isBlocked(rate)) return 'blocked'
  const { tariff, row } = rate
  const text = tariff.rates.prices.textOf(tariff.rates.get(row, WORD.price)) ?? ''
  const minute = minuteOf(rate) ?? 0
  if (Math.abs(minute - perSecond(rate) * MINUTE) < 1 / MICROS) return text
  return `${text} (${formatAmount(BigInt(Math.round(minute)))} for a minute)`
}
