/** The CDRs of a base again and again, as of other calls on other days, into the archive's own tables with all their indexes. */
import type postgres from 'postgres'
import { Months } from '../../src/archive/months.ts'
import { ONE } from './base-cdrs.ts'

export const DAY_MS = 86_400_000

/** Beyond any number that the base has. */
const FIRST_NUMBER = 1_000_000_000
const SORT_MEMORY = '256MB'

export interface Many {
  /** Of the one account, and as many of the tree. */
  readonly cdrs: number
  readonly days: number
  /** The end of the last day. */
  readonly untilMs: number
}

/** In the order in which the calls end; tables are vacuumed and analysed one by one, as the server does it by itself. */
export async function manyCdrs(sql: postgres.Sql, many: Many, say: (line: string) => void): Promise<void> {
  await sql`select set_config('work_mem', ${SORT_MEMORY}, false)`
  // A call of the tree has two CDRs.
  await sql`
    create unlogged table base as
    select cdr.*, payer = ${ONE} as is_one, dense_rank() over (partition by payer = ${ONE} order by call) - 1 as place
    from cdr`
  await sql`create index on base (is_one, place)`
  await sql`analyze base`
  const months = new Months()
  for (let day = 0; day < many.days; day += 1) {
    const fromMs = many.untilMs - (many.days - day) * DAY_MS
    await sql.begin((tx) => months.make(tx, 'cdr', [new Date(fromMs).toISOString()]))
    await oneDay(sql, { isOne: true, calls: many.cdrs, days: many.days, day, fromMs })
    await oneDay(sql, { isOne: false, calls: many.cdrs / 2, days: many.days, day, fromMs })
    if (day % 30 === 0) say(`day ${day + 1} of ${many.days}`)
  }
  await sql`drop table base`
  const tables = await sql<{ name: string }[]>`
    select inhrelid::regclass::text as name from pg_inherits where inhparent = 'cdr'::regclass`
  for (const { name } of tables) await sql`vacuum (analyze) ${sql(name)}`
}

interface Day {
  readonly isOne: boolean
  /** Of all days. */
  readonly calls: number
  readonly days: number
  readonly day: number
  readonly fromMs: number
}

async function oneDay(sql: postgres.Sql, { isOne, calls, days, day, fromMs }: Day): Promise<void> {
  const first = Math.floor((calls * day) / days)
  const next = Math.floor((calls * (day + 1)) / days)
  if (next === first) return
  const apart = DAY_MS / 1_000 / (next - first)
  await sql`
    insert into cdr
    select at, base.partition, ${FIRST_NUMBER}::bigint + n, base.level, account, payer, name, 0, true, direction,
      from_number, to_number, user_id, trunk, destination, funded_by, cause, flags, at - (ended_at - started_at),
      at - (ended_at - answered_at), seconds, billed_seconds, pool_seconds, trunk_seconds, overrun_seconds, charge,
      currency, replace(cdr, call, name)
    from generate_series(${first}::bigint, ${next - 1}::bigint) as n,
      lateral (select date_trunc('milliseconds', ${new Date(fromMs)}::timestamptz
        + make_interval(secs => (n - ${first}::bigint) * ${apart}::float8)) as at) as instants,
      lateral (select upper(lpad(to_hex((extract(epoch from at) * 1000)::bigint), 11, '0')
        || substr(md5(n || ' ' || ${isOne}::boolean), 1, 15)) as name) as names,
      base
    where is_one = ${isOne} and place = n % (select 1 + max(place) from base where is_one = ${isOne})
    order by at`
}
