/** CSV by RFC 4180 that spreadsheets open without running it. */

/** One line, with its end. */
export function csvLine(cells: readonly (string | number | undefined)[]): string {
  return `${cells.map((cell) => csvCell(cell === undefined ? '' : String(cell))).join(',')}\r\n`
}

const FORMULA = /^[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/
const NUMBER = /^[+-]?\d+(\.\d+)?$/

/**
 * A cell that a spreadsheet would take for a formula gets an apostrophe before it, which it does not show. Numbers and
 * telephone numbers are none.
 */
function csvCell(text: string): string {
  const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text
  return /[",\r\n\t]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
