/** The newest attempts to deliver to each webhook endpoint. */
import type { Page } from '../accounts/office.ts'
import type { Delivery, DeliveryLog } from '../webhooks/parts.ts'
import type { Keys } from './keys.ts'
import type { RedisStore } from './redis.ts'
import { streamEntries } from './replies.ts'

const KEPT = 1_000

export class RedisDeliveries implements DeliveryLog {
  readonly #store: RedisStore
  readonly #keys: Keys

  constructor(store: RedisStore, keys: Keys) {
    this.#store = store
    this.#keys = keys
  }

  async add(endpoint: string, delivery: Delivery): Promise<void> {
    const key = this.#keys.deliveries(endpoint)
    await this.#store.command((client) => client.xadd(key, 'MAXLEN', '~', KEPT, '*', 'd', JSON.stringify(delivery)))
  }

  async page(
    endpoint: string,
    { cursor, limit }: { readonly cursor?: string; readonly limit: number },
  ): Promise<Page<Delivery>> {
    const key = this.#keys.deliveries(endpoint)
    const from = cursor === undefined ? '+' : `(${cursor}`
    const found = await this.#store.command((client) => client.xrevrange(key, from, '-', 'COUNT', limit + 1))
    const entries = streamEntries(found)
    const shown = entries.slice(0, limit)
    const items = shown.map(({ fields }) => JSON.parse(fields['d'] ?? '') as Delivery)
    const last = shown.at(-1)
    return entries.length > limit && last ? { items, nextCursor: last.id } : { items }
  }

  async forget(endpoint: string): Promise<void> {
    await this.#store.command((client) => client.del(this.#keys.deliveries(endpoint)))
  }
}
