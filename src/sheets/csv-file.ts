/** A table as CSV. */
import type { Sheet } from '../exports/table.ts'
import { csvLines } from './csv.ts'

export async function* csvFile({ heading, table }: Sheet): AsyncGenerator<string> {
  if (heading.length > 0) yield `${csvLines(heading)}\r\n`
  yield csvLines([table.columns.map(({ title }) => title)])
  for await (const rows of table.pages) yield csvLines(rows.map(({ cells }) => cells))
}
