/** Usage from the archive: summed by PostgreSQL, of all that the store has told by the time it is asked. */
import type { Page, Transaction } from '../accounts/office.ts'
import { transactionOf } from '../accounts/transaction.ts'
import { dayOf } from '../base/time.ts'
import type { Cdr } from '../usage/cdr.ts'
import { changeOf, type ChangesPage, type ChangesPlace } from '../usage/changes.ts'
import type { ArchivedHistoryQuery, SourceQuery, UsageAccounts, UsageArchive } from '../usage/summary.ts'
import type { UsageBy, UsageRow } from '../usage/usage-row.ts'
import type { NewestCdrs } from '../rerating/rerating.ts'
import { micros } from './amounts.ts'
import { arrayOf } from './arrays.ts'
import type { Archiver } from './archiver.ts'
import type { Database } from './database.ts'
import type { Sql } from './sql.ts'

/** The clocks of every zone are whole quarters of an hour apart, so each of these lies in one day of any of them. */
const QUARTER_SECONDS = 900

/** Sums of 64 bits and money are text. */
interface SumRow {
  readonly key: string
  readonly currency: string
  readonly calls: string
  readonly seconds: string
  readonly billed: string
  readonly pool: string
  readonly trunk: string
  readonly overrun: string
  readonly overruns: string
  readonly charge: string
}

interface ChangeRow {
  readonly number: string
  readonly level: number
  readonly cdr: string
  readonly before: string | null
}

export interface ArchivedUsageParts {
  readonly database: Database
  readonly archiver: Archiver
}

export class ArchivedUsage implements UsageArchive, NewestCdrs {
  readonly #parts: ArchivedUsageParts

  constructor(parts: ArchivedUsageParts) {
    this.#parts = parts
  }

  get isOpen(): boolean {
    return this.#parts.database.isOpen
  }

  async *rows(query: SourceQuery): AsyncGenerator<UsageRow> {
    const { database, archiver } = this.#parts
    await archiver.catchUp(query.partition)
    yield* (await database.use((sql) => sums(sql, query))).map((row) => usageRow(row, query))
  }

