/**
 * Profiles in the store and in this daemon's memory. The directory says which tree an account belongs to, and so which
 * partition; it is claimed before the account is made and never changes.
 */
import type { AccountProfile } from '../accounts/account.ts'
import { firstTurnMs } from '../accounts/cycles.ts'
import { isAccountId } from '../accounts/profile.ts'
import { thresholdsOf } from '../accounts/watched.ts'
import { invariant } from '../base/fault.ts'
import { Recent } from '../calls/memory.ts'
import { encodeEntry, type JournalEntry } from '../ledger/journal.ts'
import { type Keys, partitionOf } from './keys.ts'
import { decodeProfile, encodeProfile } from './profile-codec.ts'
import type { RedisStore } from './redis.ts'
import { wordsOf } from './replies.ts'

export interface StoredProfile {
  readonly partition: number
  readonly profile: AccountProfile
}

/** Change of what a pool's cycle grants. */
export interface Grant {
  readonly pool: string
  readonly cycle: number
  readonly seconds: number
  /** What was left of the cycle before when the change was worked out: it holds only if this still is. */
  readonly left?: number | undefined
}

export interface ProfileWrite {
  readonly profile: AccountProfile
  /** What it is written over; undefined for a new account. */
  readonly before: AccountProfile | undefined
  /** Of a new account: checked not to have changed. */
  readonly parent?: AccountProfile | undefined
  readonly grants?: readonly Grant[]
  readonly entry?: JournalEntry | undefined
  /** When its bundles are bought again; absent: not by this. */
  readonly renewAtMs?: number | undefined
  /** Told to the outbox when the profile is written. */
  readonly event?: { readonly type: string; readonly fields: readonly string[] } | undefined
  readonly operation?: { readonly id: string; readonly content: string; readonly answer: string } | undefined
  readonly nowMs: number
}

/** It was made of what is not so any more. */
type Changed = 'version_conflict' | 'parent_changed' | 'figures_changed'

export type WriteAnswer =
  | {
      readonly kind: 'saved' | Changed | 'request_conflict' | 'currency_is_fixed'
    }
  | { readonly kind: 'replayed'; readonly answer: string }

/** A kilobyte each, of those that are in use. */
const MAX_REMEMBERED = 250_000

export interface ProfileStoreParts {
  readonly store: RedisStore
  readonly keys: Keys
  readonly partitions: number
}

export class ProfileStore {
  readonly #parts: ProfileStoreParts
  readonly #recent = new Recent<string, StoredProfile>(MAX_REMEMBERED)
  readonly #loading = new Map<string, Promise<StoredProfile | undefined>>()

  constructor(parts: ProfileStoreParts) {
    this.#parts = parts
  }

  /** From memory, without a visit. */
  remembered(id: string): StoredProfile | undefined {
    return this.#recent.get(id)
  }

