/** Reads the checkpoint of a partition (ledger/checkpoint.ts), which moves while it is read when entries leave the store. */
import { setTimeout as pause } from 'node:timers/promises'
import { Fault } from '../base/fault.ts'
import type { Checkpoint } from '../ledger/checkpoint.ts'
import type { Keys } from './keys.ts'
import type { RedisStore } from './redis.ts'

export interface CheckpointParts {
  readonly store: RedisStore
  readonly keys: Keys
}

/** Field of the hash that is no sum; the names of sums have a space. */
export const CHECKPOINT_NUMBER = 'n'

const FIELDS_AT_ONCE = 1_000
const ATTEMPTS = 20
const PAUSE_MS = 100

export async function checkpointNumber({ store, keys }: CheckpointParts, p: number): Promise<number> {
  return Number((await store.command((client) => client.hget(keys.checkpoint(p), CHECKPOINT_NUMBER))) ?? 0)
}

/** In pages, so that a large one keeps no call waiting. */
export async function readCheckpoint(parts: CheckpointParts, p: number): Promise<Checkpoint> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const number = await checkpointNumber(parts, p)
    const sums = number === 0 ? new Map<string, bigint>() : await readSums(parts, p)
    if ((await checkpointNumber(parts, p)) === number) return { number, sums }
    await pause(PAUSE_MS)
  }
  throw new Fault('store_overloaded', `the journal of partition ${p} leaves faster than it can be read`, {
    retryable: true,
  })
}

async function readSums({ store, keys }: CheckpointParts, p: number): Promise<ReadonlyMap<string, bigint>> {
  const sums = new Map<string, bigint>()
  let cursor = '0'
  do {
    const from = cursor
    const [next, page] = await store.command((client) =>
      client.hscan(keys.checkpoint(p), from, 'COUNT', FIELDS_AT_ONCE),
    )
    for (let i = 0; i + 1 < page.length; i += 2) {
      if (page[i] !== CHECKPOINT_NUMBER) sums.set(page[i] ?? '', BigInt(page[i + 1] ?? '0'))
    }
    cursor = next
  } while (cursor !== '0')
  return sums
}
