/** What edges ask and what they are answered, in the daemon's own words; edges translate to and from theirs. */
import type { Direction, Media } from '../accounts/account.ts'
import type { Micros } from '../base/money.ts'
import type { RefusalCode, Refused } from '../base/outcome.ts'
import type { CallMode, CallState, FundedBy, Leg } from './call.ts'

export interface AuthorizeRequest {
  readonly leg: Leg
  readonly instance?: string
  readonly account?: string
  readonly trunk?: string
  /** Address the request came from, for the trunks' rules. */
  readonly source?: string
  readonly user?: string
  readonly direction: Direction
  readonly from: string
  readonly to: string
  readonly media: Media
  readonly mode?: CallMode
  readonly requestSeconds?: number
  /** CSeq or branch: tells a new attempt of the same leg from a repeat. */
  readonly attempt?: string
  /** Names this one asking, where the edge never repeats it: the leg in another is another call, and no repeat. */
  readonly transaction?: string
  /** When the edge asked, by its own clock. */
  readonly tsMs?: number
  readonly ref?: unknown
}

export interface Allowed {
  readonly kind: 'allowed'
  readonly call: string
  readonly account: string
  readonly currency: string
  readonly maxDurationSeconds: number
  readonly reservedSeconds: number
  readonly reserved: Micros
  readonly final: boolean
  readonly fundedBy: FundedBy
  /** Nobody but the edge ends it at `maxDurationSeconds`: the store knows nothing of it. */
  readonly isCapped?: true
}

export interface Denied {
  readonly kind: 'denied'
  readonly call: string
  readonly refusal: Refused
}

/** The same leg came before with other content. */
export interface Conflict {
  readonly kind: 'conflict'
  readonly call: string
}

export type AuthorizeAnswer = Allowed | Denied | Conflict

export interface ExtendRequest {
  readonly leg: Leg
  readonly usedSeconds?: number
  readonly requestSeconds?: number
}

export const callEventTypes = ['start', 'stop', 'failed', 'alive'] as const
export type CallEventType = (typeof callEventTypes)[number]

/** Something that happened to one call at its edge. Enough by itself: it repeats who pays and who was called. */
export interface CallEvent {
  readonly type: CallEventType
  /** The edge's own name of this event, the same when it is repeated. */
  readonly id?: string
  readonly leg: Leg
  /** Which attempt of the leg it speaks of. */
  readonly attempt?: string
  readonly instance?: string
  /** When the edge sent it, by the edge's clock; likewise the next two. */
  readonly tsMs?: number
  readonly answeredAtMs?: number
  readonly endedAtMs?: number
  /** The edge's own count of the talk. */
  readonly seconds?: number
  readonly cause?: string
  readonly sipCode?: number
  readonly failOpen?: boolean
  /** Nobody heard the end: a real stop that comes later corrects it. Never from an edge. */
  readonly presumed?: boolean
  readonly account?: string
  readonly trunk?: string
  readonly source?: string
  readonly user?: string
  readonly from?: string
  readonly to?: string
  readonly direction?: Direction
  readonly ref?: unknown
}

/** An edge came up (all its calls of an older instance are over), or says which calls it has. */
export interface EdgeEvent {
  readonly type: 'edge_up' | 'edge_list'
  readonly node: string
  readonly instance: string
  readonly tsMs?: number
  readonly calls?: readonly EdgeListItem[]
}

/** A call that an edge has; what it says beyond the leg lets one that we do not know be adopted. */
export interface EdgeListItem {
  readonly callId: string
  readonly legId: string
  readonly account?: string
  readonly trunk?: string
  readonly user?: string
  readonly from?: string
  readonly to?: string
  readonly direction?: Direction
  readonly answeredAtMs?: number
  readonly ref?: unknown
}

export interface EventResult {
  /** Absent when nothing is known of the call. */
  readonly call?: string
  readonly callId?: string
  readonly state: CallState | 'unknown' | 'emergency' | 'noted'
  /** What the payer was charged; only of an ended call. */
  readonly charge?: Micros
  readonly currency?: string
  readonly seconds?: number
  readonly billedSeconds?: number
  /** The event changed nothing. */
  readonly ignored: boolean
}

export interface QuoteRequest {
  readonly account: string
  readonly direction: Direction
  readonly from: string
  readonly to: string
  readonly seconds?: number
  readonly atMs?: number
}

export interface QuotePart {
  readonly source: 'trunk' | 'pool' | 'credit' | 'free'
  readonly id?: string
  readonly seconds: number
  readonly amount: Micros
}

export interface Quote {
  readonly kind: 'quoted'
  readonly price: Micros
  readonly currency: string
  readonly billedSeconds: number
  readonly rate?: QuotedRate
  /** How long a call could last with what the account has now. */
  readonly maxSeconds: number
  /** What it lacks, where it could not be let in now. */
  readonly lacks?: RefusalCode
  readonly funding: readonly QuotePart[]
}

export interface QuotedRate {
  readonly tariff: string
  readonly version: number
  readonly prefix: string
  readonly destination: string
  readonly perMinute: string
  readonly connectFee: string
  readonly increments: string
}
