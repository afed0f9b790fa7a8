/**
 * The port to what is owned, promised and spent. A decision is planned in TypeScript (ledger/funding.ts) on figures read
 * before, and the ledger takes the plan only if it still fits: one atomic step, or nothing and fresh figures.
 *
 * Every method may throw Fault(store_unavailable | store_timeout | store_overloaded); what a write did is then unknown
 * and the same request may be sent again: revisions and operation ids make a repeat harmless.
 */
import type { Thresholds } from '../accounts/watched.ts'
import type { Micros } from '../base/money.ts'
import type { LevelFigures, PoolMove, SpendPeriod } from '../ledger/figures.ts'
import type { TrunkKind } from '../ledger/hold.ts'
import type { CallRecord, CallRef, Leg } from './call.ts'

export interface LevelReservation {
  readonly account: string
  readonly currency: string
  readonly profileVersion: number
  /** The trunk limits of the call's direction; absent where trunks are not asked. */
  readonly trunkLimits?: { readonly own: number; readonly twoWay: number }
  readonly ownKind: TrunkKind
  /** The trunk that the plan takes; absent with limits given means that all are busy, and the ledger checks that. */
  readonly takesTrunk?: TrunkKind
  /** The call is counted at this account from now. */
  readonly joins: boolean
  readonly callLimit?: number
  /** Change of the credit put aside. */
  readonly credit: Micros
  readonly creditLimit: Micros
  /** The plan took what little credit there was: it stands only if available is still this. */
  readonly exactlyAvailable?: Micros
  readonly spend?: SpendPeriod
  readonly thresholds: Thresholds
  readonly pools: readonly PoolMove[]
}

export interface Reservation {
  /** The record to write; its revision is one more than the one that was read (0: there was none). */
  readonly record: CallRecord
  readonly expectedRevision: number
  readonly nowMs: number
  readonly dueAtMs: number
  readonly why: string
  readonly levels: readonly LevelReservation[]
  /** Which revision of the tariff book prices were taken from. */
  readonly tariffRevision: number
  /** The partition whose claim on the leg is void: what was kept there is a tombstone of an older attempt. */
  readonly legBefore?: number
  /** Only reads the figures. */
  readonly lookOnly?: boolean
  /** Use that has happened is put aside whatever is left of credit (late stops, fail-open calls). */
  readonly forced?: boolean
}

export type ReserveAnswer =
  | { readonly kind: 'reserved'; readonly figures: readonly LevelFigures[] }
  | { readonly kind: 'unfit'; readonly figures: readonly LevelFigures[] }
  | Changed
  | { readonly kind: 'leg_elsewhere'; readonly ref: CallRef }
  | { readonly kind: 'stale_profile'; readonly account: string }
  | { readonly kind: 'stale_tariffs' }

/** The record is not the one that was read; undefined when it is gone. */
export interface Changed {
  readonly kind: 'changed'
  readonly record: CallRecord | undefined
}

export interface LevelSettlement {
  readonly account: string
  readonly currency: string
  readonly ownKind: TrunkKind
  readonly frees?: TrunkKind
  /** The call is no longer counted at this account. */
  readonly leaves: boolean
  /** Change of the credit put aside; zero or less. */
  readonly reserved: Micros
  /** What is debited for good; less than zero gives back what an earlier settlement took. */
  readonly debit: Micros
  readonly pools: readonly PoolMove[]
  readonly spend: SpendPeriod
  readonly thresholds: Thresholds
  readonly creditLimit: Micros
  /** The CDR of this level as JSON, where one is written. */
  readonly cdr?: string
}

export interface Settlement {
  readonly record: CallRecord
  readonly expectedRevision: number
  readonly nowMs: number
  readonly why: string
  readonly levels: readonly LevelSettlement[]
  /** How long the record is remembered. */
  readonly rememberMs: number
}

export type SettleAnswer =
  { readonly kind: 'settled' } | { readonly kind: 'unfit'; readonly figures: readonly LevelFigures[] } | Changed

export interface Mark {
  readonly record: CallRecord
  readonly expectedRevision: number
  readonly nowMs: number
  /** Absent for a record that nothing is due of: a tombstone. */
  readonly dueAtMs?: number
  readonly rememberMs?: number
}

export type MarkAnswer =
  { readonly kind: 'marked' } | Changed | { readonly kind: 'leg_elsewhere'; readonly ref: CallRef }

/** What accounts have now, for quotes. */
export interface FiguresRequest {
  readonly partition: number
  readonly levels: readonly LevelReservation[]
  readonly nowMs: number
  readonly tariffRevision: number
}

export type FiguresAnswer =
  | { readonly kind: 'figures'; readonly figures: readonly LevelFigures[] }
  | { readonly kind: 'stale_profile'; readonly account: string }
  | { readonly kind: 'stale_tariffs' }

/** The cap of a day or a month left too little for a call. */
export interface CapReached {
  readonly partition: number
  readonly account: string
  readonly currency: string
  readonly period: 'day' | 'month'
  /** "2026-11-28" or "2026-11", in the zone of the account. */
  readonly of: string
  readonly cap: Micros
  readonly spent: Micros
  readonly nowMs: number
}

/** The calls' side of the ledger. */
export interface CallLedger {
  readCall(ref: CallRef): Promise<CallRecord | undefined>
  findLeg(leg: Leg): Promise<CallRef | undefined>
  /** Puts aside what a call may use next; the new holds replace the old ones. */
  reserve(reservation: Reservation): Promise<ReserveAnswer>
  figures(request: FiguresRequest): Promise<FiguresAnswer>
  /** Debits what was used, releases the rest, frees channels, writes CDRs: in one step. Also corrects. */
  settle(settlement: Settlement): Promise<SettleAnswer>
  /** Tells the outbox of a cap, once for its day or month. */
  tellCap(cap: CapReached): Promise<void>
  /** Writes a record whose money does not move. */
  mark(mark: Mark): Promise<MarkAnswer>
  /** Takes due calls for `leaseMs`; a call that is not dealt with by then is due again, for any daemon. */
  claimDue(claim: { partition: number; nowMs: number; leaseMs: number; limit: number }): Promise<readonly CallRef[]>
  /** Live calls of a partition, a page at a time. */
  liveCalls(partition: number, offset: number, limit: number): Promise<readonly CallRecord[]>
}
