/** Events that no script writes, as they are about nothing that a script changes. */
import { hash } from 'node:crypto'
import type { Outbox, OutboxEvent } from '../webhooks/parts.ts'
import { type Keys, partitionOf } from './keys.ts'
import type { RedisStore } from './redis.ts'

export interface OutboxParts {
  readonly store: RedisStore
  readonly keys: Keys
  readonly partitions: number
}

/** Longer than a job that tells it is tried again, also as a dead letter. */
const REMEMBER_MS = 34 * 86_400_000

export class RedisOutbox implements Outbox {
  readonly #parts: OutboxParts

  constructor(parts: OutboxParts) {
    this.#parts = parts
  }

  async tell(id: string, { type, account, atMs, data }: OutboxEvent): Promise<void> {
    const { store, keys, partitions } = this.#parts
    // Any partition will do, as it has no order among the events of its account.
    const partition = partitionOf(account, partitions)
    const fields = ['type', type, 'account', account, 'at', atMs, ...Object.entries(data).flat()]
    const mark = keys.told(partition, hash('sha256', id, 'hex').slice(0, 32))
    await store.run('tell_once', [mark, keys.outbox(partition)], [REMEMBER_MS, ...fields])
  }
}
