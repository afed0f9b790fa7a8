/** All that is archived of a store, for one that has lost everything. */
import type { Checkpoint } from '../ledger/checkpoint.ts'
import type {
  Arming,
  LedgerCopy,
  StoredCdr,
  StoredContent,
  StoredEntry,
  StoredProfileText,
  StoredRecord,
  StoreDocument,
} from '../ledger/streams.ts'
import type { Database } from './database.ts'
import { keptCheckpoint } from './checkpoints.ts'
import { documentsIn } from './documents.ts'
import { archivedEntries, lastEntryBefore } from './entries.ts'

const ENTRIES_AT_ONCE = 1_000
const ROWS_AT_ONCE = 500

export class ArchivedCopy implements LedgerCopy {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  documents(): Promise<readonly StoreDocument[]> {
    return documentsIn(this.#database)
  }

  async *profiles(partition: number): AsyncGenerator<readonly StoredProfileText[]> {
    let after = ''
    for (;;) {
      const from = after
      const rows = await this.#database.use(
        (sql) => sql<{ id: string; version: string; profile: string }[]>`
          select id, version, profile from account where partition = ${partition} and id > ${from}
          order by id limit ${ROWS_AT_ONCE}`,
      )
      if (rows.length > 0) {
        yield rows.map(({ id, version, profile }) => ({ account: id, version: Number(version), profile }))
      }
      if (rows.length < ROWS_AT_ONCE) return
      after = rows.at(-1)?.id ?? ''
    }
  }

  checkpoint(partition: number): Promise<Checkpoint> {
    return this.#database.use((sql) => keptCheckpoint(sql, partition))
  }

  lastBefore(partition: number, beforeMs: number): Promise<number> {
    return this.#database.use((sql) => lastEntryBefore(sql, partition, beforeMs))
  }

  async lastEntry(partition: number): Promise<number> {
    const [row] = await this.#database.use(
      (sql) => sql<{ last: string | null }[]>`select max(number) as last from journal where partition = ${partition}`,
    )
    return Number(row?.last ?? 0)
  }

  async *entries(partition: number): AsyncGenerator<readonly StoredEntry[]> {
    const { number } = await this.checkpoint(partition)
    for (let from = number + 1; ; from += ENTRIES_AT_ONCE) {
      const range = { partition, from, to: from + ENTRIES_AT_ONCE - 1 }
      const page = await this.#database.use((sql) => archivedEntries(sql, range))
      if (page.length > 0) yield page
      if (page.length < ENTRIES_AT_ONCE) return
    }
  }

  async *cdrs(partition: number, last: number): AsyncGenerator<readonly StoredCdr[]> {
    let after = { number: last + 1, level: 0 }
    for (;;) {
      const { number, level } = after
      const rows = await this.#database.use(
        (sql) => sql<{ number: string; level: number; cdr: string }[]>`
          select number, level, cdr from cdr
          where partition = ${partition} and (number, level) > (${number}, ${level})
          order by number, level limit ${ROWS_AT_ONCE}`,
      )
      const page = wholeCalls(rows.map((row) => ({ ...row, number: Number(row.number) })))
      if (page.length > 0) yield page
      if (rows.length < ROWS_AT_ONCE) return
      after = page.at(-1) ?? after
    }
  }

  async *records(partition: number): AsyncGenerator<readonly StoredRecord[]> {
    let after = '0'
    for (;;) {
      const from = after
      const rows = await this.#database.use(
        (sql) => sql<{ name: string; version: string; content: string }[]>`
          select name, version, content from account_record where partition = ${partition} and version > ${from}
          order by version limit ${ROWS_AT_ONCE}`,
      )
      if (rows.length > 0) yield rows.map(recordOf)
      if (rows.length < ROWS_AT_ONCE) return
      after = rows.at(-1)?.version ?? ''
    }
  }

  async olderCdrs(partition: number, last: number): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#database.use(
      (sql) => sql<{ account: string; older: string }[]>`
        select account, count(*) as older from cdr
        where partition = ${partition} and revision = 0 and number <= ${last} group by account`,
    )
    return new Map(rows.map(({ account, older }) => [account, Number(older)]))
  }

  async armings(partition: number): Promise<readonly Arming[]> {
    const rows = await this.#database.use(
      (sql) => sql<{ account: string; type: string; arming: string }[]>`
        select account, type, max((fields::json ->> 'arming')::bigint)::text as arming
        from event where partition = ${partition} and fields::json ->> 'arming' is not null group by account, type`,
    )
    return rows.map(({ account, type, arming }) => ({ account, type, arming: Number(arming) }))
  }
}

/** The levels of a call are handed on together: of a full page the last call may have more. */
function wholeCalls(page: readonly StoredCdr[]): readonly StoredCdr[] {
  const last = page.at(-1)
  return page.length < ROWS_AT_ONCE ? page : page.filter(({ number }) => number !== last?.number)
}

function recordOf({ name, version, content }: { name: string; version: string; content: string }): StoredRecord {
  return { name, version: Number(version), content: JSON.parse(content) as StoredContent }
}
