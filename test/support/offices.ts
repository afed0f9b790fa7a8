/** Account offices on a real store, as many as there would be daemons, with one clock. */
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import type { AccountDefaults } from '../../src/accounts/profile.ts'
import { RedisAccountOffice } from '../../src/store/redis-accounts.ts'
import { RedisAudit } from '../../src/store/redis-audit.ts'
import { Keys } from '../../src/store/keys.ts'
import { RedisStreams, type RedisStreamsParts } from '../../src/store/redis-streams.ts'
import { RedisStore } from '../../src/store/redis.ts'
import { FakeClock } from './clock.ts'
import { startCluster, startRedis, type TestCluster, type TestRedis } from './redis.ts'

export const defaults: AccountDefaults = {
  currency: 'USD',
  timezone: 'UTC',
  onEngineError: 'deny',
  engineErrorSeconds: 60,
  engineErrorCalls: 5,
  pool: { freeSeconds: 30, increment: 60, onExhausted: 'finish_call', directions: ['outbound'] },
  minimumPurchase: 5_000_000n,
}

export const storeForms = [
  ['one Redis', 'redis'],
  ['a cluster of three masters', 'cluster'],
] as const

export type StoreForm = (typeof storeForms)[number][1]

export const PARTITIONS = 16

/** What a test of this file works with; each has an empty store and a clock at noon. */
export class TestStore {
  readonly keys = new Keys()
  clock = new FakeClock()
  #server: TestRedis | TestCluster | undefined
  #store: RedisStore | undefined
  #ids = 0

  get store(): RedisStore {
    if (!this.#store) throw new Error('the store is not open')
    return this.#store
  }

  get urls(): readonly string[] {
    if (!this.#server) throw new Error('the server is not started')
    return 'urls' in this.#server ? this.#server.urls : [this.#server.url]
  }

  async open(form: StoreForm): Promise<void> {
    this.#server = form === 'cluster' ? await startCluster() : await startRedis()
    this.#store = new RedisStore({ urls: this.urls, commandTimeoutMs: 5_000, maxInFlight: 10_000 })
    await this.#store.open()
  }

  async empty(): Promise<void> {
    await this.#server?.flush()
    this.clock = new FakeClock()
    this.#ids = 0
  }

  async close(): Promise<void> {
    await this.#store?.close()
    await this.#server?.stop()
  }

  /** The office of one more daemon. */
  office(changes: Partial<AccountDefaults> = {}): RedisAccountOffice {
    const { store, keys, clock } = this
    const inForce = { ...defaults, ...changes }
    const ids = (): string => `id-${(this.#ids += 1)}`
    return new RedisAccountOffice({ store, keys, partitions: PARTITIONS, clock, defaults: () => inForce, ids })
  }

  get streamParts(): RedisStreamsParts {
    return { store: this.store, keys: this.keys, partitions: PARTITIONS }
  }

  audit(): RedisAudit {
    return new RedisAudit({ ...this.streamParts, journal: new RedisStreams(this.streamParts) })
  }
}

/** Starts a store for the tests of the block; after each of them the journal must explain every counter. */
export function useStore(form: StoreForm, options: { readonly keepsBooks?: boolean } = {}): TestStore {
  const test = new TestStore()
  beforeAll(() => test.open(form))
  afterAll(() => test.close())
  beforeEach(() => test.empty())
  afterEach(async () => {
    if (options.keepsBooks === false) return
    expect((await test.audit().verify()).drifts).toEqual([])
  })
  return test
}
