/** A deck as an .xlsx workbook: which sheet has the rates, and its cells as people see them. */
import { findLayout, type Mapping, PREAMBLE_ROWS, type SheetRow } from './layout.ts'
import { type Sheet, SheetFault } from './sheet.ts'
import { CellReader, type Shown } from './sheet-cells.ts'
import { openPackage, type Package, readXml, type XmlSink } from './zip-part.ts'

/** Shared texts are kept in memory. */
const MAX_TEXT_BYTES = 2 ** 30
const MAX_TEXTS = 4_000_000

export interface WorkbookFile {
  readonly path: string
  /** A sheet by its name; none is the one that has titles of a deck. */
  readonly sheet?: string | undefined
  readonly mappings: readonly Mapping[]
  /** Told the share of the sheet that is read, in thousandths. */
  readonly progress: (done: number) => void
}

interface NamedSheet {
  readonly name: string
  readonly part: string
  readonly visible: boolean
}

/** The package stays open until the process ends or `close` is called. */
export async function openWorkbook(file: WorkbookFile): Promise<Sheet & { close(): void }> {
  const parts = await openPackage(file.path)
  try {
    if (!parts.has('xl/workbook.xml')) throw new SheetFault('is an archive and no .xlsx workbook: unpack it')
    const { sheets, date1904 } = await readBook(parts)
    const styles = await readStyles(parts)
    const texts = await readTexts(parts)
    const rowsOf = (part: string, progress: (done: number) => void): AsyncGenerator<SheetRow> => {
      return readRows(parts, { part, reader: new CellReader({ styles, texts, date1904 }), progress })
    }
    const chosen = await choose(sheets, file, (part) => rowsOf(part, () => undefined))
    return {
      form: { sheet: chosen.name },
      rows: () => rowsOf(chosen.part, file.progress),
      close: () => parts.close(),
    }
  } catch (error) {
    parts.close()
    throw error
  }
}

async function choose(
  sheets: readonly NamedSheet[],
  { sheet, mappings }: WorkbookFile,
  rowsOf: (part: string) => AsyncIterable<SheetRow>,
): Promise<NamedSheet> {
  const names = sheets.map(({ name }) => `"${name}"`).join(', ')
  if (sheet !== undefined) {
    const named = sheets.find(({ name }) => name === sheet)
    if (named) return named
    throw new SheetFault(`has no sheet "${sheet}"; there are ${names}`)
  }
  const found: NamedSheet[] = []
  for (const candidate of sheets.filter(({ visible }) => visible)) {
    if ('columns' in findLayout(await firstRows(rowsOf(candidate.part)), mappings)) found.push(candidate)
  }
  const [first, second] = found
  if (second)
    throw new SheetFault(
      `has more than one sheet of rates, ${found.map(({ name }) => `"${name}"`).join(', ')}: say --sheet`,
    )
  const only = first ?? sheets[0]
  if (!only) throw new SheetFault('has no sheet')
  return only
}

async function firstRows(rows: AsyncIterable<SheetRow>): Promise<readonly SheetRow[]> {
  const first: SheetRow[] = []
  for await (const row of rows) {
    first.push(row)
    if (first.length >= PREAMBLE_ROWS) break
  }
  return first
}

interface ReadingRows {
  readonly part: string
  readonly reader: CellReader
  readonly progress: (done: number) => void
}

async function* readRows(parts: Package, { part, reader, progress }: ReadingRows): AsyncGenerator<SheetRow> {
  const size = parts.sizeOf(part)
  let read = 0
  for await (const bytes of readXml(await parts.open(part), reader)) {
    read += bytes
    progress(Math.floor((1000 * read) / Math.max(size, 1)))
    yield* reader.takeRows()
  }
}

async function drain(parts: Package, name: string, sink: XmlSink): Promise<void> {
  if (!parts.has(name)) return
  if (parts.sizeOf(name) > MAX_TEXT_BYTES) throw new SheetFault(`${name} is larger than ${MAX_TEXT_BYTES} bytes`)
  for await (const _bytes of readXml(await parts.open(name), sink)) continue
}

