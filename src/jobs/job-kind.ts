/**
 * Work that is done by whichever daemon is free, repeated until it succeeds or its attempts are used up.
 *
 *   added ──▶ done
 *     └─▶ failed ──▶ tried again after a pause … ──▶ dead: listed until a person has it tried again
 */

export interface JobKind<Data extends object> {
  /** Names the queue: small letters, digits and "-". */
  readonly name: string
  readonly attempts: number
  /** The pause after so many failed attempts. */
  readonly pauseMs: (failed: number) => number
  /** Jobs at once in one daemon. */
  readonly atOnce: number
  /** What people are shown of a job; no secrets. */
  readonly about: (data: Data) => Readonly<Record<string, string>>
  /** A throw is a failed attempt; `attempt` counts from 1. May be called again for a job that was done. */
  run(data: Data, attempt: number): Promise<void>
}

export interface NewJob<Data extends object> {
  /** A job that is known by its id is not added again. */
  readonly id: string
  readonly data: Data
}

const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 600_000

/** Doubles from a second to ten minutes, and is spread by a fifth, so that what failed together is not tried together. */
export function exponentialPause(random: () => number): (failed: number) => number {
  return (failed) => {
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (failed - 1), LONGEST_PAUSE_MS)
    return Math.round(pauseMs * (0.8 + 0.4 * random()))
  }
}
