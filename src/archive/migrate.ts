/** Brings the tables to what this version needs: plain SQL files, each carried out once and never changed afterwards. */
import { readdirSync, readFileSync } from 'node:fs'
import type { Sql } from './sql.ts'

const FOLDER = new URL('./migrations/', import.meta.url)

/** Taken while tables are made, so that daemons that start at once do not make them twice. */
export const TABLES_LOCK = 7_655_381

export async function migrate(sql: Sql): Promise<void> {
  const files = readdirSync(FOLDER)
    .filter((file) => file.endsWith('.sql'))
    .toSorted()
  await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(${TABLES_LOCK})`
    await tx`create table if not exists migration (file text primary key, done_at timestamptz not null default now())`
    const done = await tx<{ file: string }[]>`select file from migration`
    for (const file of files) {
      if (done.some((row) => row.file === file)) continue
      await tx.unsafe(readFileSync(new URL(file, FOLDER), 'utf8'))
      await tx`insert into migration (file) values (${file})`
    }
  })
}
