/**
 * Ends of calls as events, from the stream of CDRs. They are read only while somebody listens: who does says so again and
 * again, and what ended before anybody listened is told to nobody.
 */
import type { EventSource, SourceLag, TakenEntry } from '../events/event-stream.ts'
import type { Keys } from './keys.ts'
import type { RedisStore } from './redis.ts'
import type { RedisEventStream } from './redis-event-stream.ts'

const LISTENING_MS = 60_000

export interface CallEndingsParts {
  readonly store: RedisStore
  readonly keys: Keys
  readonly partitions: number
  readonly stream: RedisEventStream
}

export class RedisCallEndings implements EventSource {
  readonly #parts: CallEndingsParts
  /** Undefined until it was asked: groups of an earlier daemon may be there. */
  #isHeard: boolean | undefined

  constructor(parts: CallEndingsParts) {
    this.#parts = parts
  }

  get name(): string {
    return this.#parts.stream.name
  }

  /** From now on, and for a minute, ends of calls are told. */
  async listen(): Promise<void> {
    const { store, keys } = this.#parts
    const before = await store.command((client) => client.set(keys.listening(), '1', 'PX', LISTENING_MS, 'GET'))
    // Twice: another daemon, which did not know yet, may have been about to close the first of them.
    for (let pass = 0; before === null && pass < 2; pass += 1) {
      await this.#each((partition) => this.#parts.stream.open(partition))
    }
    this.#isHeard = true
  }

  /** Asked every second or so: whether anybody listens. */
  async look(): Promise<void> {
    const { partitions, stream } = this.#parts
    let isHeard = await this.#isListenedTo()
    const closes = !isHeard && this.#isHeard !== false
    for (let partition = 0; closes && !isHeard && partition < partitions; partition += 1) {
      await stream.close(partition)
      isHeard = await this.#isListenedTo()
    }
    this.#isHeard = isHeard
  }

  async #isListenedTo(): Promise<boolean> {
    const { store, keys } = this.#parts
    return (await store.command((client) => client.exists(keys.listening()))) === 1
  }

  take(partition: number, most: number): Promise<readonly TakenEntry[]> {
    return this.#isHeard ? this.#parts.stream.take(partition, most) : Promise.resolve([])
  }

  claim(partition: number, most: number): Promise<readonly TakenEntry[]> {
    return this.#isHeard ? this.#parts.stream.claim(partition, most) : Promise.resolve([])
  }

  acknowledge(partition: number, entries: readonly string[]): Promise<void> {
    return this.#parts.stream.acknowledge(partition, entries)
  }

  /** Entries of CDRs do not say when they were written. */
  async tidy(partition: number): Promise<SourceLag> {
    return { entries: this.#isHeard ? (await this.#parts.stream.tidy(partition)).entries : 0 }
  }

  async #each(work: (partition: number) => Promise<void>): Promise<void> {
    for (let partition = 0; partition < this.#parts.partitions; partition += 1) await work(partition)
  }
}
