/** What is fixed when a store is used for the first time. */
import { randomBytes } from 'node:crypto'
import { Fault } from '../base/fault.ts'
import type { Clock } from '../base/time.ts'
import { type Keys, RESTORING } from '../store/keys.ts'
import type { RedisStore } from '../store/redis.ts'

/** How many partitions the store was installed with; `wanted` when it is new. It can never change: accounts would be lost. Fault(store_unfit) of one that is not whole. */
export async function installedPartitions(
  store: RedisStore,
  keys: Keys,
  wanted: { readonly partitions: number; readonly clock: Clock },
): Promise<number> {
  if ((await store.command((client) => client.hexists(keys.meta(), RESTORING))) === 1) {
    const message =
      'a restore of the store was interrupted or is under way: empty Redis and run `archive restore` again'
    throw new Fault('store_unfit', message)
  }
  await store.command((client) => client.hsetnx(keys.meta(), 'partitions', String(wanted.partitions)))
  await store.command((client) => client.hsetnx(keys.meta(), 'installed_at', String(wanted.clock.nowMs())))
  const installed = Number(await store.command((client) => client.hget(keys.meta(), 'partitions')))
  if (!Number.isInteger(installed) || installed < 1)
    throw new Fault('store_unfit', 'the store names no number of partitions')
  return installed
}

/** A secret that all daemons on this store share, and nobody else knows. */
export async function sharedSecret(store: RedisStore, keys: Keys): Promise<string> {
  await store.command((client) => client.hsetnx(keys.meta(), 'secret', randomBytes(32).toString('base64url')))
  const secret = await store.command((client) => client.hget(keys.meta(), 'secret'))
  if (secret === null) throw new Fault('store_unfit', 'the store keeps no secret')
  return secret
}
