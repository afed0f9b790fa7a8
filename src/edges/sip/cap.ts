/** Holds a call to the longest that it may last, where nobody else looks to that. */

/** A second that has begun is charged: a cap is held so much before its end. */
const GUARD_MS = 200
const AGAIN_MS = 2_000
/** With an hour of these a server that is not back has no calls left. */
const MOST_TRIES = 1_800

export interface CapParts {
  /** Ends the call; fails while its server is out of reach. */
  readonly end: () => Promise<void>
  /** Told of the first failure. */
  readonly failed: (error: unknown) => void
}

/** Ends the call when its time is up, or as soon afterwards as its server can be reached. */
export class Cap {
  readonly #parts: CapParts
  #timer: NodeJS.Timeout | undefined
  #tries = 0
  #isLifted = false

  constructor(inMs: number, parts: CapParts) {
    this.#parts = parts
    this.#plan(inMs - GUARD_MS)
  }

  /** The call is over. */
  lift(): void {
    this.#isLifted = true
    clearTimeout(this.#timer)
  }

  #plan(ms: number): void {
    if (!this.#isLifted && this.#tries < MOST_TRIES) this.#timer = setTimeout(() => void this.#cut(), ms).unref()
  }

  async #cut(): Promise<void> {
    const { end, failed } = this.#parts
    this.#tries += 1
    try {
      await end()
    } catch (error) {
      if (this.#tries === 1) failed(error)
      this.#plan(AGAIN_MS)
    }
  }
}
