/** What the HTTP edge is given: the ports of everything behind it. The app joins them. */
import type { FastifyPluginCallback } from 'fastify'
import type { ApiKeys } from '../../accounts/api-keys.ts'
import type { AccountOffice, Page } from '../../accounts/office.ts'
import type { RefusalCode, Refused } from '../../base/outcome.ts'
import type { Clock } from '../../base/time.ts'
import type { ExportDesk } from '../../exports/export-desk.ts'
import type { EventLog } from '../../events/event-stream.ts'
import type { JobDesk } from '../../events/job.ts'
import type { CallRecord, Leg } from '../../calls/call.ts'
import type { Explanation } from '../../calls/explain.ts'
import type {
  AuthorizeAnswer,
  AuthorizeRequest,
  CallEvent,
  EdgeEvent,
  EventResult,
  ExtendRequest,
  Quote,
  QuoteRequest,
} from '../../calls/requests.ts'
import type { ReceiptDesk } from '../../notices/receipt-desk.ts'
import type { Logger } from '../../observe/log.ts'
import type { Metrics } from '../../observe/metrics.ts'
import type { WebhookDesk } from '../../webhooks/desk.ts'
import type { PaymentDesk } from '../../payments/desk.ts'
import type { WebhookRequest } from '../../payments/provider.ts'
import type { Renewals } from '../../payments/renewals.ts'
import type { Reconciled } from '../../payments/reconcile.ts'
import type { Recharging } from '../../recharge/recharging.ts'
import type { Rerating } from '../../rerating/rerating.ts'
import type { StatementDesk } from '../../statements/statement-desk.ts'
import type { UsageDesk } from '../../usage/summary.ts'

export type { KeyIdentity } from '../../accounts/api-keys.ts'

export interface HttpParts {
  readonly desk: DeskPort
  readonly office: AccountOffice
  readonly receipts: Pick<ReceiptDesk, 'find' | 'list' | 'resend'>
  readonly tariffs: TariffPort
  readonly usage: UsagePort
  readonly statements: Pick<StatementDesk, 'statement' | 'totals'>
  readonly rerating: Pick<Rerating, 'tariffOf' | 'page'>
  readonly exports: Pick<ExportDesk, keyof ExportDesk>
  readonly payments: PaymentPort
  readonly keys: KeyPort
  readonly audit: AuditPort
  readonly archive: ArchivePort
  readonly jobs: JobDesk
  /** The queues for people who look; undefined where it is off. */
  readonly board?: FastifyPluginCallback | undefined
  readonly events: EventsPort
  readonly webhooks: WebhookPort
  readonly health: HealthPort
  readonly metrics: Metrics
  readonly clock: Clock
  readonly log: Logger
  /** The SIP answer of a refusal, with the operator's changes; asked each time. */
  readonly replies: (code: RefusalCode) => SipReply
  /** Told of a broken invariant after it was answered with 500: the process drains and ends. */
  readonly bug?: (error: Error) => void
}

export interface SipReply {
  readonly status: number
  readonly reason: string
}

/** The use cases of calls. */
export interface DeskPort {
  authorize(request: AuthorizeRequest): Promise<AuthorizeAnswer>
  /** Undefined when nothing is known of the leg. */
  extend(request: ExtendRequest): Promise<AuthorizeAnswer | undefined>
  event(event: CallEvent): Promise<EventResult>
  edgeEvent(event: EdgeEvent): Promise<EventResult>
  quote(request: QuoteRequest): Promise<Quote | Refused>
  end(call: string, reason?: string): Promise<CallRecord | undefined>
  find(call: string): Promise<CallView | undefined>
  list(filter: CallFilter): Promise<Page<CallRecord>>
  /** Who pays for the call of a leg; undefined when nothing is known of it. Asked for keys of one account only. */
  payerOf(leg: Leg): Promise<string | undefined>
}

export interface CallView {
  readonly record: CallRecord
  readonly explanation: Explanation
}

/** Cursors of live calls: "<partition>.<offset>". */
export const CALL_CURSOR = /^\d{1,4}\.\d{1,9}$/

/** Cursors of rates: how many were passed over. */
export const RATE_CURSOR = /^\d{1,9}$/

export interface CallFilter {
  /** Calls that this account or one below it pays for. */
  readonly account?: string
  readonly state?: CallRecord['state']
  readonly node?: string
  readonly cursor?: string
  readonly limit: number
}

/** Something wrong in a tariff. */
export interface TariffProblem {
  /** The place in `rates`, counted from 0; absent for the head. */
  readonly index?: number
  /** "perMinute", "bands[0].from". */
  readonly field: string
  readonly message: string
}

export interface TariffPort {
  /** The rates were checked for form only. */
  addVersion(name: string, input: TariffInput): Promise<AddedVersion | TariffRefused>
  /** From `atMs`, or from now. Undefined when there is no such version. */
  activate(name: string, version: number, atMs?: number): Promise<Activation | undefined>
  list(): Promise<readonly TariffSummary[]>
  versions(name: string): Promise<readonly VersionSummary[] | undefined>
  /** With `prefix`, the rates whose prefix begins so. */
  show(query: ShowQuery): Promise<VersionView | undefined>
  rates(name: string, version: number): Promise<VersionRates | undefined>
}

