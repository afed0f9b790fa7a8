/** Takes what is reported of an account's stored bytes, and bills each month that is over once (rule T13). */
import type { AccountProfile } from '../accounts/account.ts'
import type { AccountOffice } from '../accounts/office.ts'
import { type StorageSettings, type StorageTerms, storageTerms } from '../accounts/storage-terms.ts'
import { Fault } from '../base/fault.ts'
import { failuresOf, inTurns } from '../base/in-turns.ts'
import { MAX_MICROS } from '../base/money.ts'
import { type Clock, dayOf } from '../base/time.ts'
import {
  closesAtMs,
  type ClosedMonth,
  monthBefore,
  monthOf,
  MONTHS_KEPT,
  type StorageBook,
  type StorageFee,
  storageFee,
  type StorageMonth,
  withDay,
  withMonth,
  withoutOld,
} from './storage-month.ts'

export type StorageRefusalCode = 'account_unknown' | 'storage_billed' | 'storage_day_invalid'

export interface StorageRefused {
  readonly kind: 'refused'
  readonly code: StorageRefusalCode
  readonly detail: string
}

export interface StorageChange {
  readonly kind: 'change'
  readonly book: StorageBook
  /** When a month is to be closed or settled next; undefined is never. */
  readonly dueAtMs: number | undefined
}

export interface StorageStore {
  /** Undefined for an account that is not there. */
  book(account: string): Promise<StorageBook | undefined>
  /** Decides over what is stored, anew when that changed meanwhile; undefined writes nothing. */
  change(account: string, decide: (book: StorageBook) => StorageChange | StorageRefused | undefined): Promise<Changed>
  /** Accounts with something to do, at most `limit` of each partition; those that wait longest first. */
  due(nowMs: number, limit: number): AsyncIterable<string>
}

/** What is stored now. */
export type Changed = { readonly kind: 'stored'; readonly book: StorageBook } | StorageRefused

export interface StorageParts {
  readonly store: StorageStore
  readonly office: Pick<AccountOffice, 'get' | 'debit'>
  readonly settings: () => StorageSettings
  readonly clock: Clock
}

export interface StorageReport {
  readonly account: string
  /** "2026-11-14" in the zone of the account. */
  readonly day: string
  readonly bytes: number
}

export interface StorageView {
  readonly account: string
  readonly currency: string
  readonly timezone: string
  /** Absent: storage costs nothing. */
  readonly terms?: StorageTerms
  /** Oldest first. */
  readonly months: readonly MonthView[]
}

export interface MonthView extends StorageFee {
  readonly month: string
  readonly state: 'open' | 'closed' | 'billed' | 'free'
  readonly days: readonly { readonly day: string; readonly bytes: number }[]
  /** Of an open month: until then its days may be reported. */
  readonly closesAtMs?: number
  readonly entry?: string
}

export type Reported = { readonly kind: 'reported'; readonly month: MonthView } | StorageRefused

const AT_ONCE = 10
const DUE_AT_ONCE = 100

/** Of one account in one round: two for each month that can wait. */
const MOST_STEPS = 2 * MONTHS_KEPT + 4

export class StorageDesk {
  readonly #parts: StorageParts

  constructor(parts: StorageParts) {
    this.#parts = parts
  }

