/** The cells of a worksheet as text: numbers with all their digits, dates as days, and what is shared looked up. */
import { Decimal } from 'decimal.js'
import type { SheetRow } from './layout.ts'
import { SheetFault } from './sheet.ts'
import type { XmlSink } from './zip-part.ts'

const MAX_COLUMNS = 1_000
const DAY_MS = 86_400_000

/** How a number is shown: as a date, as a percentage, or with this currency before it. */
export type Shown = string

/** What stands in place of a formula whose value was never worked out: no code, no price, and no empty cell. */
const NO_VALUE = '= (a formula without a value)'

export interface CellRules {
  /** By the number of the style. */
  readonly styles: ReadonlyMap<number, Shown>
  readonly texts: readonly string[]
  /** Days count from 1904, as old Macs had it. */
  readonly date1904: boolean
}

/** A sink for the XML of a sheet, and the rows it has gathered. */
export class CellReader implements XmlSink {
  readonly #rules: CellRules
  #rows: SheetRow[] = []
  #line = 0
  #cells: string[] = []
  #column = -1
  #type = ''
  #style = -1
  #text = ''
  #inText = false
  #hasFormula = false

  constructor(rules: CellRules) {
    this.#rules = rules
  }

  /** Those gathered since the last time. */
  takeRows(): readonly SheetRow[] {
    const rows = this.#rows
    this.#rows = []
    return rows
  }

  opened(name: string, attributes: Readonly<Record<string, string>>): void {
    if (name === 'row') this.#openRow(attributes['r'])
    else if (name === 'c') this.#openCell(attributes)
    else if (name === 'v' || name === 't') this.#inText = true
    else if (name === 'f') this.#hasFormula = true
  }

  closed(name: string): void {
    if (name === 'v' || name === 't') this.#inText = false
    else if (name === 'c') this.#closeCell()
    else if (name === 'row') this.#rows.push({ line: this.#line, cells: this.#cells })
  }

  text(text: string): void {
    if (this.#inText) this.#text += text
  }

  #openRow(number: string | undefined): void {
    this.#line = number === undefined ? this.#line + 1 : Number(number)
    this.#cells = []
    this.#column = -1
  }

  #openCell({ r, t = 'n', s = '-1' }: Readonly<Record<string, string>>): void {
    this.#column = r === undefined ? this.#column + 1 : columnOf(r)
    if (this.#column >= MAX_COLUMNS) throw new SheetFault(`has more than ${MAX_COLUMNS} columns`, this.#line)
    this.#type = t
    this.#style = Number(s)
    this.#text = ''
    this.#hasFormula = false
  }

  #closeCell(): void {
    while (this.#cells.length < this.#column) this.#cells.push('')
    this.#cells[this.#column] = this.#valueOf(this.#text).trim()
  }

  #valueOf(text: string): string {
    if (text === '') return this.#hasFormula && this.#type !== 'str' ? NO_VALUE : ''
    if (this.#type === 's') return this.#rules.texts[Number(text)] ?? ''
    if (this.#type === 'b') return text === '1' ? 'true' : 'false'
    return this.#type === 'n' ? this.#numberOf(text) : text
  }

  #numberOf(text: string): string {
    const shown = this.#rules.styles.get(this.#style)
    if (shown === undefined || !Number.isFinite(Number(text))) return numberText(text)
    if (shown === 'date') return this.#dateOf(Number(text))
    return shown === '%' ? `${new Decimal(numberText(text)).times(100).toFixed()}%` : `${shown} ${numberText(text)}`
  }

  /** Days since the end of 1899, as they count after February 1900, which has a day too many. */
  #dateOf(serial: number): string {
    if (!(serial >= 61 && serial < 200_000)) return numberText(String(serial))
    const from = this.#rules.date1904 ? Date.UTC(1904, 0, 1) : Date.UTC(1899, 11, 30)
    const at = new Date(from + Math.round((serial * DAY_MS) / 1000) * 1000).toISOString()
    return at.endsWith('T00:00:00.000Z') ? at.slice(0, 10) : `${at.slice(0, 10)} ${at.slice(11, 19)}`
  }
}

/** "BC12" is column 54, counted from 0. */
function columnOf(reference: string): number {
  let column = 0
  for (const letter of /^[A-Z]{1,3}/.exec(reference)?.[0] ?? 'A') column = column * 26 + letter.charCodeAt(0) - 64
  return column - 1
}

/** A number has fifteen digits that mean something: 1.2500000000000001E-2 is 0.0125. */
function numberText(text: string): string {
  const value = Number(text)
  if (!Number.isFinite(value)) return text
  return Number.isSafeInteger(value) ? String(value) : new Decimal(value.toPrecision(15)).toFixed()
}
