/**
 * The tariff book in Redis. Contents are kept by their hash and never change; a hash of one page per tariff says which
 * versions there are and when each is in force. Every change raises the book's revision, and then that of every
 * partition, so that a decision made with an older book is refused and made again.
 */
import { inTurns } from '../base/in-turns.ts'
import type { Clock } from '../base/time.ts'
import type {
  Activated,
  Activation,
  ContentQuery,
  NewTariffHead,
  TariffBook,
  TariffContent,
  TariffOffice,
  TariffRates,
  TariffSummary,
  TariffVersionDetail,
  VersionAdded,
} from '../rating/book.ts'
import type { RateRow, Tariff } from '../rating/tariff.ts'
import { untilDone } from './attempts.ts'
import type { Keys } from './keys.ts'
import { RedisNews } from './news.ts'
import type { RedisStore } from './redis.ts'
import { wordsOf } from './replies.ts'
import { compileTariff, packTariff, problemsOf, unpackRows } from './tariff-content.ts'
import { TariffMemory } from './tariff-memory.ts'
import {
  activationAt,
  decodePage,
  detailOf,
  EMPTY_PAGE,
  plain,
  summaryOf,
  type TariffPage,
  versionOf,
  versionsSince,
  withActivation,
} from './tariff-page.ts'

export interface TariffBookParts {
  readonly store: RedisStore
  readonly keys: Keys
  readonly partitions: number
  readonly clock: Clock
  /** Rates of compiled versions that nobody may ask for now but that are kept in memory. */
  readonly maxSpareRates?: number
}

const REVISION = ':revision'
const MAX_SPARE_RATES = 2_000_000

/** Calls that began so long ago still find the version of their start in memory. */
const READY_FOR_MS = 86_400_000

/** How often partitions are told the revision although it has not changed: a store that lost writes is behind. */
const RAISE_EVERY_MS = 5_000

/** Partitions that are told at once. */
const AT_ONCE = 32

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/
const NO_NAME = { row: 0, field: 'name', message: 'must be 1 to 64 letters, digits, "_", "." or "-"' }

interface Read {
  readonly text: string
  readonly page: TariffPage
}

export class RedisTariffBook implements TariffBook, TariffOffice {
  readonly #parts: TariffBookParts
  readonly #news: RedisNews
  readonly #memory: TariffMemory
  #revision = -1
  #pages: ReadonlyMap<string, Read> = new Map()
  /** Versions that are in force, were lately, or will be. */
  #ready: ReadonlyMap<string, Tariff> = new Map()
  #raisedAtMs = -Infinity
  #running: Promise<void> | undefined
  #waiting: Promise<void> | undefined

  constructor(parts: TariffBookParts) {
    this.#parts = parts
    this.#news = new RedisNews(parts.store, parts.keys)
    this.#memory = new TariffMemory(parts.maxSpareRates ?? MAX_SPARE_RATES)
  }

