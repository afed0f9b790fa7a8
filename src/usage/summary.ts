/** Usage of an account over a period, summed from its CDRs: what the sums are of is what the CDRs say, to the micro. */
import type { AccountOffice } from '../accounts/office.ts'
import { parseAmount, type Micros } from '../base/money.ts'
import { invariant } from '../base/fault.ts'
import { dayOf } from '../base/time.ts'
import type { Cdr } from './cdr.ts'

export type UsageBy = 'day' | 'destination' | 'user' | 'trunk'

export interface UsageQuery {
  readonly fromMs: number
  readonly untilMs: number
  readonly by: UsageBy
  readonly includeDescendants: boolean
}

export interface UsageRow {
  /** The day, destination, user or trunk; "" is none. */
  readonly key: string
  readonly calls: number
  readonly seconds: number
  readonly billedSeconds: number
  readonly poolSeconds: number
  readonly charge: Micros
  readonly currency: string
}

const PAGE = 500

export class UsageDesk {
  readonly #office: Pick<AccountOffice, 'get' | 'list' | 'cdrs'>

  constructor(office: Pick<AccountOffice, 'get' | 'list' | 'cdrs'>) {
    this.#office = office
  }

  async summary(account: string, query: UsageQuery): Promise<readonly UsageRow[]> {
    const rows = new Map<string, UsageRow>()
    const accounts = query.includeDescendants ? await this.#tree(account) : [account]
    const profile = await this.#office.get(account)
    if (!profile) return []
    for (const id of accounts) {
      for await (const cdr of this.#cdrs(id, query)) {
        const key = keyOf(cdr, query.by, profile.timezone)
        rows.set(key, added(rows.get(key) ?? emptyRow(key, cdr.currency), cdr))
      }
    }
    return [...rows.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1))
  }

  async *#cdrs(account: string, { fromMs, untilMs }: UsageQuery): AsyncGenerator<Cdr> {
    let cursor: string | undefined
    do {
      const page = await this.#office.cdrs(account, { fromMs, untilMs, limit: PAGE, ...(cursor ? { cursor } : {}) })
      for (const text of page.items) yield JSON.parse(text) as Cdr
      cursor = page.nextCursor
    } while (cursor !== undefined)
  }

  /** The account and everything below it; the tree is at most five levels deep. */
  async #tree(account: string): Promise<readonly string[]> {
    const found = [account]
    for (let next = 0; next < found.length; next += 1) {
      let cursor: string | undefined
      do {
        const parent = found[next] ?? account
        const page = await this.#office.list({ parent, limit: PAGE, ...(cursor ? { cursor } : {}) })
        found.push(...page.items.map(({ id }) => id))
        cursor = page.nextCursor
      } while (cursor !== undefined)
    }
    return found
  }
}

function keyOf(cdr: Cdr, by: UsageBy, zone: string): string {
  switch (by) {
    case 'day':
      return dayOf(Date.parse(cdr.endedAt), zone)
    case 'destination':
      return cdr.rate?.destination ?? ''
    case 'user':
      return cdr.user ?? ''
    case 'trunk':
      return cdr.trunk ?? ''
  }
}

function emptyRow(key: string, currency: string): UsageRow {
  return { key, calls: 0, seconds: 0, billedSeconds: 0, poolSeconds: 0, charge: 0n, currency }
}

function added(row: UsageRow, cdr: Cdr): UsageRow {
  const charge = parseAmount(cdr.charge)
  invariant(charge !== undefined, 'a CDR has an amount')
  const pools = cdr.parts.reduce((sum, part) => sum + (part.source === 'pool' ? part.seconds : 0), 0)
  return {
    ...row,
    calls: row.calls + 1,
    seconds: row.seconds + cdr.seconds,
    billedSeconds: row.billedSeconds + cdr.billedSeconds,
    poolSeconds: row.poolSeconds + pools,
    charge: row.charge + charge,
  }
}
