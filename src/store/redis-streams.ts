/** The journal, the CDRs, the events and the profiles of the store, for whoever keeps them elsewhere. */
import { Fault } from '../base/fault.ts'
import type {
  Installation,
  LedgerStreams,
  StoreDocument,
  StoredCdr,
  StoredEntry,
  StoredEvent,
  StoredProfileText,
  StoredRecord,
  StreamPage,
  StreamPlace,
  TrimmedUpTo,
} from '../ledger/streams.ts'
import { cdrId, cdrPlace } from '../ledger/streams.ts'
import { entryId, entryNumber } from '../ledger/journal.ts'
import type { Checkpoint } from '../ledger/checkpoint.ts'
import { trimHistory } from './history-trimming.ts'
import { readCheckpoint } from './redis-checkpoint.ts'
import { type Keys, RESTORING } from './keys.ts'
import { decodeProfile } from './profile-codec.ts'
import { isReply, lastStreamId, repliesOf, type StreamEntry, streamEntries } from './replies.ts'
import type { RedisStore } from './redis.ts'
import { contentDocument, documentKeys } from './store-documents.ts'
import { makeGroup } from './stream-groups.ts'
import { contentHashes } from './tariff-page.ts'

export interface RedisStreamsParts {
  /** A connection of its own: pages are large, and decisions do not wait behind them. */
  readonly store: RedisStore
  readonly keys: Keys
  readonly partitions: number
}

const PROFILES_AT_ONCE = 200
const RECORDS_AT_ONCE = 200

const GROUP = 'archive'

/** Fields of `meta`. */
const ARCHIVE = 'archive'
const BEATS = 'beats'

export class RedisStreams implements LedgerStreams {
  readonly #parts: RedisStreamsParts
  /** Where the group of each partition stands, as far as this daemon knows. */
  readonly #held = new Map<number, string>()

  constructor(parts: RedisStreamsParts) {
    this.#parts = parts
  }

  get partitions(): number {
    return this.#parts.partitions
  }

  async installation(): Promise<Installation> {
    const { store, keys } = this.#parts
    const [at, archive, beats, restoring] = await store.command((client) =>
      client.hmget(keys.meta(), 'installed_at', ARCHIVE, BEATS, RESTORING),
    )
    if (restoring)
      throw new Fault('store_unfit', 'the store is being built anew: nothing is archived until it is whole')
    if (!at) throw new Fault('store_unfit', 'the store does not say when it was installed')
    return { id: at, ...(archive ? { archive } : {}), beats: Number(beats ?? 0) }
  }

  async claimFor(archive: string): Promise<string> {
    const { store, keys } = this.#parts
    await store.command((client) => client.hsetnx(keys.meta(), ARCHIVE, archive))
    return (await store.command((client) => client.hget(keys.meta(), ARCHIVE))) ?? archive
  }

  async giveTo(archive: string): Promise<void> {
    const { store, keys } = this.#parts
    await store.command((client) => client.hset(keys.meta(), ARCHIVE, archive))
  }

  beat(): Promise<number> {
    const { store, keys } = this.#parts
    return store.command((client) => client.hincrby(keys.meta(), BEATS, 1))
  }

  async read(p: number, place: StreamPlace, limit: number): Promise<StreamPage> {
    const { store, keys } = this.#parts
    const { journal, cdr, event, record } = place
    await this.#hold(p, event)
    const results = await store.command((client) =>
      client
        .pipeline()
        .xrange(keys.journal(p), entryId(Math.max(journal, 1)), '+', 'COUNT', limit)
        .xrange(keys.cdrs(p), `(${cdrId(cdr)}`, '+', 'COUNT', limit)
        .xrange(keys.outbox(p), `(${event}`, '+', 'COUNT', limit)
        .zrange(keys.changed(p), 0, String(Math.min(limit, PROFILES_AT_ONCE) - 1))
        .zrange(keys.records(p), `(${record}`, '+inf', 'BYSCORE', 'LIMIT', 0, RECORDS_AT_ONCE, 'WITHSCORES')
        .exec(),
    )
    const [journalled, ended, told, changed, written] = repliesOf(results)
    const entries = streamEntries(journalled).map(entryOf)
    const cdrs = streamEntries(ended).map(cdrOf)
    const events: readonly StoredEvent[] = streamEntries(told)
    const profiles = await this.#profiles(p, changed as readonly string[])
    const records = await this.#records(p, written as readonly string[])
    const more =
      Math.max(entries.length, cdrs.length, events.length) >= limit ||
      profiles.length >= PROFILES_AT_ONCE ||
      records.length >= RECORDS_AT_ONCE
    const known = entries[0]?.number === journal ? entries.shift() : undefined
    const last = Math.min(entries.at(-1)?.number ?? journal, cdrs.length < limit ? Infinity : wholeUpTo(cdrs))
    return {
      ...(known ? { known } : {}),
      entries: entries.filter(({ number }) => number <= last),
      cdrs: cdrs.filter(({ number }) => number <= last),
      events,
      profiles,
      records,
      more,
    }
  }

