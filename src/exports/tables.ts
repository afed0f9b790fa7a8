/** The tables that can be exported, read page by page. */
import { given } from '../accounts/profile.ts'
import { Fault } from '../base/fault.ts'
import { formatAmount } from '../base/money.ts'
import { formatInstant } from '../base/time.ts'
import type { Cdr } from '../usage/cdr.ts'
import type { UsageDesk } from '../usage/summary.ts'
import type { UsageRow } from '../usage/usage-row.ts'
import { cdrColumns } from './cdr-columns.ts'
import type { ExportOrder } from './export.ts'
import type { ExportArchive, Posting, RecordPlace, Records, RecordsQuery } from './export-archive.ts'
import { cellsOf, type ColumnOf, columnsOf, type Page, type Row, type Table } from './table.ts'

export interface TableSources {
  readonly archive: ExportArchive
  readonly usage: Pick<UsageDesk, 'whose' | 'summary'>
}

/** Small, so that what was read is let go before the collector takes it for long-lived. */
const PAGE = 100

const transactionColumns: readonly ColumnOf<Posting>[] = [
  ['id', 'text', ({ id }) => id],
  ['account', 'text', ({ account }) => account],
  ['at', 'text', ({ atMs }) => formatInstant(atMs)],
  ['what', 'text', ({ what }) => what],
  ['why', 'text', ({ why }) => why],
  ['call', 'text', ({ call }) => call],
  ['operation', 'text', ({ operation }) => operation],
  ['external_id', 'text', ({ externalId }) => externalId],
  ['amount', 'amount', ({ amount }) => formatAmount(amount)],
  [
    'balance_after',
    'amount',
    ({ balanceAfter }) => (balanceAfter === undefined ? undefined : formatAmount(balanceAfter)),
  ],
  ['pool_seconds', 'number', ({ poolSeconds }) => poolSeconds],
]

const usageColumns: readonly ColumnOf<UsageRow>[] = [
  ['key', 'text', ({ key }) => key],
  ['calls', 'number', ({ calls }) => calls],
  ['seconds', 'number', ({ seconds }) => seconds],
  ['billed_seconds', 'number', ({ billedSeconds }) => billedSeconds],
  ['pool_seconds', 'number', ({ poolSeconds }) => poolSeconds],
  ['trunk_seconds', 'number', ({ trunkSeconds }) => trunkSeconds],
  ['overrun_seconds', 'number', ({ overrunSeconds }) => overrunSeconds],
  ['overruns', 'number', ({ overruns }) => overruns],
  ['charge', 'amount', ({ charge }) => formatAmount(charge)],
  ['currency', 'text', ({ currency }) => currency],
]

export function tableOf(order: ExportOrder, sources: TableSources): Table {
  switch (order.content) {
    case 'cdrs':
      return { columns: columnsOf(cdrColumns), pages: cdrPages(order, sources) }
    case 'transactions':
      return { columns: columnsOf(transactionColumns), pages: transactionPages(order, sources) }
    case 'usage':
      return { columns: columnsOf(usageColumns), pages: usagePages(order, sources) }
  }
}

function cdrPages(order: ExportOrder, sources: TableSources): AsyncGenerator<Page> {
  const { direction, user } = order
  return read(order, sources, {
    records: (query) => sources.archive.cdrs({ ...query, ...given({ direction, user }) }),
    row: (json) => ({ cells: cellsOf(cdrColumns, JSON.parse(json) as Cdr), json }),
  })
}

function transactionPages(order: ExportOrder, sources: TableSources): AsyncGenerator<Page> {
  return read(order, sources, {
    records: (query) => sources.archive.postings(query),
    row: (posting) => ({ cells: cellsOf(transactionColumns, posting) }),
  })
}

async function* usagePages(order: ExportOrder, { usage }: TableSources): AsyncGenerator<Page> {
  const rows = await usage.summary(order.account, order)
  yield { rows: rows.map((row) => ({ cells: cellsOf(usageColumns, row) })), done: 1000 }
}

interface Reading<Item> {
  readonly records: (query: RecordsQuery) => Promise<Records<Item>>
  readonly row: (item: Item) => Row
}

/** Account after account, each from its oldest record on, all as they were at one time; how far a page is, its last instant tells. */
async function* read<Item>(
  order: ExportOrder,
  { usage, archive }: TableSources,
  { records, row }: Reading<Item>,
): AsyncGenerator<Page> {
  const { partition, accounts } = await usage.whose(order.account, order.includeDescendants)
  const snapshot = await archive.snapshot(partition)
  const { fromMs, untilMs } = order
  for (const [index, account] of accounts.entries()) {
    let after: RecordPlace | undefined
    do {
      const query = { snapshot, account, fromMs, untilMs, limit: PAGE }
      const { items, next }: Records<Item> = await records(after === undefined ? query : { ...query, after })
      const share = next === undefined ? 1 : (next.atMs - fromMs) / (untilMs - fromMs)
      yield { rows: items.map(row), done: Math.floor((1000 * (index + share)) / accounts.length) }
      after = next
    } while (after !== undefined)
  }
  if (await archive.stands(snapshot)) return
  throw new Fault('archive_unfit', 'the store lost entries while its calls were exported', { retryable: true })
}
