/** Writes to a store that is built anew; keys of one visit are of one partition. */
import { repliesOf } from './replies.ts'
import type { RedisStore } from './redis.ts'

export type Pipeline = ReturnType<RedisStore['client']['pipeline']>

const WRITTEN_AT_ONCE = 500

export class RebuildWriter {
  readonly #store: RedisStore

  constructor(store: RedisStore) {
    this.#store = store
  }

  /** All in one visit. */
  async write(add: (pipeline: Pipeline) => void): Promise<void> {
    const results = await this.#store.command(async (client) => {
      const pipeline = client.pipeline()
      add(pipeline)
      return pipeline.length === 0 ? [] : pipeline.exec()
    })
    repliesOf(results)
  }

  /** Some hundred in a visit, however many there are. */
  async each<T>(items: Iterable<T>, add: (pipeline: Pipeline, item: T) => unknown): Promise<void> {
    const all = [...items]
    for (let from = 0; from < all.length; from += WRITTEN_AT_ONCE) {
      await this.write((pipeline) => {
        for (const item of all.slice(from, from + WRITTEN_AT_ONCE)) add(pipeline, item)
      })
    }
  }
}
