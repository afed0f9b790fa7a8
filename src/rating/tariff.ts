/**
 * A price book and how it is built: a loader feeds rows, as many at a time as it likes, and gets the tariff or all that
 * is wrong with it. A tariff never changes; which one is in force is decided elsewhere.
 */
import { invariant } from '../base/fault.ts'
import type { RoundingMode } from '../base/money.ts'
import { isTimeZone } from '../base/time.ts'
import { NO_ROW, PrefixIndex, prefixOfKey } from './prefix-index.ts'
import { RateReader, type ReadRate, type RateRow, type Report } from './rate-reader.ts'
import { INBOUND, OUTBOUND, RateTable, WORD } from './rate-table.ts'
import { overlaps, readMoment } from './validity.ts'
import { ZoneClock } from './zone-clock.ts'

export type { BandRow, RateRow, StepRow } from './rate-reader.ts'

export interface Rounding {
  /** Decimals of the currency that a charge has, 0 to 6. */
  readonly decimals: number
  readonly mode: RoundingMode
}

export interface TariffHead {
  readonly name: string
  readonly version: number
  readonly currency: string
  /** "UTC" unless told otherwise. */
  readonly timezone?: string | undefined
  readonly effectiveFrom?: string | undefined
  /** Half up to the micro unless told otherwise. */
  readonly rounding?: { readonly decimals?: number | undefined; readonly mode?: RoundingMode | undefined } | undefined
}

/** The head with what was left out. */
export interface CompleteHead extends TariffHead {
  readonly timezone: string
  readonly rounding: Rounding
  readonly effectiveFromMs?: number
}

export interface TariffProblem {
  /** As the loader numbers rows; 0 is the head. */
  readonly row: number
  readonly field: string
  readonly message: string
}

export const MAX_PROBLEMS = 100

/** Bounds of a tariff: what fits in memory several times over, and what a look-up can go through. */
const MAX_RATES = 4_000_000
const MAX_RATES_OF_PREFIX = 1000

const MODES: readonly string[] = ['half_up', 'up', 'down'] satisfies readonly RoundingMode[]

export class Tariff {
  readonly head: CompleteHead
  /** Read by the files of this folder only. */
  readonly rates: RateTable
  readonly index: PrefixIndex
  /** How many seconds a charge may count beyond those talked. */
  readonly overrunSeconds: number
  readonly clock: ZoneClock

  constructor(parts: Pick<Tariff, 'head' | 'rates' | 'index' | 'overrunSeconds'>) {
    this.head = parts.head
    this.rates = parts.rates
    this.index = parts.index
    this.overrunSeconds = parts.overrunSeconds
    this.clock = new ZoneClock(parts.head.timezone)
  }

  get size(): number {
    return this.rates.size
  }
}

export class TariffBuilder {
  readonly #head: CompleteHead
  readonly #rates = new RateTable()
  readonly #index = new PrefixIndex()
  readonly #reader: RateReader
  readonly #problems: TariffProblem[] = []
  #overrunSeconds = 0
  #finished = false

  constructor(head: TariffHead) {
    const timezone = head.timezone ?? 'UTC'
    const rounding: Rounding = { decimals: head.rounding?.decimals ?? 6, mode: head.rounding?.mode ?? 'half_up' }
    this.#reader = new RateReader(this.#rates, timezone)
    this.#head = { ...head, timezone, rounding, ...this.#checkHead({ ...head, timezone, rounding }) }
  }

