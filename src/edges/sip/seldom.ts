/** For lines of the log that others can have us write without end: one a minute at most, which says how often it would have been. */

const EVERY_MS = 60_000

export class Seldom<About> {
  readonly #say: (about: About, times: number) => void
  readonly #nowMs: () => number
  #saidAtMs = -Infinity
  #times = 0

  /** The clock may begin anywhere, and is never set. */
  constructor(say: (about: About, times: number) => void, nowMs = (): number => performance.now()) {
    this.#say = say
    this.#nowMs = nowMs
  }

  happened(about: About): void {
    this.#times += 1
    const nowMs = this.#nowMs()
    if (nowMs - this.#saidAtMs < EVERY_MS) return
    const times = this.#times
    this.#saidAtMs = nowMs
    this.#times = 0
    this.#say(about, times)
  }
}
