/**
 * What an account was charged in a period and what it owes: sums of its journal, by when entries were posted, so that
 *
 *   opening + payments + credits − monthly − calls = closing
 *
 * to the micro. Below zero is owed.
 */
import type { ChargeClass } from '../accounts/charge-class.ts'
import type { Micros } from '../base/money.ts'
import type { UsagePeriod } from '../usage/summary.ts'
import type { UsageFigures } from '../usage/usage-row.ts'

/** What entries of one kind come to; more than zero is to the good of the account. */
export interface PostedSum {
  readonly account: string
  /** As the journal calls it. */
  readonly kind: string
  readonly class?: ChargeClass
  readonly isCall: boolean
  readonly count: number
  readonly amount: Micros
}

export interface Totals {
  /** Fees. */
  readonly monthly: Micros
  /** Per-minute use and its corrections, as the journal took it. */
  readonly calls: Micros
  /** Money that came in, less what was paid back. */
  readonly payments: Micros
  /** Adjustments, either way. */
  readonly credits: Micros
}

export interface MonthlyCharge {
  readonly class: ChargeClass
  readonly count: number
  readonly amount: Micros
}

export interface StatementItem {
  /** "<partition>-<number>" of the journal entry. */
  readonly id: string
  readonly atMs: number
  readonly what: string
  readonly class?: ChargeClass
  readonly why?: string
  readonly externalId?: string
  readonly amount: Micros
  readonly poolSeconds: number
}

export interface Statement extends UsagePeriod, Totals {
  readonly opening: Micros
  readonly closing: Micros
  readonly charges: readonly MonthlyCharge[]
  /** Of the calls that ended in the period. */
  readonly usage: UsageFigures
  readonly dueAtMs: number
  /** Entries that are no calls, oldest first. */
  readonly items: readonly StatementItem[]
  readonly hasMoreItems: boolean
}

const NOTHING: Totals = { monthly: 0n, calls: 0n, payments: 0n, credits: 0n }

const PAYMENTS: ReadonlySet<string> = new Set(['purchase', 'recharge', 'bundle', 'refund'])

export function totalsOf(sums: readonly PostedSum[]): Totals {
  return sums.reduce((totals, { kind, isCall, amount }) => {
    if (isCall) return { ...totals, calls: totals.calls - amount }
    if (kind === 'fee') return { ...totals, monthly: totals.monthly - amount }
    if (PAYMENTS.has(kind)) return { ...totals, payments: totals.payments + amount }
    return { ...totals, credits: totals.credits + amount }
  }, NOTHING)
}

/** In the order of the classes that there are. */
export function monthlyCharges(sums: readonly PostedSum[]): readonly MonthlyCharge[] {
  const fees = sums.filter(({ kind, isCall }) => kind === 'fee' && !isCall)
  const byClass = Map.groupBy(fees, (sum) => sum.class ?? 'other')
  return [...byClass].map(([of, all]) => ({
    class: of,
    count: all.reduce((count, sum) => count + sum.count, 0),
    amount: all.reduce((amount, sum) => amount - sum.amount, 0n),
  }))
}
