/** When something is due of a call: pure arithmetic on its record. */
import { invariant } from '../base/fault.ts'
import type { CallRecord } from './call.ts'
import type { CallPolicy } from './parts.ts'

/** The instant the granted seconds end, by our clock. */
export function grantEndsAtMs(record: CallRecord): number {
  invariant(record.connectedAtMs !== undefined, 'only an answered call has an end of its grant')
  return record.connectedAtMs + record.grantedSeconds * 1000
}

export function setupEndsAtMs(record: CallRecord, policy: CallPolicy): number {
  return record.authorizedAtMs + policy.setupSeconds * 1000
}

/** When the call is to be cut unless more is granted: a little before the money ends. */
export function cutAtMs(record: CallRecord, policy: CallPolicy): number {
  return grantEndsAtMs(record) - policy.guardMs
}

/**
 * When the next slice is asked for: ahead of the end, but never before half of a short slice is over. That it is the last one
 * shows then, and whoever is to be warned of the end has to hear of it in time.
 */
function extendAtMs(record: CallRecord, policy: CallPolicy, sinceMs: number): number {
  const endsAt = grantEndsAtMs(record)
  const halfMs = Math.max(0, Math.floor((endsAt - sinceMs) / 2))
  const aheadSeconds = Math.max(policy.extendAheadSeconds, policy.warnSeconds)
  return endsAt - Math.min(aheadSeconds * 1000, halfMs)
}

/** When the parties are to be warned; undefined where they are not, or were. */
export function warnAtMs(record: CallRecord, policy: CallPolicy): number | undefined {
  const isLast = record.finalReason !== undefined && record.warnedOfSeconds !== record.grantedSeconds
  return isLast && policy.warnSeconds > 0 ? grantEndsAtMs(record) - policy.warnSeconds * 1000 : undefined
}

/** True while something said that the call is up, not too long ago. */
export function isAlive(record: CallRecord, policy: CallPolicy, nowMs: number): boolean {
  return nowMs - record.lastAliveAtMs <= policy.aliveWithinSeconds * 1000
}

/** When the clock must look at the call next. */
export function dueAtMs(record: CallRecord, policy: CallPolicy, nowMs: number): number {
  if (record.state === 'authorized') return setupEndsAtMs(record, policy)
  if (record.state === 'ending') {
    const attempts = Math.max(1, record.endAttempts ?? 0)
    return (record.endingSinceMs ?? nowMs) + attempts * policy.endRetrySeconds * 1000
  }
  const waits = record.mode !== 'clock' || record.finalReason !== undefined
  return waits
    ? Math.min(cutAtMs(record, policy), warnAtMs(record, policy) ?? Infinity)
    : extendAtMs(record, policy, nowMs)
}

/** How long a record without a call is kept. */
export function rememberMs(policy: CallPolicy): number {
  return policy.rememberDays * 86_400_000
}
