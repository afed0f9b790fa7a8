/**
 * Exports of many calls by a daemon whose archive is a PostgreSQL server: rows in a second and memory, by the API as
 * billing people ask for them, against COPY of the same rows by psql.
 */
import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { Months } from '../../src/archive/months.ts'
import { type ExportFormat, exportFormats } from '../../src/exports/export.ts'
import type { Daemon } from '../../test/app/bench.ts'
import { until } from '../../test/edges/sip/process.ts'
import { binary, startPostgres } from '../../test/support/postgres.ts'
import { AT_ONCE as CONNECTIONS, authorizeAll, callersOf, tell } from './calls.ts'
import { residentBytes, round } from './figures.ts'
import { type Ground, onGround } from './ground.ts'
import { KeepAlive } from './keep-alive.ts'
import { SETTINGS } from './redis.ts'
import type { BenchContext, Section } from './section.ts'
import { EDGE } from './webhook-edge.ts'

const CALLS = 1_000_000

/** Calls that are really made; the others are copies of their CDRs. */
const SEEDS = 500
const AT_ONCE = 100
const COPIED_AT_ONCE = 100

/** Before memory is looked at. */
const DECIDED = 5_000

const ACCOUNT = 'acme'
const LOOK_MS = 50
const IDLE_MS = 3_000
const PATIENCE_MS = 3_600_000

const run = promisify(execFile)

export async function exportsMeasure(context: BenchContext): Promise<Section> {
  return await measureExports(context, context.calls ?? CALLS)
}

interface Period {
  readonly from: string
  readonly until: string
}

interface Bench {
  readonly context: BenchContext
  readonly daemon: Daemon
  readonly url: string
  readonly period: Period
}

interface Measured {
  readonly rows: number
  readonly bytes: number
  readonly seconds: number
  /** What the process held at most. */
  readonly peak: number
}

export async function measureExports(context: BenchContext, calls: number): Promise<Section> {
  return await onGround(SETTINGS, async (ground) => {
    const server = await startPostgres()
    ground.atEnd(() => server.stop())
    const sql = postgres(server.url, { max: 1, onnotice: () => undefined })
    ground.atEnd(() => sql.end({ timeout: 1 }))
    const period = await filled(sql, await daemonOn(ground, server.url), { calls, context })
    const bench = { context, daemon: await daemonOn(ground, server.url), url: server.url, period }
    await warmUp(bench, ground)
    const idle = await idleBytes(bench.daemon)
    const made: [ExportFormat, Measured][] = []
    for (const format of exportFormats) made.push([format, await measured(bench, format)])
    return section({ idle, made, copy: await copied(bench) })
  })
}

function daemonOn(ground: Ground, databaseUrl: string): Promise<Daemon> {
  return ground.daemon({ TOLLGATE_DATABASE_URL: databaseUrl, TOLLGATE__ROLES: 'decide,clock,jobs,archive' })
}

/** Archives so many calls of one account, which ended over the month before this. */
async function filled(
  sql: postgres.Sql,
  daemon: Daemon,
  { calls, context }: { readonly calls: number; readonly context: BenchContext },
): Promise<Period> {
  await daemon.account(ACCOUNT, { credit: '10000000.00' })
  const seeds = Math.min(SEEDS, calls)
  for (let first = 0; first < seeds; first += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, seeds - first) }, (_, n) => callOf(first + n))
    await daemon.must('POST', '/v1/calls/events', some)
  }
  const archived = async (): Promise<boolean> => {
    const [row] = await sql<{ cdrs: number }[]>`select count(*)::int as cdrs from cdr`
    return row?.cdrs === seeds
  }
  await until('the calls are archived', archived, { withinMs: 60_000, everyMs: 100 })
  await daemon.stop()
  const { fromMs, untilMs } = monthBefore(Date.now())
  const stepMs = (untilMs - fromMs) / calls
  await sql.begin((transaction) => new Months().make(transaction, 'cdr', [new Date(fromMs).toISOString()]))
  await sql`create table seed as select row_number() over () - 1 as place, cdr.* from cdr`
  await sql`delete from cdr`
  const copies = Math.ceil(calls / seeds)
  for (let copy = 0; copy < copies; copy += COPIED_AT_ONCE) {
    context.say(`${copy * seeds} of ${calls} calls`)
    await copySeeds(sql, { seeds, calls, fromMs, stepMs, copy, until: Math.min(copies, copy + COPIED_AT_ONCE) })
  }
  await sql`drop table seed`
  await sql`vacuum analyze cdr`
  return { from: new Date(fromMs).toISOString(), until: new Date(untilMs).toISOString() }
}

