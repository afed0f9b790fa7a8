/**
 * Builds an empty store from what was archived of another: accounts, balances, journal, CDRs of the hot window, tariffs,
 * keys, and the memory of calls that ended lately. Calls that were up are over: what they held is released, and a stop
 * that comes later is rated from itself, as one of a call that nobody asked for.
 */
import type { AccountProfile } from '../accounts/account.ts'
import { unpaidBundles } from '../accounts/bundles.ts'
import { firstTurnMs } from '../accounts/cycles.ts'
import { Fault, invariant } from '../base/fault.ts'
import type { Clock } from '../base/time.ts'
import { Replay } from '../ledger/audit.ts'
import { type JournalEntry, decodeEntry, encodeEntry, entryId } from '../ledger/journal.ts'
import { postedTo } from '../ledger/posting.ts'
import type { LedgerCopy, StoredEntry } from '../ledger/streams.ts'
import { type Keys, RESTORING } from './keys.ts'
import { decodeProfile } from './profile-codec.ts'
import { CdrsRebuild } from './rebuild-cdrs.ts'
import { type Credited, noteCredited, PaymentsRebuild, type RebuiltAccount } from './rebuild-payments.ts'
import { CHECKPOINT_NUMBER } from './redis-checkpoint.ts'
import { repliesOf } from './replies.ts'
import type { RedisStore } from './redis.ts'
import { countSpent, notePurchase, type Spent } from './spent.ts'
import { documentKey } from './store-documents.ts'

export interface RebuildParts {
  readonly store: RedisStore
  readonly keys: Keys
  readonly clock: Clock
  readonly copy: LedgerCopy
  /** Entries and CDRs that were written so long ago are left where they are. */
  readonly hotDays: number
  /** And calls that ended so long ago. */
  readonly rememberDays: number
}

export interface Rebuilt {
  readonly partitions: number
  readonly accounts: number
  readonly entries: number
  readonly cdrs: number
  /** Calls that were up. */
  readonly released: number
}

interface DecodedEntry {
  readonly stored: StoredEntry
  readonly entry: JournalEntry
}

interface JournalToRebuild {
  readonly partition: number
  readonly accounts: ReadonlyMap<string, RebuiltAccount>
  /** Entries up to this one are left out. */
  readonly last: number
}

interface RebuiltJournal {
  readonly entries: number
  /** Calls that were up. */
  readonly released: number
}

const DAY_MS = 86_400_000

type Pipeline = ReturnType<RedisStore['client']['pipeline']>

export class StoreRebuild {
  readonly #parts: RebuildParts

  constructor(parts: RebuildParts) {
    this.#parts = parts
  }

  /** A store that is not whole yet says so until the end: a daemon would take it for all there is, and the archive follow. */
  async run(): Promise<Rebuilt> {
    const { store, keys } = this.#parts
    const partitions = await this.#documents()
    const sum = { accounts: 0, entries: 0, cdrs: 0, released: 0 }
    for (let partition = 0; partition < partitions; partition += 1) {
      const accounts = await this.#profiles(partition)
      const last = await this.#lastLeftOut(partition)
      const { entries, released } = await this.#journal({ partition, accounts, last })
      sum.accounts += accounts.size
      sum.entries += entries
      sum.released += released
      sum.cdrs += await new CdrsRebuild({ ...this.#parts, write: (add) => this.#write(add) }).run(partition, last)
      await this.#armings(partition)
    }
    await store.command((client) => client.hdel(keys.meta(), RESTORING))
    return { partitions, ...sum }
  }

  /** Settings of the store, tariffs and keys; answers with how many partitions there are. */
  async #documents(): Promise<number> {
    const { store, keys, copy } = this.#parts
    const documents = await copy.documents()
    const meta = documents.find(({ name }) => name === 'meta')?.content
    const partitions = meta?.kind === 'hash' ? Number(meta.fields['partitions']) : NaN
    if (!(partitions >= 1)) throw new Fault('archive_unfit', 'nothing of a store is archived here')
    await this.#expectEmpty(partitions)
    await store.command((client) => client.hset(keys.meta(), RESTORING, '1'))
    for (const { name, content } of documents) {
      const key = documentKey(keys, name)
      if (content.kind === 'bytes') {
        await store.command((client) => client.set(key, Buffer.from(content.base64, 'base64')))
      } else if (content.kind === 'hash' && Object.keys(content.fields).length > 0) {
        await store.command((client) => client.hset(key, content.fields))
      }
    }
    return partitions
  }

  async #expectEmpty(partitions: number): Promise<void> {
    const { store, keys } = this.#parts
    const all = [keys.meta(), ...Array.from({ length: partitions }, (_none, p) => keys.journal(p))]
    for (const key of all) {
      if ((await store.command((client) => client.exists(key))) === 0) continue
      throw new Fault('store_unfit', `the store is not empty (${key} is there): it is built anew only from nothing`)
    }
  }

