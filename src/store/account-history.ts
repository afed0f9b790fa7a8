/** What happened to an account, newest first: its journal entries and its ended calls. */
import type { Page, PageRequest, Transaction } from '../accounts/office.ts'
import { transactionOf, type TransactionOwner } from '../accounts/transaction.ts'
import { parseInstant } from '../base/time.ts'
import { entryId } from '../ledger/journal.ts'
import type { OfficeParts } from './office-parts.ts'
import { repliesOf, streamEntries } from './replies.ts'

const BATCH = 200

/** One request looks at no more; the cursor goes on from there, so a page may be empty and not the last. */
const MAX_LOOKED_AT = 5_000

const POSITION = /^\d{1,15}$/

interface Listing<T> {
  /** Key of a list that only grows at its end, so a position in it is a cursor. */
  readonly list: string
  /** Field of the account's hash: how many of its oldest ids are archived only; they keep their positions. */
  readonly trimmed: 'txb' | 'cdrb'
  /** Key of that hash. */
  readonly hash: string
  /** What the ids of the list lead to; undefined for what is kept no more. */
  readonly read: (ids: readonly string[]) => Promise<readonly (Dated<T> | undefined)[]>
}

interface Dated<T> {
  readonly atMs: number
  readonly item: T
}

export class AccountHistory {
  readonly #parts: OfficeParts

  constructor(parts: OfficeParts) {
    this.#parts = parts
  }

