/** A table as CSV. */
import type { ExportFile } from '../exports/export-job.ts'
import { csvLines } from './csv.ts'

export async function* csvFile({ heading, table }: Pick<ExportFile, 'heading' | 'table'>): AsyncGenerator<string> {
  if (heading.length > 0) yield `${csvLines(heading)}\r\n`
  yield csvLines([table.columns.map(({ title }) => title)])
  for await (const { rows } of table.pages) yield csvLines(rows.map(({ cells }) => cells))
}
