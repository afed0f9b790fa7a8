/** Checks one row of a tariff and compiles it; every problem of the row is told, not only the first. */
import { isTimeZone } from '../base/time.ts'
import { MAX_RATED_SECONDS } from './decimals.ts'
import { numberKey, type NumberKey } from './prefix-index.ts'
import {
  BLOCKED,
  INBOUND,
  OUTBOUND,
  type RateBand,
  type RateBands,
  type RateStep,
  type RateTable,
} from './rate-table.ts'
import { compileTimetable, type Timetable } from './timetable.ts'
import { readMoment } from './validity.ts'

type Optional<Value> = Value | undefined

export interface StepRow {
  readonly fromSecond: number
  readonly perMinute: string
  readonly increment: number
}

export interface BandRow {
  readonly days: readonly string[]
  readonly from: string
  readonly to: string
  readonly perMinute: string
  readonly connectFee?: Optional<string>
  readonly firstIncrement?: Optional<number>
  readonly nextIncrement?: Optional<number>
}

/** A rate as the API and the price files have it. */
export interface RateRow {
  /** 1 to 15 digits; "" or "*" is what no other prefix matches. */
  readonly prefix: string
  readonly destination?: Optional<string>
  readonly direction?: Optional<'outbound' | 'inbound' | 'both'>
  /** May be "" on a blocked rate. */
  readonly perMinute: string
  readonly connectFee?: Optional<string>
  readonly firstIncrement?: Optional<number>
  readonly nextIncrement?: Optional<number>
  readonly minimumSeconds?: Optional<number>
  readonly noChargeSeconds?: Optional<number>
  readonly steps?: Optional<readonly StepRow[]>
  readonly bands?: Optional<readonly BandRow[]>
  readonly validFrom?: Optional<string>
  readonly validUntil?: Optional<string>
  readonly blocked?: Optional<boolean>
}

export type Report = (field: string, message: string) => void

export interface ReadRate {
  readonly prefix: NumberKey
  readonly price: number
  readonly fee: number
  readonly firstIncrement: number
  readonly nextIncrement: number
  readonly minimumSeconds: number
  readonly noChargeSeconds: number
  readonly destination: number
  readonly validity: number
  readonly flags: number
  readonly bands: RateBands | undefined
  readonly steps: readonly RateStep[] | undefined
}

/** A call of a day and an increment begun in its last second stay within what prices are proved for. */
const MAX_INCREMENT = MAX_RATED_SECONDS / 2

const DEFAULT_INCREMENT = 60
const MAX_BANDS = 48
const MAX_STEPS = 48
const MAX_DESTINATION = 200
const PREFIX = /^\d{1,15}$/

const DIRECTIONS: Readonly<Record<string, number>> = { outbound: OUTBOUND, inbound: INBOUND, both: OUTBOUND | INBOUND }

export class RateReader {
  readonly #table: RateTable
  readonly #zone: string
  /** Decks repeat the same hours and dates in every row. */
  readonly #timetables = new Map<string, Timetable>()
  readonly #validities = new Map<string, number>()

  constructor(table: RateTable, zone: string) {
    this.#table = table
    this.#zone = isTimeZone(zone) ? zone : 'UTC'
  }

  /** The compiled row; it stands only if nothing was reported. */
  read(row: RateRow, report: Report): ReadRate {
    const base = {
      fee: this.#fee('connectFee', row.connectFee, report),
      firstIncrement: increment('firstIncrement', row.firstIncrement, report),
      nextIncrement: increment('nextIncrement', row.nextIncrement, report),
    }
    return {
      ...base,
      prefix: prefixKey(row.prefix, report),
      price: this.#price('perMinute', row.blocked === true && row.perMinute === '' ? '0' : row.perMinute, report),
      minimumSeconds: seconds('minimumSeconds', row.minimumSeconds, report),
      noChargeSeconds: seconds('noChargeSeconds', row.noChargeSeconds, report),
      destination: this.#destination(row.destination ?? '', report),
      validity: this.#validity(row, report),
      flags: flagsOf(row, report),
      bands: row.bands?.length ? this.#bands(row.bands, base, report) : undefined,
      steps: row.steps?.length ? this.#steps(row.steps, report) : undefined,
    }
  }

