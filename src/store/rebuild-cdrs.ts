/** CDRs of the hot window of a store that is built anew, and the memory of the calls that ended lately. */
import type { Clock } from '../base/time.ts'
import { rememberedCall } from '../calls/remembered.ts'
import { cdrId, type LedgerCopy, type StoredCdr } from '../ledger/streams.ts'
import type { Cdr } from '../usage/cdr.ts'
import { encodeCall } from './call-codec.ts'
import type { Keys } from './keys.ts'
import type { RebuildWriter } from './rebuild-writer.ts'
import type { RedisStore } from './redis.ts'

export interface CdrsToRebuild {
  readonly store: RedisStore
  readonly keys: Keys
  readonly clock: Clock
  readonly copy: LedgerCopy
  readonly rememberDays: number
  readonly writer: RebuildWriter
}

const DAY_MS = 86_400_000
const MEMORY_MARGIN_MS = 2 * DAY_MS

export class CdrsRebuild {
  readonly #parts: CdrsToRebuild

  constructor(parts: CdrsToRebuild) {
    this.#parts = parts
  }

  /** Those of entries after one; answers with how many there are. */
  async run(p: number, last: number): Promise<number> {
    const { copy, keys, writer } = this.#parts
    const older = await copy.olderCdrs(p, last)
    await writer.write((pipeline) => {
      for (const [account, left] of older) pipeline.hset(keys.account(p, account), 'cdrb', left)
    })
    let count = 0
    for await (const page of copy.cdrs(p, last)) {
      count += page.length
      const cdrs = page.map((stored) => ({ stored, cdr: JSON.parse(stored.cdr) as Cdr }))
      await writer.write((pipeline) => {
        for (const { stored, cdr } of cdrs) {
          const id = cdrId(stored)
          pipeline.xadd(keys.cdrs(p), id, 'j', stored.cdr)
          if (cdr.revision === 0) pipeline.rpush(keys.cdrOrder(p, cdr.account), id)
          else pipeline.hset(keys.cdrIndex(p, cdr.account), cdr.call, id)
        }
      })
      await this.#remember(cdrs)
    }
    return count
  }

  /** Of calls in a page: the levels of one revision are written together, and a later revision replaces an earlier one. */
  async #remember(cdrs: readonly { readonly stored: StoredCdr; readonly cdr: Cdr }[]): Promise<void> {
    const { clock, keys, rememberDays, store, writer } = this.#parts
    const calls = [...Map.groupBy(cdrs, ({ stored }) => stored.number).values()].flatMap((group) => {
      const record = rememberedCall(
        group.map(({ cdr }) => cdr),
        clock.nowMs(),
      )
      const leftMs = (record?.end?.endedAtMs ?? 0) + rememberDays * DAY_MS - clock.nowMs()
      return record && leftMs > 0 ? [{ record, leftMs }] : []
    })
    await writer.write((pipeline) => {
      for (const { record, leftMs } of calls) {
        pipeline.set(keys.call(record.partition, record.legKey), encodeCall(record), 'PX', leftMs)
      }
    })
    // Legs lie anywhere in a cluster.
    for (const { record, leftMs } of calls) {
      const place = String(record.partition)
      const keptMs = leftMs + MEMORY_MARGIN_MS
      await store.command((client) => client.set(keys.leg(record.legKey), place, 'PX', keptMs))
    }
  }
}
