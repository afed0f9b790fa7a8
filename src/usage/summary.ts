/**
 * Usage of an account over a period, summed from its CDRs: what the sums are of is what the CDRs say, to the micro.
 * Calls of the last weeks are in the store and in the archive, older ones in the archive only.
 */
import type { AccountOffice, Page, PageRequest, Transaction } from '../accounts/office.ts'
import { Fault } from '../base/fault.ts'
import type { Clock } from '../base/time.ts'
import type { ChangesPage, ChangesPlace } from './changes.ts'
import { summed, type UsageBy, type UsageRow } from './usage-row.ts'

export interface UsagePeriod {
  readonly fromMs: number
  readonly untilMs: number
}

export interface UsageQuery extends UsagePeriod {
  readonly by: UsageBy
  readonly includeDescendants: boolean
}

/** Whose calls: an account tree lies in one partition. */
export interface UsageAccounts {
  readonly partition: number
  readonly accounts: readonly string[]
}

export interface SourceQuery extends UsageAccounts, UsagePeriod {
  readonly by: UsageBy
  /** A day is one of this zone. */
  readonly timezone: string
}

export interface UsageSource {
  /** What is to be added up; a key may come more than once. */
  rows(query: SourceQuery): AsyncIterable<UsageRow>
}

export interface UsageArchive extends UsageSource {
  /** It answers without being started first. */
  readonly isOpen: boolean
  changes(query: UsageAccounts & ChangesPlace): Promise<ChangesPage>
  /** CDRs of calls whose first one was written before the journal entry, newest first. */
  cdrs(query: ArchivedHistoryQuery): Promise<Page<string>>
  /** Postings before the journal entry, newest first. */
  transactions(query: ArchivedHistoryQuery): Promise<Page<Transaction>>
}

export interface ArchivedHistoryQuery extends PageRequest {
  readonly partition: number
  readonly account: string
  readonly before: number
}

export interface UsageParts {
  readonly office: Pick<AccountOffice, 'get' | 'list' | 'chainOf' | 'cdrs' | 'transactions'>
  readonly store: UsageSource
  readonly archive: UsageArchive
  readonly clock: Clock
  /** How long transactions and CDRs stay in the store. */
  readonly hotDays: () => number
}

/** What is read in the store while it is there, and in the archive then. */
interface History<T> {
  readonly account: string
  readonly page: PageRequest
  readonly hot: (page: PageRequest) => Promise<Page<T>>
  readonly archived: (query: ArchivedHistoryQuery) => Promise<Page<T>>
}

const PAGE = 500

/** CDRs: some seconds of reading. */
const MOST_STORED = 20_000
/** Accounts whose children are looked for. */
const ASKED_AT_ONCE = 64
const DAY_MS = 86_400_000

export class UsageDesk {
  readonly #parts: UsageParts

  constructor(parts: UsageParts) {
    this.#parts = parts
  }

  async summary(account: string, query: UsageQuery): Promise<readonly UsageRow[]> {
    const profile = await this.#parts.office.get(account)
    if (!profile) return []
    const { timezone } = profile
    const whose = await this.whose(account, query.includeDescendants)
    return this.#summed({ ...query, ...whose, timezone })
  }

  /** Ended calls, newest first, each as it was last corrected: from the store, then from the archive. */
  cdrs(account: string, page: PageRequest): Promise<Page<string>> {
    const { office, archive } = this.#parts
    const hot = (request: PageRequest) => office.cdrs(account, request)
    return this.#history({ account, page, hot, archived: (query) => archive.cdrs(query) })
  }

  /** Journal entries that posted to the account, newest first: from the store, then from the archive. */
  transactions(account: string, page: PageRequest): Promise<Page<Transaction>> {
    const { office, archive } = this.#parts
    const hot = (request: PageRequest) => office.transactions(account, request)
    return this.#history({ account, page, hot, archived: (query) => archive.transactions(query) })
  }

  async #history<T>({ account, page, hot, archived }: History<T>): Promise<Page<T>> {
    const { cursor, fromMs = -Infinity } = page
    if (!cursor?.startsWith('a')) {
      const { items, nextCursor } = await hot(page)
      const isLast = nextCursor?.startsWith('a') && this.#isHot(fromMs)
      return nextCursor === undefined || isLast ? { items } : { items, nextCursor }
    }
    const partition = (await this.#parts.office.chainOf(account))?.partition ?? 0
    return archived({ ...page, partition, account, before: Number(cursor.slice(1)) })
  }

  /** What became of calls since the place, in the order in which it became so. */
  async changes(
    account: string,
    { includeDescendants, ...place }: ChangesPlace & { readonly includeDescendants: boolean },
  ): Promise<ChangesPage> {
    return this.#parts.archive.changes({ ...(await this.whose(account, includeDescendants)), ...place })
  }

  /** An archive that is away, or that nobody has started yet, is not needed for what the store knows as well. */
  async #summed(query: SourceQuery): Promise<readonly UsageRow[]> {
    const { archive } = this.#parts
    const isHot = this.#isHot(query.fromMs)
    const early = isHot && !archive.isOpen ? await this.#stored(query) : undefined
    if (early) return early
    try {
      return await summed(archive.rows(query))
    } catch (error) {
      const isAway = error instanceof Fault && error.code === 'archive_unavailable'
      const rows = isHot && isAway ? await this.#stored(query) : undefined
      if (rows) return rows
      throw error
    }
  }

  /** Undefined when there are more calls than are read of the store for one answer. */
  async #stored(query: SourceQuery): Promise<readonly UsageRow[] | undefined> {
    const { store } = this.#parts
    let count = 0
    async function* bounded(): AsyncGenerator<UsageRow> {
      for await (const row of store.rows(query)) {
        count += 1
        if (count > MOST_STORED) return
        yield row
      }
    }
    const rows = await summed(bounded())
    return count > MOST_STORED ? undefined : rows
  }

  #isHot(fromMs: number): boolean {
    const { clock, hotDays } = this.#parts
    return fromMs >= clock.nowMs() - hotDays() * DAY_MS
  }

  /** The account, and those below it. */
  async whose(account: string, includeDescendants: boolean): Promise<UsageAccounts> {
    const partition = (await this.#parts.office.chainOf(account))?.partition ?? 0
    return { partition, accounts: includeDescendants ? await this.#tree(account) : [account] }
  }

  /** The account and everything below it; the tree is at most five levels deep. */
  async #tree(account: string): Promise<readonly string[]> {
    const found = [account]
    for (let next = 0; next < found.length;) {
      const parents = found.slice(next, next + ASKED_AT_ONCE)
      next += parents.length
      found.push(...(await Promise.all(parents.map((parent) => this.#below(parent)))).flat())
    }
    return found
  }

  async #below(parent: string): Promise<readonly string[]> {
    const found: string[] = []
    let cursor: string | undefined
    do {
      const page = await this.#parts.office.list({ parent, limit: PAGE, ...(cursor ? { cursor } : {}) })
      found.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor
    } while (cursor !== undefined)
    return found
  }
}
