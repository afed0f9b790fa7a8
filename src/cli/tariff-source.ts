/** A tariff as a file: a YAML head with its rates, or a deck as carriers send them. */
import { stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { csvColumns } from '../catalog/tariff-schema.ts'
import { readTariff } from '../catalog/tariff-file.ts'
import { type DeckForm, type DeckProblem, type DeckRules, type DeckSink, readDeck, rowTexts } from '../decks/deck.ts'
import type { ClosedCode } from '../decks/deck-rows.ts'
import { repeatsIn, setEnds } from '../decks/succession.ts'
import { type RateRow, Tariff, TariffBuilder, type TariffHead } from '../rating/tariff.ts'

export type SourceHead = Omit<TariffHead, 'version'>

export interface SourceProblem {
  readonly file: string
  /** The row; 0 is the whole file. */
  readonly line: number
  readonly column: number
  readonly path: string
  readonly message: string
  /** The row as it stands in the file. */
  readonly text?: string
}

export interface ReadSource {
  readonly kind: 'read'
  readonly file: string
  readonly head: SourceHead
  readonly rows: readonly RateRow[]
  readonly deck?: DeckFacts
}

/** What is to be known of a deck beside its rates. */
export interface DeckFacts {
  readonly form: DeckForm
  readonly closed: readonly ClosedCode[]
  /** Rows that are no rates, the first of them with their text. */
  readonly leftOut: { readonly count: number; readonly first: readonly string[] }
  /** Rates that are the same as one before them in every word, and stand once. */
  readonly repeated: number
}

export interface InvalidSource {
  readonly kind: 'invalid'
  readonly file: string
  readonly problems: readonly SourceProblem[]
  /** How many were found; at least. */
  readonly found: number
}

export type TariffSource = ReadSource | InvalidSource

export interface SourceRules {
  readonly name: string
  readonly cwd: string
  readonly timezone: string | undefined
  readonly deck: DeckRules
  readonly maxProblems: number
  readonly progress: (done: number) => void
}

export async function readTariffSource(file: string, rules: SourceRules): Promise<TariffSource> {
  const path = resolve(rules.cwd, file)
  const found = await stat(path).catch(() => undefined)
  if (!found?.isFile()) return invalid(file, { found: [NO_FILE], count: 1 }, rules)
  if (file.endsWith('.yaml')) return readYamlSource(file, path, rules)
  return readDeckSource(file, path, rules)
}

async function readYamlSource(file: string, path: string, { maxProblems }: SourceRules): Promise<TariffSource> {
  const read = await readTariff({ configDir: dirname(path), file: basename(path) })
  if (read.kind === 'read') return { kind: 'read', file, head: read.tariff.head, rows: read.tariff.rows }
  const folder = dirname(file)
  const problems = read.problems.map((problem) => {
    return { ...problem, file: folder === '.' ? problem.file : `${folder}/${basename(problem.file)}` }
  })
  return { kind: 'invalid', file, problems: problems.slice(0, maxProblems), found: problems.length }
}

interface Found {
  readonly line: number
  readonly field: string
  readonly message: string
  readonly text?: string
}

/** A deck, which is compiled at once so that what is wrong between rows is told too. */
async function readDeckSource(file: string, path: string, rules: SourceRules): Promise<TariffSource> {
  const reading = new DeckReading(rules)
  const form = await readDeck(path, rules.deck, reading)
  const { found } = reading
  if (!form || (reading.rows.length === 0 && found.length > 0)) return invalid(file, reading, rules)
  const head = headOf(form, rules)
  setEnds(reading.rows, rules.deck.zone)
  const told = problemsBetween(head, reading)
  const texts = told.length === 0 ? undefined : await rowTexts(path, rules.deck, new Set(told.map(({ line }) => line)))
  const all = [...found, ...told.map((problem) => ({ ...problem, text: texts?.get(problem.line) ?? '' }))]
  if (all.length > 0) return invalid(file, { found: all, count: reading.count + told.length }, rules)
  const deck = {
    form,
    closed: reading.closedCodes,
    leftOut: { count: reading.leftOutCount, first: reading.leftOutFirst },
    repeated: reading.repeated,
  }
  const { rows } = reading
  if (form.effectiveFrom === undefined) return { kind: 'read', file, head, rows, deck }
  // One day for all rates is that of the version.
  reading.forgetDays()
  return { kind: 'read', file, head, rows, deck }
}

function headOf({ currency, effectiveFrom }: DeckForm, { name, timezone }: SourceRules): SourceHead {
  return {
    name,
    currency,
    ...(timezone === undefined ? {} : { timezone }),
    ...(effectiveFrom === undefined ? {} : { effectiveFrom }),
  }
}

const LEFT_OUT_SHOWN = 5

type Dated = Omit<RateRow, 'validFrom' | 'validUntil'> & {
  validFrom?: string | undefined
  validUntil?: string | undefined
}

class DeckReading implements DeckSink {
  rows: Dated[] = []
  lines: number[] = []
  readonly closedCodes: ClosedCode[] = []
  readonly found: Found[] = []
  readonly leftOutFirst: string[] = []
  leftOutCount = 0
  repeated = 0
  count = 0
  readonly #rules: SourceRules

  constructor(rules: SourceRules) {
    this.#rules = rules
  }

  rate(rate: RateRow, line: number): void {
    this.rows.push(rate)
    this.lines.push(line)
  }

  /** In place: of a million rates there is no room for two. */
  forgetDays(): void {
    for (const row of this.rows) row.validFrom = undefined
  }

  /** Whether there were any. */
  dropRepeats(): boolean {
    const repeats = repeatsIn(this.rows)
    this.repeated = repeats.size
    if (repeats.size === 0) return false
    this.rows = this.rows.filter((_row, at) => !repeats.has(at))
    this.lines = this.lines.filter((_line, at) => !repeats.has(at))
    return true
  }

  closed(code: ClosedCode): void {
    this.closedCodes.push(code)
  }

  leftOut(line: number, text: string): void {
    this.leftOutCount += 1
    if (this.leftOutFirst.length < LEFT_OUT_SHOWN) this.leftOutFirst.push(`row ${line}: ${text}`)
  }

  problem(problem: DeckProblem): void {
    this.count += 1
    if (this.found.length < this.#rules.maxProblems) this.found.push(problem)
  }

  progress(done: number): void {
    this.#rules.progress(done)
  }
}

/** What is wrong between rows. Repeats are looked for where something is: of a million rates that takes its time. */
function problemsBetween(head: SourceHead, reading: DeckReading): readonly Found[] {
  const problems = compiledProblems(head, reading)
  return problems.length > 0 && reading.dropRepeats() ? compiledProblems(head, reading) : problems
}

function compiledProblems(head: SourceHead, { rows, lines }: DeckReading): readonly Found[] {
  const builder = new TariffBuilder({ ...head, version: 1 })
  for (const [at, row] of rows.entries()) builder.add(row, lines[at] ?? 0)
  const built = builder.finish()
  if (built instanceof Tariff) return []
  return built.problems.map(({ row, field, message }) => ({ line: row, field: columnOf(field), message }))
}

function columnOf(field: string): string {
  return Object.entries(csvColumns).find(([, name]) => name === field)?.[0] ?? field
}

const NO_FILE: Found = { line: 0, field: '', message: 'there is no such file' }

interface Wrong {
  readonly found: readonly Found[]
  /** With those that are not kept. */
  readonly count: number
}

function invalid(file: string, { found, count }: Wrong, { maxProblems }: SourceRules): InvalidSource {
  const problems = found
    .toSorted((a, b) => a.line - b.line)
    .slice(0, maxProblems)
    .map(({ line, field, message, text = '' }) => {
      return { file, line, column: line === 0 ? 0 : 1, path: field, message, ...(text === '' ? {} : { text }) }
    })
  return { kind: 'invalid', file, problems, found: count }
}

/** "deck.csv:12: per_minute: must be …", and the row below it. */
export function problemText({ file, line, column, path, message, text }: SourceProblem): string {
  const place = line === 0 ? file : `${file}:${line}${column > 1 ? `:${column}` : ''}`
  const told = [place, path, message].filter((part) => part !== '').join(': ')
  return text === undefined ? told : `${told}\n    ${text}`
}
