/**
 * Holds what is in the store against a journal, while calls go on: figures are read together with the number of the
 * last entry, the journal is replayed to exactly that entry, and the two must agree.
 */
import { Fault } from '../base/fault.ts'
import { type Drift, type FoundAccount, type FoundPayment, isCounter, memberSets, Replay } from '../ledger/audit.ts'
import type { Checkpoint } from '../ledger/checkpoint.ts'
import { decodeEntry, entryNumber } from '../ledger/journal.ts'
import type { StoredEntry } from '../ledger/streams.ts'
import { refunded } from '../payments/payment.ts'
import { decodeCall } from './call-codec.ts'
import type { Keys } from './keys.ts'
import { decodePayment } from './payment-codec.ts'
import type { RedisStore } from './redis.ts'
import { lastIdIn, repliesOf } from './replies.ts'

const ENTRIES_AT_ONCE = 1_000
const ACCOUNTS_AT_ONCE = 50
const CALLS_AT_ONCE = 200
const PAYMENTS_AT_ONCE = 200
const IDS_AT_ONCE = 1_000

/** A store with so many is broken; more would say nothing. */
const MAX_DRIFTS = 1_000

export interface AuditReport {
  readonly partitions: number
  /** Journal entries that were replayed. */
  readonly entries: number
  /** Entries before them, which checkpoints stand for. */
  readonly checkpointed: number
  readonly accounts: number
  readonly drifts: readonly Drift[]
}

export interface AuditParts {
  readonly store: RedisStore
  readonly keys: Keys
  readonly partitions: number
  readonly journal: AuditedJournal
}

/** Where entries are read: in the store itself, or where they are archived. */
export interface AuditedJournal {
  /** What the entries come to that are there no more. */
  checkpoint(partition: number): Promise<Checkpoint>
  /** From one number to another, both included. */
  entries(partition: number, from: number, to: number): Promise<readonly StoredEntry[]>
}

type Transaction = ReturnType<RedisStore['client']['multi']>

export class RedisAudit {
  readonly #parts: AuditParts

  constructor(parts: AuditParts) {
    this.#parts = parts
  }

  async verify(): Promise<AuditReport> {
    const { partitions, journal } = this.#parts
    const drifts: Drift[] = []
    let entries = 0
    let checkpointed = 0
    let accounts = 0
    for (let partition = 0; partition < partitions && drifts.length < MAX_DRIFTS; partition += 1) {
      const from = await journal.checkpoint(partition)
      const replay = new Replay(partition, from)
      accounts += await this.#compareAccounts(replay, drifts)
      await this.#compareCalls(replay, drifts)
      await this.#comparePayments(replay, drifts)
      await this.#compareBooks(replay, drifts)
      drifts.push(...replay.drifts)
      entries += replay.last - from.number
      checkpointed += from.number
    }
    return { partitions, entries, checkpointed, accounts, drifts: drifts.slice(0, MAX_DRIFTS) }
  }

