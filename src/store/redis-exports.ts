/** Exports, each in a key of its own that goes when its time is over. */
import type { Export, ExportStore } from '../exports/export.ts'
import type { Clock } from '../base/time.ts'
import type { Keys } from './keys.ts'
import type { RedisStore } from './redis.ts'

export interface RedisExportsParts {
  readonly store: RedisStore
  readonly keys: Keys
  readonly clock: Clock
}

export class RedisExports implements ExportStore {
  readonly #parts: RedisExportsParts

  constructor(parts: RedisExportsParts) {
    this.#parts = parts
  }

  async add(made: Export, most: number): Promise<boolean> {
    const { store, keys } = this.#parts
    const { account } = made.order
    if ((await this.list(account)).length >= most) return false
    await store.command((client) => client.set(keys.export(made.id), JSON.stringify(made), 'PX', this.#leftMs(made)))
    await store.command((client) => client.zadd(keys.exports(account), made.createdAtMs, made.id))
    return true
  }

  async find(id: string): Promise<Export | undefined> {
    const { store, keys } = this.#parts
    const text = await store.command((client) => client.get(keys.export(id)))
    return text === null ? undefined : (JSON.parse(text) as Export)
  }

  async save(changed: Export): Promise<boolean> {
    const { store, keys } = this.#parts
    const key = keys.export(changed.id)
    const leftMs = this.#leftMs(changed)
    return (await store.command((client) => client.set(key, JSON.stringify(changed), 'PX', leftMs, 'XX'))) === 'OK'
  }

  async remove({ id, order }: Export): Promise<void> {
    const { store, keys } = this.#parts
    await store.command((client) => client.del(keys.export(id)))
    await store.command((client) => client.zrem(keys.exports(order.account), id))
  }

  /** Forgets on its way those whose time is over. */
  async list(account: string): Promise<readonly Export[]> {
    const { store, keys } = this.#parts
    const key = keys.exports(account)
    const ids = await store.command((client) => client.zrevrange(key, 0, -1))
    const found = await Promise.all(ids.map((id) => this.find(id)))
    const gone = ids.filter((_, index) => found[index] === undefined)
    if (gone.length > 0) await store.command((client) => client.zrem(key, ...gone))
    return found.filter((made) => made !== undefined)
  }

  #leftMs({ expiresAtMs }: Export): number {
    return Math.max(1, expiresAtMs - this.#parts.clock.nowMs())
  }
}
