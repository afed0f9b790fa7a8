/**
 * Delivers what the other side cannot take now later; bounded in number and in attempts a second. What is refused again goes
 * behind the others, so that an item that is never taken keeps none of them waiting.
 */

const MAX_WAITING = 10_000
/** So many refusals in a row are of the other side, and not of the items: it is asked again after a pause. */
const MAX_REFUSALS = 3

export class Repeater<Item> {
  readonly #send: (item: Item) => Promise<unknown>
  readonly #everyMs: number
  readonly #waiting: Item[] = []
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(send: (item: Item) => Promise<unknown>, everyMs = 500) {
    this.#send = send
    this.#everyMs = everyMs
  }

  /** Resolves when the item was taken; rejects when it was not, and then repeats it. */
  async deliver(item: Item): Promise<void> {
    try {
      await this.#send(item)
    } catch (error) {
      this.#keep(item)
      throw error
    }
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #keep(item: Item): void {
    // Beyond the bound the daemon's sweep has to find out by itself.
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push(item)
    this.#plan()
  }

  #plan(): void {
    if (this.#timer || this.#stopped || this.#waiting.length === 0) return
    this.#timer = setTimeout(() => void this.#repeat(), this.#everyMs)
    this.#timer.unref()
  }

  /** Each once at most. */
  async #repeat(): Promise<void> {
    let refusals = 0
    for (let left = this.#waiting.length; left > 0 && refusals < MAX_REFUSALS && !this.#stopped; left -= 1) {
      const [item] = this.#waiting.splice(0, 1)
      if (item === undefined) break
      try {
        await this.#send(item)
        refusals = 0
      } catch {
        refusals += 1
        this.#waiting.push(item)
      }
    }
    this.#timer = undefined
    this.#plan()
  }
}
