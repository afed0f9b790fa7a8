/** A wait with an end. */
import { setTimeout as pause } from 'node:timers/promises'
import { Fault } from '../base/fault.ts'

export interface Deadline {
  readonly ms: number
  /** What did not happen, as a sentence for people. */
  readonly late: string
}

/** The promise's outcome, or Fault(store_timeout); what was begun goes on by itself. */
export async function within<T>(promise: Promise<T>, deadline: Deadline): Promise<T> {
  const timer = new AbortController()
  const late = pause(deadline.ms, undefined, { signal: timer.signal }).then(() => {
    throw new Fault('store_timeout', deadline.late, { retryable: true })
  })
  promise.catch(() => undefined)
  late.catch(() => undefined)
  try {
    return await Promise.race([promise, late])
  } finally {
    timer.abort()
  }
}
