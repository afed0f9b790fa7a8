/** Accounts whose minutes are to be filled again, though nobody asks for them. */
import type { Keys } from './keys.ts'
import type { RedisStore } from './redis.ts'

/** Partitions that are asked at once. */
const AT_ONCE = 16

export interface DueCyclesParts {
  readonly store: RedisStore
  readonly keys: Keys
  readonly partitions: number
}

export class DueCycles {
  readonly #parts: DueCyclesParts

  constructor(parts: DueCyclesParts) {
    this.#parts = parts
  }

  /** Ids of accounts with a cycle that is over, at most `limit` of each partition; those that wait longest first. */
  async *at(nowMs: number, limit: number): AsyncGenerator<string> {
    const { store, keys, partitions } = this.#parts
    for (let first = 0; first < partitions; first += AT_ONCE) {
      const some = Array.from({ length: Math.min(AT_ONCE, partitions - first) }, (_, ahead) => first + ahead)
      const due = some.map((partition) =>
        store.command((client) => client.zrangebyscore(keys.turns(partition), '-inf', nowMs, 'LIMIT', 0, limit)),
      )
      yield* (await Promise.all(due)).flat()
    }
  }
}
