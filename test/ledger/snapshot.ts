/** All that a ledger holds, in a form that those of all ledgers can be compared in. */
import { Cluster, type Redis } from 'ioredis'
import type { CallRecord } from '../../src/calls/call.ts'
import { decodeEntry } from '../../src/ledger/journal.ts'
import { decodeCall } from '../../src/store/call-codec.ts'
import type { RedisStore } from '../../src/store/redis.ts'
import { streamEntries } from '../../src/store/replies.ts'

export interface SnapshotAccount {
  version: string
  /** Without those that are zero. */
  counters: Record<string, string>
  live: string[]
  inbound: string[]
  outbound: string[]
  twoWay: string[]
  /** Micros by day and month, of the last ones in which something was spent. */
  spent: Record<string, string>
  told: Record<string, string>
  purchased: string
  transactions: string[]
  cdrOrder: string[]
  cdrs: Record<string, string>
}

export interface SnapshotPartition {
  /** What the entries come to that left the journal; of a ledger that keeps all of them there is none. */
  checkpoint?: Record<string, string>
  journal: { entry: unknown; balances: string }[]
  books: Record<string, string>
  due: Record<string, number>
  cdrs: { id: string; cdr: unknown }[]
  outbox: Record<string, string>[]
}

export interface Snapshot {
  accounts: Record<string, SnapshotAccount>
  partitions: Record<string, SnapshotPartition>
  /** By "partition:leg key". */
  calls: Record<string, CallRecord>
  legs: Record<string, string>
}

export function emptyAccount(): SnapshotAccount {
  return {
    version: '0',
    counters: {},
    live: [],
    inbound: [],
    outbound: [],
    twoWay: [],
    spent: {},
    told: { low: ' 0', recharge: ' 0', caps: ' ' },
    purchased: '',
    transactions: [],
    cdrOrder: [],
    cdrs: {},
  }
}

function emptyPartition(): SnapshotPartition {
  return { journal: [], books: {}, due: {}, cdrs: [], outbox: [] }
}

/** Every master of the store. */
function mastersOf({ client }: RedisStore): readonly Redis[] {
  return client instanceof Cluster ? client.nodes('master') : [client]
}

async function keysOf(master: Redis): Promise<readonly string[]> {
  const keys: string[] = []
  let cursor = '0'
  do {
    const [next, page] = await master.scan(cursor, 'COUNT', 1000)
    keys.push(...page)
    cursor = next
  } while (cursor !== '0')
  return keys.toSorted()
}

/** Every key with what is in it, to the byte; the claims of legs, which a refusal may leave behind, apart. */
export async function dumpOf(store: RedisStore): Promise<Readonly<Record<string, string>>> {
  const dump: Record<string, string> = {}
  for (const master of mastersOf(store)) {
    const keys = (await keysOf(master)).filter((key) => !key.startsWith('tg:leg:'))
    const read = keys.map(async (key) => Promise.all([master.type(key), master.dumpBuffer(key)]))
    for (const [index, [type, bytes]] of (await Promise.all(read)).entries()) {
      dump[keys[index] ?? ''] = `${type} ${bytes.toString('base64')}`
    }
  }
  return dump
}

/** How long each key is still kept; below zero is for ever. */
export async function lifetimesOf(store: RedisStore): Promise<ReadonlyMap<string, number>> {
  const lifetimes = new Map<string, number>()
  for (const master of mastersOf(store)) {
    for (const key of await keysOf(master)) lifetimes.set(key, await master.pttl(key))
  }
  return lifetimes
}

/** Lets so much time pass for what is kept only for a while. */
export async function expireIn(store: RedisStore, ms: number): Promise<void> {
  for (const master of mastersOf(store)) {
    for (const key of await keysOf(master)) {
      const leftMs = await master.pttl(key)
      if (leftMs >= 0) await master.pexpire(key, leftMs - ms)
    }
  }
}

const TAGGED = /^tg:\{(\d+)\}:([a-z]+)(?::(.*))?$/

