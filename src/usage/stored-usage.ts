/** Usage from the CDRs that the store still has, account by account. */
import type { AccountOffice } from '../accounts/office.ts'
import type { Cdr } from './cdr.ts'
import type { SourceQuery, UsageSource } from './summary.ts'
import { rowOf, type UsageRow } from './usage-row.ts'

const PAGE = 500

export class StoredUsage implements UsageSource {
  readonly #office: Pick<AccountOffice, 'cdrs'>

  constructor(office: Pick<AccountOffice, 'cdrs'>) {
    this.#office = office
  }

  async *rows({ accounts, fromMs, untilMs, by, timezone }: SourceQuery): AsyncGenerator<UsageRow> {
    for (const account of accounts) {
      let cursor: string | undefined
      do {
        const page = await this.#office.cdrs(account, { fromMs, untilMs, limit: PAGE, ...(cursor ? { cursor } : {}) })
        for (const text of page.items) yield rowOf(JSON.parse(text) as Cdr, by, timezone)
        // What the store has no more is not asked of it.
        cursor = page.nextCursor?.startsWith('a') ? undefined : page.nextCursor
      } while (cursor !== undefined)
    }
  }
}
