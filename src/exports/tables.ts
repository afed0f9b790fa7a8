/** The tables that can be exported, read page by page from what the API lists page by page. */
import type { Page as Listed, Transaction } from '../accounts/office.ts'
import { formatAmount } from '../base/money.ts'
import { formatInstant, parseInstant } from '../base/time.ts'
import type { Cdr } from '../usage/cdr.ts'
import type { UsageDesk } from '../usage/summary.ts'
import type { UsageRow } from '../usage/usage-row.ts'
import { cdrColumns } from './cdr-columns.ts'
import type { ExportOrder } from './export.ts'
import { cellsOf, type ColumnOf, columnsOf, type Page, type Row, type Table } from './table.ts'

export interface TableSources {
  readonly usage: Pick<UsageDesk, 'whose' | 'cdrs' | 'transactions' | 'summary'>
}

/** Small, so that what was read is let go before the collector takes it for long-lived. */
const PAGE = 100

interface Posting extends Transaction {
  readonly account: string
}

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
  ['balance_after', 'amount', ({ balanceAfter }) => formatAmount(balanceAfter)],
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
  const read = (account: string, cursor: string | undefined) =>
    sources.usage.cdrs(account, { ...placeOf(order, cursor), limit: PAGE })
  return walked(order, sources, {
    read,
    atMs: (text) => parseInstant((JSON.parse(text) as Cdr).endedAt) ?? 0,
    rows: (texts) => texts.flatMap((text) => cdrRow(text, order)),
  })
}

function cdrRow(text: string, { direction, user }: ExportOrder): readonly Row[] {
  const cdr = JSON.parse(text) as Cdr
  const isOther = (direction !== undefined && cdr.direction !== direction) || (user !== undefined && cdr.user !== user)
  return isOther ? [] : [{ cells: cellsOf(cdrColumns, cdr), json: text }]
}

function transactionPages(order: ExportOrder, sources: TableSources): AsyncGenerator<Page> {
  return walked<Posting>(order, sources, {
    async read(account, cursor) {
      const page = await sources.usage.transactions(account, { ...placeOf(order, cursor), limit: PAGE })
      return { ...page, items: page.items.map((item) => ({ ...item, account })) }
    },
    atMs: ({ atMs }) => atMs,
    rows: (postings) => postings.map((posting) => ({ cells: cellsOf(transactionColumns, posting) })),
  })
}

async function* usagePages(order: ExportOrder, { usage }: TableSources): AsyncGenerator<Page> {
  const rows = await usage.summary(order.account, order)
  yield { rows: rows.map((row) => ({ cells: cellsOf(usageColumns, row) })), done: 1000 }
}

function placeOf({ fromMs, untilMs }: ExportOrder, cursor: string | undefined) {
  return { fromMs, untilMs, ...(cursor === undefined ? {} : { cursor }) }
}

interface Walk<Item> {
  readonly read: (account: string, cursor: string | undefined) => Promise<Listed<Item>>
  readonly atMs: (item: Item) => number
  readonly rows: (items: readonly Item[]) => readonly Row[]
}

/** Account after account, each from its newest record back: how far a page is, its last instant tells. */
async function* walked<Item>(
  order: ExportOrder,
  { usage }: TableSources,
  { read, atMs, rows }: Walk<Item>,
): AsyncGenerator<Page> {
  const { accounts } = await usage.whose(order.account, order.includeDescendants)
  for (const [index, account] of accounts.entries()) {
    let cursor: string | undefined
    let share = 0
    do {
      const { items, nextCursor } = await read(account, cursor)
      const last = items.at(-1)
      if (last !== undefined) share = passed(order, atMs(last))
      yield { rows: rows(items), done: Math.floor((1000 * (index + share)) / accounts.length) }
      cursor = nextCursor
    } while (cursor !== undefined)
  }
}

function passed({ fromMs, untilMs }: ExportOrder, atMs: number): number {
  return Math.min(1, Math.max(0, (untilMs - atMs) / (untilMs - fromMs)))
}