export async function snapshotOf(store: RedisStore): Promise<Snapshot> {
  const snapshot: Snapshot = { accounts: {}, partitions: {}, calls: {}, legs: {} }
  for (const master of mastersOf(store)) {
    await Promise.all((await keysOf(master)).map((key) => readKey(snapshot, master, key)))
  }
  return snapshot
}

async function readKey(snapshot: Snapshot, master: Redis, key: string): Promise<void> {
  const legKey = /^tg:leg:(.*)$/.exec(key)?.[1]
  if (legKey !== undefined) snapshot.legs[legKey] = (await master.get(key)) ?? ''
  const [, partition, noun, name = ''] = TAGGED.exec(key) ?? []
  if (partition !== undefined && noun !== undefined) await read(snapshot, master, { key, partition, noun, name })
}

interface Found {
  readonly key: string
  readonly partition: string
  readonly noun: string
  readonly name: string
}

async function read(snapshot: Snapshot, master: Redis, { key, partition, noun, name }: Found): Promise<void> {
  const part = () => (snapshot.partitions[partition] ??= emptyPartition())
  const account = (id: string) => (snapshot.accounts[id] ??= emptyAccount())
  switch (noun) {
    case 'acct':
      readAccount(account(name), await master.hgetall(key))
      break
    case 'live':
      account(name).live = (await master.smembers(key)).toSorted()
      break
    case 'ch': {
      const [id = '', kind = ''] = name.split(':')
      account(id)[kind as 'inbound'] = (await master.smembers(key)).toSorted()
      break
    }
    case 'tx':
      account(name).transactions = await master.lrange(key, 0, -1)
      break
    case 'cdrx':
      account(name).cdrOrder = await master.lrange(key, 0, -1)
      break
    case 'cdri':
      account(name).cdrs = await master.hgetall(key)
      break
    case 'call':
      snapshot.calls[`${partition}:${name}`] = decodeCall((await master.get(key)) ?? '')
      break
    case 'books':
      part().books = withoutZeros(await master.hgetall(key))
      break
    case 'due':
      part().due = numbers(await master.zrange(key, 0, '-1', 'WITHSCORES'))
      break
    case 'journal':
      part().journal = streamEntries(await master.xrange(key, '-', '+')).map(({ fields }) => ({
        entry: decodeEntry(fields['e'] ?? ''),
        balances: fields['b'] ?? '',
      }))
      break
    case 'checkpoint':
      part().checkpoint = await master.hgetall(key)
      break
    case 'cdrs':
      part().cdrs = streamEntries(await master.xrange(key, '-', '+')).map(({ id, fields }) => ({
        id,
        cdr: JSON.parse(fields['j'] ?? '') as unknown,
      }))
      break
    case 'outbox':
      part().outbox = streamEntries(await master.xrange(key, '-', '+')).map(({ fields }) => fields)
      break
  }
}

function readAccount(account: SnapshotAccount, hash: Readonly<Record<string, string>>): void {
  const {
    v = '0',
    low = '',
    lown = '0',
    rech,
    rechn = '0',
    lp = '',
    capd = '',
    capm = '',
    sd,
    sm,
    txb: _transactionsArchivedOnly,
    cdrb: _cdrsArchivedOnly,
    rcpt: _receipts,
    ...rest
  } = hash
  const isTold = ([field]: readonly [string, string]) => field.startsWith('t:')
  const others = Object.entries(rest)
  account.version = v
  account.counters = withoutZeros(Object.fromEntries(others.filter((entry) => !isTold(entry))))
  account.told = {
    low: `${low} ${lown}`,
    recharge: `${rech === '1' ? 'due' : ''} ${rechn}`,
    caps: `${capd} ${capm}`,
    ...Object.fromEntries(others.filter(isTold)),
  }
  account.purchased = lp
  if (sd !== undefined && sm !== undefined) account.spent = Object.fromEntries([sd, sm].map((text) => text.split(' ')))
}

function withoutZeros(hash: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(hash).filter(([, value]) => value !== '0')
  return Object.fromEntries(kept)
}

function numbers(flat: readonly string[]): Record<string, number> {
  const pairs: Record<string, number> = {}
  for (let at = 0; at + 1 < flat.length; at += 2) pairs[flat[at] ?? ''] = Number(flat[at + 1])
  return pairs
}
