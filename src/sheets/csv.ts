/** CSV by RFC 4180 that spreadsheets open without running it. */
import { stringify } from 'csv-stringify/sync'

type Cell = string | number | undefined

/** Lines, each with its end. */
export function csvLines(rows: readonly (readonly Cell[])[]): string {
  return stringify(
    rows.map((row) => row.map(safe)),
    { record_delimiter: 'windows', quoted_match: QUOTED },
  )
}

const FORMULA = /^[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/
const NUMBER = /^[+-]?\d+(\.\d+)?$/

/** What ends a line is quoted, and so are spaces that some programs drop of cells without quotes. */
const QUOTED = /^\s|\s$|[\t\r\n]/

/**
 * A cell that a spreadsheet would take for a formula gets an apostrophe before it, which it does not show. Numbers and
 * telephone numbers are none.
 */
function safe(cell: Cell): string {
  const text = cell === undefined ? '' : String(cell)
  return FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text
}
