/**
 * A store that writes to its disk once a second forgets that second when its machine dies, and goes on with other
 * entries under the numbers that were archived. Then the archive follows the store, whose balances decide calls, and
 * what was archived and is no more is put aside for people (table `lost`).
 */
import type { LedgerStreams, StoredEntry } from '../ledger/streams.ts'
import type { Database } from './database.ts'
import { archivedEntries } from './entries.ts'
import type { Sql, Transaction } from './sql.ts'
import { digestOf, type Place, savePlace } from './progress.ts'

const PAGE = 200

/** Number of the last entry that the archive and the store have in common; 0 is none. */
export async function findFork(
  database: Database,
  streams: LedgerStreams,
  { partition, from }: { readonly partition: number; readonly from: number },
): Promise<number> {
  for (let to = from; to > 0; to -= PAGE) {
    const first = Math.max(1, to - PAGE + 1)
    const archived = await database.use((sql) => archivedEntries(sql, { partition, from: first, to }))
    const stored = new Map((await streams.entries(partition, first, to)).map((entry) => [entry.number, entry]))
    const common = archived.findLast((entry) => isSame(entry, stored.get(entry.number)))
    if (common) return common.number
  }
  return 0
}

function isSame(a: StoredEntry, b: StoredEntry | undefined): boolean {
  return b !== undefined && a.entry === b.entry && a.balances === b.balances
}

/** How often the store went on from an older state than the archive had of the partition. */
export async function epochOf(sql: Sql, partition: number): Promise<number> {
  const [row] = await sql<{ epoch: number }[]>`
    select coalesce(max(epoch), 0) as epoch from fork where partition = ${partition}`
  return row?.epoch ?? 0
}

export interface Cut {
  readonly place: Place
  /** Entries and CDRs that were put aside. */
  readonly lost: number
}

/** Puts aside what comes after the fork; the partition is locked. */
export async function cutTo(
  sql: Transaction,
  { partition, fork, place }: { readonly partition: number; readonly fork: number; readonly place: Place },
): Promise<Cut> {
  const after = sql`partition = ${partition} and number > ${fork}`
  const lost = await sql`
    insert into lost (partition, number, level, body)
    select partition, number, 0, entry || ' ' || balances from journal where ${after}
    union all select partition, number, level, cdr from cdr where ${after}`
  await sql`
    update cdr set current = true from cdr later
    where later.partition = ${partition} and later.number > ${fork} and later.revision > 0
      and cdr.call = later.call and cdr.account = later.account and cdr.number <= ${fork}
      and cdr.revision = (select max(revision) from cdr kept
        where kept.call = cdr.call and kept.account = cdr.account and kept.number <= ${fork})`
  for (const table of ['journal', 'cdr']) await sql`delete from ${sql(table)} where ${after}`
  await sql`
    with gone as (delete from posting where ${after} returning account, at, amount)
    update posting_month set amount = posting_month.amount - taken.amount
    from (select account, date_trunc('month', at at time zone 'UTC')::date as month, sum(amount) as amount
      from gone group by 1, 2) taken
    where posting_month.account = taken.account and posting_month.month = taken.month`
  const [last] = await archivedEntries(sql, { partition, from: fork, to: fork })
  const [cdr] = await sql<{ number: string; level: number }[]>`
    select number, level from cdr where partition = ${partition} order by number desc, level desc limit 1`
  const cut: Place = {
    ...place,
    journal: fork,
    digest: last ? digestOf(last) : '',
    cdr: { number: Number(cdr?.number ?? 0), level: cdr?.level ?? 0 },
    // Profiles and records that were written meanwhile may be lost as well: all are read again.
    record: 0,
    hasProfiles: false,
  }
  await sql`
    insert into fork (partition, epoch, number)
    select ${partition}, coalesce(max(epoch), 0) + 1, ${fork} from fork where partition = ${partition}`
  await sql`delete from account_record where partition = ${partition}`
  await sql`delete from account where partition = ${partition}`
  await savePlace(sql, partition, cut)
  return { place: cut, lost: lost.count }
}
