/** The daemon's use cases in this process, on the Redis of a daemon: for what is measured without an edge before it. */
import { hash, randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import type { ProfileInput } from '../../src/accounts/office.ts'
import { CallDesk } from '../../src/calls/desk.ts'
import type { CallParts, CallPolicy } from '../../src/calls/parts.ts'
import { Keys, partitionOf } from '../../src/store/keys.ts'
import { RedisAccountOffice } from '../../src/store/redis-accounts.ts'
import { RedisCallLedger } from '../../src/store/redis-call-ledger.ts'
import { RedisTariffBook } from '../../src/store/redis-tariffs.ts'
import { RedisStore } from '../../src/store/redis.ts'
import { defaults } from '../../test/support/offices.ts'

/** As daemons are installed unless told otherwise. */
export const PARTITIONS = 64

const POLICY: CallPolicy = {
  sliceSeconds: 60,
  extendAheadSeconds: 10,
  setupSeconds: 180,
  guardMs: 500,
  warnSeconds: 0,
  aliveWithinSeconds: 14_400,
  maxCallSeconds: 14_400,
  unattendedSeconds: 600,
  failedMemorySeconds: 300,
  rememberDays: 7,
  endRetrySeconds: 3,
  shortenWithinSeconds: 10,
  emergencyNumbers: [],
  defaultTariff: 'bench',
  modeOf: () => 'edge',
}

/** What a script was run with. */
export interface Sent {
  readonly name: string
  readonly keys: readonly string[]
  readonly args: readonly (string | number)[]
}

export interface BenchDesk {
  readonly desk: CallDesk
  readonly office: RedisAccountOffice
  readonly tariffs: RedisTariffBook
  readonly clock: { nowMs(): number; aheadMs: number }
  /** The scripts that were run since it was emptied. */
  readonly sent: Sent[]
  /** Seconds of Redis's main thread. */
  redisSeconds(): Promise<number>
  close(): Promise<void>
}

export async function openDesk(url: string, options: { readonly hears?: boolean } = {}): Promise<BenchDesk> {
  const store = new RedisStore({ urls: [url], commandTimeoutMs: 10_000, maxInFlight: 100_000 })
  await store.open()
  const plain = new Redis(url)
  const sent: Sent[] = []
  const heard = options.hears ? overheard(store, sent) : store
  const clock = { aheadMs: 0, nowMs: () => Math.floor(performance.timeOrigin + performance.now()) + clock.aheadMs }
  const keys = new Keys()
  const stored = { store: heard, keys, partitions: PARTITIONS, clock }
  const office = new RedisAccountOffice({
    ...stored,
    defaults: () => defaults,
    ids: () => randomBytes(8).toString('hex'),
  })
  const tariffs = new RedisTariffBook(stored)
  await tariffs.refresh()
  const digest = (text: string): string => hash('sha256', text, 'hex')
  const parts: CallParts = {
    ledger: new RedisCallLedger({ store: heard, keys, digest, legTtlMs: 9 * 86_400_000 }),
    accounts: office,
    tariffs,
    policy: () => POLICY,
    identify: () => undefined,
    controlOf: () => ({ canEnd: false, canRaise: false, canList: false, ...SILENT }),
    observer: { decided: nothing, ended: nothing, late: nothing, happened: nothing },
    parking: { park: async () => undefined },
    clock,
    digest,
    partitions: PARTITIONS,
    partitionOf: (text) => partitionOf(text, PARTITIONS),
  }
  return {
    desk: new CallDesk(parts),
    office,
    tariffs,
    clock,
    sent,
    redisSeconds: () => mainThreadSeconds(plain),
    close: async () => {
      plain.disconnect()
      await store.close()
    },
  }
}

function nothing(): void {
  // Nobody listens.
}

const SILENT = { end: async () => undefined, raise: async () => undefined, list: async () => [] }

function overheard(store: RedisStore, sent: Sent[]): RedisStore {
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (name === 'run') {
        return (script: string, keys: Sent['keys'], args: Sent['args']) => {
          sent.push({ name: script, keys, args })
          return target.run(script, keys, args)
        }
      }
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

export async function mainThreadSeconds(client: Redis): Promise<number> {
  const text = await client.info('cpu')
  const field = (name: string): number => Number(new RegExp(`${name}:([0-9.]+)`).exec(text)?.[1])
  return field('used_cpu_user_main_thread') + field('used_cpu_sys_main_thread')
}

/** Credit that no run spends, one of so many accounts: what is funded in a partition stays below 2^53 micros. */
export async function fund(office: RedisAccountOffice, account: string, accounts = 1): Promise<void> {
  const amount = 1_000_000_000_000_000n / BigInt(Math.ceil(accounts / 10))
  const posted = await office.credit({ account, operation: 'seed', kind: 'adjustment', amount })
  if (posted.kind !== 'posted') throw new Error(`${account} was not funded: ${posted.detail}`)
}

/** Accounts `<name>0`, `<name>1`, … with credit that no run spends. */
export async function seedAccounts(
  office: RedisAccountOffice,
  name: string,
  count: number,
  profile: ProfileInput = {},
): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    for (let n = next++; n < count; n = next++) {
      const account = `${name}${n}`
      await office.put(account, profile)
      await fund(office, account, count)
    }
  }
  await Promise.all(Array.from({ length: 64 }, worker))
}