  /** The same again changes nothing; another figure for the day takes the place of the one before. */
  async report({ account, day, bytes }: StorageReport): Promise<Reported> {
    const { office, store, clock } = this.#parts
    const profile = await office.get(account)
    if (!profile) return accountUnknown(account)
    const nowMs = clock.nowMs()
    const refusal = refuseDay(day, dayOf(nowMs, profile.timezone))
    if (refusal) return refusal
    const changed = await store.change(account, (book) => {
      const next = withDay(book, { day, bytes, nowMs })
      if (!next) return refused('storage_billed', `the storage of ${monthOf(day)} was billed`)
      return next === book ? undefined : this.#change(profile, next)
    })
    if (changed.kind === 'refused') return changed
    const month = changed.book.find((each) => each.month === monthOf(day))
    if (!month) throw new Fault('unexpected', `the storage of account ${account} was stored without ${day}`)
    return { kind: 'reported', month: this.#monthView(profile, month) }
  }

  async view(account: string): Promise<StorageView | undefined> {
    const { office, store, settings } = this.#parts
    const profile = await office.get(account)
    const book = await store.book(account)
    if (!profile || !book) return undefined
    const { currency, timezone } = profile
    const terms = storageTerms(profile, settings())
    const months = book.map((month) => this.#monthView(profile, month))
    return { account, currency, timezone, ...(terms ? { terms } : {}), months }
  }

  /** Every account that has a month to bill. Late, twice or by two daemons at once, each month is billed once. */
  async billDue(): Promise<void> {
    const { store, clock } = this.#parts
    const due: string[] = []
    for await (const account of store.due(clock.nowMs(), DUE_AT_ONCE)) due.push(account)
    const [failure] = failuresOf(await inTurns(due, AT_ONCE, (account) => this.bill(account)))
    if (failure) throw failure
  }

  /** Closes and settles the months of an account that are over. */
  async bill(account: string): Promise<void> {
    const { office } = this.#parts
    for (let steps = 0; steps < MOST_STEPS; steps += 1) {
      const profile = await office.get(account)
      if (!profile || !(await this.#step(profile))) return
    }
  }

  /** False when there was nothing to do. */
  async #step(profile: AccountProfile): Promise<boolean> {
    const { store, clock } = this.#parts
    const nowMs = clock.nowMs()
    let isDone = false
    const changed = await store.change(profile.id, (book) => {
      isDone = false
      if (book.some(isUnsettled)) return undefined
      const over = book.find((month) => !month.closed && this.#closesAtMs(profile, month) <= nowMs)
      isDone = over === undefined
      return this.#change(profile, over ? withMonth(book, this.#closed(profile, over, nowMs)) : book)
    })
    const unsettled = changed.kind === 'stored' ? changed.book.find(isUnsettled) : undefined
    if (unsettled) await this.#settle(profile, unsettled)
    return !isDone
  }

  #closed(profile: AccountProfile, month: StorageMonth, nowMs: number): StorageMonth {
    const fee = this.#fee(profile, month)
    if (fee.amount > MAX_MICROS) {
      throw new Fault('unexpected', `the storage of ${month.month} costs account ${profile.id} more than can be posted`)
    }
    return { ...month, closed: { ...fee, atMs: nowMs, settled: fee.amount === 0n } }
  }

  async #settle(profile: AccountProfile, { month, closed }: ClosedStorageMonth): Promise<void> {
    const { office, store } = this.#parts
    const posted = await office.debit({
      account: profile.id,
      amount: closed.amount,
      // A key that callers choose has no spaces.
      operation: `storage ${month}`,
      kind: 'fee',
      class: 'storage',
      reason: closed.why,
      isOwed: true,
    })
    // A store that was built anew may have the fee and not know what it was: what was posted stands.
    if (posted.kind === 'refused' && posted.code !== 'request_conflict') throw new Fault('unexpected', posted.detail)
    const told = posted.kind === 'posted' ? { entry: posted.entry } : { why: postedBefore(month) }
    await store.change(profile.id, (book) => {
      const found = book.find((each) => each.month === month)
      if (!found || !isUnsettled(found)) return undefined
      const settled = { ...found, closed: { ...found.closed, settled: true, ...told } }
      return this.#change(profile, withMonth(book, settled))
    })
  }

  #change(profile: AccountProfile, changed: StorageBook): StorageChange {
    const nowMs = this.#parts.clock.nowMs()
    const book = withoutOld(changed, monthOf(dayOf(nowMs, profile.timezone)))
    const due = book.flatMap((month) => {
      if (month.closed) return month.closed.settled ? [] : [nowMs]
      return [this.#closesAtMs(profile, month)]
    })
    return { kind: 'change', book, dueAtMs: due.length === 0 ? undefined : Math.min(...due) }
  }

  #closesAtMs({ timezone }: AccountProfile, month: StorageMonth): number {
    return closesAtMs(month, { timezone, billedOnDay: this.#parts.settings().billedOnDay })
  }

  #fee(profile: AccountProfile, month: StorageMonth): StorageFee {
    return storageFee(month, storageTerms(profile, this.#parts.settings()))
  }

  #monthView(profile: AccountProfile, month: StorageMonth): MonthView {
    const { closed } = month
    const { measuredBytes, units, amount, why } = closed ?? this.#fee(profile, month)
    const days = Object.entries(month.days).map(([day, bytes]) => ({ day: `${month.month}-${day}`, bytes }))
    return {
      ...{ month: month.month, state: stateOf(month), measuredBytes, units, amount, why },
      days: days.toSorted((a, b) => (a.day < b.day ? -1 : 1)),
      ...(closed ? {} : { closesAtMs: this.#closesAtMs(profile, month) }),
      ...(closed?.entry === undefined ? {} : { entry: closed.entry }),
    }
  }
}

type ClosedStorageMonth = StorageMonth & { readonly closed: ClosedMonth }

function isUnsettled(month: StorageMonth): month is ClosedStorageMonth {
  return month.closed?.settled === false
}

function postedBefore(month: string): string {
  return `posted before the store was built anew: see operation "storage ${month}" of the transactions`
}

function stateOf({ closed }: StorageMonth): MonthView['state'] {
  if (!closed) return 'open'
  if (!closed.settled) return 'closed'
  return closed.amount > 0n ? 'billed' : 'free'
}

function refuseDay(day: string, today: string): StorageRefused | undefined {
  if (day > today) return refused('storage_day_invalid', `${day} has not begun; today is ${today}`)
  const first = `${monthBefore(monthOf(today), MONTHS_KEPT)}-01`
  if (day >= first) return undefined
  return refused('storage_day_invalid', `${day} is too long ago; the first day that can be reported is ${first}`)
}

function accountUnknown(account: string): StorageRefused {
  return refused('account_unknown', `there is no account ${account.slice(0, 64)}`)
}

function refused(code: StorageRefusalCode, detail: string): StorageRefused {
  return { kind: 'refused', code, detail }
}
