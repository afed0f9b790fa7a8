/** An archive taken over into another database, whole: it stays the archive of its store. */
import { Fault } from '../base/fault.ts'
import type { Database } from './database.ts'
import type { Sql, Transaction } from './sql.ts'

const ROWS_AT_ONCE = 500

/** Answers with how many rows there are. Fault(archive_unfit) when there is nothing to move, or the other is not empty. */
export async function moveArchive(from: Database, to: Database): Promise<number> {
  return from.use(async (source) => {
    if (!(await isClaimed(source))) throw new Fault('archive_unfit', 'there is no archive to move')
    return to.transaction(async (target) => {
      if (await isClaimed(target)) throw new Fault('archive_unfit', 'the database has an archive already')
      await makeMonths(source, target)
      let rows = 0
      for (const table of await tablesOf(source)) rows += await copyTable(source, target, table)
      return rows
    })
  })
}

async function isClaimed(sql: Sql | Transaction): Promise<boolean> {
  const found = await sql`select from installation`
  return found.length > 0
}

/** Those that the migrations make; what they say of themselves is there. */
async function tablesOf(sql: Sql): Promise<readonly string[]> {
  const rows = await sql<{ name: string }[]>`
    select relname as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition and relname <> 'migration'
    order by relname`
  return rows.map(({ name }) => name)
}

async function makeMonths(source: Sql, target: Transaction): Promise<void> {
  const months = await source<{ name: string; parent: string; bound: string }[]>`
    select month.relname as name, parent.relname as parent, pg_get_expr(month.relpartbound, month.oid) as bound
    from pg_class month join pg_inherits on inhrelid = month.oid join pg_class parent on parent.oid = inhparent
    where month.relkind = 'r' and month.relnamespace = 'public'::regnamespace order by month.relname`
  for (const { name, parent, bound } of months) {
    await target.unsafe(`create table if not exists ${name} partition of ${parent} ${bound}`)
  }
}

/** Rows go over as JSON, in which figures are digits: nothing is rounded. */
async function copyTable(source: Sql, target: Transaction, table: string): Promise<number> {
  let count = 0
  const rows = source<{ row: string }[]>`select row_to_json(t)::text as row from ${source(table)} t`
  for await (const page of rows.cursor(ROWS_AT_ONCE)) {
    count += page.length
    await target`insert into ${target(table)} select * from json_populate_recordset(
      null::${target(table)}, ${`[${page.map(({ row }) => row).join()}]`}::text::json)`
  }
  return count
}
