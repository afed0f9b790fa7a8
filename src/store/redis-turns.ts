/** One daemon at a time does what is named; the right lapses by itself. */
import type { Turns } from '../calls/rounds.ts'
import type { Keys } from './keys.ts'
import type { RedisStore } from './redis.ts'

export class RedisTurns implements Turns {
  readonly #store: RedisStore
  readonly #keys: Keys

  constructor(store: RedisStore, keys: Keys) {
    this.#store = store
    this.#keys = keys
  }

  async take(name: string, forMs: number): Promise<boolean> {
    const key = this.#keys.lister(name)
    return (await this.#store.command((client) => client.set(key, '1', 'PX', forMs, 'NX'))) === 'OK'
  }
}
