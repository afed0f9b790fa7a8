/** One row of a deck to rates: every cell read, every problem of the row told. */
import type { RateRow } from '../rating/tariff.ts'
import { AmountReader, type DecimalMark } from './amounts.ts'
import { type Dash, readCodes, type Unreadable } from './codes.ts'
import type { DeckField } from './columns.ts'
import { type DateOrder, DateReader } from './dates.ts'
import { readIncrements, readSeconds } from './increments.ts'
import type { Layout, SheetRow } from './layout.ts'
import { remembered } from './remembered.ts'
import { readStatus } from './status.ts'

export interface RowRules {
  readonly currency: string
  readonly zone: string
  readonly dates?: DateOrder | undefined
  readonly decimal?: DecimalMark | undefined
  /** The prices are of a second, whatever the title says. */
  readonly perSecond?: boolean | undefined
  /** What "44-47" is. */
  readonly dash?: Dash | undefined
  /** Of rows whose price is "N/A" or absent. */
  readonly unpriced?: 'refuse' | 'block' | 'skip' | undefined
}

export interface ClosedCode {
  readonly prefix: string
  /** The day or instant from which it is gone; none is at once. */
  readonly from?: string
}

/** What one row says. */
export interface DeckRow {
  readonly rates: readonly RateRow[]
  /** Codes that the carrier takes away. */
  readonly closed: readonly ClosedCode[]
  /** Prose, titles repeated, and rows to be skipped. */
  readonly leftOut: boolean
}

export type RowReport = (field: string, message: string) => void

const NOTHING: DeckRow = { rates: [], closed: [], leftOut: false }
const LEFT_OUT: DeckRow = { ...NOTHING, leftOut: true }
const NOT_SOLD = /^(n\/?a|none|nil|not available|-+|–|tba|tbc|x)?$/i

export class DeckRows {
  readonly #layout: Layout
  readonly #rules: RowRules
  readonly #amounts: AmountReader
  readonly #readDate: (text: string) => string | Unreadable
  readonly #readIncrements = remembered(readIncrements)

  constructor(layout: Layout, rules: RowRules) {
    this.#layout = layout
    this.#rules = rules
    this.#amounts = new AmountReader({ mark: rules.decimal, currency: rules.currency })
    const dates = new DateReader({ order: rules.dates, zone: rules.zone })
    this.#readDate = remembered((text) => dates.read(text))
  }

  read(row: SheetRow, report: RowReport): DeckRow {
    const text = (field: DeckField): string => row.cells[this.#layout.columns.get(field) ?? -1] ?? ''
    if (row.cells.every((cell) => cell === '')) return NOTHING
    if (!saysRate(text)) return LEFT_OUT
    return this.#isAligned(row, report) ? this.#readCells(text, report) : NOTHING
  }

  #readCells(text: Cells, report: RowReport): DeckRow {
    const codes = this.#codes(text, report)
    const status = readStatus(text('status'), { blocked: text('blocked'), price: text('per_minute') }, report)
    if (status === 'closed') return { ...NOTHING, closed: this.#closed(codes, text, report) }
    const unpriced = status === 'sold' && NOT_SOLD.test(text('per_minute')) ? this.#rules.unpriced : undefined
    if (unpriced === 'skip') return LEFT_OUT
    const rate = this.#rate(text, { blocked: status === 'blocked' || unpriced === 'block', report })
    return { ...NOTHING, rates: codes.map((prefix) => ({ prefix, ...rate })) }
  }

  #closed(codes: readonly string[], text: Cells, report: RowReport): readonly ClosedCode[] {
    const from = this.#date(text, ['valid_from', 'effective_from'], report)
    return codes.map((prefix) => ({ prefix, ...(from === undefined ? {} : { from }) }))
  }

