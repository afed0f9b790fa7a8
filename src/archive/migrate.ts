/** Brings the tables to what this version needs: plain SQL files, each carried out once and never changed afterwards. */
import { readdirSync, readFileSync } from 'node:fs'
import type { Sql } from './sql.ts'

const FOLDER = new URL('./migrations/', import.meta.url)

/** Taken while tables are made, so that daemons that start at once do not make them twice. */
export const TABLES_LOCK = 7_655_381

function migrations(): readonly string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.sql'))
    .toSorted()
}

/** Something is to be made: with years of entries that may take minutes. */
export async function isBehind(sql: Sql): Promise<boolean> {
  const [table] = await sql<{ name: string | null }[]>`select to_regclass('migration')::text as name`
  if (!table?.name) return true
  const done = await sql<{ file: string }[]>`select file from migration`
  return migrations().some((file) => !done.some((row) => row.file === file))
}

/** Takes as long as it takes: a statement's usual deadline is none here. */
export async function migrate(sql: Sql): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`set local statement_timeout = 0`
    await tx`select pg_advisory_xact_lock(${TABLES_LOCK})`
    await tx`create table if not exists migration (file text primary key, done_at timestamptz not null default now())`
    const done = await tx<{ file: string }[]>`select file from migration`
    for (const file of migrations()) {
      if (done.some((row) => row.file === file)) continue
      await tx.unsafe(readFileSync(new URL(file, FOLDER), 'utf8'))
      await tx`insert into migration (file) values (${file})`
    }
  })
}
