/**
 * Delivers what the other side cannot take now later; bounded in number and in attempts a second. What is refused again goes
 * behind the others, so that an item that is never taken keeps none of them waiting.
 */
import { Fault } from '../base/fault.ts'

const MAX_WAITING = 10_000
/** So many refusals in a row are of the other side, and not of the items: it is asked again after a pause. */
const MAX_REFUSALS = 3

interface Waiting<Item> {
  readonly item: Item
  readonly isTold: boolean
}

export class Repeater<Item> {
  readonly #send: (item: Item) => Promise<unknown>
  readonly #failed: (error: unknown, item: Item) => void
  readonly #everyMs: number
  readonly #waiting: Waiting<Item>[] = []
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  /** `failed` is told, once of each item, why it is refused where the other side is not just away, and what finds no place. */
  constructor(send: (item: Item) => Promise<unknown>, failed: (error: unknown, item: Item) => void, everyMs = 500) {
    this.#send = send
    this.#failed = failed
    this.#everyMs = everyMs
  }

  /** Resolves when the item was taken; rejects when it was not, and then repeats it. */
  async deliver(item: Item): Promise<void> {
    try {
      await this.#send(item)
    } catch (error) {
      this.#keep({ item, isTold: false }, error)
      this.#plan()
      throw error
    }
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #keep({ item, isTold }: Waiting<Item>, error: unknown): void {
    // Beyond the bound the daemon's sweep has to find out by itself.
    const hasPlace = this.#waiting.length < MAX_WAITING
    const isOdd = !hasPlace || !isAway(error)
    if (isOdd && !isTold) this.#failed(error, item)
    if (hasPlace) this.#waiting.push({ item, isTold: isTold || isOdd })
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
      const [waiting] = this.#waiting.splice(0, 1)
      if (waiting === undefined) break
      try {
        await this.#send(waiting.item)
        refusals = 0
      } catch (error) {
        refusals += 1
        this.#keep(waiting, error)
      }
    }
    this.#timer = undefined
    this.#plan()
  }
}

function isAway(error: unknown): boolean {
  return error instanceof Fault && error.retryable
}