async function readBook(
  parts: Package,
): Promise<{ readonly sheets: readonly NamedSheet[]; readonly date1904: boolean }> {
  const targets = new Map<string, string>()
  await drain(parts, 'xl/_rels/workbook.xml.rels', {
    ...SILENT,
    opened: (name, { Id = '', Target = '' }) => {
      if (name === 'Relationship') targets.set(Id, Target.startsWith('/') ? Target.slice(1) : `xl/${Target}`)
    },
  })
  const sheets: NamedSheet[] = []
  let date1904 = false
  await drain(parts, 'xl/workbook.xml', {
    ...SILENT,
    opened: (tag, attributes) => {
      if (tag === 'workbookPr') date1904 = /^(1|true)$/.test(attributes['date1904'] ?? '')
      if (tag !== 'sheet') return
      const { name = '', state = 'visible' } = attributes
      const id = Object.entries(attributes).find(([key]) => key.endsWith(':id'))?.[1] ?? ''
      const part = targets.get(id)
      if (part !== undefined && parts.has(part)) sheets.push({ name, part, visible: state === 'visible' })
    },
  })
  return { sheets, date1904 }
}

const SILENT: XmlSink = { opened: () => undefined, closed: () => undefined, text: () => undefined }

/** Built-in formats of dates; those of clock times alone are not among them. */
const BUILT_IN: ReadonlyMap<number, Shown> = new Map([
  ...[14, 15, 16, 17, 22].map((id) => [id, 'date'] as const),
  ...[9, 10].map((id) => [id, '%'] as const),
])

/** What styles of cells show beside the digits of a number. */
async function readStyles(parts: Package): Promise<ReadonlyMap<number, Shown>> {
  const formats = new Map(BUILT_IN)
  const styles = new Map<number, Shown>()
  let inCells = false
  let style = 0
  await drain(parts, 'xl/styles.xml', {
    ...SILENT,
    opened: (name, { numFmtId = '0', formatCode = '' }) => {
      const shown = name === 'numFmt' ? shownBy(formatCode) : undefined
      if (shown !== undefined) formats.set(Number(numFmtId), shown)
      if (name === 'cellXfs') inCells = true
      if (name !== 'xf' || !inCells) return
      const known = formats.get(Number(numFmtId))
      if (known !== undefined) styles.set(style, known)
      style += 1
    },
    closed: (name) => {
      if (name === 'cellXfs') inCells = false
    },
  })
  return styles
}

/** "dd/mm/yyyy" and "[$-409]d-mmm-yy;@" are dates; "[$€-407] 0.00" and "£0.00" are of a currency, "$" of any that has it. */
function shownBy(code: string): Shown | undefined {
  const plain = code.replace(/\[[^\]]*\]|"[^"]*"|\\./g, '')
  if (/[yd]/i.test(plain) && /[dm]/i.test(plain) && !/general/i.test(plain)) return 'date'
  if (plain.includes('%')) return '%'
  return /\[\$([A-Z]{3}|[€£])|[€£]/.exec(code)?.[0].replace('[$', '')
}

async function readTexts(parts: Package): Promise<readonly string[]> {
  const texts: string[] = []
  let text = ''
  let depth = 0
  let phonetic = false
  await drain(parts, 'xl/sharedStrings.xml', {
    opened: (name) => {
      if (name === 'si') text = ''
      if (name === 't') depth += 1
      if (name === 'rPh') phonetic = true
    },
    closed: (name) => {
      if (name === 'si' && texts.push(text.trim()) > MAX_TEXTS) throw new SheetFault(`has more than ${MAX_TEXTS} texts`)
      if (name === 't') depth -= 1
      if (name === 'rPh') phonetic = false
    },
    text: (more) => {
      if (depth > 0 && !phonetic) text += more
    },
  })
  return texts
}
