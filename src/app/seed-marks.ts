/**
 * What of the config folder was put to use, kept in the store for all daemons: nothing is put to use twice, also where
 * it was changed by the API since.
 */
import type { Keys } from '../store/keys.ts'
import type { RedisStore } from '../store/redis.ts'

/** "tariff:standard", "account:acme". */
type Seeded = `tariff:${string}` | `account:${string}`

export interface SeedMarks {
  read(what: Seeded): Promise<string | undefined>
  write(what: Seeded, word: string): Promise<void>
  /** Writes the word where there is none. */
  begin(what: Seeded, word: string): Promise<void>
}

export function seedMarks({ store, keys }: { readonly store: RedisStore; readonly keys: Keys }): SeedMarks {
  return {
    read: async (what) => (await store.command((client) => client.hget(keys.meta(), what))) ?? undefined,
    async write(what, word) {
      await store.command((client) => client.hset(keys.meta(), what, word))
    },
    async begin(what, word) {
      await store.command((client) => client.hsetnx(keys.meta(), what, word))
    },
  }
}
