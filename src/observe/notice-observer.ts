/** What became of notices, written to the log and counted; never an address. */
import type { NoticeObserver, Posted } from '../notices/post.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'

const WORTH_A_WARNING: ReadonlySet<Posted> = new Set(['refused', 'held_back', 'stale', 'failed'])

export function createNoticeObserver({ log, metrics }: { log: Logger; metrics: Metrics }): NoticeObserver {
  return {
    noticed(kind, outcome, { account, why }) {
      metrics.noticed(kind, outcome)
      const line = { notice: kind, outcome, account, ...(why === undefined ? {} : { why }) }
      if (WORTH_A_WARNING.has(outcome)) log.warn(line, 'a notice was not sent')
      else log.info(line, 'notice')
    },
  }
}
