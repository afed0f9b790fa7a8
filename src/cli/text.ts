/** Answers as people read them: tables, lists of fields, money and minutes. */
import { styleText } from 'node:util'

export interface Column<Row> {
  readonly title: string
  readonly cell: (row: Row) => string | number | undefined
  readonly right?: boolean
}

export interface Styling {
  readonly colour: boolean
}

/** Rows under titles; columns that no row fills are left out. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], { colour }: Styling): string {
  const filled = columns
    .map((column) => ({ column, cells: rows.map((row) => printable(String(column.cell(row) ?? ''))) }))
    .filter(({ cells }) => cells.some((cell) => cell !== ''))
  const widths = filled.map(({ column, cells }) => Math.max(column.title.length, ...cells.map(widthOf)))
  const line = (cells: readonly string[]): string =>
    filled
      .map(({ column }, at) => padded(cells[at] ?? '', widths[at] ?? 0, column.right ?? false))
      .join('  ')
      .trimEnd()
  const titles = line(filled.map(({ column }) => column.title))
  const body = rows.map((_, row) => line(filled.map(({ cells }) => cells[row] ?? '')))
  return [colour ? styled('bold', titles) : titles, ...body].join('\n')
}

/** "name  value" lines; fields without a value are left out. */
export function fields(pairs: readonly (readonly [name: string, value: string | number | undefined])[]): string {
  const shown = pairs.filter(([, value]) => value !== undefined && value !== '')
  const width = Math.max(0, ...shown.map(([name]) => name.length))
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${printable(String(value))}`).join('\n')
}

/** Indented under a heading. */
export function section(title: string, body: string): string {
  return `\n${title}\n${body.replace(/^/gm, '  ')}`
}

type Style = 'bold' | 'green' | 'yellow' | 'red'

export function styled(style: Style, text: string): string {
  return styleText(style, text, { validateStream: false })
}

/** "12.500000" and "USD" to "12.50 USD": at least two decimals, and all that say something. */
export function money(amount: string | undefined, currency = ''): string | undefined {
  if (amount === undefined) return undefined
  const short = amount.replace(/(\.\d\d\d*?)0+$/, '$1')
  return `${short} ${currency}`.trim()
}

/** 18030 to "300 min 30 s". */
export function duration(seconds: number | undefined): string | undefined {
  if (seconds === undefined) return undefined
  const size = Math.abs(seconds)
  const minutes = Math.floor(size / 60)
  const parts = [
    ...(minutes > 0 ? [`${minutes} min`] : []),
    ...(size % 60 > 0 || minutes === 0 ? [`${size % 60} s`] : []),
  ]
  return `${seconds < 0 ? '-' : ''}${parts.join(' ')}`
}

/** "2026-11-23T12:00:00.000Z" to "2026-11-23 12:00:00Z". */
export function instant(text: string | null | undefined): string | undefined {
  return text?.replace('T', ' ').replace(/\.\d+Z$/, 'Z')
}

// Names come from outside: what moves the cursor or colours the screen is shown as "�".
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\u2028\u2029]/gu

export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '\u{fffd}')
}

function padded(text: string, width: number, right: boolean): string {
  const blanks = ' '.repeat(Math.max(0, width - widthOf(text)))
  return right ? blanks + text : text + blanks
}

function widthOf(text: string): number {
  return [...text].length
}
