/** Rates of one deck that have the same prefix and direction: each goes on until the next begins, and a repeat is none. */
import type { RateRow } from '../rating/tariff.ts'
import { dayBefore, startMs } from './onto.ts'

/** A rate whose end is still to be told. */
export type OpenRate = Omit<RateRow, 'validUntil'> & { validUntil?: string | undefined }

/** Gives rates that begin one after the other, and do not say when they end, their ends. */
export function setEnds(rates: readonly OpenRate[], zone: string): void {
  if (rates.every(({ validFrom }) => validFrom === undefined)) return
  const first = new Map<string, OpenRate>()
  const several = new Map<string, OpenRate[]>()
  for (const rate of rates) {
    const key = `${rate.prefix}|${rate.direction ?? 'both'}`
    const before = first.get(key)
    if (!before) first.set(key, rate)
    else several.set(key, [...(several.get(key) ?? [before]), rate])
  }
  for (const group of several.values()) setEndsOf(group, zone)
}

function setEndsOf(group: readonly OpenRate[], zone: string): void {
  const start = ({ validFrom }: OpenRate): number => (validFrom === undefined ? -Infinity : startMs(validFrom, zone))
  const inOrder = group.toSorted((a, b) => start(a) - start(b) || 0)
  for (const [at, rate] of inOrder.entries()) {
    const next = inOrder.slice(at + 1).find((later) => start(later) > start(rate))
    if (next?.validFrom !== undefined) rate.validUntil ??= dayBefore(next.validFrom)
  }
}

/** The places of rates that are in every word the same as one before them. */
export function repeatsIn(rates: readonly RateRow[]): ReadonlySet<number> {
  const known = new Set<string>()
  const repeats = new Set<number>()
  for (const [at, rate] of rates.entries()) {
    const text = JSON.stringify(rate)
    if (known.has(text)) repeats.add(at)
    known.add(text)
  }
  return repeats
}
