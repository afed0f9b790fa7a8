/**
 * What is counted, one method for each thing that happens. Labels are closed lists of words: never an account, a number,
 * or anything that a caller may choose.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Micros } from '../base/money.ts'
import { type RefusalCode, refusalCodes } from '../base/outcome.ts'
import type { CallHappening, Decision } from '../calls/parts.ts'
import type { NoticeKind } from '../notices/notice.ts'
import type { Posted } from '../notices/post.ts'

const DECISION_CODES: ReadonlySet<string> = new Set(['ok', 'request_conflict', 'emergency', ...refusalCodes])

/** A decision is a visit to Redis; a caller notices nothing below a tenth of a second. */
const DECISION_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]
const LATENESS_BUCKETS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60]

const MICROS_PER_UNIT = 1_000_000

const HAPPENINGS: Readonly<Record<CallHappening, readonly [name: string, help: string]>> = {
  presumed_end: ['presumed_ends_total', 'Calls whose end was never heard.'],
  late_settlement: ['late_settlements_total', 'Ends that corrected a call settled before.'],
  fail_open: ['failopen_calls_total', 'Calls that an edge connected without our leave.'],
  overrun: ['overrun_calls_total', 'Calls that used more than was granted.'],
  revived: ['revived_calls_total', 'Calls that began after they were said to have failed.'],
  parked: ['events_parked_total', 'Events put aside for a person.'],
  ignored_event: ['events_ignored_total', 'Events that changed nothing.'],
  end_failed: ['end_failures_total', 'Requests to end a call that an edge did not take.'],
  raise_failed: ['raise_failures_total', 'Requests to raise a timer that an edge did not take.'],
  warn_failed: ['warning_failures_total', 'Warnings before the end of the money that an edge did not take.'],
  emergency: ['emergency_calls_total', 'Calls to emergency numbers.'],
  unrated: ['unrated_calls_total', 'Calls that ended without a price.'],
}

export type Operation = 'authorize' | 'events' | 'extend'

/** Counts what happens; the HTTP edge serves the text. */
export class Metrics {
  readonly #registry = new Registry()
  readonly #decisions: Counter<'operation' | 'code'>
  readonly #decisionSeconds: Histogram<'operation'>
  readonly #events: Counter<'type'>
  readonly #undelivered: Counter<'edge'>
  readonly #unknownFields: Counter<'operation'>
  readonly #notices: Counter<'kind' | 'outcome'>
  readonly #happenings = new Map<CallHappening, Counter>()
  readonly #storeErrors: Counter<'code'>
  readonly #lateness: Readonly<Record<'extend' | 'cut' | 'expire', Histogram>>
  readonly #openCalls: Gauge
  readonly #held: Gauge<'currency'>
  readonly #spooled: Gauge
  readonly #parked: Gauge
  readonly #sipCalls: Gauge
  readonly #sipServers: Gauge
  readonly #observedCalls: Counter<'code'>
  readonly #observedEnds: Counter<'end'>
  readonly #archiveBehind: Gauge
  readonly #archived: Counter<'kind'>
  readonly #archiveLost: Counter
  readonly #jobs: Counter<'queue' | 'result'>
  readonly #deadLetters: Gauge<'queue'>
  readonly #jobsWaiting: Gauge<'queue'>
  readonly #outboxLag: Gauge
  readonly #outboxOldest: Gauge
  readonly #payments: Counter<'kind' | 'state'>
  readonly #disagreements: Counter<'kind'>
  readonly #reloadOk: Gauge
  readonly #reloadAt: Gauge

