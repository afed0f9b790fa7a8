/**
 * What a store tells of a partition, in the order in which it happened and from any place, so that a reader that keeps
 * its place misses nothing. The text of an entry or CDR is handed on as it is stored, to the byte.
 */
import type { Checkpoint } from './checkpoint.ts'

export interface StoredEntry {
  readonly number: number
  /** As encodeEntry (journal.ts) makes it. */
  readonly entry: string
  /** "account=micros account=micros": the credit of accounts afterwards, where it changed. */
  readonly balances: string
}

/** CDRs are numbered by the journal entry that they were written with, and the level of the chain, from 1. */
export interface CdrPlace {
  readonly number: number
  readonly level: number
}

/** Id of a CDR in its stream. */
export function cdrId({ number, level }: CdrPlace): string {
  return `${number}-${level}`
}

export function cdrPlace(id: string): CdrPlace {
  const [number = 0, level = 0] = id.split('-').map(Number)
  return { number, level }
}

export interface StoredCdr extends CdrPlace {
  /** JSON of usage/cdr.ts. */
  readonly cdr: string
}

export interface StoredEvent {
  readonly id: string
  readonly fields: Readonly<Record<string, string>>
}

/** Up to where a reader has read. */
export interface StreamPlace {
  /** Number of the last entry; 0 is none. */
  readonly journal: number
  readonly cdr: CdrPlace
  /** Id of the last event; "0-0" is none. */
  readonly event: string
  /** Version of the last record; 0 is none. */
  readonly record: number
}

/** Entries and CDRs of a page end at one number: a CDR is never there before its entry, nor the other way round. */
export interface StreamPage {
  /** The entry at the place itself, where there is one: it tells whether this is still the journal that was read. */
  readonly known?: StoredEntry
  readonly entries: readonly StoredEntry[]
  readonly cdrs: readonly StoredCdr[]
  readonly events: readonly StoredEvent[]
  /** Profiles that were written since they were archived. */
  readonly profiles: readonly StoredProfileText[]
  readonly records: readonly StoredRecord[]
  /** There was more to read. */
  readonly more: boolean
}

export interface StoredProfileText {
  readonly account: string
  readonly version: number
  readonly profile: string
}

/** A payment, the cards of an account or what is known of its recharge, as it was last written. */
export interface StoredRecord {
  readonly name: string
  /** Grows with each write to the partition. */
  readonly version: number
  readonly content: StoredContent
}

export type StoredContent =
  | { readonly kind: 'text'; readonly text: string }
  /** In base64. */
  | { readonly kind: 'bytes'; readonly base64: string }
  | { readonly kind: 'hash'; readonly fields: Readonly<Record<string, string>> }

/** What belongs to no partition: settings of the store, tariffs, API keys, webhooks. */
export interface StoreDocument {
  readonly name: string
  readonly content: StoredContent
}

/** What tells one store from another, and from an older copy of itself. */
export interface Installation {
  readonly id: string
  /** Id of the archive that takes what the store tells; none has asked yet. */
  readonly archive?: string
  /** How often that has looked after it. */
  readonly beats: number
}

export interface TrimmedUpTo {
  /** Number of the last entry that may go. */
  readonly last: number
  /** The first that was written then or later stays, with all after it. */
  readonly beforeMs: number
}

export interface LedgerStreams {
  readonly partitions: number
  /** Fault(store_unfit) of a store that is being built anew. */
  installation(): Promise<Installation>
  /** Answers with the archive that the store has: the first that asked. */
  claimFor(archive: string): Promise<string>
  /** The store has this archive from now on. */
  giveTo(archive: string): Promise<void>
  /** Counts up `beats`, and answers with them. */
  beat(): Promise<number>
  /** At most `limit` of each kind after the place. */
  read(partition: number, place: StreamPlace, limit: number): Promise<StreamPage>
  /** Entries from one number to another, both included; those that are gone are absent. */
  entries(partition: number, from: number, to: number): Promise<readonly StoredEntry[]>
  /** Number of the last entry; 0 is none. */
  lastEntry(partition: number): Promise<number>
  /** Profiles of the partition, changed or not, page by page. */
  allProfiles(partition: number): AsyncIterable<readonly StoredProfileText[]>
  /** These were archived. */
  forgetChanged(partition: number, profiles: readonly StoredProfileText[]): Promise<void>
  /** What the entries that left the store come to. */
  checkpoint(partition: number): Promise<Checkpoint>
  /** Takes out the oldest entries and their CDRs, a stretch at a time; answers with how many went, 0 when no more do. */
  trim(partition: number, upTo: TrimmedUpTo): Promise<number>
  /** Those whose name is in `known` are of content that never changes, and are left out. */
  documents(known: ReadonlySet<string>): AsyncIterable<StoreDocument>
}

/** What is kept elsewhere of a store, for one that has lost everything. */
export interface LedgerCopy {
  documents(): Promise<readonly StoreDocument[]>
  profiles(partition: number): AsyncIterable<readonly StoredProfileText[]>
  /** What the first entry that is kept goes on from. */
  checkpoint(partition: number): Promise<Checkpoint>
  /** Number of the last entry that was written, with all before it, before an instant; 0 is none. */
  lastBefore(partition: number, beforeMs: number): Promise<number>
  /** Number of the last entry; 0 is none. */
  lastEntry(partition: number): Promise<number>
  /** From the first that is kept on. */
  entries(partition: number): AsyncIterable<readonly StoredEntry[]>
  /** Those of entries after one, in their order. */
  cdrs(partition: number, last: number): AsyncIterable<readonly StoredCdr[]>
  /** In the order in which they were last written. */
  records(partition: number): AsyncIterable<readonly StoredRecord[]>
  /** How many calls of each account have their first CDR with that entry or before it. */
  olderCdrs(partition: number, last: number): Promise<ReadonlyMap<string, number>>
  /** The highest number that a threshold of an account was told with. */
  armings(partition: number): Promise<readonly Arming[]>
}

export interface Arming {
  readonly account: string
  readonly type: string
  readonly arming: number
}
