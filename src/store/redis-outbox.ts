/** Events that no script writes, as they are about nothing that a script changes. */
import type { AccountEvent } from '../events/event.ts'
import type { Outbox } from '../webhooks/parts.ts'
import { type Keys, partitionOf } from './keys.ts'
import type { RedisStore } from './redis.ts'

export interface OutboxParts {
  readonly store: RedisStore
  readonly keys: Keys
  readonly partitions: number
}

export class RedisOutbox implements Outbox {
  readonly #parts: OutboxParts

  constructor(parts: OutboxParts) {
    this.#parts = parts
  }

  async tell({ type, account, atMs, data }: Pick<AccountEvent, 'type' | 'account' | 'atMs' | 'data'>): Promise<void> {
    const { store, keys, partitions } = this.#parts
    // Any partition will do, as it has no order among the events of its account.
    const key = keys.outbox(partitionOf(account, partitions))
    const fields = Object.entries(data).flat()
    await store.command((client) => client.xadd(key, '*', 'type', type, 'account', account, 'at', atMs, ...fields))
  }
}
