/** Writes a page of the store's streams: rows go over as one JSON text for each table, which PostgreSQL takes apart. */
import type { StreamPage } from '../ledger/streams.ts'
import type { Transaction } from './sql.ts'
import type { Months } from './months.ts'
import { cdrRow, type CdrRow, entryIn, eventRow, journalRow, postingRows, storable } from './rows.ts'

export interface Appending {
  readonly partition: number
  readonly page: StreamPage
  readonly months: Months
}

export async function appendPage(sql: Transaction, { partition, page, months }: Appending): Promise<void> {
  await appendEntries(sql, { partition, page, months })
  await appendCdrs(sql, { partition, page, months })
  if (page.events.length > 0) {
    const rows = page.events.map((event) => eventRow(partition, event))
    await months.make(
      sql,
      'event',
      rows.map(({ at }) => at),
    )
    await sql`insert into event select * from json_populate_recordset(null::event, ${recordsOf(rows)}::text::json)
      on conflict do nothing`
  }
  if (page.records.length > 0) await appendRecords(sql, { partition, page })
  if (page.profiles.length === 0) return
  const profiles = page.profiles.map(({ account, version, profile }) => ({ id: account, partition, version, profile }))
  await sql`insert into account select * from json_populate_recordset(null::account, ${recordsOf(profiles)}::text::json)
    on conflict (id) do update set version = excluded.version, profile = excluded.profile
      where excluded.version >= account.version`
}

async function appendRecords(
  sql: Transaction,
  { partition, page }: Pick<Appending, 'partition' | 'page'>,
): Promise<void> {
  const records = page.records.map(({ name, version, content }) => {
    return { partition, name, version, content: JSON.stringify(content) }
  })
  await sql`insert into account_record
    select * from json_populate_recordset(null::account_record, ${recordsOf(records)}::text::json)
    on conflict (partition, name) do update set version = excluded.version, content = excluded.content
      where excluded.version > account_record.version`
}

async function appendEntries(sql: Transaction, { partition, page, months }: Appending): Promise<void> {
  if (page.entries.length === 0) return
  const entries = page.entries.map((stored) => ({ stored, entry: entryIn(stored) }))
  const journal = entries.map(({ stored, entry }) => journalRow(partition, stored, entry))
  const postings = entries.flatMap(({ stored, entry }) => postingRows(partition, stored, entry))
  const instants = journal.map(({ at }) => at)
  await months.make(sql, 'journal', instants)
  await months.make(sql, 'posting', instants)
  await sql`insert into journal select * from json_populate_recordset(null::journal, ${recordsOf(journal)}::text::json)
    on conflict do nothing`
  // Only what was not there before counts in the sum of its month.
  await sql`
    with added as (
      insert into posting select * from json_populate_recordset(null::posting, ${recordsOf(postings)}::text::json)
      on conflict do nothing returning account, at, amount)
    insert into posting_month
      select account, date_trunc('month', at at time zone 'UTC')::date, sum(amount) from added group by 1, 2
      on conflict (account, month) do update set amount = posting_month.amount + excluded.amount`
}

async function appendCdrs(sql: Transaction, { partition, page, months }: Appending): Promise<void> {
  if (page.cdrs.length === 0) return
  const rows = page.cdrs.map((stored) => cdrRow(partition, stored))
  await months.make(
    sql,
    'cdr',
    rows.map((row) => row.ended_at),
  )
  await sql`insert into cdr select * from json_populate_recordset(null::cdr, ${recordsOf(rows)}::text::json)
    on conflict do nothing`
  const corrected = rows.filter(({ revision }) => revision > 0)
  if (corrected.length > 0) await keepNewest(sql, corrected)
}

/** Of the revisions of one CDR the last is current; which table the others lie in is not known. */
async function keepNewest(sql: Transaction, rows: readonly CdrRow[]): Promise<void> {
  const corrected = rows.map(({ account, call, revision }) => ({ account, call, revision }))
  await sql`
    update cdr set current = false
    from json_to_recordset(${recordsOf(corrected)}::text::json) as newer(account text, call text, revision integer)
    where cdr.call = newer.call and cdr.account = newer.account and cdr.revision < newer.revision and cdr.current`
}

function recordsOf(rows: readonly object[]): string {
  return JSON.stringify(rows, (_column, value: unknown) => (typeof value === 'string' ? storable(value) : value))
}
