/**
 * A table as a workbook, row by row (ECMA-376): a sheet that is full is followed by another. Text is text: nothing of it is
 * run, and telephone numbers keep their "+". Amounts are written with all their decimals.
 */
import { PassThrough, Readable } from 'node:stream'
import { ZipFile } from 'yazl'
import type { Cell, Column, Sheet, Table } from '../exports/table.ts'
import * as parts from './xlsx-parts.ts'

/** What spreadsheet programs hold. */
const ROWS_OF_A_SHEET = 1_048_576

/** The bytes of the workbook, as they are made; what goes wrong with the table destroys them. */
export function xlsxFile(file: Sheet, rowsOfASheet = ROWS_OF_A_SHEET): Readable {
  const zip = new ZipFile()
  const bytes = new PassThrough()
  zip.outputStream.pipe(bytes)
  zip.on('error', (error: Error) => bytes.destroy(error))
  addSheets(zip, file, rowsOfASheet).catch((error: unknown) => {
    bytes.destroy(error instanceof Error ? error : new Error(String(error)))
  })
  return bytes
}

async function addSheets(zip: ZipFile, { heading, table }: Sheet, rowsOfASheet: number): Promise<void> {
  const titles = rowXml(table.columns.map(({ title }) => ({ text: title, kind: 'text' })))
  const top = heading.map((cells) => rowXml(cells.map((text) => ({ text, kind: 'text' }))))
  const rows = rowTexts(table)
  let sheets = 0
  let next = await rows.next()
  do {
    sheets += 1
    const first = sheets === 1 && top.length > 0 ? [...top, '<row/>', titles] : [titles]
    const left = { rows: rowsOfASheet - first.length }
    const sheet = Readable.from(sheetTexts(first, left), { objectMode: false })
    zip.addReadStream(sheet, parts.sheetPath(sheets))
    await ended(sheet)
  } while (next.done !== true)
  for (const [path, text] of parts.around(sheets)) zip.addBuffer(Buffer.from(text), path)
  zip.end()

  async function* sheetTexts(first: readonly string[], left: { rows: number }): AsyncGenerator<string> {
    yield parts.SHEET_BEGINS + first.join('')
    while (next.done !== true && left.rows > 0) {
      const some = next.value.slice(0, left.rows)
      left.rows -= some.length
      const rest = next.value.slice(some.length)
      yield some.join('')
      next = rest.length > 0 ? { done: false, value: rest } : await rows.next()
    }
    yield parts.SHEET_ENDS
  }
}

/** The rows of each page that has any. */
async function* rowTexts({ columns, pages }: Table): AsyncGenerator<readonly string[], undefined> {
  for await (const rows of pages) {
    if (rows.length > 0) yield rows.map(({ cells }) => rowXml(cells.map((cell, index) => typed(cell, columns[index]))))
  }
  return undefined
}

interface Typed {
  readonly text: string
  readonly kind: Column['kind'] | 'none'
}

function typed(cell: Cell, column: Column | undefined): Typed {
  return cell === undefined ? { text: '', kind: 'none' } : { text: String(cell), kind: column?.kind ?? 'text' }
}

function rowXml(cells: readonly Typed[]): string {
  return `<row>${cells.map(cellXml).join('')}</row>`
}

function cellXml({ text, kind }: Typed): string {
  switch (kind) {
    case 'none':
      return '<c/>'
    case 'number':
      return `<c><v>${text}</v></c>`
    case 'amount':
      return `<c s="${parts.AMOUNT_STYLE}"><v>${text}</v></c>`
    case 'text':
      return `<c t="inlineStr"><is><t xml:space="preserve">${parts.xmlText(text)}</t></is></c>`
  }
}

function ended(stream: Readable): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.once('end', resolve)
    stream.once('error', reject)
  })
}
