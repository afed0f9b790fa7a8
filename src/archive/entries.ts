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
 * Number of the last entry of the partition that was written before an instant; 0 is none. That is the daemons' clock: what
 * edges say of when a call ended says nothing of when it was told.
 */
export async function lastEntryBefore(sql: Sql, partition: number, beforeMs: number): Promise<number> {
  const [row] = await sql<{ number: string | null }[]>`
    select max(number) as number from journal where partition = ${partition} and at < ${new Date(beforeMs)}`
  return Number(row?.number ?? 0)
}
