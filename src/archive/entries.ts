/** Archived entries by their number and by their instant. */
import type { StoredEntry } from '../ledger/streams.ts'
import type { Sql, Transaction } from './sql.ts'

interface EntryRow {
  readonly number: string
  readonly entry: string
  readonly balances: string
}

export async function archivedEntries(
  sql: Sql | Transaction,
  { partition, from, to }: { readonly partition: number; readonly from: number; readonly to: number },
): Promise<readonly StoredEntry[]> {
  const rows = await sql<EntryRow[]>`
    select number, entry, balances from journal
    where partition = ${partition} and number between ${from} and ${to} order by number`
  return rows.map(({ number, entry, balances }) => ({ number: Number(number), entry, balances }))
}

/**
 * Number of the last entry of the partition that was written before an instant, with all before it; 0 is none. That is the
 * daemons' clock: what edges say of when a call ended says nothing of when it was told.
 */
export async function lastEntryBefore(sql: Sql, partition: number, beforeMs: number): Promise<number> {
  const before = new Date(beforeMs)
  const [row] = await sql<{ last: string | null }[]>`
    select coalesce(
      (select min(number) - 1 from journal where partition = ${partition} and at >= ${before}),
      (select max(number) from journal where partition = ${partition} and at < ${before})
    ) as last`
  return Number(row?.last ?? 0)
}
