/**
 * Takes what the store tells into the archive. How far each partition was read stands beside the rows and moves in
 * their transaction: so each entry is archived exactly once, any number of daemons may archive at once (the row is
 * locked, the second finds it moved), and no acknowledgement can be lost between two stores.
 */
import { Fault } from '../base/fault.ts'
import type { Clock } from '../base/time.ts'
import type { Checkpoint } from '../ledger/checkpoint.ts'
import type { LedgerStreams, StreamPage } from '../ledger/streams.ts'
import { appendPage } from './append.ts'
import { Claim } from './claim.ts'
import type { Database } from './database.ts'
import type { Transaction } from './sql.ts'
import { keepDocuments } from './documents.ts'
import { keepCheckpoint } from './checkpoints.ts'
import { Months } from './months.ts'
import { cutTo, findFork } from './fork.ts'
import { digestOf, lockedPlace, type Place, placesOf, savePlace, START } from './progress.ts'

/** Of each kind in one transaction: what is read at once keeps neither the store nor the daemon busy for long. */
const BATCH = 500

/** Settings, tariffs and keys change seldom and tell nobody. */
const DOCUMENTS_EVERY_MS = 10_000

const TRIM_EVERY_MS = 600_000
const DAY_MS = 86_400_000

export interface ArchiverParts {
  readonly database: Database
  readonly streams: LedgerStreams
  readonly clock: Clock
  /** How long entries and CDRs stay in the store. */
  readonly hotDays: () => number
  readonly observer: ArchiveObserver
}

export interface ArchiveObserver {
  archived(rows: { readonly entries: number; readonly cdrs: number; readonly events: number }): void
  /** The store lost what was archived of a partition: so many entries and CDRs were put aside. */
  lost(partition: number, rows: number): void
}

export interface ArchiveStanding {
  readonly partition: number
  /** Number of the last entry that is archived. */
  readonly journal: number
  /** Entries of the store that are not. */
  readonly behind: number
}

interface Writing {
  readonly partition: number
  readonly place: Place
  readonly page: StreamPage
  /** What the entries come to that had left the store before the first page. */
  readonly checkpoint?: Checkpoint | undefined
}

interface Written {
  /** Up to where the partition is archived now. */
  readonly place: Place
  readonly isOurs: boolean
}

export class Archiver {
  readonly #parts: ArchiverParts
  readonly #claim: Claim
  readonly #places = new Map<number, Place>()
  readonly #months = new Months()
  #caughtUpAtMs: number
  #documentsAtMs = -Infinity
  #trimmedAtMs = -Infinity

  constructor(parts: ArchiverParts) {
    this.#parts = parts
    this.#claim = new Claim(parts)
    this.#caughtUpAtMs = parts.clock.nowMs()
  }

  /** How long ago all that the store had told was archived. */
  get behindMs(): number {
    return this.#parts.clock.nowMs() - this.#caughtUpAtMs
  }

  /**
   * Archives what there is; ends early when `stopped` says so. A partition that fails holds up no other, and what failed
   * first is thrown at the end; a store or a database that is away fails all of them, and ends the round.
   */
  async round(stopped: () => boolean): Promise<void> {
    const { clock } = this.#parts
    const beganAtMs = clock.nowMs()
    await this.#claim.check()
    const failures: unknown[] = []
    for (const step of this.#stepsOfRound(stopped)) {
      try {
        await step()
      } catch (error) {
        if (error instanceof Fault && error.retryable) throw error
        failures.push(error)
      }
      if (stopped()) break
    }
    if (failures.length > 0) throw failures[0]
    if (!stopped()) this.#caughtUpAtMs = beganAtMs
  }

  *#stepsOfRound(stopped: () => boolean): Generator<() => Promise<void>> {
    for (let partition = 0; partition < this.#parts.streams.partitions; partition += 1) {
      yield async () => {
        while (await this.#step(partition)) if (stopped()) return
      }
    }
    yield () => this.#claim.beat()
    yield () => this.#documents()
    yield () => this.#trim(stopped)
  }

