/** The archive on a PostgreSQL server: how fast it takes what calls write, against COPY of the same rows; and sums of many CDRs. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { Archive } from '../../src/archive/archive.ts'
import { Database } from '../../src/archive/database.ts'
import { Keys } from '../../src/store/keys.ts'
import { RedisStreams } from '../../src/store/redis-streams.ts'
import { RedisStore } from '../../src/store/redis.ts'
import { binary, startPostgres } from '../../test/support/postgres.ts'
import { type BenchDesk, openDesk, PARTITIONS, seedAccounts } from './desk.ts'
import { median, round } from './figures.ts'
import { type Ground, onGround } from './ground.ts'
import { ACCOUNTS, callCost, SETTINGS } from './redis.ts'
import type { BenchContext, Section } from './section.ts'

export async function archive(context: BenchContext): Promise<Section> {
  return await measureArchive(context, { calls: 10_000, rounds: 3, cdrs: 1_000_000 })
}

export interface ArchiveSize {
  /** Of a round. */
  readonly calls: number
  readonly rounds: number
  /** That usage is summed of. */
  readonly cdrs: number
}

const run = promisify(execFile)

const TABLES = ['journal', 'posting', 'cdr'] as const
const DAY_MS = 86_400_000
const QUERIES = 5

interface Bench {
  readonly desk: BenchDesk
  readonly archive: Archive
  readonly url: string
  readonly sql: postgres.Sql
  readonly folder: string
}

export async function measureArchive({ folder, say }: BenchContext, size: ArchiveSize): Promise<Section> {
  return await onGround(SETTINGS, async (ground) => {
    const bench = await open(ground, folder)
    const rates: Rates = { settled: [], archived: [], rows: [], copied: [] }
    for (let turn = 1; turn <= size.rounds; turn += 1) {
      say(`round ${turn} of ${size.rounds}`)
      await measureRound(bench, `round-${turn}`, { calls: size.calls, rates })
    }
    say(`making ${size.cdrs} CDRs`)
    await multiplyCdrs(bench.sql, size.cdrs)
    say('summing them')
    return section(rates, { one: await sumOf(bench, 1), all: await sumOf(bench, ACCOUNTS) }, size)
  })
}

async function open(ground: Ground, folder: string): Promise<Bench> {
  await ground.daemon()
  const { url } = ground.redis
  const desk = await openDesk(url)
  ground.atEnd(() => desk.close())
  await seedAccounts(desk.office, 'a', ACCOUNTS)
  const server = await startPostgres()
  ground.atEnd(() => server.stop())
  const store = new RedisStore({ urls: [url], commandTimeoutMs: 10_000, maxInFlight: 1_000 })
  await store.open()
  ground.atEnd(() => store.close())
  const database = new Database({ url: server.url, embedded: { folder, lock: () => undefined } })
  ground.atEnd(() => database.close())
  const archive = new Archive({
    database,
    streams: new RedisStreams({ store, keys: new Keys(), partitions: PARTITIONS }),
    clock: desk.clock,
    hotDays: () => 35,
    observer: { archived: () => undefined, lost: () => undefined },
  })
  await archive.archiver.round(() => false)
  const sql = postgres(server.url, { max: 1, onnotice: () => undefined })
  ground.atEnd(() => sql.end({ timeout: 1 }))
  return { desk, archive, url: server.url, sql, folder }
}

interface Rates {
  /** Calls in a second. */
  readonly settled: number[]
  /** CDRs in a second. */
  readonly archived: number[]
  /** Rows of all tables in a second. */
  readonly rows: number[]
  readonly copied: number[]
}

async function measureRound(
  bench: Bench,
  name: string,
  { calls, rates }: { readonly calls: number; readonly rates: Rates },
): Promise<void> {
  const before = await rowsOf(bench.sql)
  rates.settled.push(calls / (await seconds(() => callCost(bench.desk, name, calls))))
  const took = await seconds(() => bench.archive.archiver.round(() => false))
  const rows = await rowsOf(bench.sql)
  rates.archived.push(calls / took)
  rates.rows.push((rows - before) / took)
  let copying = 0
  for (const table of TABLES) copying += await copySeconds(bench, table)
  rates.copied.push(rows / copying)
}

async function rowsOf(sql: postgres.Sql): Promise<number> {
  const [row] = await sql<{ rows: number }[]>`
    select ((select count(*) from journal) + (select count(*) from posting) + (select count(*) from cdr))::int as rows`
  return row?.rows ?? 0
}

