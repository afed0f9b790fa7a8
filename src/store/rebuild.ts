/**
 * Builds an empty store from what was archived of another: accounts, balances, journal, CDRs of the hot window, tariffs,
 * keys, and the memory of calls that ended lately. Calls that were up are over: what they held is released, and a stop
 * that comes later is rated from itself, as one of a call that nobody asked for.
 */
import type { AccountProfile } from '../accounts/account.ts'
import { unpaidBundles } from '../accounts/bundles.ts'
import { firstTurnMs } from '../accounts/cycles.ts'
import { Fault } from '../base/fault.ts'
import type { Clock } from '../base/time.ts'
import type { Replay } from '../ledger/audit.ts'
import type { JournalEntry } from '../ledger/journal.ts'
import type { LedgerCopy } from '../ledger/streams.ts'
import { type Keys, RESTORING } from './keys.ts'
import { decodeProfile } from './profile-codec.ts'
import { CdrsRebuild } from './rebuild-cdrs.ts'
import { type Credited, noteCredited, PaymentsRebuild, type RebuiltAccount } from './rebuild-payments.ts'
import { JournalRebuild, type RebuiltJournal as RebuiltEntries } from './rebuild-journal.ts'
import { RebuildWriter } from './rebuild-writer.ts'
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

type RebuiltJournal = RebuiltEntries & {
  /** Number of the last entry that was left out. */
  readonly last: number
}

const DAY_MS = 86_400_000

export class StoreRebuild {
  readonly #parts: RebuildParts
  readonly #writer: RebuildWriter

  constructor(parts: RebuildParts) {
    this.#parts = parts
    this.#writer = new RebuildWriter(parts.store)
  }

  /** A store that is not whole yet says so until the end: a daemon would take it for all there is, and the archive follow. */
  async run(): Promise<Rebuilt> {
    const { store, keys } = this.#parts
    const partitions = await this.#documents()
    const sum = { accounts: 0, entries: 0, cdrs: 0, released: 0 }
    for (let partition = 0; partition < partitions; partition += 1) {
      const accounts = await this.#profiles(partition)
      const { entries, released, last } = await this.#journal(partition, accounts)
      sum.accounts += accounts.size
      sum.entries += entries
      sum.released += released
      sum.cdrs += await new CdrsRebuild({ ...this.#parts, writer: this.#writer }).run(partition, last)
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
      await this.#writer.write((pipeline) => {
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

  async #journal(partition: number, accounts: ReadonlyMap<string, RebuiltAccount>): Promise<RebuiltJournal> {
    const spent = new Map<string, Spent>()
    const credited: Credited = new Map()
    const purchases = new Map<string, bigint>()
    const told = (entry: JournalEntry): void => {
      countSpent(spent, entry, accounts)
      noteCredited(credited, entry)
      notePurchase(purchases, entry)
    }
    const last = await this.#lastLeftOut(partition)
    const rebuilt = await new JournalRebuild({ ...this.#parts, writer: this.#writer, partition, last, told }).run()
    await this.#counters(rebuilt.replay, spent, purchases)
    await this.#payments(rebuilt.replay, credited, accounts)
    return { ...rebuilt, last }
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
    const writer = this.#writer
    const order = { keys, partition, nowMs: clock.nowMs(), credited, records, accounts, leftOf, writer }
    await new PaymentsRebuild(order).run()
  }

  async #counters(
    replay: Replay,
    spent: ReadonlyMap<string, Spent>,
    purchases: ReadonlyMap<string, bigint>,
  ): Promise<void> {
    const { keys } = this.#parts
    const p = replay.partition
    const writer = this.#writer
    await writer.each(replay.accounts, (pipeline, account) => {
      for (const [counter, value] of replay.countersOf(account)) {
        pipeline.hset(keys.account(p, account), counter, value.toString())
      }
    })
    await writer.each(spent, (pipeline, [account, { day, inDay, month, inMonth }]) => {
      pipeline.hset(keys.account(p, account), 'sd', `${day} ${inDay}`, 'sm', `${month} ${inMonth}`)
    })
    await writer.each(purchases, (pipeline, [account, amount]) => {
      pipeline.hset(keys.account(p, account), 'lp', amount.toString())
    })
    await writer.each(replay.books, (pipeline, [book, value]) => pipeline.hset(keys.books(p), book, value.toString()))
  }

  /** A threshold that is told again gets a number that was not told before. */
  async #armings(p: number): Promise<void> {
    const { copy, keys } = this.#parts
    const armings = await copy.armings(p)
    await this.#writer.write((pipeline) => {
      for (const { account, type, arming } of armings) {
        const field = ARMINGS[type]
        if (field !== undefined) pipeline.hset(keys.account(p, account), field, arming)
      }
    })
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
