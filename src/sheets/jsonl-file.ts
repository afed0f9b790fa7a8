/** A table as lines of JSON: the records as the API has them, or else an object of the cells by their titles. */
import type { Column, Row, Sheet } from '../exports/table.ts'

export async function* jsonlFile({ heading, table }: Sheet): AsyncGenerator<string> {
  if (heading.length > 0) yield `${JSON.stringify({ export: Object.fromEntries(heading) })}\n`
  for await (const rows of table.pages) yield rows.map((row) => `${jsonOf(row, table.columns)}\n`).join('')
}

function jsonOf({ json, cells }: Row, columns: readonly Column[]): string {
  return json ?? JSON.stringify(Object.fromEntries(columns.map(({ title }, index) => [title, cells[index]])))
}