  async transactions(account: string, page: PageRequest): Promise<Page<Transaction>> {
    const partition = (await this.#parts.profiles.find(account))?.partition
    if (partition === undefined) return { items: [] }
    const { keys } = this.#parts
    const list = keys.transactions(partition, account)
    const hash = keys.account(partition, account)
    return this.#page(page, {
      list,
      hash,
      trimmed: 'txb',
      read: (numbers) => this.#readEntries({ account, partition }, numbers),
    })
  }

  async cdrs(account: string, page: PageRequest): Promise<Page<string>> {
    const partition = (await this.#parts.profiles.find(account))?.partition
    if (partition === undefined) return { items: [] }
    const { keys } = this.#parts
    const list = keys.cdrOrder(partition, account)
    const hash = keys.account(partition, account)
    return this.#page(page, { list, hash, trimmed: 'cdrb', read: (ids) => this.#readCdrs({ account, partition }, ids) })
  }

  async #page<T>(page: PageRequest, listing: Listing<T>): Promise<Page<T>> {
    const items: T[] = []
    const { base: archived, length } = await this.#extent(listing)
    let base = archived
    let position = page.cursor === undefined ? length : Math.min(positionOf(page.cursor), length)
    const stopAt = Math.max(0, position - MAX_LOOKED_AT)
    let lowest: string | undefined
    while (position > Math.max(stopAt, base) && items.length < page.limit) {
      const from = Math.max(stopAt, base, position - BATCH)
      const ids = await this.#ids(listing, { from: from - base, end: position - 1 - base })
      const found = await listing.read(ids)
      const { base: now } = await this.#extent(listing)
      if (now !== base) {
        // Some left meanwhile: the others have moved, and of what was read some may be gone.
        base = now
        continue
      }
      const looked = takeFrom(found, page, items)
      lowest = ids[ids.length - looked] ?? lowest
      position = ids.length === 0 ? from : position - looked
    }
    if (position > base) return { items, nextCursor: String(position) }
    return base > 0 ? { items, nextCursor: await this.#archiveCursor(listing, lowest) } : { items }
  }

  /** How many ids are archived only, and how many there were ever. */
  async #extent<T>({ list, hash, trimmed }: Listing<T>): Promise<{ base: number; length: number }> {
    const results = await this.#parts.store.command((client) => client.multi().llen(list).hget(hash, trimmed).exec())
    const [kept, gone] = repliesOf(results)
    const base = Number(gone ?? 0)
    return { base, length: base + Number(kept) }
  }

  #ids<T>({ list }: Listing<T>, { from, end }: { readonly from: number; readonly end: number }): Promise<string[]> {
    return this.#parts.store.command((client) => client.lrange(list, from, end))
  }

  /** The rest is in the archive: what was written before the lowest id that was looked at, or before the oldest here. */
  async #archiveCursor<T>({ list }: Listing<T>, lowest: string | undefined): Promise<string> {
    const oldest = lowest ?? (await this.#parts.store.command((client) => client.lindex(list, 0)))
    // An id begins with the number of its entry.
    return `a${oldest === null ? Number.MAX_SAFE_INTEGER - 1 : Number.parseInt(oldest, 10)}`
  }

  async #readEntries(
    of: TransactionOwner,
    numbers: readonly string[],
  ): Promise<readonly (Dated<Transaction> | undefined)[]> {
    const journal = this.#parts.keys.journal(of.partition)
    const entries = await this.#readStream(
      journal,
      numbers.map((number) => entryId(Number(number))),
    )
    return entries.map((fields, index) => {
      if (!fields) return undefined
      const stored = { number: Number(numbers[index]), entry: fields['e'] ?? '', balances: fields['b'] ?? '' }
      const item = transactionOf(of, stored)
      return { atMs: item.atMs, item }
    })
  }

  async #readCdrs(
    { account, partition }: TransactionOwner,
    ids: readonly string[],
  ): Promise<readonly (Dated<string> | undefined)[]> {
    if (ids.length === 0) return []
    const { keys, store } = this.#parts
    const first = (await this.#readStream(keys.cdrs(partition), ids)).map((fields) => fields && cdrIn(fields))
    const calls = first.map((cdr) => cdr?.call ?? '')
    const newest = await store.command((client) => client.hmget(keys.cdrIndex(partition, account), ...calls))
    const corrected = newest.flatMap((id, index) => (id === null ? [] : [{ id, index }]))
    const read = await this.#readStream(
      keys.cdrs(partition),
      corrected.map(({ id }) => id),
    )
    const later = new Map(corrected.map(({ index }, place) => [index, read[place]]))
    return first.map((cdr, index) => {
      const fields = later.get(index)
      return fields ? cdrIn(fields).dated : cdr?.dated
    })
  }

  /** The fields of stream entries by id, in that order; undefined for an id that is gone. */
  async #readStream(
    stream: string,
    ids: readonly string[],
  ): Promise<readonly (Readonly<Record<string, string>> | undefined)[]> {
    if (ids.length === 0) return []
    const results = await this.#parts.store.command((client) => {
      const pipeline = client.pipeline()
      for (const id of ids) pipeline.xrange(stream, id, id)
      return pipeline.exec()
    })
    return repliesOf(results).map((reply) => streamEntries(reply)[0]?.fields)
  }
}

/** Adds what is asked for to the items, the last one first, until there are enough; answers with how many were looked at. */
function takeFrom<T>(found: readonly (Dated<T> | undefined)[], page: PageRequest, items: T[]): number {
  let looked = 0
  for (const dated of found.toReversed()) {
    if (items.length >= page.limit) break
    looked += 1
    if (dated && isWithin(dated.atMs, page)) items.push(dated.item)
  }
  return looked
}

/** Which call a CDR is of, and when that ended. */
function cdrIn(fields: Readonly<Record<string, string>>): { readonly call: string; readonly dated: Dated<string> } {
  const item = fields['j'] ?? '{}'
  const { call = '', endedAt = '' } = JSON.parse(item) as { call?: string; endedAt?: string }
  return { call, dated: { atMs: parseInstant(endedAt) ?? 0, item } }
}

/** A cursor that is none of ours is the end of the list. */
function positionOf(cursor: string): number {
  return POSITION.test(cursor) ? Number(cursor) : 0
}

function isWithin(atMs: number, { fromMs = -Infinity, untilMs = Infinity }: PageRequest): boolean {
  return atMs >= fromMs && atMs < untilMs
}
