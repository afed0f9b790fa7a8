/** The tables that can be exported, made of records as they come. */
import type { Cdr } from '../usage/cdr.ts'
import { cdrColumns } from './cdr-columns.ts'
import type { ExportContent } from './export.ts'
import type { PostingRecord, UsageRecord } from './records.ts'
import { cellsOf, type Column, type ColumnOf, columnsOf, type Row, type Table } from './table.ts'

const transactionColumns: readonly ColumnOf<PostingRecord>[] = [
  ['id', 'text', ({ id }) => id],
  ['account', 'text', ({ account }) => account],
  ['at', 'text', ({ at }) => at],
  ['what', 'text', ({ what }) => what],
  ['why', 'text', ({ why }) => why],
  ['call', 'text', ({ call }) => call],
  ['operation', 'text', ({ operation }) => operation],
  ['external_id', 'text', ({ externalId }) => externalId],
  ['amount', 'amount', ({ amount }) => amount],
  ['balance_after', 'amount', ({ balanceAfter }) => balanceAfter],
  ['class', 'text', (posting) => posting.class],
  ['charge', 'amount', ({ charge }) => charge],
  ['pool_seconds', 'number', ({ poolSeconds }) => poolSeconds],
]

const usageColumns: readonly ColumnOf<UsageRecord>[] = [
  ['key', 'text', ({ key }) => key],
  ['calls', 'number', ({ calls }) => calls],
  ['seconds', 'number', ({ seconds }) => seconds],
  ['billed_seconds', 'number', ({ billedSeconds }) => billedSeconds],
  ['pool_seconds', 'number', ({ poolSeconds }) => poolSeconds],
  ['trunk_seconds', 'number', ({ trunkSeconds }) => trunkSeconds],
  ['overrun_seconds', 'number', ({ overrunSeconds }) => overrunSeconds],
  ['overruns', 'number', ({ overruns }) => overruns],
  ['charge', 'amount', ({ charge }) => charge],
  ['currency', 'text', ({ currency }) => currency],
]

/** Of records as `recordPages` has them. */
export function tableOf(content: ExportContent, pages: AsyncIterable<readonly string[]>): Table {
  switch (content) {
    case 'cdrs':
      return table(columnsOf(cdrColumns), pages, (json) => ({
        cells: cellsOf(cdrColumns, JSON.parse(json) as Cdr),
        json,
      }))
    case 'transactions':
      return table(columnsOf(transactionColumns), pages, (json) => ({
        cells: cellsOf(transactionColumns, JSON.parse(json) as PostingRecord),
      }))
    case 'usage':
      return table(columnsOf(usageColumns), pages, (json) => ({
        cells: cellsOf(usageColumns, JSON.parse(json) as UsageRecord),
      }))
  }
}

function table(columns: readonly Column[], pages: AsyncIterable<readonly string[]>, row: (json: string) => Row): Table {
  return { columns, pages: rowsOf(pages, row) }
}

async function* rowsOf(
  pages: AsyncIterable<readonly string[]>,
  row: (json: string) => Row,
): AsyncGenerator<readonly Row[]> {
  for await (const records of pages) yield records.map(row)
}