  async #profiles(partition: number): Promise<ReadonlyMap<string, RebuiltAccount>> {
    const { store, keys, copy } = this.#parts
    const accounts = new Map<string, RebuiltAccount>()
    for await (const page of copy.profiles(partition)) {
      const profiles = page.map(({ profile }) => ({ text: profile, profile: decodeProfile(profile) }))
      await this.#write((pipeline) => {
        for (const { text, profile } of profiles) {
          const { id, version, parent } = profile
          pipeline.set(keys.profile(partition, id), text).hset(keys.account(partition, id), 'v', version)
          pipeline.zadd(keys.accounts(partition), 0, id)
          const turnsAtMs = firstTurnMs(profile)
          if (turnsAtMs !== undefined) pipeline.zadd(keys.turns(partition), turnsAtMs, id)
          if (parent !== undefined) pipeline.zadd(keys.children(partition, parent), 0, id)
        }
      })
      for (const { profile } of profiles) {
        accounts.set(profile.id, rebuiltAccount(profile))
        await store.command((client) => client.set(keys.directory(profile.id), profile.root))
      }
    }
    return accounts
  }

  /** Number of the last entry that is not written to the journal again; 0 is none. One entry at least is. */
  async #lastLeftOut(partition: number): Promise<number> {
    const { clock, copy, hotDays } = this.#parts
    const before = await copy.lastBefore(partition, clock.nowMs() - hotDays * DAY_MS)
    return Math.max(0, Math.min(before, (await copy.lastEntry(partition)) - 1))
  }

  async #journal({ partition, accounts, last }: JournalToRebuild): Promise<RebuiltJournal> {
    const { clock, copy } = this.#parts
    const replay = new Replay(partition, await copy.checkpoint(partition))
    const spent = new Map<string, Spent>()
    const credited: Credited = new Map()
    const purchases = new Map<string, bigint>()
    const leftOut = new Map<string, number>()
    for await (const page of copy.entries(partition)) {
      const entries = page.map((stored) => ({ stored, entry: decodeEntry(stored.entry) }))
      for (const { stored, entry } of entries) {
        // What was replayed by then is all that is left out.
        if (stored.number === last + 1) await this.#checkpoint(replay, leftOut)
        replay.add(stored.number, entry)
        countSpent(spent, entry, accounts)
        noteCredited(credited, entry)
        notePurchase(purchases, entry)
        if (stored.number <= last) countPosted(leftOut, entry)
      }
      await this.#operations(partition, entries)
      await this.#append(
        partition,
        entries.filter(({ stored }) => stored.number > last),
      )
    }
    const [drift] = replay.drifts
    if (drift)
      throw new Fault(
        'archive_unfit',
        `the archived journal of partition ${partition} is not whole: ${drift.counter} ${drift.journal}`,
      )
    const entries = replay.last
    const released = replay.releases(clock.nowMs(), 'the store was built anew from its archive').map((entry, index) => {
      return { stored: { number: entries + index + 1, entry: encodeEntry(entry), balances: '' }, entry }
    })
    await this.#append(partition, released)
    for (const { stored, entry } of released) replay.add(stored.number, entry)
    await this.#counters(replay, spent, purchases)
    await this.#payments(replay, credited, accounts)
    return { entries, released: released.length }
  }

  /** What the entries come to that are left out, and how many of each account's transactions are. */
  async #checkpoint({ partition: p, checkpoint }: Replay, leftOut: ReadonlyMap<string, number>): Promise<void> {
    const { keys } = this.#parts
    const { number, sums } = checkpoint
    if (number === 0) return
    await this.#write((pipeline) => {
      pipeline.hset(keys.checkpoint(p), CHECKPOINT_NUMBER, number)
      for (const [name, sum] of sums) pipeline.hset(keys.checkpoint(p), name, sum.toString())
      for (const [account, count] of leftOut) pipeline.hset(keys.account(p, account), 'txb', count)
    })
  }

  /** Also of entries that are left out: an operation is answered again for ever. */
  async #operations(p: number, entries: readonly DecodedEntry[]): Promise<void> {
    const { keys } = this.#parts
    await this.#write((pipeline) => {
      for (const { stored, entry } of entries) {
        const operation = operationOf(stored, entry)
        if (operation) pipeline.set(keys.operation(p, operation.account, operation.id), operation.kept)
      }
    })
  }

  async #append(p: number, entries: readonly DecodedEntry[]): Promise<void> {
    const { keys } = this.#parts
    await this.#write((pipeline) => {
      for (const { stored, entry } of entries) {
        const balances = stored.balances === '' ? [] : ['b', stored.balances]
        pipeline.xadd(keys.journal(p), entryId(stored.number), 'e', stored.entry, ...balances)
        for (const account of postedTo(entry).keys())
          pipeline.rpush(keys.transactions(p, account), String(stored.number))
      }
    })
  }

  async #payments(replay: Replay, credited: Credited, accounts: ReadonlyMap<string, RebuiltAccount>): Promise<void> {
    const { keys, clock, copy } = this.#parts
    const leftOf = (account: string): bigint => {
      const counters = replay.countersOf(account)
      const of = (counter: string): bigint => counters.get(counter) ?? 0n
      return of('cp') - of('dp') - of('dr')
    }
    const { partition } = replay
    const records = copy.records(partition)
    const write = (add: (pipeline: Pipeline) => void): Promise<void> => this.#write(add)
    const order = { keys, partition, nowMs: clock.nowMs(), credited, records, accounts, leftOf, write }
    await new PaymentsRebuild(order).run()
  }

  async #counters(
    replay: Replay,
    spent: ReadonlyMap<string, Spent>,
    purchases: ReadonlyMap<string, bigint>,
  ): Promise<void> {
    const { keys } = this.#parts
    const p = replay.partition
    await this.#write((pipeline) => {
      for (const account of replay.accounts) {
        for (const [counter, value] of replay.countersOf(account)) {
          pipeline.hset(keys.account(p, account), counter, value.toString())
        }
      }
      for (const [account, { day, inDay, month, inMonth }] of spent) {
        pipeline.hset(keys.account(p, account), 'sd', `${day} ${inDay}`, 'sm', `${month} ${inMonth}`)
      }
      for (const [account, amount] of purchases) pipeline.hset(keys.account(p, account), 'lp', amount.toString())
      for (const [book, value] of replay.books) pipeline.hset(keys.books(p), book, value.toString())
    })
  }

  /** A threshold that is told again gets a number that was not told before. */
  async #armings(p: number): Promise<void> {
    const { copy, keys } = this.#parts
    const armings = await copy.armings(p)
    await this.#write((pipeline) => {
      for (const { account, type, arming } of armings) {
        const field = ARMINGS[type]
        if (field !== undefined) pipeline.hset(keys.account(p, account), field, arming)
      }
    })
  }

  /** All in one visit; keys are of one partition. */
  async #write(add: (pipeline: Pipeline) => void): Promise<void> {
    const results = await this.#parts.store.command(async (client) => {
      const pipeline = client.pipeline()
      add(pipeline)
      return pipeline.length === 0 ? [] : pipeline.exec()
    })
    repliesOf(results)
  }
}