  /** Rows are told apart by `rowNumber`: the line of a file, the place in a request. */
  add(row: RateRow, rowNumber: number): void {
    invariant(!this.#finished, 'a finished tariff takes no more rates')
    if (this.#problems.length >= MAX_PROBLEMS) return
    const before = this.#problems.length
    const report: Report = (field, message) => {
      this.#report({ row: rowNumber, field, message })
    }
    const rate = this.#reader.read(row, report)
    if (this.#rates.size >= MAX_RATES) report('prefix', `is beyond the ${MAX_RATES} rates a tariff can have`)
    if (this.#problems.length === before && this.#hasRoom(rate, report)) this.#keep(rate, rowNumber)
  }

  finish(): Tariff | { readonly problems: readonly TariffProblem[] } {
    this.#finished = true
    if (this.#problems.length === 0 && this.#rates.size === 0) {
      this.#report({ row: 0, field: 'rates', message: 'has no rate' })
    }
    if (this.#problems.length > 0) return { problems: this.#problems }
    this.#rates.seal()
    const overrunSeconds = this.#overrunSeconds
    return new Tariff({ head: this.#head, rates: this.#rates, index: this.#index, overrunSeconds })
  }

  #report(problem: TariffProblem): void {
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push(problem)
  }

  #checkHead(head: CompleteHead): { readonly effectiveFromMs?: number } {
    const { version, currency, timezone, rounding, effectiveFrom } = head
    const check = (field: string, holds: boolean, message: string): void => {
      if (!holds) this.#report({ row: 0, field, message })
    }
    check('currency', /^[A-Z]{3}$/.test(currency), `"${currency}" is not a currency such as "USD"`)
    check('version', Number.isSafeInteger(version) && version >= 0, 'is not a whole number of 0 or more')
    check('timezone', isTimeZone(timezone), `"${timezone}" is not a time zone such as "Europe/London"`)
    const { decimals, mode } = rounding
    check('rounding.decimals', [0, 1, 2, 3, 4, 5, 6].includes(decimals), 'is not a whole number of 0 to 6')
    check('rounding.mode', MODES.includes(mode), `"${mode}" is not one of ${MODES.join(', ')}`)
    if (effectiveFrom === undefined) return {}
    const effectiveFromMs = readMoment(effectiveFrom, isTimeZone(timezone) ? timezone : 'UTC', 'start')
    check('effectiveFrom', effectiveFromMs !== undefined, `"${effectiveFrom}" is no day and no RFC 3339 time`)
    return effectiveFromMs === undefined ? {} : { effectiveFromMs }
  }

  /** Two rates of one prefix and direction may not be valid at one time. */
  #hasRoom(rate: ReadRate, report: Report): boolean {
    const validity = this.#rates.validities[rate.validity]
    invariant(validity, 'a rate has a validity')
    const directions = rate.flags & (OUTBOUND | INBOUND)
    let count = 0
    for (let row = this.#index.get(rate.prefix.key); row !== NO_ROW; row = this.#rates.nextRow(row)) {
      count += 1
      const sameDirection = (this.#rates.get(row, WORD.flags) & (OUTBOUND | INBOUND)) === directions
      if (!sameDirection || !overlaps(this.#rates.validityOf(row), validity)) continue
      report(
        'prefix',
        `"${prefixOfKey(rate.prefix.key)}" is in row ${this.#rates.get(row, WORD.rowNumber)} too, for the same direction and time`,
      )
      return false
    }
    if (count < MAX_RATES_OF_PREFIX) return true
    report('prefix', `has more than ${MAX_RATES_OF_PREFIX} rates`)
    return false
  }

  #keep(rate: ReadRate, rowNumber: number): void {
    const { prefix, bands, steps, ...words } = rate
    const row = this.#rates.add({ ...words, rowNumber, nextRow: this.#index.get(prefix.key) })
    this.#index.set(prefix, row)
    if (bands) this.#rates.bands.set(row, bands)
    if (steps) this.#rates.steps.set(row, steps)
    for (const band of bands?.bands ?? []) this.#noteIncrements(band.firstIncrement, band.nextIncrement)
    for (const step of steps ?? []) this.#noteIncrements(step.increment)
    this.#noteIncrements(rate.firstIncrement, rate.nextIncrement, rate.minimumSeconds)
  }

  #noteIncrements(...seconds: readonly number[]): void {
    this.#overrunSeconds = Math.max(this.#overrunSeconds, ...seconds)
  }
}
