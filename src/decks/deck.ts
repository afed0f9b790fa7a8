/** A carrier's rate deck to rates: the file is read once, row by row, and everything that is wrong with it is told. */
import type { RateRow } from '../rating/tariff.ts'
import { type ClosedCode, DeckRows, type RowRules } from './deck-rows.ts'
import { findLayout, type Layout, type Mapping, PREAMBLE_ROWS, type SheetRow } from './layout.ts'
import { openSheet } from './open-sheet.ts'
import { type Sheet, SheetFault } from './sheet.ts'

export interface DeckRules extends Omit<RowRules, 'currency'> {
  readonly mappings: readonly Mapping[]
  readonly sheet?: string | undefined
  /** None is what the deck says itself, or `usualCurrency`. */
  readonly currency?: string | undefined
  readonly usualCurrency: string
}

export interface DeckProblem {
  /** The row of the file, counted from 1; 0 is the whole file. */
  readonly line: number
  /** A deck field; "" is the whole row. */
  readonly field: string
  readonly message: string
  /** The row as it stands in the file, cut short. */
  readonly text: string
}

export interface DeckSink {
  /** One rate; several may come of one line. */
  rate(rate: RateRow, line: number): void
  /** A code that the carrier takes away. */
  closed(code: ClosedCode): void
  /** A row that is no rate: prose, titles once more. */
  leftOut(line: number, text: string): void
  problem(problem: DeckProblem): void
  progress(done: number): void
}

/** How the file was understood. */
export interface DeckForm {
  readonly currency: string
  /** Encoding and delimiter, or the sheet. */
  readonly form: Readonly<Record<string, string>>
  /** The row of titles; 0 is none. */
  readonly titleRow: number
  /** Title to field. */
  readonly columns: Readonly<Record<string, string>>
  readonly unused: readonly string[]
  /** All rates begin on this day or at this instant, which the deck has under a title such as "Effective date". */
  readonly effectiveFrom?: string
}

/** Undefined when the titles cannot be made out: then the sink has been told why. */
export async function readDeck(path: string, rules: DeckRules, sink: DeckSink): Promise<DeckForm | undefined> {
  const told = (line: number, message: string): undefined => {
    sink.problem({ line, field: '', message, text: '' })
  }
  try {
    const sheet = await openSheet({
      path,
      sheet: rules.sheet,
      mappings: rules.mappings,
      progress: (done) => sink.progress(done),
    })
    try {
      return await readSheet(sheet, rules, sink)
    } finally {
      sheet.close?.()
    }
  } catch (error) {
    if (!(error instanceof SheetFault)) throw error
    return told(error.line, error.message)
  }
}

async function readSheet(sheet: Sheet, rules: DeckRules, sink: DeckSink): Promise<DeckForm | undefined> {
  const layout = await layoutOf(sheet, rules, sink)
  if (!layout) return undefined
  const currency = currencyOf(layout, rules, sink)
  const rates = new DeckRows(layout, { ...rules, currency })
  const effective = new OneDay()
  for await (const row of sheet.rows()) {
    if (row.line > layout.line) takeRow(row, { rates, sink, effective })
  }
  const from = layout.columns.has('effective_from') ? effective.day : undefined
  return { ...formOf(layout, sheet), currency, ...(from === undefined ? {} : { effectiveFrom: from }) }
}

async function layoutOf(sheet: Sheet, { mappings }: DeckRules, sink: DeckSink): Promise<Layout | undefined> {
  const first: SheetRow[] = []
  for await (const row of sheet.rows()) {
    first.push(row)
    if (first.length >= PREAMBLE_ROWS) break
  }
  const layout = findLayout(first, mappings)
  if (!('problems' in layout)) return layout
  const row = first.find(({ line }) => line === layout.line)
  for (const message of layout.problems) sink.problem({ line: layout.line, field: '', message, text: textOf(row) })
  return undefined
}

/** As it was told, or else as the deck says, or else the usual one. */
function currencyOf({ line, currency: own }: Layout, { currency, usualCurrency }: DeckRules, sink: DeckSink): string {
  if (currency === undefined || own === undefined || own === currency) return currency ?? own ?? usualCurrency
  const message = `the deck is in ${own}, the tariff in ${currency}`
  sink.problem({ line, field: 'currency', message, text: '' })
  return currency
}

/** The text of rows, for problems that are found when all is read. */
export async function rowTexts(
  path: string,
  rules: DeckRules,
  lines: ReadonlySet<number>,
): Promise<ReadonlyMap<number, string>> {
  const texts = new Map<number, string>()
  const sheet = await openSheet({ path, sheet: rules.sheet, mappings: rules.mappings, progress: () => undefined })
  try {
    for await (const row of sheet.rows()) {
      if (lines.has(row.line)) texts.set(row.line, textOf(row))
      if (texts.size === lines.size) break
    }
  } finally {
    sheet.close?.()
  }
  return texts
}

interface Taking {
  readonly rates: DeckRows
  readonly sink: DeckSink
  readonly effective: OneDay
}

function takeRow(row: SheetRow, { rates, sink, effective }: Taking): void {
  const problems: DeckProblem[] = []
  const read = rates.read(row, (field, message) => {
    problems.push({ line: row.line, field, message, text: textOf(row) })
  })
  for (const problem of problems) sink.problem(problem)
  if (problems.length > 0) return
  if (read.leftOut) sink.leftOut(row.line, textOf(row))
  for (const code of read.closed) sink.closed(code)
  for (const rate of read.rates) {
    effective.note(rate)
    sink.rate(rate, row.line)
  }
}

/** The day on which every rate begins, if it is one. */
class OneDay {
  #day: string | undefined
  #one = true

  note({ validFrom, validUntil }: RateRow): void {
    this.#day ??= validFrom
    if (validFrom === undefined || validFrom !== this.#day || validUntil !== undefined) this.#one = false
  }

  get day(): string | undefined {
    return this.#one ? this.#day : undefined
  }
}

function formOf({ line, titles, columns, unused }: Layout, { form }: Sheet): Omit<DeckForm, 'currency'> {
  const named = [...columns].map(([field, at]) => [titles[at] ?? `column ${at + 1}`, field] as const)
  return { form, titleRow: line, columns: Object.fromEntries(named), unused }
}

const MAX_TEXT = 160

/** A row as one line of text. */
function textOf(row: SheetRow | undefined): string {
  const text = (row?.cells ?? []).join(' | ').replace(/( \| )+$/, '')
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text
}