function callOf(n: number): object {
  const to = `+4420${String(79_460_000 + n)}`
  const times = { seconds: 1 + (n % 300), user: `user-${n % 20}` }
  const from = `+1212555${String(n % 10_000).padStart(4, '0')}`
  return { type: 'stop', callId: `${n}@edge.example`, account: ACCOUNT, direction: 'outbound', from, to, ...times }
}

function monthBefore(nowMs: number): { readonly fromMs: number; readonly untilMs: number } {
  const now = new Date(nowMs)
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()]
  return { fromMs: Date.UTC(year, month - 1, 1), untilMs: Date.UTC(year, month, 1) }
}

interface Copying {
  readonly seeds: number
  readonly calls: number
  readonly fromMs: number
  readonly stepMs: number
  readonly copy: number
  readonly until: number
}

/** Each copy is another call, which ended at an instant of its own. */
async function copySeeds(
  sql: postgres.Sql,
  { seeds, calls, fromMs, stepMs, copy, until: end }: Copying,
): Promise<void> {
  const columns = sql`partition, number, level, account, payer`
  const rest = sql`revision, current, direction, from_number, to_number, user_id, trunk, destination, funded_by, cause,
    flags, started_at, answered_at, seconds, billed_seconds, pool_seconds, trunk_seconds, overrun_seconds, charge, currency`
  await sql`
    insert into cdr (ended_at, ${columns}, call, ${rest}, cdr)
    select ended, ${columns}, name, ${rest}, regexp_replace(replace(cdr, call, name), '"endedAt":"[^"]*"',
      '"endedAt":"' || to_char(ended at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '"')
    from (
      select seed.*, call || '-' || copy as name,
        to_timestamp(floor(${fromMs}::float8 + (copy * ${seeds}::int + place) * ${stepMs}::float8) / 1000) as ended
      from seed, generate_series(${copy}::int, ${end - 1}::int) as copy
      where copy * ${seeds}::int + place < ${calls}::int
    ) as copied`
}

/** Calls are decided, so that what a busy daemon keeps anyway is not taken for the exports'. */
async function warmUp({ daemon, context }: Bench, ground: Ground): Promise<void> {
  context.say(`deciding ${DECIDED} calls`)
  const client = new KeepAlive(() => daemon.url, daemon.key, CONNECTIONS)
  ground.atEnd(async () => client.close())
  const callers = callersOf('warm', DECIDED, [ACCOUNT])
  await authorizeAll(client, callers)
  await tell(
    client,
    callers.map(({ callId }) => ({ type: 'failed', node: EDGE, callId, cause: 'busy' })),
  )
}

/** The least of some seconds, as garbage comes and goes. */
async function idleBytes(daemon: Daemon): Promise<number> {
  let least = Infinity
  for (let waited = 0; waited < IDLE_MS; waited += LOOK_MS) {
    least = Math.min(least, await residentBytes(daemon.pid))
    await pause(LOOK_MS)
  }
  return least
}

