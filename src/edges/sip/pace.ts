/** How many INVITEs a second are taken from each of many: as many at once, and one more each time their share has passed. */

/** Who came long ago makes room. */
const MOST_KNOWN = 10_000

export class Pace {
  readonly #perSecond: number
  /** When each will have used up what it took, the least recent first. */
  readonly #usedUpAtMs = new Map<string, number>()

  constructor(perSecond: number) {
    this.#perSecond = perSecond
  }

  /** True when one more is within the pace, and counts it. */
  takes(who: string, nowMs: number): boolean {
    const usedUpAtMs = Math.max(this.#usedUpAtMs.get(who) ?? 0, nowMs) + 1000 / this.#perSecond
    if (usedUpAtMs > nowMs + 1000) return false
    this.#usedUpAtMs.delete(who)
    this.#usedUpAtMs.set(who, usedUpAtMs)
    const [oldest] = this.#usedUpAtMs.keys()
    if (this.#usedUpAtMs.size > MOST_KNOWN && oldest !== undefined) this.#usedUpAtMs.delete(oldest)
    return true
  }
}
