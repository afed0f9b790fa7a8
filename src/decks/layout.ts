/** Which column of a deck is what: found by the titles, wherever in the first rows they stand, and by what was told. */
import { currencyIn, type DeckField, type PriceTitle, readPriceTitle, readTitle, squashedTitle } from './columns.ts'

export interface SheetRow {
  readonly line: number
  readonly cells: readonly string[]
}

/** `--map`: a title, or the number of a column counted from 1. */
export interface Mapping {
  readonly column: string
  readonly field: DeckField
}

export interface Layout {
  /** Of the row of titles; 0 where columns were told by number and there is none. */
  readonly line: number
  readonly titles: readonly string[]
  readonly columns: ReadonlyMap<DeckField, number>
  /** Of the price of a minute and of the connect fee, by their place. */
  readonly prices: ReadonlyMap<number, PriceTitle>
  /** What titles or the lines above them say. */
  readonly currency?: string
  readonly unused: readonly string[]
}

export interface NoLayout {
  readonly line: number
  readonly problems: readonly string[]
}

/** Titles that are no row of titles any more. */
export const PREAMBLE_ROWS = 50

const CODES: readonly DeckField[] = ['prefix', 'area_code', 'country_code']

/** The first row that has a code and a price among its titles. */
export function findLayout(rows: readonly SheetRow[], mappings: readonly Mapping[]): Layout | NoLayout {
  const above: string[] = []
  let nearest: Candidate | undefined
  for (const row of rows.slice(0, PREAMBLE_ROWS)) {
    const candidate = candidateOf(row, mappings)
    if (isComplete(candidate) && !isData(candidate)) return settled(candidate, above, mappings)
    if (!nearest || weight(candidate) > weight(nearest)) nearest = candidate
    above.push(...row.cells)
  }
  const byNumber = mappings.filter(({ column }) => /^\d+$/.test(column))
  const told = new Set(byNumber.map(({ field }) => field))
  if (CODES.some((field) => told.has(field)) && told.has('per_minute')) return withoutTitles(byNumber)
  return missing(nearest)
}

interface Candidate extends SheetRow {
  readonly columns: Map<DeckField, number>
  readonly prices: Map<number, PriceTitle>
  readonly doubles: string[]
}

function candidateOf({ line, cells }: SheetRow, mappings: readonly Mapping[]): Candidate {
  const found: Candidate = { line, cells, columns: new Map(), prices: new Map(), doubles: [] }
  for (const [at, title] of cells.entries()) {
    const told = mappings.find(({ column }) => column === String(at + 1) || sameTitle(column, title))
    const read = readTitle(title)
    const field = told?.field ?? read.field
    if (field === 'per_minute' || field === 'connect_fee') found.prices.set(at, readPriceTitle(title))
    if (field !== undefined && field !== 'ignore') place(found, { field, at, told: told !== undefined })
  }
  return found
}

function sameTitle(column: string, title: string): boolean {
  return squashedTitle(column) !== '' && squashedTitle(column) === squashedTitle(title)
}

/** Of two names of a place the first counts; of two prices neither, unless one was told. */
function place(
  { columns, doubles, cells }: Candidate,
  { field, at, told }: { readonly field: DeckField; readonly at: number; readonly told: boolean },
): void {
  const before = columns.get(field)
  if (before === undefined || told) columns.set(field, at)
  if (before === undefined || told || field === 'destination' || field === 'country') return
  doubles.push(`"${cells[before] ?? ''}" and "${cells[at] ?? ''}" may both be ${field}: say --map '…=ignore' of one`)
}

function hasCode({ columns }: Candidate): boolean {
  return CODES.some((field) => columns.has(field))
}

function isComplete(candidate: Candidate): boolean {
  return hasCode(candidate) && candidate.columns.has('per_minute')
}

/** Where columns are told by number, every row has them: the first one with digits in both is no title. */
function isData({ columns, cells }: Candidate): boolean {
  const hasDigit = (field: DeckField): boolean => /\d/.test(cells[columns.get(field) ?? -1] ?? '')
  return CODES.some(hasDigit) && hasDigit('per_minute')
}

function weight({ columns, cells }: Candidate): number {
  return columns.size * 100 + cells.filter((cell) => cell !== '').length
}

function settled(candidate: Candidate, above: readonly string[], mappings: readonly Mapping[]): Layout | NoLayout {
  const { line, cells, columns, prices, doubles } = candidate
  const problems = [...doubles, ...unknownMappings(cells, mappings)]
  if (problems.length > 0) return { line, problems }
  const used = new Set(columns.values())
  const price = prices.get(columns.get('per_minute') ?? -1)
  const currency =
    price?.currency ?? above.map(currencyIn).find((found) => found !== undefined) ?? currencyBeside(above)
  const unused = cells.filter((title, at) => title !== '' && !used.has(at))
  return { line, titles: cells, columns, prices, unused, ...(currency === undefined ? {} : { currency }) }
}

/** "Currency" in one cell and "EUR" in the next. */
function currencyBeside(above: readonly string[]): string | undefined {
  const at = above.findIndex((cell) => /^currency\W*$/i.test(cell))
  return at < 0 ? undefined : currencyIn(`currency ${above[at + 1] ?? ''}`)
}

function unknownMappings(cells: readonly string[], mappings: readonly Mapping[]): readonly string[] {
  return mappings
    .filter(({ column }) => !cells.some((title, at) => column === String(at + 1) || sameTitle(column, title)))
    .map(
      ({ column }) =>
        `--map: there is no column "${column}"; there are ${cells.map((title) => `"${title}"`).join(', ')}`,
    )
}

function withoutTitles(mappings: readonly Mapping[]): Layout {
  const columns = new Map(
    mappings.filter(({ field }) => field !== 'ignore').map(({ column, field }) => [field, Number(column) - 1]),
  )
  return { line: 0, titles: [], columns, prices: new Map(), unused: [] }
}

function missing(nearest: Candidate | undefined): NoLayout {
  if (!nearest || weight(nearest) < 2) {
    return {
      line: 0,
      problems: [`none of the first ${PREAMBLE_ROWS} rows has a title of a code and one of a price; see --map`],
    }
  }
  const lacks = hasCode(nearest) ? 'per_minute' : 'prefix'
  const seen = nearest.cells.map((title) => `"${title}"`).join(', ')
  return {
    line: nearest.line,
    problems: [`column "${lacks}" is missing; say --map '<title>=${lacks}' of one of ${seen}`],
  }
}
