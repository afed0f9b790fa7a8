/**
 * The time a daemon goes by: that of the machine at its start, and from then on what has really passed. A machine's clock
 * that is set forward or back neither ends calls before their money does nor lets them go on after it.
 */
import type { Clock } from '../base/time.ts'
import type { Logger } from '../observe/log.ts'

/** The machine's clock is followed by this part of what passes, the pace at which NTP itself corrects small errors. */
const FOLLOWS = 1 / 2_000
/** Less is no step, but how clocks are. */
const STEP_MS = 2_000

export interface MachineClocks {
  /** Epoch milliseconds, which may step. */
  readonly wallMs: () => number
  /** Milliseconds since some instant, which never step. */
  readonly passedMs: () => number
}

export class SteadyClock implements Clock {
  readonly #clocks: MachineClocks
  #passedMs: number
  /** What is added to what has passed. */
  #startMs: number

  constructor(clocks: MachineClocks) {
    this.#clocks = clocks
    this.#passedMs = clocks.passedMs()
    this.#startMs = clocks.wallMs() - this.#passedMs
  }

  nowMs(): number {
    const passedMs = this.#clocks.passedMs()
    const most = (passedMs - this.#passedMs) * FOLLOWS
    const ahead = this.#clocks.wallMs() - passedMs - this.#startMs
    this.#startMs += Math.min(Math.max(ahead, -most), most)
    this.#passedMs = passedMs
    return Math.floor(this.#startMs + passedMs)
  }

  /** How far the machine's clock is ahead of ours; less than zero when it is behind. */
  stepMs(): number {
    return this.#clocks.wallMs() - this.nowMs()
  }
}

/** Says in the log when the machine's clock was set, once for each time. */
export class StepWatch {
  readonly #clock: Pick<SteadyClock, 'stepMs'>
  readonly #log: Pick<Logger, 'error' | 'info'>
  #toldMs = 0

  constructor(clock: Pick<SteadyClock, 'stepMs'>, log: Pick<Logger, 'error' | 'info'>) {
    this.#clock = clock
    this.#log = log
  }

  look(): void {
    const stepMs = this.#clock.stepMs()
    const isStep = Math.abs(stepMs) > STEP_MS
    if (isStep && Math.abs(stepMs - this.#toldMs) > STEP_MS) {
      this.#toldMs = stepMs
      this.#log.error(
        { aheadSeconds: Math.round(stepMs / 1000) },
        "the machine's clock was set: calls go on by the time as it was; if the new time is right, restart when no calls are up",
      )
    }
    if (isStep || this.#toldMs === 0) return
    this.#toldMs = 0
    this.#log.info("the machine's clock agrees with ours again")
  }
}
