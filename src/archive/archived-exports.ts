/** Exports from the archive: page by page from the oldest record, by place and never by count, so that each page costs the same. */
import { invariant } from '../base/fault.ts'
import type {
  CdrsQuery,
  ExportArchive,
  LinesPage,
  Posting,
  PostingsPage,
  RecordPlace,
  RecordsQuery,
  Snapshot,
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
interface PostingRow {
  readonly at: Date
  readonly number: string
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

  async cdrs(query: CdrsQuery): Promise<LinesPage> {
    const [row] = await this.#parts.database.use((sql) => cdrPage(sql, query))
    invariant(row, 'a sum over no rows is a row')
    const [looked, count, lines, last] = row
    const page = { lines: new Uint8Array(lines ?? []), count: Number(count) }
    if (Number(looked) < query.limit) return page
    const [atMs = 0, number = 0, level = 0] = String(last).split(' ').map(Number)
    return { ...page, next: { atMs, number, level } }
  }

  async postings(query: RecordsQuery): Promise<PostingsPage> {
    const rows = await this.#parts.database.use((sql) => postingRows(sql, query))
    const items = rows.map((row) => postingOf(row, query))
    const last = rows.length === query.limit ? rows.at(-1) : undefined
    // The client's old results hold the next ones until the collector looks at all there is.
    rows.length = 0
    if (!last) return { items }
    return { items, next: { atMs: last.at.getTime(), number: Number(last.number), level: BEFORE_ALL.level } }
  }

  async stands({ partition, epoch }: Snapshot): Promise<boolean> {
    return (await this.#parts.database.use((sql) => epochOf(sql, partition))) === epoch
  }
}

/** As the server writes them, in text. */
type Columns = readonly (Buffer | null)[]

/**
 * One row, in the bytes of the server: how many CDRs it looked at, how many of them are wanted, their lines, and the place of
 * the last it looked at. A statement looks at so many, however few of them are wanted.
 */
function cdrPage(sql: Sql, query: CdrsQuery): Promise<readonly Columns[]> {
  const { snapshot, account, untilMs, direction, user, limit } = query
  const { atMs, number, level } = placeOf(query)
  const isWanted = sql`${direction === undefined ? sql`true` : sql`direction = ${direction}`}
    and ${user === undefined ? sql`true` : sql`user_id = ${storable(user)}`}`
  return sql`
    with page as (
      select (extract(epoch from ended_at) * 1000)::bigint as at, number, level, case when ${isWanted} then cdr end as cdr
      from cdr c
      where account = ${account} and ended_at >= ${new Date(atMs)} and ended_at < ${new Date(untilMs)}
        and (ended_at, number, level) > (${new Date(atMs)}, ${number}, ${level})
        and partition = ${snapshot.partition} and number <= ${snapshot.number}
        and (current or not exists (
          select from cdr later
          where later.call = c.call and later.account = c.account and later.revision > c.revision
            and later.number <= ${snapshot.number}
        ))
      order by ended_at, number, level limit ${limit}
    )
    select count(*), count(cdr), string_agg(cdr, chr(10) order by at, number, level),
      (select concat_ws(' ', at, number, level) from page order by page.at desc, page.number desc, page.level desc limit 1)
    from page`.raw()
}

function postingRows(sql: Sql, query: RecordsQuery): Promise<PostingRow[]> {
  const { snapshot, account, untilMs, limit } = query
  const { atMs, number } = placeOf(query)
  return sql<PostingRow[]>`
    select at, number, kind, why, call, operation, external_id, amount::text as amount, class,
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
