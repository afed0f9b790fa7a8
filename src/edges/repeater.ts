/** Delivers what the other side cannot take now later, in order; bounded in number and in attempts a second. */

const MAX_WAITING = 10_000

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

  async #repeat(): Promise<void> {
    for (let item = this.#waiting[0]; item !== undefined && !this.#stopped; item = this.#waiting[0]) {
      const taken = await this.#send(item).then(
        () => true,
        () => false,
      )
      if (!taken) break
      this.#waiting.shift()
    }
    this.#timer = undefined
    this.#plan()
  }
}