  #price(field: string, text: string, report: Report): number {
    const id = this.#table.prices.idOf(text)
    if (typeof id === 'number') return id
    report(field, id.problem)
    return 0
  }

  #fee(field: string, text: Optional<string>, report: Report): number {
    const id = this.#table.fees.idOf(text ?? '0')
    if (typeof id === 'number') return id
    report(field, id.problem)
    return 0
  }

  #destination(text: string, report: Report): number {
    if (text.length > MAX_DESTINATION) report('destination', `is longer than ${MAX_DESTINATION} characters`)
    const id = this.#table.destinations.idOf(text.slice(0, MAX_DESTINATION))
    return typeof id === 'number' ? id : 0
  }

  /** The number of a row's validity; 0 is always. */
  #validity({ validFrom, validUntil }: RateRow, report: Report): number {
    if (validFrom === undefined && validUntil === undefined) return 0
    const text = `${validFrom ?? ''}|${validUntil ?? ''}`
    const known = this.#validities.get(text)
    if (known !== undefined) return known
    const fromMs = this.#moment('validFrom', validFrom, report) ?? -Infinity
    const untilMs = this.#moment('validUntil', validUntil, report) ?? Infinity
    if (fromMs >= untilMs) report('validUntil', 'is not after validFrom')
    const id = this.#table.validities.push({ fromMs, untilMs }) - 1
    this.#validities.set(text, id)
    return id
  }

  /** Undefined when there is no text, and when it is none that can be read. */
  #moment(field: 'validFrom' | 'validUntil', text: Optional<string>, report: Report): Optional<number> {
    if (text === undefined) return undefined
    const atMs = readMoment(text, this.#zone, field === 'validFrom' ? 'start' : 'end')
    if (atMs === undefined) report(field, `"${text}" is no day and no RFC 3339 time`)
    return atMs
  }

  #bands(rows: readonly BandRow[], base: Omit<RateBand, 'price'>, report: Report): RateBands | undefined {
    if (rows.length > MAX_BANDS) {
      report('bands', `has more than ${MAX_BANDS} bands`)
      return undefined
    }
    const bands = rows.map((row, number): RateBand => {
      const inBand: Report = (field, message) => {
        report(`bands[${number}].${field}`, message)
      }
      return {
        price: this.#price('perMinute', row.perMinute, inBand),
        fee: row.connectFee === undefined ? base.fee : this.#fee('connectFee', row.connectFee, inBand),
        firstIncrement: increment('firstIncrement', row.firstIncrement ?? base.firstIncrement, inBand),
        nextIncrement: increment('nextIncrement', row.nextIncrement ?? base.nextIncrement, inBand),
      }
    })
    const timetable = this.#timetable(rows, report)
    return timetable && { timetable, bands }
  }

  #timetable(rows: readonly BandRow[], report: Report): Timetable | undefined {
    const text = rows.map(({ days, from, to }) => `${days.join()} ${from} ${to}`).join(';')
    const known = this.#timetables.get(text)
    if (known) return known
    const made = compileTimetable(rows)
    if ('problems' in made) {
      for (const { band, field, message } of made.problems) report(`bands[${band}].${field}`, message)
      return undefined
    }
    this.#timetables.set(text, made)
    return made
  }

  #steps(rows: readonly StepRow[], report: Report): readonly RateStep[] {
    if (rows.length > MAX_STEPS) report('steps', `has more than ${MAX_STEPS} steps`)
    let before = 0
    return rows.slice(0, MAX_STEPS).map((row, number): RateStep => {
      const inStep: Report = (field, message) => {
        report(`steps[${number}].${field}`, message)
      }
      const { fromSecond } = row
      seconds('fromSecond', fromSecond, inStep)
      if (fromSecond <= before)
        inStep('fromSecond', number === 0 ? 'is not above 0' : 'is not above the step before it')
      before = fromSecond
      const price = this.#price('perMinute', row.perMinute, inStep)
      return { fromSecond, price, increment: increment('increment', row.increment, inStep) }
    })
  }
}

function prefixKey(prefix: string, report: Report): NumberKey {
  if (prefix === '' || prefix === '*') return numberKey('')
  if (!PREFIX.test(prefix)) report('prefix', `${JSON.stringify(prefix.slice(0, 32))} is not 1 to 15 digits, nor "*"`)
  return numberKey(prefix)
}

function flagsOf({ direction = 'both', blocked }: RateRow, report: Report): number {
  const directions = DIRECTIONS[direction]
  if (directions === undefined) report('direction', `"${direction}" is not one of outbound, inbound, both`)
  return (directions ?? 0) | (blocked === true ? BLOCKED : 0)
}

function increment(field: string, given: Optional<number>, report: Report): number {
  const value = given ?? DEFAULT_INCREMENT
  if (Number.isSafeInteger(value) && value >= 1 && value <= MAX_INCREMENT) return value
  report(field, `is not a whole number of 1 to ${MAX_INCREMENT} seconds`)
  return 1
}

function seconds(field: string, given: Optional<number>, report: Report): number {
  const value = given ?? 0
  if (Number.isSafeInteger(value) && value >= 0 && value <= MAX_INCREMENT) return value
  report(field, `is not a whole number of 0 to ${MAX_INCREMENT} seconds`)
  return 0
}
