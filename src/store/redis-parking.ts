/** Events that cannot be rated wait here for a person; nothing takes them away by itself. */
import type { Parking } from '../calls/parts.ts'
import type { Keys } from './keys.ts'
import type { RedisStore } from './redis.ts'

export class RedisParking implements Parking {
  readonly #store: RedisStore
  readonly #keys: Keys

  constructor(store: RedisStore, keys: Keys) {
    this.#store = store
    this.#keys = keys
  }

  async park(event: Readonly<Record<string, unknown>>, why: string): Promise<void> {
    const key = this.#keys.parked()
    await this.#store.command((client) => client.xadd(key, '*', 'event', JSON.stringify(event), 'why', why))
  }
}