function rebuiltAccount(profile: AccountProfile): RebuiltAccount {
  const { timezone, creditLimit, recharge } = profile
  const unpaid = unpaidBundles(profile)
  return {
    timezone,
    creditLimit,
    ...(recharge?.enabled ? { rechargeBelow: recharge.threshold } : {}),
    ...(unpaid ? { unpaidCycle: unpaid.cycle } : {}),
  }
}

/** Counters of the account's hash that number what was told (lua/lib/thresholds.lua). */
const ARMINGS: Readonly<Record<string, string>> = { 'balance.low': 'lown', 'recharge.due': 'rechn' }

function countPosted(counts: Map<string, number>, entry: JournalEntry): void {
  for (const account of postedTo(entry).keys()) counts.set(account, (counts.get(account) ?? 0) + 1)
}

/** What a repeat of the operation is answered with. */
function operationOf(
  { number, balances }: StoredEntry,
  { kind, moves, operation, content, note }: JournalEntry,
): { readonly account: string; readonly id: string; readonly kept: string } | undefined {
  if (operation === undefined || content === undefined) return undefined
  const [move] = moves
  invariant(move, 'an operation moves something')
  const [account] = move
  const answer = kind === 'pool' ? (note?.['pool'] ?? '') : `${number} ${balances.slice(account.length + 1)}`
  return { account, id: operation, kept: `${content} ${answer}` }
}
