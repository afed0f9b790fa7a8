/** Writes over what was read: when somebody else wrote in between, all is read and done again. */
import { Fault } from '../base/fault.ts'

const MAX_TRIES = 32

/** Tries until an attempt is not undefined, a bounded number of times. */
export async function untilDone<T>(attempt: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const done = await attempt()
    if (done !== undefined) return done
  }
  throw new Fault('store_overloaded', 'what is written changes faster than it can be read', { retryable: true })
}
