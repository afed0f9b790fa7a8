/** How many seconds a call takes from a minute pool (rules R1–R3); which pool pays is decided elsewhere. */
import { invariant } from '../base/fault.ts'

export interface PoolTerms {
  /** Seconds are counted in whole increments, begun ones as full ones. */
  readonly increment: number
  /** A call of up to this many seconds does not count; a longer one counts from its first second. */
  readonly freeSeconds: number
}

/** The seconds a call of `usedSeconds` counts for. */
export function poolSeconds(terms: PoolTerms, usedSeconds: number): number {
  return usedSeconds <= terms.freeSeconds ? 0 : poolReservation(terms, usedSeconds)
}

/** The seconds to put aside for `seconds`: the call may become longer than the free threshold, so that is left out. */
export function poolReservation(terms: Pick<PoolTerms, 'increment'>, seconds: number): number {
  invariant(Number.isSafeInteger(terms.increment) && terms.increment > 0, 'a pool increment is one second or more')
  invariant(Number.isSafeInteger(seconds) && seconds >= 0, 'seconds are whole and not negative')
  return Math.ceil(seconds / terms.increment) * terms.increment
}