  async #compareAccounts(replay: Replay, drifts: Drift[]): Promise<number> {
    const { keys } = this.#parts
    const p = replay.partition
    await this.#together(replay, () => undefined)
    const accounts = [...new Set([...(await this.#ids(keys.accounts(p))), ...replay.accounts])]
    for (const chunk of chunks(accounts, ACCOUNTS_AT_ONCE)) {
      const replies = await this.#together(replay, (read) => {
        for (const account of chunk) {
          read.hgetall(keys.account(p, account)).smembers(keys.live(p, account))
          for (const kind of TRUNKS) read.smembers(keys.channels(p, account, kind))
        }
      })
      for (const [index, account] of chunk.entries()) {
        drifts.push(...replay.compareAccount(foundAccount(account, replies.slice(index * 5, index * 5 + 5))))
      }
    }
    return accounts.length
  }

  async #compareCalls(replay: Replay, drifts: Drift[]): Promise<void> {
    const { keys } = this.#parts
    const p = replay.partition
    const legKeys = [...new Set([...(await this.#ids(keys.due(p))), ...replay.calls])]
    for (const chunk of chunks(legKeys, CALLS_AT_ONCE)) {
      const replies = await this.#together(replay, (read) => {
        for (const legKey of chunk) read.get(keys.call(p, legKey))
      })
      for (const [index, legKey] of chunk.entries()) {
        const text = replies[index]
        const levels = typeof text === 'string' ? decodeCall(text).levels : []
        drifts.push(...replay.compareCall({ legKey, levels }))
      }
    }
  }

  async #comparePayments(replay: Replay, drifts: Drift[]): Promise<void> {
    const { keys } = this.#parts
    const p = replay.partition
    const payments = [...new Set([...(await this.#ids(keys.payments(p))), ...replay.payments])]
    for (const chunk of chunks(payments, PAYMENTS_AT_ONCE)) {
      const replies = await this.#together(replay, (read) => {
        for (const id of chunk) read.hget(keys.payment(p, id), 'j')
      })
      for (const [index, id] of chunk.entries()) drifts.push(...replay.comparePayment(foundPayment(id, replies[index])))
    }
  }

  async #compareBooks(replay: Replay, drifts: Drift[]): Promise<void> {
    const books = this.#parts.keys.books(replay.partition)
    const [found] = await this.#together(replay, (read) => read.hgetall(books))
    drifts.push(...replay.compareBooks(figuresOf(found as Readonly<Record<string, string>>)))
  }

  /** What is read at one instant; the journal is replayed to that instant. */
  async #together(replay: Replay, add: (read: Transaction) => unknown): Promise<readonly unknown[]> {
    const { store, keys } = this.#parts
    const results = await store.command((client) => {
      const read = client.multi().xinfo('STREAM', keys.journal(replay.partition))
      add(read)
      return read.exec()
    })
    const [journal, ...rest] = results ?? []
    const last = lastIdIn(journal)
    await this.#replayTo(replay, last === undefined ? 0 : entryNumber(last))
    return repliesOf(rest)
  }

  async #replayTo(replay: Replay, number: number): Promise<void> {
    const { journal } = this.#parts
    while (replay.last < number) {
      const from = replay.last + 1
      const to = Math.min(from + ENTRIES_AT_ONCE - 1, number)
      const page = await journal.entries(replay.partition, from, to)
      if (page[0]?.number !== from && (await this.#isGone(replay, number))) continue
      for (const { number: at, entry } of page) replay.add(at, decodeEntry(entry))
      if (replay.last < to) replay.skip(to)
    }
  }

  /** Entries that left meanwhile are in the checkpoint, which the replay goes on from. */
  async #isGone(replay: Replay, number: number): Promise<boolean> {
    const checkpoint = await this.#parts.journal.checkpoint(replay.partition)
    if (checkpoint.number <= replay.last) return false
    if (checkpoint.number > number) {
      throw new Fault('store_overloaded', `entries of partition ${replay.partition} leave before they are read`, {
        retryable: true,
      })
    }
    replay.goOnFrom(checkpoint)
    return true
  }

  /** Every member that stays while they are read. */
  async #ids(zset: string): Promise<readonly string[]> {
    const ids: string[] = []
    let cursor = '0'
    do {
      const [next, page] = await this.#parts.store.command((client) => client.zscan(zset, cursor, 'COUNT', IDS_AT_ONCE))
      for (let i = 0; i < page.length; i += 2) ids.push(page[i] ?? '')
      cursor = next
    } while (cursor !== '0')
    return ids
  }
}

const TRUNKS = ['inbound', 'outbound', 'twoWay'] as const

function* chunks<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size)
}

function figuresOf(hash: Readonly<Record<string, string>>): ReadonlyMap<string, bigint> {
  return new Map(Object.entries(hash).map(([name, text]) => [name, BigInt(text)]))
}

function foundPayment(id: string, json: unknown): FoundPayment {
  if (typeof json !== 'string') return { id, account: '', net: 0n }
  const payment = decodePayment(json, undefined)
  const net = payment.state === 'succeeded' ? payment.amount - refunded(payment) : 0n
  return { id, account: payment.account, net }
}

/** Replies: the account's hash, then its sets in their order. */
function foundAccount(account: string, [hash, ...sets]: readonly unknown[]): FoundAccount {
  const counters = Object.entries(hash as Readonly<Record<string, string>>).filter(([field]) => isCounter(field))
  const members = Object.fromEntries(
    memberSets.map((set, index) => [set, sets[index]]),
  ) as unknown as FoundAccount['members']
  return { account, counters: figuresOf(Object.fromEntries(counters)), members }
}
