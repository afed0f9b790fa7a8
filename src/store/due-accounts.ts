/** Accounts that something is to be done for, though nobody asks. */
import type { Keys } from './keys.ts'
import type { RedisStore } from './redis.ts'

/** Partitions that are asked at once. */
const AT_ONCE = 16

export interface DueAccountsParts {
  readonly store: RedisStore
  readonly keys: Keys
  readonly partitions: number
}

export class DueAccounts {
  readonly #parts: DueAccountsParts
  readonly #which: 'turns' | 'storageDue'

  constructor(parts: DueAccountsParts, which: 'turns' | 'storageDue') {
    this.#parts = parts
    this.#which = which
  }

  /** Ids of those whose instant has come, at most `limit` of each partition; those that wait longest first. */
  async *at(nowMs: number, limit: number): AsyncGenerator<string> {
    const { store, keys, partitions } = this.#parts
    for (let first = 0; first < partitions; first += AT_ONCE) {
      const some = Array.from({ length: Math.min(AT_ONCE, partitions - first) }, (_, ahead) => first + ahead)
      const due = some.map((partition) =>
        store.command((client) => client.zrangebyscore(keys[this.#which](partition), '-inf', nowMs, 'LIMIT', 0, limit)),
      )
      yield* (await Promise.all(due)).flat()
    }
  }
}
