/** Accounts by page: the children of one, or all, partition after partition. */
import type { AccountProfile } from '../accounts/account.ts'
import { ACCOUNT_CURSOR, type Page } from '../accounts/office.ts'
import type { OfficeParts } from './office-parts.ts'
import { decodeProfile } from './profile-codec.ts'

/** Partitions that are asked at once: most hold few accounts. */
const AT_ONCE = 16

interface Place {
  readonly partition: number
  /** The last id that was listed; empty before the first. */
  readonly after: string
}

export class AccountListing {
  readonly #parts: OfficeParts

  constructor(parts: OfficeParts) {
    this.#parts = parts
  }

  async list(filter: { parent?: string; cursor?: string; limit: number }): Promise<Page<AccountProfile>> {
    const { parent, cursor = '', limit } = filter
    const place = placeOf(cursor)
    return parent === undefined ? this.#all(place, limit) : this.#children(parent, place.after, limit)
  }

  async #children(parent: string, after: string, limit: number): Promise<Page<AccountProfile>> {
    const { profiles, keys } = this.#parts
    const partition = (await profiles.find(parent))?.partition
    if (partition === undefined) return { items: [] }
    const ids = await this.#ids(keys.children(partition, parent), after, limit)
    const items = await this.#read(partition, ids)
    return ids.length < limit ? { items } : { items, nextCursor: cursorAt(partition, ids) }
  }

  async #all(from: Place, limit: number): Promise<Page<AccountProfile>> {
    const { partitions } = this.#parts
    const items: AccountProfile[] = []
    let place = from
    while (place.partition < partitions) {
      const pages = await Promise.all(this.#ahead(place).map((next) => this.#pageOf(next, limit)))
      for (const { partition, ids } of pages) {
        const taken = ids.slice(0, limit - items.length)
        items.push(...(await this.#read(partition, taken)))
        if (items.length >= limit) return { items, nextCursor: cursorAt(partition, taken) }
        place = { partition: partition + 1, after: '' }
      }
    }
    return { items }
  }

  #ahead({ partition, after }: Place): readonly Place[] {
    const count = Math.min(AT_ONCE, this.#parts.partitions - partition)
    return Array.from({ length: count }, (_, ahead) => ({
      partition: partition + ahead,
      after: ahead === 0 ? after : '',
    }))
  }

  async #pageOf({ partition, after }: Place, limit: number): Promise<{ partition: number; ids: readonly string[] }> {
    return { partition, ids: await this.#ids(this.#parts.keys.accounts(partition), after, limit) }
  }

  #ids(zset: string, after: string, limit: number): Promise<readonly string[]> {
    const from = after === '' ? '-' : `(${after}`
    return this.#parts.store.command((client) => client.zrangebylex(zset, from, '+', 'LIMIT', 0, limit))
  }

  async #read(partition: number, ids: readonly string[]): Promise<readonly AccountProfile[]> {
    if (ids.length === 0) return []
    const { store, keys } = this.#parts
    const texts = await store.command((client) => client.mget(ids.map((id) => keys.profile(partition, id))))
    return texts.filter((text) => text !== null).map(decodeProfile)
  }
}

function cursorAt(partition: number, ids: readonly string[]): string {
  return `${partition}:${ids.at(-1) ?? ''}`
}

/** A cursor that is none of ours begins anew. */
function placeOf(cursor: string): Place {
  const [, partition = '0', after = ''] = ACCOUNT_CURSOR.exec(cursor) ?? []
  return { partition: Number(partition), after }
}
