/** A CSV file of rates, row by row: header, delimiter and types; what a rate may hold is checked by the tariff. */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { CsvError, parse } from 'csv-parse'
import type { RateRow } from '../rating/tariff.ts'
import { didYouMean, squashed } from './suggest.ts'
import { type CsvColumn, csvColumns } from './tariff-schema.ts'

/** What is wrong in one row; 0 is the whole file. */
export interface CsvProblem {
  readonly line: number
  readonly field: string
  /** Which field of the line, where its name does not say. */
  readonly fieldAt?: number
  readonly message: string
}

export interface CsvSink {
  /** Takes one rate. Answers false when nothing more is wanted. */
  row(row: RateRow, line: number): boolean
  problem(problem: CsvProblem): boolean
}

const MAX_RECORD_BYTES = 64 * 1024
const DELIMITERS = [',', ';', '\t', '|'] as const
const KNOWN = Object.keys(csvColumns) as readonly CsvColumn[]
const REQUIRED: readonly CsvColumn[] = ['prefix', 'per_minute']

interface CsvRecord {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
}

/** Reads all rows in order and feeds the sink; answers with the columns of the header. */
export async function readCsv(path: string, sink: CsvSink): Promise<readonly CsvColumn[]> {
  const delimiter = await delimiterOf(path)
  const options = { bom: true, delimiter, info: true, max_record_size: MAX_RECORD_BYTES, trim: true } as const
  const parser = parse({
    ...options,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_empty_values: true,
  })
  const file = createReadStream(path)
  file.on('error', (error) => parser.destroy(error))
  file.pipe(parser)
  let columns: readonly CsvColumn[] | undefined
  try {
    for await (const { record, info } of parser as AsyncIterable<CsvRecord>) {
      const wanted = columns ? takeRow(columns, record, { sink, line: info.lines }) : true
      columns ??= readHeader(record, { sink, line: info.lines })
      if (!columns || !wanted) break
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const line = typeof error.lines === 'number' ? error.lines : 0
    sink.problem({ line, field: '', message: error.message })
  } finally {
    file.destroy()
  }
  return columns ?? []
}

interface At {
  readonly sink: CsvSink
  readonly line: number
}

/** "Per Minute" and "perMinute" are per_minute; anything else is refused. */
function readHeader(header: readonly string[], { sink, line }: At): readonly CsvColumn[] | undefined {
  const columns: CsvColumn[] = []
  const problems: CsvProblem[] = []
  for (const [fieldAt, title] of header.entries()) {
    const column = KNOWN.find((known) => squashed(known) === squashed(title))
    const refuse = (message: string): number => problems.push({ line, field: title, fieldAt, message })
    if (!column) refuse(`unknown column "${title}"${didYouMean(title, KNOWN)}`)
    else if (columns.includes(column)) refuse(`column "${column}" is there twice`)
    else columns.push(column)
  }
  for (const column of REQUIRED) {
    if (!columns.includes(column)) problems.push({ line, field: '', message: `column "${column}" is missing` })
  }
  for (const problem of problems) sink.problem(problem)
  return problems.length === 0 ? columns : undefined
}

function takeRow(columns: readonly CsvColumn[], record: readonly string[], { sink, line }: At): boolean {
  if (record.length > columns.length) {
    const message = `has ${record.length} fields, the header has ${columns.length}; a field with a delimiter needs quotes`
    return sink.problem({ line, field: '', message })
  }
  const cells = new Map<CsvColumn, string>()
  for (const [at, column] of columns.entries()) {
    const cell = record[at]
    if (cell !== undefined && cell !== '') cells.set(column, cell)
  }
  if (!cells.has('prefix')) {
    return sink.problem({ line, field: 'prefix', message: 'is missing; "*" is every other number' })
  }
  const blocked = flagOf(cells.get('blocked'))
  if (blocked === undefined) {
    return sink.problem({
      line,
      field: 'blocked',
      message: `must be true or false, not "${cells.get('blocked') ?? ''}"`,
    })
  }
  return sink.row(rowOf(cells, blocked), line)
}

function flagOf(cell = 'false'): boolean | undefined {
  if (/^(true|yes|1)$/i.test(cell)) return true
  return /^(false|no|0)$/i.test(cell) ? false : undefined
}

function rowOf(cells: ReadonlyMap<CsvColumn, string>, blocked: boolean): RateRow {
  const text = (column: CsvColumn): string | undefined => cells.get(column)
  return {
    prefix: withoutPlus(text('prefix') ?? ''),
    destination: text('destination'),
    // Another word is refused by the tariff, as are texts that are no price.
    direction: text('direction')?.toLowerCase() as RateRow['direction'],
    perMinute: text('per_minute') ?? '',
    connectFee: text('connect_fee'),
    firstIncrement: wholeOf(text('first_increment')),
    nextIncrement: wholeOf(text('next_increment')),
    minimumSeconds: wholeOf(text('minimum_seconds')),
    noChargeSeconds: wholeOf(text('no_charge_seconds')),
    validFrom: text('valid_from'),
    validUntil: text('valid_until'),
    blocked: blocked ? true : undefined,
  }
}

/** NaN is refused by the tariff, which knows the limits of each field. */
function wholeOf(cell: string | undefined): number | undefined {
  if (cell === undefined) return undefined
  return /^\d{1,9}$/.test(cell) ? Number(cell) : Number.NaN
}

export function withoutPlus(prefix: string): string {
  return prefix.startsWith('+') ? prefix.slice(1) : prefix
}

/** One delimiter, from the header: told several, a parser cuts a field at the first that comes. */
async function delimiterOf(path: string): Promise<string> {
  const handle = await open(path)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_RECORD_BYTES), 0, MAX_RECORD_BYTES, 0)
    const header = buffer.toString('utf8', 0, bytesRead).split(/\r?\n/, 1)[0] ?? ''
    const counts = DELIMITERS.map((delimiter) => header.split(delimiter).length)
    return DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ','
  } finally {
    await handle.close()
  }
}

/** The columns at which fields of some lines begin. Asked for lines with problems only, so the file is read again. */
export async function fieldColumns(
  path: string,
  lines: ReadonlySet<number>,
): Promise<ReadonlyMap<number, readonly number[]>> {
  const delimiter = await delimiterOf(path)
  const found = new Map<number, readonly number[]>()
  const file = createReadStream(path, 'utf8')
  let line = 0
  for await (const text of createInterface({ input: file, crlfDelay: Infinity })) {
    line += 1
    if (line === 1 || lines.has(line)) found.set(line, fieldStarts(text, delimiter))
    if (found.size > lines.size) break
  }
  file.destroy()
  return found
}

function fieldStarts(text: string, delimiter: string): readonly number[] {
  const starts = [1]
  let quoted = false
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '"') quoted = !quoted
    else if (text[at] === delimiter && !quoted) starts.push(at + 2)
  }
  return starts
}
