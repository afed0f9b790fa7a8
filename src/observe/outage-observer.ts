/** What is said of calls while the store is away: each is worth an alarm. */
import type { CallObserver } from '../calls/parts.ts'
import type { OutageHappening, OutageObserver } from '../calls/outage.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'

const MESSAGES: Readonly<Record<OutageHappening, string>> = {
  allowed: 'a call was allowed without the store',
  heard_of: 'a call allowed without the store is in the books',
  settled: 'nothing was heard of a call allowed without the store: it is charged for its cap',
  not_kept: 'a call was denied: without the store it could not be kept on disk',
}

interface Observing {
  readonly log: Logger
  readonly metrics: Metrics
  readonly calls: Pick<CallObserver, 'decided'>
}

export function createOutageObserver({ log, metrics, calls }: Observing): OutageObserver {
  return {
    decided(decision) {
      calls.decided(decision)
    },
    storeFailed({ code }) {
      if (code === 'store_unavailable' || code === 'store_timeout' || code === 'store_overloaded')
        metrics.storeFailed(code)
    },
    waiting(waiting) {
      metrics.spooledCalls(waiting)
    },
    happened(what, { call, account, capSeconds }, fault) {
      const line = { what, call, account, capSeconds, ...(fault === undefined ? {} : { err: fault }) }
      if (what === 'heard_of') log.warn(line, MESSAGES[what])
      else log.error(line, MESSAGES[what])
    },
  }
}