  /** Resolves when all is archived that the partition tells now: who reads the archive next sees it. */
  async catchUp(partition: number): Promise<void> {
    return this.catchUpTo(partition, await this.#parts.streams.lastEntry(partition))
  }

  /** To the entry of this number, with its CDRs. */
  async catchUpTo(partition: number, target: number): Promise<void> {
    if ((await this.#placeOf(partition)).journal >= target) return
    // What is told meanwhile is no matter of ours.
    while (await this.#step(partition)) if ((await this.#placeOf(partition)).journal >= target) return
  }

  async standing(): Promise<readonly ArchiveStanding[]> {
    const { streams, database } = this.#parts
    const places = await database.use(placesOf)
    const standing: ArchiveStanding[] = []
    for (let partition = 0; partition < streams.partitions; partition += 1) {
      const { journal } = places.get(partition) ?? START
      standing.push({ partition, journal, behind: (await streams.lastEntry(partition)) - journal })
    }
    return standing
  }

  async #placeOf(partition: number): Promise<Place> {
    const known = this.#places.get(partition)
    if (known) return known
    await this.#claim.check()
    for (const [found, place] of await this.#parts.database.use(placesOf)) this.#places.set(found, place)
    return this.#places.get(partition) ?? START
  }

  /** True when there may be more. */
  async #step(partition: number): Promise<boolean> {
    const { streams, observer } = this.#parts
    const place = await this.#placeOf(partition)
    const page = await streams.read(partition, place, BATCH)
    if (isForked(place, page)) {
      await this.#rewind(partition, place)
      return true
    }
    if (!place.hasProfiles) await this.#allProfiles(partition)
    else if (isEmpty(page)) return false
    const checkpoint = isLate(place, page) ? await streams.checkpoint(partition) : undefined
    // More of them left between the two.
    if (checkpoint && checkpoint.number >= firstOf(page)) return true
    const written = await this.#written({ partition, place, page, checkpoint })
    this.#places.set(partition, written.place)
    // Another daemon was faster: what it wrote is not written again, and there may be more.
    if (!written.isOurs) return true
    const { entries, cdrs, events, profiles } = page
    observer.archived({ entries: entries.length, cdrs: cdrs.length, events: events.length })
    await streams.forgetChanged(partition, profiles)
    return page.more
  }

  async #written(writing: Writing): Promise<Written> {
    try {
      return await this.#parts.database.transaction((sql) => this.#write(sql, writing))
    } catch (error) {
      this.#places.delete(writing.partition)
      this.#months.forget()
      throw error
    }
  }

  async #write(sql: Transaction, { partition, place, page, checkpoint }: Writing): Promise<Written> {
    const found = await lockedPlace(sql, partition)
    if (!isSamePlace(found, place)) return { place: found, isOurs: false }
    if (checkpoint) await keepCheckpoint(sql, partition, checkpoint)
    const next = placeAfter(place, page)
    await appendPage(sql, { partition, page, months: this.#months })
    await savePlace(sql, partition, next)
    return { place: next, isOurs: true }
  }

  async #allProfiles(partition: number): Promise<void> {
    for await (const profiles of this.#parts.streams.allProfiles(partition)) {
      const page = { entries: [], cdrs: [], events: [], records: [], profiles, more: false }
      await this.#parts.database.transaction((sql) => appendPage(sql, { partition, page, months: this.#months }))
    }
  }

  /** The store went on from an older state than the archive has: its machine died before all was on its disk. */
  async #rewind(partition: number, place: Place): Promise<void> {
    const { database, streams, observer } = this.#parts
    await this.#claim.check()
    const fork = await findFork(database, streams, { partition, from: place.journal })
    if (fork === 0 && place.journal > 0) {
      const message = `partition ${partition} of the store has nothing in common with what is archived of it`
      throw new Fault('archive_unfit', message)
    }
    const cut = await database.transaction(async (sql) => {
      const found = await lockedPlace(sql, partition)
      if (!isSamePlace(found, place)) return { place: found, lost: 0 }
      return cutTo(sql, { partition, fork, place })
    })
    this.#places.set(partition, cut.place)
    observer.lost(partition, cut.lost)
  }

  /** What was archived and is older than the hot window leaves the store. */
  async #trim(stopped: () => boolean): Promise<void> {
    const { clock, streams, hotDays } = this.#parts
    if (clock.nowMs() - this.#trimmedAtMs < TRIM_EVERY_MS) return
    const beforeMs = clock.nowMs() - hotDays() * DAY_MS
    for (const [partition, { journal }] of this.#places) {
      // The last one stays: by it the archive knows the store again.
      const upTo = { last: journal - 1, beforeMs }
      while ((await streams.trim(partition, upTo)) > 0) if (stopped()) return
    }
    this.#trimmedAtMs = clock.nowMs()
  }

  async #documents(): Promise<void> {
    const { clock, streams, database } = this.#parts
    if (clock.nowMs() - this.#documentsAtMs < DOCUMENTS_EVERY_MS) return
    await keepDocuments(database, streams)
    this.#documentsAtMs = clock.nowMs()
  }
}

/** A journal that is not the one that was read has another entry where we stopped, or none. */
function isForked({ journal, digest }: Place, { known }: StreamPage): boolean {
  return journal > 0 && (known === undefined || digestOf(known) !== digest)
}

/** The archive is new, and the store has its oldest entries no more. */
function isLate({ journal }: Place, page: StreamPage): boolean {
  return journal === 0 && firstOf(page) > 1
}

/** Number of its first entry; 0 is none. */
function firstOf({ entries }: StreamPage): number {
  return entries[0]?.number ?? 0
}

function isEmpty({ entries, cdrs, events, profiles, records }: StreamPage): boolean {
  return entries.length + cdrs.length + events.length + profiles.length + records.length === 0
}

function isSamePlace(a: Place, b: Place): boolean {
  const isSameCdr = a.cdr.number === b.cdr.number && a.cdr.level === b.cdr.level
  return a.journal === b.journal && a.digest === b.digest && a.event === b.event && a.record === b.record && isSameCdr
}

function placeAfter(place: Place, { entries, cdrs, events, records }: StreamPage): Place {
  const entry = entries.at(-1)
  const cdr = cdrs.at(-1)
  return {
    journal: entry?.number ?? place.journal,
    digest: entry ? digestOf(entry) : place.digest,
    cdr: cdr ? { number: cdr.number, level: cdr.level } : place.cdr,
    event: events.at(-1)?.id ?? place.event,
    record: records.at(-1)?.version ?? place.record,
    hasProfiles: true,
  }
}
