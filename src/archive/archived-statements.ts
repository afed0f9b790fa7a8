/** Statements from the archive: sums of postings, of all that the store has told by the time it is asked. */
import type { Micros } from '../base/money.ts'
import type { ItemsQuery, StatementArchive } from '../statements/statement-desk.ts'
import type { PostedSum, StatementItem } from '../statements/statement.ts'
import type { UsageAccounts, UsagePeriod } from '../usage/summary.ts'
import { micros } from './amounts.ts'
import { classOf } from './classes.ts'
import type { ArchivedUsageParts } from './archived-usage.ts'
import { arrayOf } from './arrays.ts'

interface SumRow {
  readonly account: string
  readonly kind: string
  readonly class: string | null
  readonly is_call: boolean
  readonly count: string
  readonly amount: string
  readonly charge: string
}

interface ItemRow {
  readonly number: string
  readonly at: Date
  readonly kind: string
  readonly class: string | null
  readonly why: string | null
  readonly external_id: string | null
  readonly amount: string
  readonly charge: string
  readonly pool_seconds: string
}

export class ArchivedStatements implements StatementArchive {
  readonly #parts: ArchivedUsageParts

  constructor(parts: ArchivedUsageParts) {
    this.#parts = parts
  }

  async sums({ partition, accounts, fromMs, untilMs }: UsageAccounts & UsagePeriod): Promise<readonly PostedSum[]> {
    const { database, archiver } = this.#parts
    await archiver.catchUp(partition)
    const rows = await database.use(
      (sql) => sql<SumRow[]>`
        select account, kind, class, call is not null as is_call,
          count(*) as count, sum(amount)::text as amount, sum(charge)::text as charge
        from posting
        where account = any(${arrayOf(accounts)}::text[]) and at >= ${new Date(fromMs)} and at < ${new Date(untilMs)}
        group by 1, 2, 3, 4`,
    )
    return rows.map(({ account, kind, class: word, is_call: isCall, count, amount, charge }) => {
      const sums = { count: Number(count), amount: micros(amount), charge: micros(charge) }
      return { account, kind, ...classOf(word), isCall, ...sums }
    })
  }

  async creditBefore(partition: number, account: string, atMs: number): Promise<Micros> {
    const { database, archiver } = this.#parts
    await archiver.catchUp(partition)
    const monthStart = monthStartOf(atMs)
    const month = monthStart.toISOString().slice(0, 10)
    const [row] = await database.use(
      (sql) => sql<{ amount: string }[]>`
        select coalesce(sum(amount), 0)::text as amount from (
          select amount from posting_month where account = ${account} and month < ${month}::date
          union all select amount from posting
            where account = ${account} and at >= ${monthStart} and at < ${new Date(atMs)}) as before`,
    )
    return micros(row?.amount ?? '0')
  }

  async items({ partition, account, fromMs, untilMs, limit }: ItemsQuery): Promise<readonly StatementItem[]> {
    const rows = await this.#parts.database.use(
      (sql) => sql<ItemRow[]>`
        select number, at, kind, class, why, external_id, amount::text as amount, charge::text as charge, pool_seconds
        from posting
        where account = ${account} and call is null and at >= ${new Date(fromMs)} and at < ${new Date(untilMs)}
        order by at, number limit ${limit}`,
    )
    return rows.map((row) => ({
      id: `${partition}-${row.number}`,
      atMs: new Date(row.at).getTime(),
      what: row.kind,
      ...classOf(row.class),
      ...(row.why === null ? {} : { why: row.why }),
      ...(row.external_id === null ? {} : { externalId: row.external_id }),
      amount: micros(row.amount),
      charge: micros(row.charge),
      poolSeconds: Number(row.pool_seconds),
    }))
  }
}

/** Of UTC, as sums are kept. */
function monthStartOf(atMs: number): Date {
  const at = new Date(atMs)
  return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1))
}
