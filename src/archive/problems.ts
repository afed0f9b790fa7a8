/** What of the archive does not add up by itself, in sentences. */
import { openings } from './checkpoints.ts'
import type { Sql } from './sql.ts'

/** An archive with so many of a kind is broken; more would say nothing. */
const MAX_PROBLEMS = 100

/**
 * Accounts whose CDRs do not add up to what the journal took for calls. Of a call whose first CDR was never here
 * (checkpoints.ts) the corrections say nothing by themselves.
 */
export async function cdrProblems(sql: Sql): Promise<readonly string[]> {
  const rows = await sql<{ account: string; charged: string; posted: string }[]>`
    with earlier as (
      select call from cdr where partition in (select partition from checkpoint) group by call having min(revision) > 0
    )
    select account, coalesce(charged, 0)::text as charged, coalesce(posted, 0)::text as posted
    from (
      select account, sum(charge) as charged from cdr
      where current and call not in (select call from earlier) group by account
    ) as calls
    full join (
      select account, -sum(amount) as posted from posting
      where call is not null and call not in (select call from earlier) group by account
    ) as entries using (account)
    where coalesce(charged, 0) <> coalesce(posted, 0) order by account limit ${MAX_PROBLEMS}`
  return rows.map(({ account, charged, posted }) => `account ${account}: CDRs ${charged}, journal ${posted}`)
}

/** Months of an account whose kept sum, which statements open with, is not what was posted in them. */
export async function monthProblems(sql: Sql): Promise<readonly string[]> {
  const rows = await sql<{ account: string; month: string; kept: string; posted: string }[]>`
    select account, to_char(month, 'YYYY-MM') as month, coalesce(kept, 0)::text as kept, coalesce(posted, 0)::text as posted
    from (select account, month, amount as kept from posting_month) as kept
    full join (
      select account, date_trunc('month', at at time zone 'UTC')::date as month, sum(amount) as posted
      from posting group by 1, 2
      union all ${openings(sql, sql`true`)}
    ) as entries using (account, month)
    where coalesce(kept, 0) <> coalesce(posted, 0) order by account, month limit ${MAX_PROBLEMS}`
  return rows.map(({ account, month, kept, posted }) => `account ${account}: month ${month} ${kept}, journal ${posted}`)
}