/** The rows of the table from a file into one with the same indexes. */
async function copySeconds({ sql, url, folder }: Bench, table: (typeof TABLES)[number]): Promise<number> {
  const file = join(folder, `${table}.copy`)
  await run(binary('psql'), [url, '-c', `\\copy (select * from ${table}) to '${file}'`])
  await sql`create table copied (like ${sql(table)} including all)`
  const took = await seconds(() => run(binary('psql'), [url, '-c', `\\copy copied from '${file}'`]))
  await sql`drop table copied`
  return took
}

/** The archived CDRs again and again, as of other calls, until there are so many. */
async function multiplyCdrs(sql: postgres.Sql, wanted: number): Promise<void> {
  await sql`create temporary table seed as select * from cdr`
  const [row] = await sql<{ count: number }[]>`select count(*)::int as count from seed`
  const { count = 0 } = row ?? {}
  for (let have = count; have < wanted; have += count) {
    await sql`update seed set number = number + 1000000000, call = call || 'x'`
    await sql`insert into cdr select * from seed limit ${wanted - have}`
    await sql`vacuum seed`
  }
  await sql`analyze cdr`
}

interface Sum {
  readonly cdrs: number
  readonly seconds: number
  readonly plain: number
}

/** Usage by destination of the first so many accounts, and the same sum in plain SQL. */
async function sumOf({ archive, desk, sql }: Bench, accounts: number): Promise<Sum> {
  const names = Array.from({ length: accounts }, (_, n) => `a${n}`)
  const period = { fromMs: desk.clock.nowMs() - 30 * DAY_MS, untilMs: desk.clock.nowMs() + DAY_MS }
  const query = { partition: 0, accounts: names, ...period, by: 'destination', timezone: 'UTC' } as const
  const ours: number[] = []
  const plain: number[] = []
  let cdrs = 0
  for (let turn = 0; turn <= QUERIES; turn += 1) {
    cdrs = 0
    const took = await seconds(async () => {
      for await (const { calls } of archive.usage.rows(query)) cdrs += calls
    })
    const took2 = await seconds(
      () => sql`
        select destination, count(*), sum(billed_seconds), sum(charge) from cdr
        where current and account = any(${`{${names.join()}}`}::text[])
          and ended_at >= ${new Date(period.fromMs)} and ended_at < ${new Date(period.untilMs)} group by 1`,
    )
    if (turn === 0) continue
    ours.push(took)
    plain.push(took2)
  }
  return { cdrs, seconds: median(ours), plain: median(plain) }
}

async function seconds(work: () => PromiseLike<unknown>): Promise<number> {
  const beganMs = performance.now()
  await work()
  return (performance.now() - beganMs) / 1000
}

function section(rates: Rates, sums: { readonly one: Sum; readonly all: Sum }, { cdrs }: ArchiveSize): Section {
  const { one, all } = sums
  const [settled, archived] = [median(rates.settled), median(rates.archived)]
  const [rows, copied] = [median(rates.rows), median(rates.copied)]
  const inMillis = (took: number): number => round(took * 1000, 1)
  return {
    title: 'The archive',
    command: 'npm run bench -- archive',
    rows: [
      { name: 'calls, from authorize to their CDR', value: round(settled, 0), unit: '/s' },
      { name: 'CDRs archived, with their entries and postings', value: round(archived, 0), unit: '/s' },
      { name: 'rows archived', value: round(rows, 0), unit: '/s' },
      { name: 'the same rows, COPY from a file by psql', value: round(copied, 0), unit: '/s' },
      { name: `usage of one account, ${one.cdrs} CDRs of ${cdrs}`, value: inMillis(one.seconds), unit: 'ms' },
      { name: `usage of all accounts, ${all.cdrs} CDRs`, value: inMillis(all.seconds), unit: 'ms' },
      { name: 'the same sum in plain SQL', value: inMillis(all.plain), unit: 'ms' },
    ],
    bars: [
      { name: 'CDRs archived, of calls that end in the same time', ratio: round(archived / settled), atLeast: 1.5 },
      { name: 'time of an archived row, of a row by COPY', ratio: round(copied / rows), atMost: 12 },
      { name: 'time of a usage query, of the sum in plain SQL', ratio: round(all.seconds / all.plain), atMost: 2.5 },
    ],
    notes: [
      'A call is the one of the section on Redis: five steps, five entries, one CDR, by use cases in this process with 64 calls under way. What it wrote is archived afterwards by one daemon that does nothing else; daemons that share the work go over different partitions.',
      'COPY goes into tables with the same indexes, in one transaction for each table, and reads no Redis, decodes nothing and keeps no place.',
    ],
  }
}
