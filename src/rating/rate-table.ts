/**
 * The compiled rates of a tariff: one fixed-size record of 32-bit words for each row, texts and dates interned, and what
 * few rates have (bands, steps) in maps beside it. 500,000 rows are some 22 MB and no objects.
 */
import type { Micros } from '../base/money.ts'
import { type PerSecond, readFee, readPerMinute, TextTable } from './decimals.ts'
import { NO_ROW } from './prefix-index.ts'
import type { Timetable } from './timetable.ts'
import { ALWAYS, type Validity } from './validity.ts'

export const OUTBOUND = 1
export const INBOUND = 2
export const BLOCKED = 4

/** Words of a record. Amounts, texts and dates are numbers in the tables of the same name. */
export const WORD = {
  price: 0,
  fee: 1,
  firstIncrement: 2,
  nextIncrement: 3,
  minimumSeconds: 4,
  noChargeSeconds: 5,
  destination: 6,
  validity: 7,
  flags: 8,
  rowNumber: 9,
  nextRow: 10,
} as const

export type RateRecord = Readonly<Record<keyof typeof WORD, number>>

/** Plain numbers, not names: a look-up reads words of many rows. */
type Word = (typeof WORD)[keyof typeof WORD]

const WORD_NAMES = Object.keys(WORD) as readonly (keyof typeof WORD)[]
const RECORD_WORDS = WORD_NAMES.length

export interface RateBand {
  readonly price: number
  readonly fee: number
  readonly firstIncrement: number
  readonly nextIncrement: number
}

export interface RateBands {
  readonly timetable: Timetable
  readonly bands: readonly RateBand[]
}

export interface RateStep {
  readonly fromSecond: number
  readonly price: number
  readonly increment: number
}

const FIRST_ROWS = 256

export class RateTable {
  readonly prices = new TextTable<PerSecond>(readPerMinute)
  readonly fees = new TextTable<{ readonly micros: Micros }>(readFee)
  readonly destinations = new TextTable<string>((text) => text)
  readonly validities: Validity[] = [ALWAYS]
  readonly bands = new Map<number, RateBands>()
  readonly steps = new Map<number, readonly RateStep[]>()
  #words = new Uint32Array(FIRST_ROWS * RECORD_WORDS)
  #size = 0

  get size(): number {
    return this.#size
  }

  get(row: number, word: Word): number {
    return this.#words[row * RECORD_WORDS + word] ?? NO_ROW
  }

  /** The next rate of the same prefix, or NO_ROW. */
  nextRow(row: number): number {
    return this.get(row, WORD.nextRow)
  }

  validityOf(row: number): Validity {
    return this.validities[this.get(row, WORD.validity)] ?? ALWAYS
  }

  add(record: RateRecord): number {
    const base = this.#size * RECORD_WORDS
    if (base === this.#words.length) this.#resize(this.#size * 2)
    for (const name of WORD_NAMES) this.#words[base + WORD[name]] = record[name]
    this.#size += 1
    return this.#size - 1
  }

  /** Gives back what only loading needs. */
  seal(): void {
    this.#resize(this.#size)
    this.prices.seal()
    this.fees.seal()
    this.destinations.seal()
  }

  #resize(rows: number): void {
    const words = new Uint32Array(rows * RECORD_WORDS)
    words.set(this.#words.subarray(0, this.#size * RECORD_WORDS))
    this.#words = words
  }
}
