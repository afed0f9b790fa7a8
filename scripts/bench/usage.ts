/** Usage of many CDRs, as the daemon answers it, beside the same sums by psql in the same run. */
import { execFile } from 'node:child_process'
import { statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { type UsageBy, usageGroups } from '../../src/usage/usage-row.ts'
import type { Daemon } from '../../test/app/bench.ts'
import { binary, startPostgres } from '../../test/support/postgres.ts'
import { makeBase, ONE, TARIFF, TREE } from './base-cdrs.ts'
import { median, round } from './figures.ts'
import { type Ground, onGround } from './ground.ts'
import { DAY_MS, manyCdrs } from './many-cdrs.ts'
import { SETTINGS } from './redis.ts'
import type { BenchContext, Section } from './section.ts'

export interface UsageSize {
  /** Of one account, and as many of a tree of accounts. */
  readonly cdrs: number
  readonly treeAccounts: number
  readonly baseCalls: number
  readonly days: number
}

export async function usage(context: BenchContext): Promise<Section> {
  return await measureUsage(context, { cdrs: 10_000_000, treeAccounts: 1_000, baseCalls: 10_000, days: 365 })
}

const MONTH_DAYS = 30
/** The first of them only warms up. */
const TURNS = 3
const ANSWER_MS = 90_000
/** Of a CDR with its indexes and what is written ahead. */
const CDR_BYTES = 1_600
const LOG_BYTES = 3 * 2 ** 30
const PSQL_ANSWER_BYTES = 16 * 2 ** 20

const run = promisify(execFile)

export async function measureUsage({ say }: BenchContext, size: UsageSize): Promise<Section> {
  await expectRoom(2 * size.cdrs * CDR_BYTES + LOG_BYTES)
  const work = (ground: Ground): Promise<Section> => measureOn(ground, size, say)
  return await onGround(SETTINGS, work, { 'tariffs/bench.yaml': TARIFF })
}

async function expectRoom(bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(tmpdir())
  const inGigabytes = (wanted: number): string => `${Math.ceil(wanted / 2 ** 30)} GB`
  if (bavail * bsize >= bytes) return
  throw new Error(
    `${tmpdir()} has ${inGigabytes(bavail * bsize)} left, not ${inGigabytes(bytes)}; TMPDIR names another`,
  )
}

interface Bench {
  readonly daemon: Daemon
  readonly url: string
  readonly untilMs: number
}

async function measureOn(ground: Ground, size: UsageSize, say: BenchContext['say']): Promise<Section> {
  const server = await startPostgres()
  ground.atEnd(() => server.stop())
  const env = { TOLLGATE__ROLES: 'decide,clock,archive', TOLLGATE_DATABASE_URL: server.url }
  const daemon = await ground.daemon(env)
  say(`${2 * size.baseCalls} calls`)
  await makeBase(daemon, { calls: size.baseCalls, treeAccounts: size.treeAccounts })
  const sql = postgres(server.url, { max: 1, onnotice: () => undefined })
  ground.atEnd(() => sql.end({ timeout: 1 }))
  const untilMs = Math.floor(Date.now() / DAY_MS) * DAY_MS
  await manyCdrs(sql, { cdrs: size.cdrs, days: size.days, untilMs }, say)
  const bench = { daemon, url: server.url, untilMs }
  const sums: Sums[] = []
  for (const subject of subjects(size)) {
    for (const days of [MONTH_DAYS, size.days]) {
      say(`${days} days of ${subject.name}`)
      sums.push(await sumsOf(bench, subject, days))
    }
  }
  return section(sums, size)
}

interface Subject {
  readonly account: string
  readonly name: string
  readonly accounts: readonly string[]
}

function subjects({ treeAccounts }: UsageSize): readonly Subject[] {
  const below = Array.from({ length: treeAccounts - 1 }, (_, n) => `${TREE}-${n + 1}`)
  return [
    { account: ONE, name: 'one account', accounts: [ONE] },
    { account: TREE, name: `a tree of ${treeAccounts} accounts`, accounts: [TREE, ...below] },
  ]
}

interface Took {
  readonly by: UsageBy
  readonly ours: number
  readonly plain: number
}

interface Sums {
  readonly name: string
  readonly took: readonly Took[]
}

async function sumsOf(bench: Bench, subject: Subject, days: number): Promise<Sums> {
  const took: Took[] = []
  let cdrs = 0
  for (const by of usageGroups) {
    const ours: number[] = []
    const plain: number[] = []
    for (let turn = 0; turn < TURNS; turn += 1) {
      const answer = await oursOf(bench, subject, { days, by })
      const wanted = await plainOf(bench, subject, { days, by })
      cdrs = expectSame(answer.sums, wanted.sums)
      if (turn === 0) continue
      ours.push(answer.ms)
      plain.push(wanted.ms)
    }
    took.push({ by, ours: median(ours), plain: median(plain) })
  }
  return { name: `${days} days of ${subject.name}, ${cdrs} CDRs`, took }
}

interface Asked {
  readonly days: number
  readonly by: UsageBy
}

interface Summed {
  readonly ms: number
  /** Calls and charge of each key. */
  readonly sums: ReadonlyMap<string, string>
}

async function oursOf({ daemon, untilMs }: Bench, { account, accounts }: Subject, asked: Asked): Promise<Summed> {
  const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
  const period = `from=${day(untilMs - asked.days * DAY_MS)}&to=${day(untilMs - 1)}`
  const path = `/v1/accounts/${account}/usage?${period}&by=${asked.by}&includeDescendants=${accounts.length > 1}`
  const beganMs = performance.now()
  const { status, body } = await daemon.ask('GET', path, { withinMs: ANSWER_MS })
  const ms = performance.now() - beganMs
  if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`)
  const items = body['items'] as readonly { key: string; calls: number; charge: string }[]
  return { ms, sums: new Map(items.map(({ key, calls, charge }) => [key, `${calls} ${charge}`])) }
}

const COLUMNS: Readonly<Record<UsageBy, string>> = {
  day: `to_char(ended_at at time zone 'UTC', 'YYYY-MM-DD')`,
  destination: 'destination',
  user: 'user_id',
  trunk: 'trunk',
  direction: 'direction',
  account: 'account',
}

/** By the time that psql itself tells. */
async function plainOf({ url, untilMs }: Bench, { accounts }: Subject, { days, by }: Asked): Promise<Summed> {
  const query = `
    select ${COLUMNS[by]}, count(*), sum(charge), sum(seconds), sum(billed_seconds), sum(pool_seconds), sum(trunk_seconds),
      sum(overrun_seconds), count(*) filter (where flags like '%overrun%')
    from cdr where current and account in (${accounts.map((account) => `'${account}'`).join()})
      and ended_at >= '${new Date(untilMs - days * DAY_MS).toISOString()}'
      and ended_at < '${new Date(untilMs).toISOString()}' group by 1`
  const { stdout } = await run(binary('psql'), ['-XAt', '-F', '\t', url, '-c', '\\timing on', '-c', query], {
    maxBuffer: PSQL_ANSWER_BYTES,
  })
  const ms = Number(/^Time: ([\d.]+) ms/m.exec(stdout)?.[1])
  const lines = stdout.split('\n').filter((line) => line.includes('\t'))
  const cells = lines.map((line) => line.split('\t'))
  return { ms, sums: new Map(cells.map(([key = '', calls = '', charge = '']) => [key, `${calls} ${charge}`])) }
}

/** To the call and the micro; answers with how many CDRs there were. */
function expectSame(ours: Summed['sums'], plain: Summed['sums']): number {
  let cdrs = 0
  for (const [key, sum] of plain) {
    if (ours.get(key) !== sum) throw new Error(`usage of "${key}" is ${ours.get(key) ?? 'not there'}, psql has ${sum}`)
    cdrs += Number(sum.split(' ')[0])
  }
  if (ours.size !== plain.size) throw new Error(`usage has ${ours.size} keys, psql has ${plain.size}`)
  return cdrs
}

function section(sums: readonly Sums[], size: UsageSize): Section {
  const total = (took: readonly Took[], side: 'ours' | 'plain'): number => took.reduce((ms, each) => ms + each[side], 0)
  return {
    title: 'Usage of many CDRs',
    command: 'npm run bench -- usage',
    rows: sums.flatMap(({ name, took }) => [
      ...took.map(({ by, ours }) => ({ name: `${name}, by ${by}`, value: round(ours, 1), unit: 'ms' })),
      { name: `${name}, all six in plain SQL by psql`, value: round(total(took, 'plain'), 1), unit: 'ms' },
    ]),
    bars: sums.map(({ name, took }) => ({
      name: `${name}: time of all six, of psql`,
      ratio: round(total(took, 'ours') / total(took, 'plain')),
      atMost: 1.5,
    })),
    notes: [
      `The archive has ${2 * size.cdrs} CDRs of ${size.days} days: half of one account, half of a tree whose root has a CDR of each call below it. ${2 * size.baseCalls} calls went through a daemon; their CDRs were then multiplied in SQL as those of other calls at other times, with the archive’s tables of months and all indexes, in the order of their ends.`,
      'Ours is GET …/usage over HTTP, with the accounts of the tree looked up in Redis; psql is told their names and tells its own time. Every sum is compared, calls and charges, before its time counts.',
    ],
  }
}
