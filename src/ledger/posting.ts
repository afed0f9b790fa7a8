/** What an entry moves for good of the accounts it names: their credit, their minutes, and what they are charged. Holds are no postings. */
import { type ChargeClass, chargeClasses } from '../accounts/charge-class.ts'
import type { JournalEntry } from './journal.ts'

export interface Posted {
  /** Micros that came in; below zero went out. */
  readonly amount: bigint
  /** Seconds of minutes, likewise. */
  readonly poolSeconds: number
}

const NOTHING: Posted = { amount: 0n, poolSeconds: 0 }

export function postedTo({ moves }: Pick<JournalEntry, 'moves'>): ReadonlyMap<string, Posted> {
  const posted = new Map<string, Posted>()
  for (const [account, counter, change] of moves) {
    if (counter === 'dr' || counter.endsWith(':r')) continue
    const { amount, poolSeconds } = posted.get(account) ?? NOTHING
    if (counter === 'cp') posted.set(account, { amount: amount + BigInt(change), poolSeconds })
    else if (counter === 'dp') posted.set(account, { amount: amount - BigInt(change), poolSeconds })
    else posted.set(account, { amount, poolSeconds: poolSeconds + (counter.endsWith(':g') ? change : -change) })
  }
  return posted
}

export interface Charge {
  /** Micros that were earned; below zero were given back. */
  readonly amount: bigint
  readonly class: ChargeClass
}

/**
 * What an entry charges its account that is no call: a fee, or minutes, which are paid and earned in one step so that no
 * credit moves. Undefined where nothing is.
 */
export function chargeIn({ call, books, note }: Pick<JournalEntry, 'call' | 'books' | 'note'>): Charge | undefined {
  if (call !== undefined) return undefined
  const earned = books.filter(([book]) => book.endsWith(':revenue'))
  if (earned.length === 0) return undefined
  const named = chargeClasses.find((each) => each === note?.['class'])
  // Only fees and minutes are earned beside calls, and only fees have a class of their own.
  const unnamed = note?.['kind'] === 'fee' ? 'other' : 'minutes'
  return { amount: earned.reduce((sum, [, change]) => sum + BigInt(change), 0n), class: named ?? unnamed }
}
