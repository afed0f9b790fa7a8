/** What is fixed when a store is used for the first time. */
import { Fault } from '../base/fault.ts'
import type { Clock } from '../base/time.ts'
import type { Keys } from '../store/keys.ts'
import type { RedisStore } from '../store/redis.ts'

/** How many partitions the store was installed with; `wanted` when it is new. It can never change: accounts would be lost. */
export async function installedPartitions(
  store: RedisStore,
  keys: Keys,
  wanted: { readonly partitions: number; readonly clock: Clock },
): Promise<number> {
  await store.command((client) => client.hsetnx(keys.meta(), 'partitions', String(wanted.partitions)))
  await store.command((client) => client.hsetnx(keys.meta(), 'installed_at', String(wanted.clock.nowMs())))
  const installed = Number(await store.command((client) => client.hget(keys.meta(), 'partitions')))
  if (!Number.isInteger(installed) || installed < 1)
    throw new Fault('store_unfit', 'the store names no number of partitions')
  return installed
}
