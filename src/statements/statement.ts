/**
 * What an account was charged in a period and what it owes: sums of its journal, by when entries were posted, so that
 *
 *   opening + payments + credits − monthly − calls = closing
 *
 * to the micro. Below zero is owed.
 */
import { type ChargeClass, chargeClasses } from '../accounts/charge-class.ts'
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
  /** What was charged beside calls; minutes that were bought are charged and paid for in one, with an amount of 0. */
  readonly charge: Micros
}

export interface Totals {
  /** Fees and minutes that were bought. */
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
  /** What was charged: of a fee the same as was taken, of minutes what they cost. */
  readonly charge: Micros
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

const PAYMENTS: ReadonlySet<string> = new Set(['purchase', 'recharge', 'bundle', 'dialer', 'refund'])

export function totalsOf(sums: readonly PostedSum[]): Totals {
  return sums.reduce((totals, { kind, isCall, amount, charge }) => {
    if (isCall) return { ...totals, calls: totals.calls - amount }
    const monthly = totals.monthly + charge
    // What was charged was taken from what came in.
    const came = amount + charge
    if (PAYMENTS.has(kind)) return { ...totals, monthly, payments: totals.payments + came }
    return { ...totals, monthly, credits: totals.credits + came }
  }, NOTHING)
}

/** In the order of the classes that there are. */
export function monthlyCharges(sums: readonly PostedSum[]): readonly MonthlyCharge[] {
  return chargeClasses.flatMap((of) => {
    const charged = sums.filter((sum) => sum.class === of)
    if (charged.length === 0) return []
    const count = charged.reduce((all, sum) => all + sum.count, 0)
    return [{ class: of, count, amount: charged.reduce((all, { charge }) => all + charge, 0n) }]
  })
}
