/** What an account has spent and bought, counted anew from its journal. */
import { dayOf } from '../base/time.ts'
import type { JournalEntry } from '../ledger/journal.ts'

/** What was spent in the day and month that the last entries of an account are of. */
export interface Spent {
  readonly day: string
  readonly inDay: bigint
  readonly month: string
  readonly inMonth: bigint
}

/** As settle.lua counts it: of calls, in the account's own day and month, never below zero. */
export function countSpent(
  spent: Map<string, Spent>,
  entry: JournalEntry,
  accounts: ReadonlyMap<string, { readonly timezone: string }>,
): void {
  if (entry.call === undefined) return
  for (const [account, counter, change] of entry.moves) {
    if (counter !== 'cp' && counter !== 'dp') continue
    const day = dayOf(entry.atMs, accounts.get(account)?.timezone ?? 'UTC')
    spent.set(account, withSpent(spent.get(account), day, BigInt(counter === 'dp' ? change : -change)))
  }
}

const PURCHASES = ['purchase', 'recharge']

/** Micros of the last purchase of credit, as the scripts keep it for thresholds that are shares of it. */
export function notePurchase(purchases: Map<string, bigint>, { kind, moves, note }: JournalEntry): void {
  if (kind !== 'credit' || !PURCHASES.includes(note?.['kind'] ?? '')) return
  for (const [account, counter, change] of moves) if (counter === 'cp') purchases.set(account, BigInt(change))
}

function withSpent(known: Spent | undefined, day: string, debit: bigint): Spent {
  const month = day.slice(0, 7)
  const inDay = (known?.day === day ? known.inDay : 0n) + debit
  const inMonth = (known?.month === month ? known.inMonth : 0n) + debit
  return { day, month, inDay: inDay < 0n ? 0n : inDay, inMonth: inMonth < 0n ? 0n : inMonth }
}