async function measured({ daemon, context, period }: Bench, format: ExportFormat): Promise<Measured> {
  const began = performance.now()
  const order = { format, from: period.from, to: period.until }
  const { id } = await daemon.must('POST', `/v1/accounts/${ACCOUNT}/exports`, order)
  const place = `/v1/accounts/${ACCOUNT}/exports/${String(id)}`
  let peak = 0
  let made: Readonly<Record<string, unknown>> = {}
  for (let looks = 0; made['state'] !== 'done'; looks += 1) {
    if (made['state'] === 'failed') throw new Error(`the export failed: ${String(made['reason'])}`)
    if (performance.now() - began > PATIENCE_MS) throw new Error('the export takes too long')
    peak = Math.max(peak, await residentBytes(daemon.pid))
    // Asking is work of the daemon as well.
    if (looks % 4 === 0) made = await daemon.must('GET', place)
    if (looks % 100 === 0) context.say(`${format}: ${String(made['rows'])} rows`)
    await pause(LOOK_MS)
  }
  const seconds = (performance.now() - began) / 1000
  await daemon.must('DELETE', place)
  return { rows: Number(made['rows']), bytes: Number(made['bytes']), seconds, peak }
}

/** The same rows in the same order, with their JSON. */
async function copied({ url, context, period }: Bench): Promise<Measured> {
  context.say('copying the same rows by psql')
  const file = join(context.folder, 'copied.csv')
  const began = performance.now()
  const where = `account = '${ACCOUNT}' and current and ended_at >= '${period.from}' and ended_at < '${period.until}'`
  const rows = `select * from cdr where ${where} order by ended_at, number, level`
  const { stdout } = await run(binary('psql'), [url, '-c', `\\copy (${rows}) to '${file}' csv header`])
  const seconds = (performance.now() - began) / 1000
  return { rows: Number(/COPY (\d+)/.exec(stdout)?.[1]), bytes: (await stat(file)).size, seconds, peak: 0 }
}

interface Found {
  readonly idle: number
  readonly made: readonly (readonly [ExportFormat, Measured])[]
  readonly copy: Measured
}

const WANTED_MB = 150

function section({ idle, made, copy }: Found): Section {
  const megabytes = (bytes: number): number => round(bytes / 2 ** 20, 1)
  const rate = ({ rows, seconds }: Measured): number => rows / seconds
  return {
    title: `Exports of ${copy.rows} calls`,
    command: 'npm run bench -- exports',
    rows: [
      ...made.flatMap(([format, found]) => [
        { name: `${format}: rows`, value: round(rate(found), 0), unit: '/s' },
        { name: `${format}: memory over the idle daemon, at most`, value: megabytes(found.peak - idle), unit: 'MB' },
        { name: `${format}: file`, value: megabytes(found.bytes), unit: 'MB' },
      ]),
      { name: 'idle daemon', value: megabytes(idle), unit: 'MB' },
      { name: 'the same rows, COPY to a file by psql', value: round(rate(copy), 0), unit: '/s' },
    ],
    bars: [
      ...made.map(([format, found]) => ({
        name: `${format}: memory over the idle daemon, of ${WANTED_MB} MB`,
        ratio: round((found.peak - idle) / (WANTED_MB * 2 ** 20)),
        atMost: 1,
      })),
      ...made.map(([format, found]) => ({
        name: `${format}: time of a row, of a row by COPY`,
        ratio: round(rate(copy) / rate(found)),
        atMost: 12,
      })),
      {
        name: 'rows of all files, of the calls there are',
        ratio: Math.min(...made.map(([, { rows }]) => rows)) / copy.rows,
        atLeast: 1,
      },
    ],
    notes: [
      'A few hundred calls are made over HTTP and archived; the others are copies of their CDRs, each another call that ended at an instant of its own in the month before this. One daemon that has decided 5,000 calls makes the three files one after the other; memory is what the process holds (RSS), looked at twenty times a second, over the least of three seconds before.',
      'COPY sends the rows as they lie in the table, typed columns and JSON, in the same order. An export parses each CDR, takes its columns and writes them safe for spreadsheets; a workbook is compressed as well.',
    ],
  }
}
