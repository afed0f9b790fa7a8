/** Statements of an account and of those below it, from the archive. */
import type { AccountProfile } from '../accounts/account.ts'
import type { Page } from '../accounts/office.ts'
import type { Micros } from '../base/money.ts'
import { nextCycleStart } from '../base/time.ts'
import type { UsageAccounts, UsageDesk, UsagePeriod } from '../usage/summary.ts'
import { combined, NOTHING_USED } from '../usage/usage-row.ts'
import {
  monthlyCharges,
  type PostedSum,
  type Statement,
  type StatementItem,
  type Totals,
  totalsOf,
} from './statement.ts'

export interface StatementArchive {
  /** What was posted to the accounts in the period, by account and kind. */
  sums(query: UsageAccounts & UsagePeriod): Promise<readonly PostedSum[]>
  /** The credit of the account before an instant. */
  creditBefore(partition: number, account: string, atMs: number): Promise<Micros>
  /** Entries that are no calls, oldest first. */
  items(query: ItemsQuery): Promise<readonly StatementItem[]>
}

export interface ItemsQuery extends UsagePeriod {
  readonly partition: number
  readonly account: string
  readonly limit: number
}

export interface AccountTotals extends Totals {
  readonly account: string
}

export interface StatementParts {
  readonly archive: StatementArchive
  readonly usage: Pick<UsageDesk, 'whose' | 'summary'>
}

export interface TotalsQuery extends UsagePeriod {
  /** How many accounts were passed over. */
  readonly cursor?: string
  readonly limit: number
}

/** The rest is in the transactions. */
const MOST_ITEMS = 1_000

export class StatementDesk {
  readonly #parts: StatementParts

  constructor(parts: StatementParts) {
    this.#parts = parts
  }

  async statement({ id, cycleDay, timezone }: AccountProfile, period: UsagePeriod): Promise<Statement> {
    const { archive, usage } = this.#parts
    const { fromMs, untilMs } = period
    const whose = await usage.whose(id, false)
    const sums = await archive.sums({ ...whose, ...period })
    const opening = await archive.creditBefore(whose.partition, id, fromMs)
    const items = await archive.items({ partition: whose.partition, account: id, ...period, limit: MOST_ITEMS + 1 })
    const rows = await usage.summary(id, { ...period, by: 'account', includeDescendants: false })
    const totals = totalsOf(sums)
    return {
      ...{ fromMs, untilMs, opening, ...totals },
      closing: sums.reduce((credit, { amount }) => credit + amount, opening),
      charges: monthlyCharges(sums),
      usage: rows.reduce((all, row) => combined(all, row), NOTHING_USED),
      dueAtMs: nextCycleStart(untilMs - 1, cycleDay, timezone),
      items: items.slice(0, MOST_ITEMS),
      hasMoreItems: items.length > MOST_ITEMS,
    }
  }

  /** What each account of the tree was charged, the account itself first. */
  async totals(account: string, { cursor = '0', limit, ...period }: TotalsQuery): Promise<Page<AccountTotals>> {
    const { partition, accounts } = await this.#parts.usage.whose(account, true)
    const from = Number(cursor)
    const some = accounts.slice(from, from + limit)
    const sums = some.length === 0 ? [] : await this.#parts.archive.sums({ partition, accounts: some, ...period })
    const byAccount = Map.groupBy(sums, (sum) => sum.account)
    const items = some.map((each) => ({ account: each, ...totalsOf(byAccount.get(each) ?? []) }))
    return from + limit < accounts.length ? { items, nextCursor: String(from + limit) } : { items }
  }
}
