/**
 * A call as the store keeps it: who it is, what pays for it, where it stands.
 *
 * States, and the moves between them (by rank, not by arrival):
 *
 *   none        ──authorize──▶ authorized     a slice is held, the far end rings
 *   none        ──start──────▶ answered       the edge connected without asking (fail-open); rated afterwards
 *   none        ──stop───────▶ ended          likewise; rated from the stop alone
 *   none        ──failed─────▶ failed         a tombstone that the late authorize meets (`gone`)
 *   authorized  ──start──────▶ answered       seconds count from here
 *   authorized  ──stop───────▶ ended | failed ended when the stop says when it was answered, else nothing was used
 *   authorized  ──failed─────▶ failed         all is released; so when nobody answers within `setupSeconds`
 *   answered    ──cut, end───▶ ending         the edge was told to end it; its word is not proof
 *   authorized  ──end────────▶ ending         likewise; not answered, so it can still be released
 *   answered    ──stop───────▶ ended
 *   ending      ──stop───────▶ ended
 *   answered, ending ─silence▶ ended          presumed; a later real stop corrects it
 *   failed      ──start──────▶ answered       revived: the edge's "failed" was not true
 *   failed      ──authorize──▶ authorized     another attempt of the same leg
 *   ended       ──stop───────▶ ended          corrects a presumed end, or shortens; else the first stop stands
 */
import type { Direction, Media } from '../accounts/account.ts'
import type { Micros } from '../base/money.ts'
import type { Hold, PoolPart } from '../ledger/hold.ts'

export type CallState = 'authorized' | 'answered' | 'ending' | 'ended' | 'failed'

/** Who asks for the next slice: the daemon, the edge, or nobody, as all was reserved at once. */
export type CallMode = 'clock' | 'edge' | 'whole'

export interface Leg {
  readonly node: string
  readonly callId: string
  readonly legId: string
}

/** Where a call's record is: its partition and the key of its leg in it. */
export interface CallRef {
  readonly partition: number
  readonly legKey: string
}

/** What one level was charged when the call ended. */
export interface Charge {
  readonly micros: Micros
  readonly billedSeconds: number
  readonly pools: readonly PoolPart[]
  /** Pool seconds beyond what the pools had (rule M16). */
  readonly overrunSeconds: number
  readonly unrated?: boolean
}

export interface CallLevel {
  readonly account: string
  readonly currency: string
  /** The tariff version in force when the call began; absent where this level is not priced. */
  readonly tariff?: { readonly name: string; readonly version: number }
  readonly hold: Hold
  readonly charge?: Charge
}

export interface CallEnd {
  /** The edge's own time where it gave one. */
  readonly endedAtMs: number
  readonly seconds: number
  readonly cause: string
  readonly instance?: string
  /** No stop was heard: the end is the last instant the call was known alive, within what was granted. */
  readonly presumed: boolean
  /** The edge said that it lasted longer than calls are rated for. */
  readonly overlong?: boolean
  readonly heardAtMs: number
}

/** An attempt that failed, as far as its edge names it. */
export interface OverAttempt {
  readonly attempt?: string
  readonly event?: string
}

/** One line of a call's history, for people. */
export interface CallStep {
  readonly atMs: number
  readonly what: string
  /** How many steps of its kind it stands for; one where it is absent. */
  readonly times?: number
}

export interface CallRecord {
  /** Counts the writes of this record; every script names the one it read. */
  readonly revision: number
  readonly call: string
  readonly partition: number
  readonly legKey: string
  readonly leg: Leg
  readonly instance?: string
  readonly state: CallState
  /** How it was asked for, empty where nobody asked; the same leg with other content is a conflict. */
  readonly content: string
  readonly attempt?: string
  /** When the edge asked, by its own clock. */
  readonly requestedAtMs?: number
  /** Attempts of the leg that are over, and the events that said so: repeats of them say nothing of this one. */
  readonly over?: readonly OverAttempt[]
  readonly mode: CallMode
  readonly direction: Direction
  readonly from: string
  readonly to: string
  readonly user?: string
  readonly media: Media
  readonly ref?: unknown
  readonly account: string
  readonly authorizedAtMs: number
  /** The edge's own clock. */
  readonly answeredAtMs?: number
  /** The same instant by our clock: prices and deadlines count from here. */
  readonly connectedAtMs?: number
  readonly lastAliveAtMs: number
  /** What was granted by then. */
  readonly aliveSeconds?: number
  /** How many lists of its edge the call was absent from, one after the other. */
  readonly absences: number
  /** When the last such list was made. */
  readonly absentAtMs?: number
  readonly grantedSeconds: number
  /** Nothing more can be granted: `no_credit`, `no_minutes`, `spend_cap`, `max_call`. */
  readonly finalReason?: string
  /** The parties were told that the call ends when these are used up. */
  readonly warnedOfSeconds?: number
  /** What the edge was told the call may last. */
  readonly maxDurationSeconds: number
  readonly levels: readonly CallLevel[]
  /** The edge connected it without our leave. */
  readonly failOpen?: boolean
  readonly endingSinceMs?: number
  readonly endingReason?: string
  readonly endAttempts?: number
  readonly end?: CallEnd
  /** How many times the CDR was corrected. */
  readonly corrections: number
  readonly firstAnswer?: FirstAnswer
  readonly history: readonly CallStep[]
}

/** The allow as it was first given, for repeats. */
export interface FirstAnswer {
  readonly reservedSeconds: number
  readonly reserved: Micros
  readonly maxDurationSeconds: number
  readonly final: boolean
  readonly fundedBy: FundedBy
}

export type FundedBy = 'trunk' | 'pool' | 'credit' | 'free' | 'mixed'

/** History is for people; a call of days would fill memory, so the middle is dropped. */
const MAX_HISTORY = 40
const EXTENDED = 'extended to'

export function withStep(record: CallRecord, atMs: number, what: string): readonly CallStep[] {
  const { history } = record
  const kept = history.length < MAX_HISTORY ? history : [...history.slice(0, 10), ...history.slice(-MAX_HISTORY + 11)]
  return [...kept, { atMs, what }]
}

/** A call of hours is extended hundreds of times: one line stands for those that follow each other. */
export function withExtension(record: CallRecord, atMs: number, what: string): readonly CallStep[] {
  const last = record.history.at(-1)
  if (!last?.what.startsWith(EXTENDED)) return withStep(record, atMs, `${EXTENDED} ${what}`)
  return [...record.history.slice(0, -1), { atMs, what: `${EXTENDED} ${what}`, times: (last.times ?? 1) + 1 }]
}

export function isLive(record: CallRecord): boolean {
  return record.state === 'authorized' || record.state === 'answered' || record.state === 'ending'
}

/** Something said that the call is up: should nothing more be heard, it lasted as long as it was granted by then. */
export function seenAlive(
  { grantedSeconds }: CallRecord,
  nowMs: number,
): Pick<CallRecord, 'lastAliveAtMs' | 'aliveSeconds' | 'absences'> {
  return { lastAliveAtMs: nowMs, aliveSeconds: grantedSeconds, absences: 0 }
}

/** What the payer's level was paid by. */
export function fundedBy(hold: Hold, amount: Micros): FundedBy {
  if (hold.trunk) return 'trunk'
  const byPool = hold.pools.length > 0 || hold.unpaid === true
  if (byPool && amount > 0n) return 'mixed'
  if (byPool) return 'pool'
  return amount > 0n ? 'credit' : 'free'
}
