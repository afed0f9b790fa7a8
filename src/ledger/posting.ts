/** What an entry moves for good of the accounts it names: their credit and their minutes. Holds are no postings. */
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
