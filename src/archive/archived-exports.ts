/** Exports from the archive: page by page from the oldest record, by place and never by count, so that each page costs the same. */
import type {
  CdrsQuery,
  Snapshot,
  ExportArchive,
  Posting,
  RecordPlace,
  Records,
  RecordsQuery,
} from '../exports/export-archive.ts'
import type { LedgerStreams } from '../ledger/streams.ts'
import { micros } from './amounts.ts'
import { classOf } from './classes.ts'
import type { Archiver } from './archiver.ts'
import type { Database } from './database.ts'
import { epochOf } from './fork.ts'
import { storable } from './rows.ts'
import type { Sql } from './sql.ts'

export interface ArchivedExportsParts {
  readonly database: Database
  readonly archiver: Archiver
  readonly streams: Pick<LedgerStreams, 'lastEntry'>
}

/** Numbers of 64 bits and money are text. */
interface PlacedRow {
  readonly at: Date
  readonly number: string
  readonly level: number
}

interface CdrRow extends PlacedRow {
  readonly cdr: string | null
}

interface PostingRow extends PlacedRow {
  readonly kind: string
  readonly why: string | null
  readonly call: string | null
  readonly operation: string | null
  readonly external_id: string | null
  readonly amount: string
  readonly class: string | null
  readonly charge: string
  readonly pool_seconds: string
  readonly balance: string | null
}

/** Before every record of an instant. */
const BEFORE_ALL = { number: 0, level: 0 } as const

export class ArchivedExports implements ExportArchive {
  readonly #parts: ArchivedExportsParts

  constructor(parts: ArchivedExportsParts) {
    this.#parts = parts
  }

  async snapshot(partition: number): Promise<Snapshot> {
    const { database, archiver, streams } = this.#parts
    // Who makes a file in the background waits for a database that starts.
    await database.open()
    const number = await streams.lastEntry(partition)
    await archiver.catchUpTo(partition, number)
    return { partition, number, epoch: await database.use((sql) => epochOf(sql, partition)) }
  }

  async cdrs(query: CdrsQuery): Promise<Records<string>> {
    const rows = await this.#parts.database.use((sql) => cdrRows(sql, query))
    const items = rows.flatMap(({ cdr }) => (cdr === null ? [] : [cdr]))
    return { items, ...lastOf(rows, query) }
  }

  async postings(query: RecordsQuery): Promise<Records<Posting>> {
    const rows = await this.#parts.database.use((sql) => postingRows(sql, query))
    return { items: rows.map((row) => postingOf(row, query)), ...lastOf(rows, query) }
  }

  async stands({ partition, epoch }: Snapshot): Promise<boolean> {
    return (await this.#parts.database.use((sql) => epochOf(sql, partition))) === epoch
  }
}

/** Rows that are not asked for come without their text: a statement looks at so many rows, however few of them are wanted. */
function cdrRows(sql: Sql, query: CdrsQuery): Promise<CdrRow[]> {
  const { snapshot, account, untilMs, direction, user, limit } = query
  const { atMs, number, level } = placeOf(query)
  const isWanted = sql`${direction === undefined ? sql`true` : sql`direction = ${direction}`}
    and ${user === undefined ? sql`true` : sql`user_id = ${storable(user)}`}`
  return sql<CdrRow[]>`
    select ended_at as at, number, level, case when ${isWanted} then cdr end as cdr
    from cdr c
    where account = ${account} and ended_at >= ${new Date(atMs)} and ended_at < ${new Date(untilMs)}
      and (ended_at, number, level) > (${new Date(atMs)}, ${number}, ${level})
      and partition = ${snapshot.partition} and number <= ${snapshot.number}
      and (current or not exists (
        select from cdr later
        where later.call = c.call and later.account = c.account and later.revision > c.revision
          and later.number <= ${snapshot.number}
      ))
    order by ended_at, number, level limit ${limit}`
}

function postingRows(sql: Sql, query: RecordsQuery): Promise<PostingRow[]> {
  const { snapshot, account, untilMs, limit } = query
  const { atMs, number } = placeOf(query)
  return sql<PostingRow[]>`
    select at, number, 0 as level, kind, why, call, operation, external_id, amount::text as amount, class,
      charge::text as charge, pool_seconds, balance::text as balance
    from posting
    where account = ${account} and at >= ${new Date(atMs)} and at < ${new Date(untilMs)}
      and (at, number) > (${new Date(atMs)}, ${number})
      and partition = ${snapshot.partition} and number <= ${snapshot.number}
    order by at, number limit ${limit}`
}

function placeOf({ fromMs, after = { atMs: fromMs, ...BEFORE_ALL } }: RecordsQuery): RecordPlace {
  return after
}

/**
 * Where it goes on. The rows are let go of: the client's old results hold the next ones until the collector looks at all
 * there is, and a million rows would be held by then.
 */
function lastOf(rows: PlacedRow[], { limit }: RecordsQuery): { readonly next?: RecordPlace } {
  const [last, isFull] = [rows.at(-1), rows.length === limit]
  rows.length = 0
  if (last === undefined || !isFull) return {}
  return { next: { atMs: last.at.getTime(), number: Number(last.number), level: last.level } }
}

function postingOf(row: PostingRow, { snapshot, account }: RecordsQuery): Posting {
  const poolSeconds = Number(row.pool_seconds)
  return {
    id: `${snapshot.partition}-${row.number}`,
    account,
    atMs: row.at.getTime(),
    what: row.kind,
    ...(row.why === null ? {} : { why: row.why }),
    ...(row.call === null ? {} : { call: row.call }),
    ...(row.operation === null ? {} : { operation: row.operation }),
    ...(row.external_id === null ? {} : { externalId: row.external_id }),
    amount: micros(row.amount),
    ...(row.balance === null ? {} : { balanceAfter: micros(row.balance) }),
    ...classOf(row.class),
    ...(row.class === null ? {} : { charge: micros(row.charge) }),
    ...(poolSeconds === 0 ? {} : { poolSeconds }),
  }
}
