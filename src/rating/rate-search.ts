/** Finds the rate of a number at an instant: the longest prefix that has a rate for the direction valid then. */
import { NO_ROW, numberKey, type PrefixIndex, shorterKey } from './prefix-index.ts'
import { INBOUND, OUTBOUND, type RateTable, WORD } from './rate-table.ts'

export type CallDirection = 'outbound' | 'inbound'

export interface RateQuery {
  readonly direction: CallDirection
  readonly digits: string
  readonly atMs: number
}

export interface RateFound {
  /** NO_ROW when nothing is valid. */
  readonly row: number
  readonly prefixLength: number
  /** Until then the same query finds the same rate; Infinity when no date changes it. */
  readonly untilMs: number
}

interface Candidate {
  readonly row: number
  readonly untilMs: number
}

export function findRate(index: PrefixIndex, rates: RateTable, query: RateQuery): RateFound {
  let { key, length } = numberKey(query.digits)
  let untilMs = Infinity
  for (; length >= 0; length -= 1, key = shorterKey(key)) {
    if (!index.hasLength(length)) continue
    const first = index.get(key)
    if (first === NO_ROW) continue
    const candidate = chooseCandidate(rates, first, query)
    untilMs = Math.min(untilMs, candidate.untilMs)
    if (candidate.row !== NO_ROW) return { row: candidate.row, prefixLength: length, untilMs }
  }
  return { row: NO_ROW, prefixLength: 0, untilMs }
}

/** Among the rates of one prefix, one for this direction alone goes before one for both. */
function chooseCandidate(rates: RateTable, first: number, query: RateQuery): Candidate {
  const wanted = query.direction === 'outbound' ? OUTBOUND : INBOUND
  let best = NO_ROW
  let untilMs = Infinity
  for (let row = first; row !== NO_ROW; row = rates.nextRow(row)) {
    const directions = rates.get(row, WORD.flags) & (OUTBOUND | INBOUND)
    if ((directions & wanted) === 0) continue
    const validity = rates.validityOf(row)
    if (query.atMs >= validity.untilMs) continue
    if (query.atMs < validity.fromMs) {
      untilMs = Math.min(untilMs, validity.fromMs)
      continue
    }
    untilMs = Math.min(untilMs, validity.untilMs)
    if (best === NO_ROW || directions === wanted) best = row
  }
  return { row: best, untilMs }
}
