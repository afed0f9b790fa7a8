/**
 * How far a zone's clocks are ahead of UTC, and how long that is sure to stay so. The last stretch is remembered, as
 * the platform takes microseconds to work one out and calls come one after the other; it changes no answer.
 */
import { nextOffsetChange, zoneOffsetMs } from '../base/time.ts'

export interface SteadyOffset {
  readonly fromMs: number
  /** The clocks do not change before this instant, and need not change at it. */
  readonly untilMs: number
  readonly offsetMs: number
}

const DAY_MS = 86_400_000

/** More than the longest call that begins in the first day. */
const LOOK_AHEAD_MS = 4 * DAY_MS

export class ZoneClock {
  readonly #zone: string
  #last: SteadyOffset | undefined

  constructor(zone: string) {
    this.#zone = zone
  }

  offsetAt(atMs: number): SteadyOffset {
    if (this.#last && atMs >= this.#last.fromMs && atMs < this.#last.untilMs) return this.#last
    this.#last = this.#workOut(atMs)
    return this.#last
  }

  /** From the beginning of the day in UTC, so that calls of that day answered earlier find it remembered. */
  #workOut(atMs: number): SteadyOffset {
    let fromMs = Math.floor(atMs / DAY_MS) * DAY_MS
    const endMs = fromMs + LOOK_AHEAD_MS
    let untilMs = this.#changeAfter(fromMs, endMs)
    while (untilMs <= atMs) {
      fromMs = untilMs
      untilMs = this.#changeAfter(fromMs, endMs)
    }
    return { fromMs, untilMs, offsetMs: zoneOffsetMs(fromMs, this.#zone) }
  }

  #changeAfter(fromMs: number, endMs: number): number {
    return nextOffsetChange(fromMs, endMs, this.#zone) ?? endMs
  }
}
