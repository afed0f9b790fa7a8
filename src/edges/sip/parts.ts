/** What the SIP edge is given: its settings, and the ports of everything behind it. The app joins them. */
import type { Direction } from '../../accounts/account.ts'
import type { RefusalCode, Refused } from '../../base/outcome.ts'
import type { Clock } from '../../base/time.ts'
import type { CallRecord, Leg } from '../../calls/call.ts'
import type {
  AuthorizeAnswer,
  AuthorizeRequest,
  CallEvent,
  EventResult,
  Quote,
  QuoteRequest,
} from '../../calls/requests.ts'
import type { Logger } from '../../observe/log.ts'
import type { Metrics } from '../../observe/metrics.ts'

export interface SipServerSettings {
  readonly host: string
  readonly port: number
  readonly secret: string
}

/** Where calls of a trunk group go next. */
export interface Hop {
  /** `sip:<host>[:<port>][;transport=…]` */
  readonly uri: string
  /** What calls over it cost us. */
  readonly tariff?: string | undefined
}

/** What becomes of the calls of a trunk group. */
export interface TrunkGroup {
  readonly mode: 'b2bua' | 'redirect' | 'observe'
  readonly hops: readonly Hop[]
  /** A hop dearer than the price is skipped. */
  readonly lossless: boolean
  /** A hop that says nothing within this is passed over. */
  readonly tryMs: number
  readonly ringSeconds: number
  /** Names of headers that pass from one side to the other; `*` is all that may. */
  readonly copyHeaders: readonly string[]
  /** Of both legs' session timers. */
  readonly sessionSeconds: number
  /** Of the Reason of a cut, and the final answer where nothing was answered yet. */
  readonly cutStatus: number
}

export interface Credential {
  readonly user: string
  readonly password: string
}

export interface DigestSettings {
  readonly realm: string
  readonly algorithm: 'MD5' | 'SHA-256'
  /** All workers have the same. */
  readonly nonceKey: string
}

/** What the rules of trunks.yaml say of a call. */
export interface Routed {
  readonly account?: string
  readonly trunk?: string
  readonly direction: Direction
  readonly group: TrunkGroup
  /** What the caller has to prove before anything else. */
  readonly digest?: Credential
  /** To a number that is never refused. */
  readonly isEmergency: boolean
}

export interface SipReply {
  readonly status: number
  readonly reason: string
}

export interface SipDesk {
  authorize(request: AuthorizeRequest): Promise<AuthorizeAnswer>
  /** What a call would cost; changes nothing. */
  quote(request: QuoteRequest): Promise<Quote | Refused>
  /** Resolves when the event is durable. */
  event(event: CallEvent): Promise<EventResult>
  find(call: string): Promise<CallRecord | undefined>
  callOf(leg: Leg): Promise<CallRecord | undefined>
  /** The live calls of this edge's node. */
  live(): AsyncIterable<CallRecord>
}

export interface CallerWords {
  /** Address the INVITE came from. */
  readonly source: string
  readonly from: string
  readonly to: string
  /** Who it claims to be. */
  readonly user?: string | undefined
}

export interface PaidCall {
  readonly account: string
  readonly direction: Direction
  readonly to: string
}

export interface SipParts {
  readonly desk: SipDesk
  readonly node: string
  /** This worker, by a name that no other has. */
  readonly instance: string
  readonly servers: readonly SipServerSettings[]
  readonly digest: DigestSettings
  /** Sent in an INFO to the caller before the money ends; `{seconds}` stands for what is left. */
  readonly warning: { readonly headers: Readonly<Record<string, string>>; readonly body?: string | undefined }
  /** INVITEs that one may send; kept by each worker for itself. */
  readonly invitesPerSecond: { readonly source: number; readonly account: number }
  readonly routeOf: (words: CallerWords) => Routed
  /** Whether what this address says of the caller's identity is believed. */
  readonly trusts: (source: string) => boolean
  /** The hops that do not cost more than the payer is charged, in their order. */
  readonly affordable: (hops: readonly Hop[], call: PaidCall) => Promise<readonly Hop[]>
  readonly replies: (code: RefusalCode) => SipReply
  readonly ready: () => boolean
  /** Whether there is a group whose calls are only looked at. */
  readonly observes: boolean
  readonly metrics: Pick<Metrics, 'observedCall' | 'observedEnd'>
  /** Told of an event that is refused for another reason than that the store is away; it is repeated all the same. */
  readonly undelivered: (error: unknown, event: CallEvent) => void
  readonly clock: Clock
  readonly log: Logger
}
