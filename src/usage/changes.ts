/**
 * What became of calls, for jobs that bill what is new and nothing twice: every CDR and every correction of one, in the
 * order in which the ledger wrote them, each with what it adds to the sums.
 */
import type { Cdr } from './cdr.ts'
import { combined, figuresOf, type UsageFigures } from './usage-row.ts'

export interface ChangesPlace {
  /** Absent is from the first CDR on. */
  readonly cursor?: string
  readonly limit: number
}

/** "<journal entry>.<level>" of the last CDR that was read, and ".<how often the store lost entries>" where it did. */
export const CHANGES_CURSOR = /^\d{1,15}\.\d{1,2}(\.\d{1,6})?$/

export interface CdrChange {
  readonly kind: 'call' | 'correction'
  readonly cdr: Cdr
  /** The CDR's figures, less those of the revision before: what the change adds, `calls` 0 for a correction. */
  readonly adds: UsageFigures
}

export interface ChangesPage {
  readonly items: readonly CdrChange[]
  /** Where to go on, now or at any later time; the same as it was given when there was nothing new. */
  readonly cursor: string
  /** There is more already. */
  readonly more: boolean
  /** The cursor is beyond all that there is, so it was not given out here. */
  readonly unknown?: true
}

export function changeOf(cdr: Cdr, before: Cdr | undefined): CdrChange {
  const figures = figuresOf(cdr)
  return before
    ? { kind: 'correction', cdr, adds: combined(figures, figuresOf(before), -1) }
    : { kind: 'call', cdr, adds: figures }
}