export interface VersionRates {
  readonly head: { readonly name: string; readonly version: number } & Omit<TariffInput, 'rates'>
  /** All of them, in the order they were given. */
  readonly parts: AsyncIterable<readonly RateInput[]>
}

export interface ShowQuery {
  readonly name: string
  readonly version: number
  readonly prefix?: string
  readonly cursor?: string
  readonly limit: number
}

export interface TariffInput {
  readonly currency: string
  readonly effectiveFrom?: string
  readonly timezone?: string
  readonly rounding?: { readonly decimals?: number; readonly mode?: 'half_up' | 'up' | 'down' }
  readonly rates: readonly RateInput[]
}

export interface RateInput {
  readonly prefix: string
  readonly perMinute: string
  readonly destination?: string
  readonly direction?: 'outbound' | 'inbound' | 'both'
  readonly connectFee?: string
  readonly firstIncrement?: number
  readonly nextIncrement?: number
  readonly minimumSeconds?: number
  readonly noChargeSeconds?: number
  readonly steps?: readonly { readonly fromSecond: number; readonly perMinute: string; readonly increment: number }[]
  readonly bands?: readonly BandInput[]
  readonly validFrom?: string
  readonly validUntil?: string
  readonly blocked?: boolean
}

export interface BandInput {
  readonly days: readonly string[]
  readonly from: string
  readonly to: string
  readonly perMinute: string
  readonly connectFee?: string
  readonly firstIncrement?: number
  readonly nextIncrement?: number
}

export interface AddedVersion {
  readonly kind: 'added'
  readonly name: string
  readonly version: number
  readonly rates: number
  readonly sha256: string
}

export interface TariffRefused {
  readonly kind: 'invalid'
  readonly problems: readonly TariffProblem[]
}

export interface Activation {
  readonly version: number
  readonly fromMs: number
}

export interface TariffSummary {
  readonly name: string
  readonly currency: string
  readonly versions: number
  /** The version in force now. */
  readonly active?: number
}

export interface VersionSummary {
  readonly version: number
  readonly rates: number
  readonly sha256: string
  readonly currency: string
  readonly createdAtMs: number
  /** When it is or was put in force; none is never. */
  readonly activations: readonly Activation[]
}

export interface VersionView extends VersionSummary {
  readonly timezone: string
  readonly rounding: { readonly decimals: number; readonly mode: 'half_up' | 'up' | 'down' }
  readonly items: readonly RateInput[]
  readonly nextCursor?: string
}

export type UsagePort = Pick<UsageDesk, 'summary' | 'changes' | 'cdrs' | 'transactions'>

/**
 * `verify` is asked for every request, so it answers from memory, also while the store is away. `create` answers with the
 * whole key, which is shown this once.
 */
export type KeyPort = ApiKeys

/** Cards, purchases, refunds and the recharge. */
export interface PaymentPort {
  readonly desk: Pick<PaymentDesk, keyof PaymentDesk>
  readonly recharging: Pick<Recharging, 'attempt' | 'view' | 'pause' | 'resume'>
  readonly renewals: Pick<Renewals, 'attempt' | 'view' | 'stop'>
  /** Holds the books against the provider's charges since an instant. */
  reconcile(sinceMs: number): Promise<Reconciled>
  /** Undefined for a provider that is not used here; false when the signature is none of it. */
  hear(provider: string, request: WebhookRequest): Promise<boolean | undefined>
}

export interface AuditPort {
  verify(): Promise<AuditReport>
}

export interface AuditReport {
  readonly ok: boolean
  /** Journal entries that were replayed. */
  readonly entries: number
  /** Those before them, which checkpoints stand for. */
  readonly checkpointed: number
  readonly accounts: number
  readonly partitions: number
  readonly problems: readonly string[]
}

export interface ArchivePort {
  /** Fault(archive_unavailable) while it cannot be reached. */
  status(): Promise<ArchiveStatus>
  verify(): Promise<AuditReport>
}

export interface ArchiveStatus {
  readonly kind: 'postgresql' | 'embedded'
  /** Journal entries that are archived. */
  readonly entries: number
  /** Journal entries of the store that are not. */
  readonly behind: number
  readonly cdrs: number
  readonly accounts: number
  /** Entries and CDRs that were archived and that the store lost. */
  readonly lost: number
}

export type WebhookPort = Pick<WebhookDesk, keyof WebhookDesk>

export interface EventsPort {
  readonly log: EventLog
  /** Clients of the stream at once. */
  readonly mostStreams: () => number
  /** Ends of calls are told for a minute from now. */
  listenToCalls(): Promise<void>
}

export interface HealthPort {
  ready(): Promise<{ readonly ready: boolean; readonly detail: Readonly<Record<string, unknown>> }>
  started(): boolean
  draining(): boolean
}
