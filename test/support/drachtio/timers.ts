/** The timers of one double, which end together; T1 of RFC 3261 sets the pace of all that is sent again. */

export class Timers {
  readonly t1Ms: number
  readonly #running = new Set<NodeJS.Timeout>()

  constructor(t1Ms: number) {
    this.t1Ms = t1Ms
  }

  /** T2: the longest pause between two sendings. */
  get t2Ms(): number {
    return 8 * this.t1Ms
  }

  /** Timers B, F and H. */
  get giveUpMs(): number {
    return 64 * this.t1Ms
  }

  /** Returns what stops it. */
  after(ms: number, act: () => void): () => void {
    const timer = setTimeout(() => {
      this.#running.delete(timer)
      act()
    }, ms)
    this.#running.add(timer)
    return () => {
      clearTimeout(timer)
      this.#running.delete(timer)
    }
  }

  /** Again and again with doubled pauses up to the longest, until it is stopped. */
  repeat(act: () => void, longestMs: number): () => void {
    let stop = (): void => undefined
    const arm = (ms: number): void => {
      stop = this.after(ms, () => {
        act()
        arm(Math.min(2 * ms, longestMs))
      })
    }
    arm(this.t1Ms)
    return () => stop()
  }

  clear(): void {
    for (const timer of this.#running) clearTimeout(timer)
    this.#running.clear()
  }
}
