/** Brings the tables to what this version needs: plain SQL files, each carried out once and never changed afterwards. */
import { readdirSync, readFileSync } from 'node:fs'
import type { Sql, Transaction } from './sql.ts'

const FOLDER = new URL('./migrations/', import.meta.url)

/** Taken while tables are made, so that daemons that start at once do not make them twice. */
export const TABLES_LOCK = 7_655_381

/** Whether there is something to carry out. */
export async function mustMigrate(sql: Sql): Promise<boolean> {
  const [known] = await sql<{ is_there: boolean }[]>`select to_regclass('migration') is not null as is_there`
  return !known?.is_there || (await missing(sql)).length > 0
}

/** Takes as long as it takes: an index of a large archive is minutes of work. */
export async function migrate(sql: Sql): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`set local statement_timeout = 0`
    await tx`select pg_advisory_xact_lock(${TABLES_LOCK})`
    await tx`create table if not exists migration (file text primary key, done_at timestamptz not null default now())`
    for (const file of await missing(tx)) {
      await tx.unsafe(readFileSync(new URL(file, FOLDER), 'utf8'))
      await tx`insert into migration (file) values (${file})`
    }
  })
}

async function missing(sql: Sql | Transaction): Promise<readonly string[]> {
  const done = new Set((await sql<{ file: string }[]>`select file from migration`).map(({ file }) => file))
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.sql') && !done.has(file))
    .toSorted()
}
