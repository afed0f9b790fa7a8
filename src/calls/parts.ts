/** What the use cases of a call are given: the ports of everything outside them. */
import type { AccountOffice } from '../accounts/office.ts'
import type { Micros } from '../base/money.ts'
import type { Clock } from '../base/time.ts'
import type { CallLedger } from './call-ledger.ts'
import type { TariffBook } from '../rating/book.ts'
import type { CallMode, CallRecord } from './call.ts'
import type { Digest } from './call-id.ts'
import type { EdgeControl } from './edge-control.ts'

/** The settings of calls that are in force; lengths are whole seconds unless the name says otherwise. */
export interface CallPolicy {
  readonly sliceSeconds: number
  /** How long before the end of a slice the next one is asked for. */
  readonly extendAheadSeconds: number
  /** How long a reservation lives unanswered. */
  readonly setupSeconds: number
  /** A cut is begun this long before the money ends. */
  readonly guardMs: number
  /** The parties are warned this long before the money ends; 0 where they are not. */
  readonly warnSeconds: number
  readonly aliveWithinSeconds: number
  readonly maxCallSeconds: number
  readonly unattendedSeconds: number
  readonly failedMemorySeconds: number
  readonly rememberDays: number
  readonly endRetrySeconds: number
  /** How long after the first stop an earlier end from the same edge may shorten it. */
  readonly shortenWithinSeconds: number
  readonly defaultTariff?: string
  readonly emergencyNumbers: readonly string[]
  modeOf(node: string): CallMode
}

/** Says what happened, for logs and counters; never numbers unmasked. */
export interface CallObserver {
  decided(decision: Decision): void
  ended(record: CallRecord): void
  /** How late an extension or a cut was carried out. */
  late(what: 'extend' | 'cut' | 'expire', lateMs: number): void
  happened(what: CallHappening, record?: CallRecord): void
}

export interface Decision {
  readonly operation: 'authorize' | 'extend'
  readonly call: string
  readonly account?: string
  readonly code: string
  readonly fundedBy?: string
  readonly reserved?: Micros
  readonly to: string
  readonly tookMs: number
}

export type CallHappening =
  | 'warn_failed'
  | 'presumed_end'
  | 'late_settlement'
  | 'fail_open'
  | 'overrun'
  | 'revived'
  | 'parked'
  | 'ignored_event'
  | 'end_failed'
  | 'raise_failed'
  | 'emergency'
  | 'unrated'

/** Events that cannot be rated wait for a person. */
export interface Parking {
  park(event: Readonly<Record<string, unknown>>, why: string): Promise<void>
}

export interface Identification {
  readonly account: string
  readonly trunk: string
}

export interface IdentifyQuery {
  readonly trunk?: string
  readonly source?: string
  readonly from?: string
  readonly to?: string
  readonly direction?: 'outbound' | 'inbound'
}

export interface CallParts {
  readonly ledger: CallLedger
  readonly accounts: Pick<AccountOffice, 'chainOf' | 'forget'>
  readonly tariffs: TariffBook
  readonly policy: () => CallPolicy
  readonly identify: (query: IdentifyQuery) => Identification | undefined
  readonly controlOf: (node: string) => EdgeControl
  readonly observer: CallObserver
  readonly parking: Parking
  readonly clock: Clock
  readonly digest: Digest
  readonly partitions: number
  /** CRC-16 of a root account, or anything that spreads legs without an account over the partitions. */
  readonly partitionOf: (text: string) => number
}

/** A write that meets another of the same call, or figures that moved, is planned again; so often at most. */
export const MAX_TRIES = 24
