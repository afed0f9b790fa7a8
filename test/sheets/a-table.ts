/** Tables for writers of files. */
import type { Cell, Column, Row, Table } from '../../src/exports/table.ts'

export const columns: readonly Column[] = [
  { title: 'call', kind: 'text' },
  { title: 'to', kind: 'text' },
  { title: 'seconds', kind: 'number' },
  { title: 'charge', kind: 'amount' },
]

/** One page for each list of rows. */
export function tableOf(...pages: readonly (readonly (readonly Cell[])[])[]): Table {
  return { columns, pages: pagesOf(pages) }
}

async function* pagesOf(pages: readonly (readonly (readonly Cell[])[])[]): AsyncGenerator<readonly Row[]> {
  for (const rows of pages) yield rows.map((cells) => ({ cells }))
}

export async function textOf(parts: AsyncIterable<string>): Promise<string> {
  let all = ''
  for await (const part of parts) all += part
  return all
}