  constructor() {
    this.#decisions = this.#counter('decisions_total', 'Decisions by code.', ['operation', 'code'])
    this.#decisionSeconds = this.#histogram('decision_seconds', 'How long decisions took.', {
      buckets: DECISION_BUCKETS,
      labelNames: ['operation'],
    })
    this.#notices = this.#counter('notices_total', 'Notices to people, and what became of them.', ['kind', 'outcome'])
    this.#events = this.#counter('events_total', 'Events of edges that were taken.', ['type'])
    this.#undelivered = this.#counter('undelivered_events_total', 'Events of edges refused by a store that is there.', [
      'edge',
    ])
    this.#unknownFields = this.#counter('unknown_fields_total', 'Fields that no contract knows.', ['operation'])
    this.#storeErrors = this.#counter('store_errors_total', 'Faults of the store.', ['code'])
    this.#lateness = {
      extend: this.#late('extension_lateness_seconds', 'How late slices were extended.'),
      cut: this.#late('cut_lateness_seconds', 'How late calls without funds were ended.'),
      expire: this.#late('expiry_lateness_seconds', 'How late silent calls were given up.'),
    }
    this.#openCalls = this.#gauge('open_calls', 'Live calls.')
    this.#held = this.#gauge('held_money', 'Credit put aside for live calls.', ['currency'])
    this.#spooled = this.#gauge('spooled_calls', 'Calls allowed without the store that wait to be settled.')
    this.#parked = this.#gauge('parked_events', 'Events that wait for a person.')
    this.#sipCalls = this.#gauge('sip_calls', 'Calls that are up and were set up by this worker.')
    this.#sipServers = this.#gauge('sip_servers', 'drachtio-servers that are connected.')
    this.#observedCalls = this.#counter('sip_observed_calls_total', 'Proxied calls, by what would have been decided.', [
      'code',
    ])
    this.#observedEnds = this.#counter('sip_observed_ends_total', 'Ends of proxied calls, by how they were heard.', [
      'end',
    ])
    this.#archiveBehind = this.#gauge('archive_behind_seconds', 'Since all that the store tells was archived.')
    this.#archived = this.#counter('archived_total', 'What was archived, by kind.', ['kind'])
    this.#archiveLost = this.#counter('archive_lost_total', 'Archived entries and CDRs that the store lost.', [])
    this.#jobs = this.#counter('jobs_total', 'Attempts at jobs that ended: done, failed, dead.', ['queue', 'result'])
    this.#deadLetters = this.#gauge('dead_letters', 'Jobs that failed for good and wait for a person.', ['queue'])
    this.#jobsWaiting = this.#gauge('jobs_waiting', 'Jobs that wait for their turn or their next attempt.', ['queue'])
    this.#outboxLag = this.#gauge('outbox_lag_entries', 'Events that were not made jobs yet.')
    this.#outboxOldest = this.#gauge('outbox_oldest_pending_seconds', 'Age of the oldest of them.')
    this.#payments = this.#counter('payments_total', 'Payments by the state they came to.', ['kind', 'state'])
    this.#disagreements = this.#counter('payment_disagreements_total', 'Charges that a person must look at.', ['kind'])
    this.#reloadOk = this.#gauge('config_last_reload_successful', '1 when the last reload was put in force.')
    // A daemon that runs has read a good configuration.
    this.#reloadOk.set(1)
    this.#reloadAt = this.#gauge('config_last_reload_timestamp_seconds', 'When a reload was last put in force.')
    for (const [what, [name, help]] of Object.entries(HAPPENINGS)) {
      this.#happenings.set(what as CallHappening, this.#counter(name, help, []))
    }
  }

  /** Adds the figures of the process: memory, event loop, garbage collection. */
  collectProcess(): void {
    collectDefaultMetrics({ register: this.#registry })
  }

  noticed(kind: NoticeKind, outcome: Posted): void {
    this.#notices.inc({ kind, outcome })
  }

  decided({ operation, code, tookMs }: Pick<Decision, 'operation' | 'code' | 'tookMs'>): void {
    this.#decisions.inc({ operation, code: DECISION_CODES.has(code) ? code : 'other' })
    this.#decisionSeconds.observe({ operation }, tookMs / 1000)
  }

  eventTaken(type: string): void {
    this.#events.inc({ type })
  }

  eventUndelivered(edge: 'sip' | 'call_control'): void {
    this.#undelivered.inc({ edge })
  }

  unknownField(operation: Operation): void {
    this.#unknownFields.inc({ operation })
  }

  happened(what: CallHappening): void {
    this.#happenings.get(what)?.inc()
  }

  late(what: 'extend' | 'cut' | 'expire', lateMs: number): void {
    this.#lateness[what].observe(Math.max(lateMs, 0) / 1000)
  }

  storeFailed(code: 'store_unavailable' | 'store_timeout' | 'store_overloaded' | 'store_unfit'): void {
    this.#storeErrors.inc({ code })
  }

  openCalls(calls: number): void {
    this.#openCalls.set(calls)
  }

  held(currency: string, amount: Micros): void {
    this.#held.set({ currency: /^[A-Z]{3}$/.test(currency) ? currency : 'other' }, Number(amount) / MICROS_PER_UNIT)
  }

  spooledCalls(calls: number): void {
    this.#spooled.set(calls)
  }

  parkedEvents(events: number): void {
    this.#parked.set(events)
  }

  sip(figures: { readonly calls: number; readonly servers: number }): void {
    this.#sipCalls.set(figures.calls)
    this.#sipServers.set(figures.servers)
  }

  observedCall(code: RefusalCode | 'ok' | 'emergency'): void {
    this.#observedCalls.inc({ code })
  }

  /** `unheard` is a call of another worker, `dropped` one that made room. */
  observedEnd(end: 'heard' | 'unanswered' | 'unheard' | 'dropped'): void {
    this.#observedEnds.inc({ end })
  }

  archiveBehind(ms: number): void {
    this.#archiveBehind.set(ms / 1000)
  }

  archived(rows: Readonly<Record<'entries' | 'cdrs' | 'events', number>>): void {
    for (const kind of ['entries', 'cdrs', 'events'] as const) this.#archived.inc({ kind }, rows[kind])
  }

  archiveLost(rows: number): void {
    this.#archiveLost.inc(rows)
  }

  jobEnded(queue: string, result: 'done' | 'failed' | 'dead'): void {
    this.#jobs.inc({ queue, result })
  }

  deadLetters(queue: string, jobs: number): void {
    this.#deadLetters.set({ queue }, jobs)
  }

  jobsWaiting(queue: string, jobs: number): void {
    this.#jobsWaiting.set({ queue }, jobs)
  }

  outboxLag(entries: number, oldestSeconds: number): void {
    this.#outboxLag.set(entries)
    this.#outboxOldest.set(oldestSeconds)
  }

  paymentMoved(kind: string, state: string): void {
    this.#payments.inc({ kind, state })
  }

  paymentDisagreed(kind: string): void {
    this.#disagreements.inc({ kind })
  }

  reloaded(successful: boolean, atMs: number): void {
    this.#reloadOk.set(successful ? 1 : 0)
    if (successful) this.#reloadAt.set(atMs / 1000)
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  text(): Promise<string> {
    return this.#registry.metrics()
  }

  #counter<T extends string>(name: string, help: string, labelNames: T[]): Counter<T> {
    return new Counter({ name: `tollgate_${name}`, help, labelNames, registers: [this.#registry] })
  }

  #gauge<T extends string>(name: string, help: string, labelNames: T[] = []): Gauge<T> {
    return new Gauge({ name: `tollgate_${name}`, help, labelNames, registers: [this.#registry] })
  }

  #histogram<T extends string>(
    name: string,
    help: string,
    shape: { readonly buckets: number[]; readonly labelNames: T[] },
  ): Histogram<T> {
    return new Histogram({ name: `tollgate_${name}`, help, ...shape, registers: [this.#registry] })
  }

  #late(name: string, help: string): Histogram {
    return this.#histogram(name, help, { buckets: LATENESS_BUCKETS, labelNames: [] })
  }
}
