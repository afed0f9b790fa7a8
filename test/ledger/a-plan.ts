/** Plans as the use cases hand them to a ledger, in few words. */
import type { LevelReservation, LevelSettlement, Mark, Reservation, Settlement } from '../../src/calls/call-ledger.ts'
import type { CallRecord } from '../../src/calls/call.ts'
import { legKey, makeCallId } from '../../src/calls/call-id.ts'
import { legOf } from '../support/a-call.ts'
import { digest } from '../support/desk.ts'

export const NOW_MS = Date.parse('2026-11-23T12:00:00Z')

export function aRecord(callId: string, partition: number, changes: Partial<CallRecord> = {}): CallRecord {
  const leg = legOf(callId)
  const key = legKey(leg, digest)
  return {
    revision: 1,
    call: makeCallId({ partition, legKey: key }, NOW_MS),
    partition,
    legKey: key,
    leg,
    state: 'authorized',
    content: 'c',
    mode: 'clock',
    direction: 'outbound',
    from: '+1',
    to: '+44',
    media: 'voice',
    account: 'acme',
    authorizedAtMs: NOW_MS,
    lastAliveAtMs: NOW_MS,
    absences: 0,
    grantedSeconds: 60,
    maxDurationSeconds: 60,
    levels: [],
    corrections: 0,
    history: [],
    ...changes,
  }
}

/** Asks nothing of the account. */
export function aLevel(account: string, changes: Partial<LevelReservation> = {}): LevelReservation {
  return {
    account,
    currency: 'USD',
    profileVersion: 1,
    ownKind: 'outbound',
    joins: false,
    credit: 0n,
    creditLimit: 0n,
    spend: { day: '2026-11-23', month: '2026-11' },
    thresholds: { pools: {} },
    pools: [],
    ...changes,
  }
}

export function aReservation(
  record: CallRecord,
  levels: readonly LevelReservation[],
  changes: Partial<Reservation> = {},
): Reservation {
  return {
    record,
    expectedRevision: record.revision - 1,
    nowMs: NOW_MS,
    dueAtMs: NOW_MS + 60_000,
    why: 'test',
    levels,
    tariffRevision: 0,
    ...changes,
  }
}

export function aSettledLevel(account: string, changes: Partial<LevelSettlement> = {}): LevelSettlement {
  return {
    account,
    currency: 'USD',
    ownKind: 'outbound',
    leaves: false,
    reserved: 0n,
    debit: 0n,
    pools: [],
    spend: { day: '2026-11-23', month: '2026-11' },
    thresholds: { pools: {} },
    creditLimit: 0n,
    ...changes,
  }
}

export function aSettlement(
  record: CallRecord,
  levels: readonly LevelSettlement[],
  changes: Partial<Settlement> = {},
): Settlement {
  return {
    record,
    expectedRevision: record.revision - 1,
    nowMs: NOW_MS,
    why: 'test',
    levels,
    rememberMs: 1_000_000,
    ...changes,
  }
}

export function aMark(record: CallRecord, changes: Partial<Mark> = {}): Mark {
  return { record, expectedRevision: record.revision - 1, nowMs: NOW_MS, dueAtMs: NOW_MS + 5_000, ...changes }
}