  /** In a row with more cells than titles no cell is surely what its title says. */
  #isAligned({ cells }: SheetRow, report: RowReport): boolean {
    const width = this.#layout.titles.length
    if (width === 0 || cells.slice(width).every((cell) => cell === '')) return true
    report('', `has ${cells.length} cells, the titles ${width}; a cell with a delimiter needs quotes`)
    return false
  }

  #codes(text: Cells, report: RowReport): readonly string[] {
    const { columns } = this.#layout
    const whole = columns.has('prefix')
    const [field, cell] = whole ? (['prefix', text('prefix')] as const) : (['area_code', dialled(text)] as const)
    if (cell === '*') return ['*']
    if (cell === '') report(field, 'is missing; "*" is every other number')
    else if (whole || text('country_code') !== '' || !columns.has('country_code')) {
      return taken(readCodes(cell, this.#rules.dash), { field, report, otherwise: [] })
    } else report('country_code', 'is missing')
    return []
  }

  #rate(text: Cells, { blocked, report }: Reading): Omit<RateRow, 'prefix'> {
    const { perMinute, connectFee } = this.#prices(text, { blocked, report })
    const seconds = (field: DeckField): number | undefined => {
      return text(field) === '' ? undefined : taken(readSeconds(text(field)), { field, report, otherwise: undefined })
    }
    const increments = this.#increments(text, report)
    return {
      destination: destinationOf(text),
      direction: directionOf(text('direction'), report),
      perMinute,
      connectFee,
      firstIncrement: seconds('first_increment') ?? increments?.first,
      nextIncrement: seconds('next_increment') ?? increments?.next,
      minimumSeconds: seconds('minimum_seconds'),
      noChargeSeconds: seconds('no_charge_seconds'),
      validFrom: this.#date(text, ['valid_from', 'effective_from'], report),
      validUntil: this.#date(text, ['valid_until'], report),
      blocked: blocked ? true : undefined,
    }
  }

  #prices(text: Cells, { blocked, report }: Reading): Pick<RateRow, 'perMinute' | 'connectFee'> {
    const currency = text('currency').toUpperCase()
    if (currency !== '' && currency !== this.#rules.currency) {
      report('currency', `is ${currency}, the tariff is in ${this.#rules.currency}`)
    }
    const fee = text('connect_fee')
    const connectFee = fee === '' ? undefined : this.#amount('connect_fee', fee, report)
    if (blocked) return { perMinute: '', connectFee }
    const price = text('per_minute')
    if (NOT_SOLD.test(price)) {
      report('per_minute', `${price === '' ? 'is missing' : `"${price}" is no price`}; see --unpriced`)
      return { perMinute: '', connectFee }
    }
    return { perMinute: this.#amount('per_minute', price, report) ?? '', connectFee }
  }

  #amount(field: 'per_minute' | 'connect_fee', cell: string, report: RowReport): string | undefined {
    const title = this.#layout.prices.get(this.#layout.columns.get(field) ?? -1)
    const perSecond = field === 'per_minute' && this.#rules.perSecond === true
    const unit = perSecond ? { per: 'second' as const, minor: title?.minor ?? false } : title
    return taken(this.#amounts.read(cell, unit), { field, report, otherwise: undefined })
  }

  /** Beside a first increment, one number is the next; alone it is both. */
  #increments(text: Cells, report: RowReport): { readonly first?: number; readonly next: number } | undefined {
    const cell = text('increments')
    if (cell === '') return undefined
    const read = taken(this.#readIncrements(cell), { field: 'increments', report, otherwise: undefined })
    if (!read) return undefined
    return text('first_increment') === '' ? read : { next: read.next }
  }

  #date(text: Cells, fields: readonly DeckField[], report: RowReport): string | undefined {
    const field = fields.find((name) => text(name) !== '')
    if (field === undefined) return undefined
    return taken(this.#readDate(text(field)), { field, report, otherwise: undefined })
  }
}

type Cells = (field: DeckField) => string

interface Reading {
  readonly blocked: boolean
  readonly report: RowReport
}

interface Taking<Otherwise> {
  readonly field: string
  readonly report: RowReport
  readonly otherwise: Otherwise
}

/** Prose has a digit neither where codes are nor where prices are. */
function saysRate(text: Cells): boolean {
  return /[\d*#]/.test(`${text('country_code')}${text('area_code')}${text('prefix')}`) || /\d/.test(text('per_minute'))
}

function taken<Value, Otherwise>(
  read: Value | Unreadable,
  { field, report, otherwise }: Taking<Otherwise>,
): Value | Otherwise {
  if (!isUnreadable(read)) return read
  report(field, read.problem)
  return otherwise
}

function isUnreadable(read: unknown): read is Unreadable {
  return typeof read === 'object' && read !== null && 'problem' in read
}

/** "44" and "20, 121" are "44 20, 121". */
function dialled(text: Cells): string {
  const country = text('country_code')
    .replace(/^\+|^00|\.0+$/g, '')
    .trim()
  return `${country} ${text('area_code')}`.trim()
}

/** "Afghanistan" and "Mobile" are one destination. */
function destinationOf(text: Cells): string | undefined {
  // An apostrophe keeps a spreadsheet from taking a name for a formula.
  const [country, destination] = [text('country'), text('destination').replace(/^'(?=[=+\-@])/, '')]
  if (destination === '') return country === '' ? undefined : country
  return country === '' || destination.toLowerCase().startsWith(country.toLowerCase())
    ? destination
    : `${country} ${destination}`
}

function directionOf(cell: string, report: RowReport): RateRow['direction'] {
  const word = cell.toLowerCase()
  if (word === '') return undefined
  if (word === 'outbound' || word === 'inbound' || word === 'both') return word
  report('direction', `"${cell}" is not one of outbound, inbound, both`)
  return undefined
}