  get revision(): number {
    return Math.max(this.#revision, 0)
  }

  /** Who asks while the book is being read gets what is read after that: the running read may have come too early. */
  refresh(): Promise<void> {
    if (!this.#running) return this.#waiting ?? this.#start()
    this.#waiting ??= this.#running.then(
      () => this.#start(),
      () => this.#start(),
    )
    return this.#waiting
  }

  #start(): Promise<void> {
    this.#waiting = undefined
    const running = this.#read().finally(() => {
      if (this.#running === running) this.#running = undefined
    })
    this.#running = running
    return running
  }

  async #read(): Promise<void> {
    const { store, keys, clock } = this.#parts
    const found = Number((await store.command((client) => client.hget(keys.tariffs(), REVISION))) ?? 0)
    if (found === this.#revision && clock.nowMs() - this.#raisedAtMs < RAISE_EVERY_MS) return
    if (found === this.#revision && (await this.#raise(found)) === found) return
    await untilDone(async () => {
      const { [REVISION]: text = '0', ...texts } = await store.command((client) => client.hgetall(keys.tariffs()))
      const revision = Number(text)
      const pages = new Map(Object.entries(texts).map(([name, page]) => [name, this.#pageOf(name, page)]))
      const ready = await this.#prepare(pages)
      if ((await this.#raise(revision)) !== revision) return undefined
      // One step: whoever reads the revision has the pages and the versions of it.
      this.#pages = pages
      this.#ready = ready
      this.#revision = revision
      return true
    })
  }

  /**
   * Tells all partitions the revision and answers with the one that stands: no partition may be behind a daemon, nor,
   * after the store lost writes, the book behind a partition.
   */
  async #raise(revision: number): Promise<number> {
    const { store, keys, partitions, clock } = this.#parts
    const raise = async (hash: string, field: string, least: number): Promise<number> =>
      Number(wordsOf(await store.run('raise_revision', [hash], [field, least]))[1])
    const heads = Array.from({ length: partitions }, (_, partition) => keys.head(partition))
    const raised = await inTurns(heads, AT_ONCE, (head) => raise(head, 't', revision))
    const failed = raised.find((outcome) => outcome.status === 'rejected')
    if (failed) throw failed.reason
    const highest = Math.max(revision, ...raised.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : 0)))
    if (highest === revision) this.#raisedAtMs = clock.nowMs()
    else await raise(keys.tariffs(), REVISION, highest)
    return highest
  }

  #pageOf(name: string, text: string): Read {
    const known = this.#pages.get(name)
    return known?.text === text ? known : { text, page: decodePage(name, text) }
  }

  async #prepare(pages: ReadonlyMap<string, Read>): Promise<ReadonlyMap<string, Tariff>> {
    const fromMs = this.#parts.clock.nowMs() - READY_FOR_MS
    const ready = new Map<string, Tariff>()
    for (const [name, { page }] of pages) {
      for (const version of versionsSince(page, fromMs)) {
        const key = `${name}:${version}`
        const tariff = this.#ready.get(key) ?? (await this.#find(name, version, page))
        if (tariff) ready.set(key, tariff)
      }
    }
    return ready
  }

  inForce(name: string, atMs: number): Tariff | undefined {
    const read = this.#pages.get(name)
    const activation = read && activationAt(read.page, atMs)
    if (!activation) return undefined
    return this.#ready.get(`${name}:${activation.version}`) ?? this.#memory.get(name, activation.version)
  }

  async pinned(name: string, version: number): Promise<Tariff | undefined> {
    const ready = this.#ready.get(`${name}:${version}`) ?? this.#memory.get(name, version)
    if (ready) return ready
    return this.#find(name, version, (await this.#page(name)).page)
  }

  #find(name: string, version: number, page: TariffPage): Promise<Tariff | undefined> {
    return this.#memory.find(name, version, async () => {
      const kept = versionOf(page, version)
      const bytes = kept && (await this.#content(kept.sha256))
      return kept && bytes ? compileTariff(kept.head, version, bytes) : undefined
    })
  }

  async #content(sha256: string): Promise<Buffer | undefined> {
    const { store, keys } = this.#parts
    return (await store.command((client) => client.getBuffer(keys.tariffContent(sha256)))) ?? undefined
  }

  /** As stored, not as this daemon read it last. */
  async #page(name: string): Promise<Read> {
    const { store, keys } = this.#parts
    const text = name === REVISION ? null : await store.command((client) => client.hget(keys.tariffs(), name))
    return text === null ? { text: '', page: EMPTY_PAGE } : this.#pageOf(name, text)
  }

  /** The revision of the book afterwards; undefined when the page is not the one that was read. */
  async #put(name: string, before: Read, page: TariffPage): Promise<number | undefined> {
    const { store, keys } = this.#parts
    const reply = await store.run('put_tariff', [keys.tariffs()], [name, before.text, JSON.stringify(page)])
    const [word, revision] = wordsOf(reply)
    if (word !== 'saved') return undefined
    this.#news.tell({ kind: 'tariffs' })
    await this.refresh()
    return Number(revision)
  }

  async addVersion(head: NewTariffHead, rows: readonly RateRow[]): Promise<VersionAdded> {
    const problems = NAME.test(head.name) ? await problemsOf(head, rows) : [NO_NAME]
    if (problems.length > 0) return { kind: 'invalid', problems }
    const { store, keys, clock } = this.#parts
    const { bytes, sha256 } = await packTariff(head, rows)
    return untilDone(async () => {
      const before = await this.#page(head.name)
      const newest = before.page.versions.at(-1)
      if (newest?.sha256 === sha256) return { kind: 'added', created: false, version: plain(newest) }
      await store.command((client) => client.set(keys.tariffContent(sha256), bytes))
      const version = (newest?.version ?? 0) + 1
      const added = { version, sha256, rates: rows.length, createdAtMs: clock.nowMs(), head }
      const page = { ...before.page, versions: [...before.page.versions, added] }
      const revision = await this.#put(head.name, before, page)
      return revision === undefined ? undefined : { kind: 'added', created: true, version: plain(added) }
    })
  }

  async activate(name: string, version: number, atMs: number): Promise<Activated> {
    const activation: Activation = { version, atMs }
    return untilDone(async () => {
      const before = await this.#page(name)
      if (!versionOf(before.page, version)) return { kind: 'version_unknown' }
      const page = withActivation(before.page, activation, this.#parts.clock.nowMs())
      const revision = await this.#put(name, before, page)
      return revision === undefined ? undefined : { kind: 'activated', revision, activation }
    })
  }

  async list(): Promise<readonly TariffSummary[]> {
    const { store, keys, clock } = this.#parts
    const { [REVISION]: _revision, ...texts } = await store.command((client) => client.hgetall(keys.tariffs()))
    const nowMs = clock.nowMs()
    return Object.entries(texts)
      .flatMap(([name, text]) => summaryOf(name, this.#pageOf(name, text).page, nowMs) ?? [])
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async versions(name: string): Promise<readonly TariffVersionDetail[] | undefined> {
    const { page } = await this.#page(name)
    if (page.versions.length === 0) return undefined
    return page.versions.map((kept) => detailOf(page, kept)).toReversed()
  }

  async show(query: ContentQuery): Promise<TariffContent | undefined> {
    const { page: stored } = await this.#page(query.name)
    const kept = versionOf(stored, query.version)
    const bytes = kept && (await this.#content(kept.sha256))
    if (!kept || !bytes) return undefined
    const page = await pageOfRows(bytes, query)
    return { ...detailOf(stored, kept), ...page }
  }

  async rates(name: string, version: number): Promise<TariffRates | undefined> {
    const kept = versionOf((await this.#page(name)).page, version)
    const bytes = kept && (await this.#content(kept.sha256))
    return kept && bytes ? { head: kept.head, parts: unpackRows(bytes) } : undefined
  }
}

/** The cursor is the number of rows that were passed over. */
async function pageOfRows(
  bytes: Buffer,
  { prefix = '', cursor = '0', limit }: ContentQuery,
): Promise<Pick<TariffContent, 'rows' | 'nextCursor'>> {
  const rows: RateRow[] = []
  const from = /^\d{1,9}$/.test(cursor) ? Number(cursor) : 0
  let at = 0
  for await (const part of unpackRows(bytes)) {
    for (const row of part) {
      at += 1
      if (at <= from || !row.prefix.startsWith(prefix)) continue
      if (rows.length === limit) return { rows, nextCursor: String(at - 1) }
      rows.push(row)
    }
  }
  return { rows }
}