  /** A group of the outbox stands where the reader is, so that nothing after it is dropped. */
  async #hold(p: number, event: string): Promise<void> {
    if (this.#held.get(p) === event) return
    const { store, keys } = this.#parts
    const outbox = keys.outbox(p)
    try {
      await store.command((client) => client.xgroup('SETID', outbox, GROUP, event))
    } catch (error) {
      if (!isReply(error, 'NOGROUP') && !isReply(error, 'ERR')) throw error
      await makeGroup(store, { stream: outbox, group: GROUP, from: event })
    }
    this.#held.set(p, event)
  }

  async entries(p: number, from: number, to: number): Promise<readonly StoredEntry[]> {
    const { store, keys } = this.#parts
    const page = await store.command((client) => client.xrange(keys.journal(p), entryId(from), entryId(to)))
    return streamEntries(page).map(entryOf)
  }

  async lastEntry(p: number): Promise<number> {
    const { store, keys } = this.#parts
    return lastStreamId(store, keys.journal(p)).then((id) => (id === undefined ? 0 : entryNumber(id)))
  }

  async *allProfiles(p: number): AsyncGenerator<readonly StoredProfileText[]> {
    const { store, keys } = this.#parts
    let after = '-'
    for (;;) {
      const from = after
      const ids = await store.command((client) =>
        client.zrangebylex(keys.accounts(p), from, '+', 'LIMIT', 0, PROFILES_AT_ONCE),
      )
      if (ids.length > 0) yield await this.#profiles(p, ids)
      if (ids.length < PROFILES_AT_ONCE) return
      after = `(${ids.at(-1) ?? ''}`
    }
  }

  async #profiles(p: number, ids: readonly string[]): Promise<readonly StoredProfileText[]> {
    if (ids.length === 0) return []
    const { store, keys } = this.#parts
    const texts = await store.command((client) => client.mget(ids.map((id) => keys.profile(p, id))))
    return texts.flatMap((profile, index) => {
      if (profile === null) return []
      return [{ account: ids[index] ?? '', version: decodeProfile(profile).version, profile }]
    })
  }

  /** Names and versions in turn. What was written since they were read comes again, with a later version. */
  async #records(p: number, named: readonly string[]): Promise<readonly StoredRecord[]> {
    if (named.length === 0) return []
    const { store, keys } = this.#parts
    const names = named.filter((_word, at) => at % 2 === 0)
    const results = await store.command((client) => {
      const read = client.pipeline()
      for (const name of names) {
        if (isText(name)) read.get(keys.record(p, name))
        else read.hgetall(keys.record(p, name))
      }
      return read.exec()
    })
    return repliesOf(results).map((reply, at) => ({
      name: names[at] ?? '',
      version: Number(named[2 * at + 1]),
      content: isText(names[at] ?? '')
        ? { kind: 'text', text: (reply as string | null) ?? '' }
        : { kind: 'hash', fields: reply as Readonly<Record<string, string>> },
    }))
  }

  async forgetChanged(p: number, profiles: readonly StoredProfileText[]): Promise<void> {
    if (profiles.length === 0) return
    const { store, keys } = this.#parts
    const archived = profiles.flatMap(({ account, version }) => [account, version])
    await store.run('forget_changed', [keys.changed(p)], [profiles.length, ...archived])
  }

  checkpoint(partition: number): Promise<Checkpoint> {
    return readCheckpoint(this.#parts, partition)
  }

  trim(partition: number, upTo: TrimmedUpTo): Promise<number> {
    return trimHistory(this.#parts, partition, upTo)
  }

  async *documents(known: ReadonlySet<string>): AsyncGenerator<StoreDocument> {
    const { store, keys } = this.#parts
    let tariffs: Readonly<Record<string, string>> = {}
    for (const [name, key] of Object.entries(documentKeys(keys))) {
      const fields = await store.command((client) => client.hgetall(key))
      if (name === 'tariffs') tariffs = fields
      yield { name, content: { kind: 'hash', fields } }
    }
    for (const sha256 of contentHashes(tariffs)) {
      const name = contentDocument(sha256)
      if (known.has(name)) continue
      const bytes = await store.command((client) => client.getBuffer(keys.tariffContent(sha256)))
      if (bytes) yield { name, content: { kind: 'bytes', base64: bytes.toString('base64') } }
    }
  }
}

function entryOf({ id, fields }: StreamEntry): StoredEntry {
  return { number: entryNumber(id), entry: fields['e'] ?? '', balances: fields['b'] ?? '' }
}

function cdrOf({ id, fields }: StreamEntry): StoredCdr {
  return { ...cdrPlace(id), cdr: fields['j'] ?? '' }
}

/** Cards are one text, payments and recharges are hashes. */
function isText(name: string): boolean {
  return name.startsWith('cards:')
}

/** Of a full page the last entry may have more CDRs. */
function wholeUpTo(cdrs: readonly StoredCdr[]): number {
  return (cdrs.at(-1)?.number ?? 0) - 1
}
