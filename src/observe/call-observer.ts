/** What the use cases say of calls, written to the log and counted. */
import type { CallHappening, CallObserver, Decision } from '../calls/parts.ts'
import type { CallRecord } from '../calls/call.ts'
import { decisionLine, type Logger } from './log.ts'
import type { Metrics } from './metrics.ts'

export interface Observing {
  readonly log: Logger
  readonly metrics: Metrics
  /** Whether decisions are written; asked each time, as settings are reloaded. */
  readonly writesDecisions: () => boolean
}

/** Happenings that a person should see; the others are only counted. */
const WORTH_A_WARNING: ReadonlySet<CallHappening> = new Set([
  'parked',
  'fail_open',
  'overrun',
  'unrated',
  'end_failed',
  'raise_failed',
  'late_settlement',
])

export function createCallObserver({ log, metrics, writesDecisions }: Observing): CallObserver {
  // The fields of a decision are known and none is a secret; to look for some in each line costs more than the decision.
  const decisions = log.child({}, { redact: [] })
  return {
    decided(decision: Decision): void {
      metrics.decided(decision)
      if (writesDecisions()) decisionLine(decisions, decision)
    },
    ended(record: CallRecord): void {
      const { call, account, end, corrections } = record
      log.debug({ call, account, seconds: end?.seconds, cause: end?.cause, corrections }, 'call ended')
    },
    late(what, lateMs): void {
      metrics.late(what, lateMs)
    },
    happened(what, record): void {
      metrics.happened(what)
      const line = { what, call: record?.call, account: record?.account }
      if (WORTH_A_WARNING.has(what)) log.warn(line, 'call')
      else log.debug(line, 'call')
    },
  }
}