  async cdrs(query: ArchivedHistoryQuery): Promise<Page<string>> {
    const { database, limit } = { ...this.#parts, ...query }
    const rows = await database.use((sql) => cdrsBefore(sql, query))
    const page = rows.slice(0, limit)
    const items = page.map(({ cdr }) => cdr)
    return rows.length > limit ? { items, nextCursor: `a${page.at(-1)?.number ?? '0'}` } : { items }
  }

  async transactions(query: ArchivedHistoryQuery): Promise<Page<Transaction>> {
    const { database, limit } = { ...this.#parts, ...query }
    const rows = await database.use((sql) => postingsBefore(sql, query))
    const page = rows.slice(0, limit)
    const items = page.map(({ number, ...stored }) => transactionOf(query, { ...stored, number: Number(number) }))
    return rows.length > limit ? { items, nextCursor: `a${page.at(-1)?.number ?? '0'}` } : { items }
  }

  /** The newest CDR of each level of the calls. */
  async newestOf(partition: number, calls: readonly string[]): Promise<readonly Cdr[]> {
    const { database, archiver } = this.#parts
    await archiver.catchUp(partition)
    const rows = await database.use(
      (sql) => sql<{ cdr: string }[]>`select cdr from cdr where call = any(${arrayOf(calls)}::text[]) and current`,
    )
    return rows.map(({ cdr }) => JSON.parse(cdr) as Cdr)
  }

  async changes(query: UsageAccounts & ChangesPlace): Promise<ChangesPage> {
    const { database, archiver } = this.#parts
    await archiver.catchUp(query.partition)
    const { cursor = '0.0', limit } = query
    // First, as a fork between the two is then found the next time.
    const { epoch, last: archived, ...after } = await database.use((sql) => placeOf(sql, query.partition, cursor))
    if (after.number > archived) return { items: [], cursor, more: false, unknown: true }
    const rows = await database.use((sql) => changesAfter(sql, { ...query, ...after }))
    const page = rows.slice(0, limit)
    const last = page.at(-1)
    return {
      items: page.map(({ cdr, before }) => {
        return changeOf(JSON.parse(cdr) as Cdr, before === null ? undefined : (JSON.parse(before) as Cdr))
      }),
      cursor: last ? `${last.number}.${last.level}${epoch > 0 ? `.${epoch}` : ''}` : cursor,
      more: rows.length > limit,
    }
  }
}

/**
 * The names in it are those of the index cdr_usage: one that is not would have every row read. A tree has one currency; to group
 * by it as well would have the planner expect many groups, and sort all rows for them.
 */
function sums(sql: Sql, { accounts, fromMs, untilMs, by }: SourceQuery): Promise<readonly SumRow[]> {
  const key = sql(COLUMNS[by])
  return sql<SumRow[]>`
    select ${key}::text as key, min(currency) as currency, count(*) as calls,
      sum(seconds) as seconds, sum(billed_seconds) as billed, sum(pool_seconds) as pool, sum(trunk_seconds) as trunk,
      sum(overrun_seconds) as overrun, count(*) filter (where ' ' || flags || ' ' like '% overrun %') as overruns,
      sum(charge)::text as charge
    from (select *, floor(extract(epoch from ended_at) / ${QUARTER_SECONDS})::bigint as quarter from cdr) as c
    where account = any(${arrayOf(accounts)}::text[]) and current
      and ended_at >= ${new Date(fromMs)} and ended_at < ${new Date(untilMs)}
    group by ${key}`
}

/** PostgreSQL reads some zones in another way ("+05:30", "IST"), so days are made here, of quarters of an hour. */
const COLUMNS: Readonly<Record<UsageBy, string>> = {
  day: 'quarter',
  destination: 'destination',
  user: 'user_id',
  trunk: 'trunk',
  direction: 'direction',
  account: 'account',
}

function usageRow(row: SumRow, { by, timezone }: SourceQuery): UsageRow {
  return {
    key: by === 'day' ? dayOf(Number(row.key) * QUARTER_SECONDS * 1000, timezone) : row.key,
    currency: row.currency,
    calls: Number(row.calls),
    seconds: Number(row.seconds),
    billedSeconds: Number(row.billed),
    poolSeconds: Number(row.pool),
    trunkSeconds: Number(row.trunk),
    overrunSeconds: Number(row.overrun),
    overruns: Number(row.overruns),
    charge: micros(row.charge),
  }
}

interface PlaceAfter {
  readonly number: number
  readonly level: number
  readonly epoch: number
  /** The last entry that is archived; a cursor beyond it was never given out here. */
  readonly last: number
}

/** No chain has so many accounts. */
const AFTER_ALL_LEVELS = 99

/**
 * After which CDR the cursor goes on; from before a fork it goes back to there, as the entries after it are others now. All
 * that was told until then stays told.
 */
async function placeOf(sql: Sql, partition: number, cursor: string): Promise<PlaceAfter> {
  const [number = 0, level = 0, seen = 0] = cursor.split('.').map(Number)
  const [fork] = await sql<{ epoch: number; number: string | null; last: string | null }[]>`
    select coalesce(max(epoch), 0) as epoch, min(number) filter (where epoch > ${seen}) as number,
      (select journal from progress where partition = ${partition}) as last
    from fork where partition = ${partition}`
  const { epoch = 0, number: back = null, last } = fork ?? {}
  const common = back === null ? Infinity : Number(back)
  const known = { epoch, last: Number(last ?? 0) }
  // The entry after the one in common may not be there yet: nothing is told of it then.
  return number > common ? { number: common, level: AFTER_ALL_LEVELS, ...known } : { number, level, ...known }
}

/** One more than the limit, so that it is known whether there is more. */
function changesAfter(
  sql: Sql,
  query: UsageAccounts & ChangesPlace & { readonly number: number; readonly level: number },
): Promise<readonly ChangeRow[]> {
  const { partition, accounts, number, level, limit } = query
  return sql<ChangeRow[]>`
    select number, level, cdr, (
      select cdr from cdr earlier
      where c.revision > 0 and earlier.call = c.call and earlier.account = c.account
        and earlier.revision = c.revision - 1
    ) as before
    from cdr c
    where partition = ${partition} and (number, level) > (${number}, ${level}) and account = any(${arrayOf(accounts)}::text[])
    order by number, level limit ${limit + 1}`
}

/** In the order of their first revisions; one more than the limit. */
function cdrsBefore(sql: Sql, query: ArchivedHistoryQuery): Promise<readonly { number: string; cdr: string }[]> {
  const { partition, account, before, fromMs, untilMs, limit } = query
  return sql<{ number: string; cdr: string }[]>`
    select opened.number, last.cdr
    from cdr opened join cdr last on last.call = opened.call and last.account = opened.account and last.current
    where opened.partition = ${partition} and opened.account = ${account} and opened.revision = 0
      and opened.number < ${before}
      and last.ended_at >= ${new Date(fromMs ?? 0)} and last.ended_at < ${new Date(untilMs ?? LAST_MS)}
    order by opened.number desc limit ${limit + 1}`
}

/** One more than the limit. */
function postingsBefore(
  sql: Sql,
  { partition, account, before, fromMs, untilMs, limit }: ArchivedHistoryQuery,
): Promise<readonly { number: string; entry: string; balances: string }[]> {
  return sql<{ number: string; entry: string; balances: string }[]>`
    select j.number, j.entry, j.balances
    from posting p join journal j on j.at = p.at and j.partition = p.partition and j.number = p.number
    where p.partition = ${partition} and p.account = ${account} and p.number < ${before}
      and p.at >= ${new Date(fromMs ?? 0)} and p.at < ${new Date(untilMs ?? LAST_MS)}
    order by p.number desc limit ${limit + 1}`
}

const LAST_MS = Date.UTC(9999, 0, 1)
