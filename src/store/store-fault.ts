/** Redis that cannot answer, in our words. */
import { Fault } from '../base/fault.ts'

const UNAVAILABLE =
  /Connection is closed|Stream isn't writeable|max retries|ECONN|EPIPE|LOADING|CLUSTERDOWN|Cluster isn't ready|Cluster redirections|READONLY|MASTERDOWN|None of startup nodes|ENOENT|Failed to refresh|OOM|EXECABORT|MISCONF/

/** What went wrong at the store, said in our words; a refusal by a script's own code is a bug and stays as it is. */
export function asFault(error: unknown): unknown {
  if (error instanceof Fault || !(error instanceof Error)) return error
  if (/Command timed out/.test(error.message)) {
    return new Fault('store_timeout', 'Redis did not answer in time', { retryable: true, cause: error })
  }
  if (UNAVAILABLE.test(error.message)) {
    return new Fault('store_unavailable', `Redis cannot answer: ${error.message}`, { retryable: true, cause: error })
  }
  return error
}
