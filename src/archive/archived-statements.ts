/** Statements from the archive: sums of postings, of all that the store has told by the time it is asked. */
import { type ChargeClass, chargeClasses } from '../accounts/charge-class.ts'
import type { Micros } from '../base/money.ts'
import type { ItemsQuery, StatementArchive } from '../statements/statement-desk.ts'
import type { PostedSum, StatementItem } from '../statements/statement.ts'
import type { UsageAccounts, UsagePeriod } from '../usage/summary.ts'
import { micros } from './amounts.ts'
import type { ArchivedUsageParts } from './archived-usage.ts'
import { arrayOf } from './arrays.ts'

/** Where an entry has its note (ledger/journal.ts). */
const NOTE = 7

interface SumRow {
  readonly account: string
  readonly kind: string
  readonly class: string | null
  readonly is_call: boolean
  readonly count: string
  readonly amount: string
}

interface ItemRow {
  readonly number: string
  readonly at: Date
  readonly kind: string
  readonly class: string | null
  readonly why: string | null
  readonly external_id: string | null
  readonly amount: string
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
    // Only entries that are no calls are read whole: they are few, and have a class.
    const rows = await database.use(
      (sql) => sql<SumRow[]>`
        select p.account, p.kind, j.entry::jsonb -> ${NOTE}::int ->> 'class' as class, p.call is not null as is_call,
          count(*) as count, sum(p.amount)::text as amount
        from posting p left join journal j
          on p.call is null and j.at = p.at and j.partition = p.partition and j.number = p.number
        where p.account = any(${arrayOf(accounts)}::text[]) and p.at >= ${new Date(fromMs)} and p.at < ${new Date(untilMs)}
        group by 1, 2, 3, 4`,
    )
    return rows.map(({ account, kind, class: word, is_call: isCall, count, amount }) => {
      return { account, kind, ...classOf(word), isCall, count: Number(count), amount: micros(amount) }
    })
  }

  async creditBefore(partition: number, account: string, atMs: number): Promise<Micros> {
    const { database, archiver } = this.#parts
    await archiver.catchUp(partition)
    const [row] = await database.use(
      (sql) => sql<{ amount: string }[]>`
        select (
          coalesce((select sum(amount) from posting where account = ${account} and at < ${new Date(atMs)}), 0) +
          coalesce((
            select sum(case name when ${`a ${account} cp`} then sum else -sum end) / 1000000.0 from checkpoint
            where partition = ${partition} and name in (${`a ${account} cp`}, ${`a ${account} dp`})
          ), 0)
        )::numeric(20, 6)::text as amount`,
    )
    return micros(row?.amount ?? '0')
  }

  async items({ partition, account, fromMs, untilMs, limit }: ItemsQuery): Promise<readonly StatementItem[]> {
    const rows = await this.#parts.database.use(
      (sql) => sql<ItemRow[]>`
        select p.number, p.at, p.kind, j.entry::jsonb -> ${NOTE}::int ->> 'class' as class, p.why, p.external_id,
          p.amount::text as amount, p.pool_seconds
        from posting p join journal j on j.at = p.at and j.partition = p.partition and j.number = p.number
        where p.account = ${account} and p.call is null
          and p.at >= ${new Date(fromMs)} and p.at < ${new Date(untilMs)}
        order by p.at, p.number limit ${limit}`,
    )
    return rows.map((row) => ({
      id: `${partition}-${row.number}`,
      atMs: new Date(row.at).getTime(),
      what: row.kind,
      ...classOf(row.class),
      ...(row.why === null ? {} : { why: row.why }),
      ...(row.external_id === null ? {} : { externalId: row.external_id }),
      amount: micros(row.amount),
      poolSeconds: Number(row.pool_seconds),
    }))
  }
}

function classOf(word: string | null): { readonly class?: ChargeClass } {
  const found = chargeClasses.find((each) => each === word)
  return found === undefined ? {} : { class: found }
}
