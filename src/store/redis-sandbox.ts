/** What the payment sandbox did, in one hash: the first to write a field wins, and all daemons see it. */
import type { Keys } from './keys.ts'
import type { RedisStore } from './redis.ts'

const FIELDS_AT_ONCE = 500

export class RedisSandboxMemory {
  readonly #store: RedisStore
  readonly #key: string

  constructor({ store, keys }: { readonly store: RedisStore; readonly keys: Keys }) {
    this.#store = store
    this.#key = keys.sandbox()
  }

  async add(name: string, text: string): Promise<string> {
    const isNew = await this.#store.command((client) => client.hsetnx(this.#key, name, text))
    return isNew === 1 ? text : ((await this.get(name)) ?? text)
  }

  async get(name: string): Promise<string | undefined> {
    return (await this.#store.command((client) => client.hget(this.#key, name))) ?? undefined
  }

  /** A scan may come to a field twice. */
  async *all(beginning: string): AsyncGenerator<readonly [string, string]> {
    const seen = new Set<string>()
    let cursor = '0'
    do {
      const [next, flat] = await this.#store.command((client) =>
        client.hscan(this.#key, cursor, 'MATCH', `${beginning}*`, 'COUNT', FIELDS_AT_ONCE),
      )
      for (let i = 0; i + 1 < flat.length; i += 2) {
        const [name = '', text = ''] = [flat[i], flat[i + 1]]
        if (!seen.has(name)) yield [name, text]
        seen.add(name)
      }
      cursor = next
    } while (cursor !== '0')
  }
}