  /** From memory or the store; many that ask for one account at once read it once. */
  async find(id: string): Promise<StoredProfile | undefined> {
    const known = this.#recent.get(id)
    if (known) return known
    const loading = this.#loading.get(id)
    if (loading) return loading
    const load = this.load(id)
    this.#loading.set(id, load)
    try {
      const found = await load
      // What was forgotten meanwhile is not remembered again: it may be of before the change.
      if (found && this.#loading.get(id) === load) this.#recent.set(id, found)
      return found
    } finally {
      if (this.#loading.get(id) === load) this.#loading.delete(id)
    }
  }

  /** From the store. */
  async load(id: string): Promise<StoredProfile | undefined> {
    if (!isAccountId(id)) return undefined
    const root = await this.rootOf(id)
    if (root === undefined) return undefined
    const { store, keys, partitions } = this.#parts
    const partition = partitionOf(root, partitions)
    const text = await store.command((client) => client.get(keys.profile(partition, id)))
    return text === null ? undefined : { partition, profile: decodeProfile(text) }
  }

  forget(id: string): void {
    this.#recent.delete(id)
    this.#loading.delete(id)
  }

  async rootOf(id: string): Promise<string | undefined> {
    const { store, keys } = this.#parts
    return (await store.command((client) => client.get(keys.directory(id)))) ?? undefined
  }

  /** Claims an id for a tree; answers with the tree that has it. A claim without an account waits for its maker. */
  async claim(id: string, root: string): Promise<string> {
    const { store, keys } = this.#parts
    const won = await store.command((client) => client.set(keys.directory(id), root, 'NX'))
    return won === null ? ((await this.rootOf(id)) ?? root) : root
  }

  async write(write: ProfileWrite): Promise<WriteAnswer> {
    const { profile } = write
    const reply = await this.#parts.store.run('put_profile', this.#keysOf(write), argumentsOf(write))
    const [word, ...rest] = wordsOf(reply)
    if (word === 'saved' || isChanged(word)) {
      this.forget(profile.id)
      return { kind: word }
    }
    if (word === 'replayed') return { kind: 'replayed', answer: rest[0] ?? '' }
    const [code] = rest
    invariant(
      code === 'request_conflict' || code === 'currency_is_fixed',
      `put_profile answered ${word} ${String(code)}`,
    )
    return { kind: code }
  }

  #keysOf({ profile, operation }: ProfileWrite): readonly string[] {
    const { keys, partitions } = this.#parts
    const { id, root, parent = id } = profile
    const p = partitionOf(root, partitions)
    return [
      keys.account(p, id),
      keys.profile(p, id),
      keys.accounts(p),
      keys.children(p, id),
      keys.live(p, id),
      keys.transactions(p, id),
      keys.cdrOrder(p, id),
      keys.account(p, parent),
      keys.children(p, parent),
      operation ? keys.operation(p, id, operation.id) : keys.profile(p, id),
      keys.journal(p),
      keys.outbox(p),
      keys.turns(p),
      keys.changed(p),
      keys.paymentOrder(p, id),
      keys.paymentsDue(p),
    ]
  }
}

function isChanged(word: string): word is Changed {
  return word === 'version_conflict' || word === 'parent_changed' || word === 'figures_changed'
}

function argumentsOf(write: ProfileWrite): readonly (string | number)[] {
  const { profile, before, parent, grants = [], event, nowMs } = write
  return [
    nowMs,
    before?.version ?? 0,
    encodeProfile(profile),
    profile.id,
    profile.currency,
    before && before.currency !== profile.currency ? 1 : 0,
    parent?.version ?? '',
    profile.creditLimit.toString(),
    ...thresholdArguments(profile),
    ...recordArguments(write),
    ...dueArguments(write),
    grants.length,
    ...grants.flatMap(grantArguments),
    ...(event ? [event.type, ...event.fields] : []),
  ]
}

function dueArguments({ profile, renewAtMs }: ProfileWrite): readonly [turnsAt: number | '', renewAt: number | ''] {
  return [firstTurnMs(profile) ?? '', renewAtMs ?? '']
}

function grantArguments({ pool, cycle, seconds, left }: Grant): readonly (string | number)[] {
  return [`p:${pool}:${cycle}:`, seconds, ...(left === undefined ? ['', ''] : [`p:${pool}:${cycle - 1}:`, left])]
}

/** Low balance and recharge, as scripts take them that also arm again. */
export function thresholdArguments(
  profile: AccountProfile,
): readonly [low: string, hysteresis: string, recharge: string] {
  const { lowBalance, recharge } = thresholdsOf(profile)
  return [lowBalance?.at.join(' ') ?? '', lowBalance?.hysteresis.toString() ?? '', recharge?.toString() ?? '']
}

function recordArguments({ entry, operation }: ProfileWrite): readonly string[] {
  return [operation?.content ?? '', operation?.answer ?? '', entry ? encodeEntry(entry) : '']
}
