/** From when a tariff version that is put in force now prices calls: at once, unless it says itself that it is for later. */
import { readMoment } from '../rating/validity.ts'

export function effectiveAtMs(
  head: { readonly effectiveFrom?: string | undefined; readonly timezone?: string | undefined },
  nowMs: number,
): number {
  const { effectiveFrom, timezone = 'UTC' } = head
  if (effectiveFrom === undefined) return nowMs
  return Math.max(nowMs, readMoment(effectiveFrom, timezone, 'start') ?? nowMs)
}
