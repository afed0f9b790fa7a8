/** A deck as delimited text: its encoding by its first bytes, its one delimiter by where the titles are found. */
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { CsvError, type Options, parse } from 'csv-parse'
import { parse as parseSync } from 'csv-parse/sync'
import { firstBytes } from './first-bytes.ts'
import { findLayout, type Mapping, PREAMBLE_ROWS, type SheetRow } from './layout.ts'
import { type Sheet, SheetFault } from './sheet.ts'

const SAMPLE_BYTES = 256 * 1024
const MAX_RECORD_BYTES = 256 * 1024
/** Files that were put together have several. */
const LINE_ENDS = ['\r\n', '\n', '\r']
const DELIMITERS = [',', ';', '\t', '|'] as const

export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252'

export interface TextFile {
  readonly path: string
  readonly mappings: readonly Mapping[]
  /** Told how many bytes are read, each time from the beginning. */
  readonly progress: (bytes: number) => void
}

export async function openDelimited({ path, mappings, progress }: TextFile): Promise<Sheet> {
  const head = await firstBytes(path, SAMPLE_BYTES)
  const encoding = byteOrderMark(head) ?? byZeros(head) ?? (await utf8OrLatin(path))
  const sample = wholeLines(new TextDecoder(encoding).decode(head), head.length < SAMPLE_BYTES)
  const delimiter = delimiterOf(sample, mappings)
  const options: Options = {
    delimiter,
    info: true,
    max_record_size: MAX_RECORD_BYTES,
    record_delimiter: LINE_ENDS,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
  }
  return { form: { encoding, delimiter }, rows: () => rowsOf({ path, encoding, progress }, options) }
}

function byteOrderMark(head: Buffer): Encoding | undefined {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le'
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be'
  return head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 'utf-8' : undefined
}

/** Titles are mostly Latin letters, so every second byte of UTF-16 is zero. */
function byZeros(head: Buffer): Encoding | undefined {
  if (head[1] === 0 && head[3] === 0) return 'utf-16le'
  return head[0] === 0 && head[2] === 0 ? 'utf-16be' : undefined
}

/** Text that is not UTF-8 as a whole is what Windows wrote before it. */
async function utf8OrLatin(path: string): Promise<Encoding> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    for await (const chunk of createReadStream(path)) decoder.decode(chunk as Buffer, { stream: true })
    decoder.decode()
    return 'utf-8'
  } catch (error) {
    if (error instanceof TypeError) return 'windows-1252'
    throw error
  }
}

function wholeLines(text: string, whole: boolean): string {
  return whole ? text : text.slice(0, text.lastIndexOf('\n') + 1)
}

/** One delimiter: told several, a parser cuts a decimal comma in two. That of the most titles that say something. */
function delimiterOf(sample: string, mappings: readonly Mapping[]): string {
  const scores = DELIMITERS.map((delimiter) => {
    const rows = sampleRows(sample, delimiter)
    const layout = findLayout(rows, mappings)
    const known = 'columns' in layout ? 1_000 + layout.columns.size : 0
    return known * 1_000 + Math.min(999, Math.max(0, ...rows.map(({ cells }) => cells.length)))
  })
  return DELIMITERS[scores.indexOf(Math.max(...scores))] ?? ','
}

/** A quote that is never closed is found when the file is read; here it only must not hide the titles. */
function sampleRows(sample: string, delimiter: string): readonly SheetRow[] {
  const options = {
    delimiter,
    bom: true,
    record_delimiter: LINE_ENDS,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
  }
  const read = (quote: string | null): readonly SheetRow[] => {
    const records = parseSync(sample, { ...options, quote, to: PREAMBLE_ROWS }) as readonly (readonly string[])[]
    return records.map((cells, at) => ({ line: at + 1, cells: cells.map((cell) => cell.trim()) }))
  }
  try {
    return read('"')
  } catch (error) {
    if (error instanceof CsvError) return read(null)
    throw error
  }
}

interface Decoding extends Pick<TextFile, 'path' | 'progress'> {
  readonly encoding: Encoding
}

async function* rowsOf(decoding: Decoding, options: Options): AsyncGenerator<SheetRow> {
  const source = Readable.from(textOf(decoding))
  const parser = parse(options)
  source.on('error', (error) => parser.destroy(error))
  source.pipe(parser)
  let before = 0
  try {
    for await (const { record, info } of parser as AsyncIterable<CsvRecord>) {
      yield { line: info.lines, cells: record.map((cell) => cell.trim()) }
      before = info.lines
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    // The parser names the last row of the file; the quote was opened in the one after the last that was read.
    if (error.code === 'CSV_QUOTE_NOT_CLOSED') throw new SheetFault('has a quote that is never closed', before + 1)
    const line = typeof error['lines'] === 'number' ? error['lines'] : 0
    throw new SheetFault(error.message, line)
  } finally {
    source.destroy()
    parser.destroy()
  }
}

interface CsvRecord {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
}

async function* textOf({ path, encoding, progress }: Decoding): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding)
  let read = 0
  for await (const chunk of createReadStream(path, { highWaterMark: SAMPLE_BYTES })) {
    const bytes = chunk as Buffer
    progress((read += bytes.length))
    const text = decoder.decode(bytes, { stream: true })
    if (text.includes('\0')) throw new SheetFault('is no text: it has zero bytes')
    if (text !== '') yield text
  }
  const rest = decoder.decode()
  if (rest !== '') yield rest
}
