/**
 * What this daemon remembers between the requests of a call, so that the usual event is one visit to the store: the
 * newest record it saw of each leg, and the newest figures of each account. Both may be old; the ledger says so.
 */
import type { LevelFigures } from '../ledger/figures.ts'
import type { LevelSettlement } from './call-ledger.ts'
import type { CallRecord } from './call.ts'

/**
 * A map that forgets what was not used lately. It has two generations: what is used is young, and when half of the limit
 * is young, all of that grows old and what was old is forgotten. So a look moves nothing that is young.
 */
export class Recent<K, V> {
  readonly #generation: number
  #young = new Map<K, V>()
  #old = new Map<K, V>()

  constructor(limit: number) {
    this.#generation = Math.ceil(limit / 2)
  }

  get(key: K): V | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: K, value: V): void {
    this.#young.set(key, value)
    if (this.#young.size < this.#generation) return
    this.#old = this.#young
    this.#young = new Map()
  }

  delete(key: K): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }
}

const MAX_CALLS = 50_000
const MAX_ACCOUNTS = 250_000

export class CallMemory {
  readonly calls = new Recent<string, CallRecord>(MAX_CALLS)
  readonly figures = new Recent<string, LevelFigures>(MAX_ACCOUNTS)

  /** Only live calls are worth remembering: the rest is looked up. */
  keep(record: CallRecord): void {
    if (record.state === 'ended' || record.state === 'failed') this.calls.delete(record.legKey)
    else this.calls.set(record.legKey, record)
  }

  learn(levels: readonly { readonly account: string }[], figures: readonly LevelFigures[]): void {
    for (const [index, { account }] of levels.entries()) {
      const known = figures[index]
      if (known) this.figures.set(account, known)
    }
  }

  /** Carries a settlement over into what is remembered of its accounts. */
  settled(levels: readonly LevelSettlement[]): void {
    for (const level of levels) {
      const before = this.figures.get(level.account)
      if (!before) continue
      this.figures.set(level.account, {
        ...before,
        credit: before.credit - level.debit,
        reserved: before.reserved + level.reserved,
        calls: before.calls - (level.leaves ? 1 : 0),
        ownUsed: before.ownUsed - (level.frees !== undefined && level.frees !== 'twoWay' ? 1 : 0),
        twoWayUsed: before.twoWayUsed - (level.frees === 'twoWay' ? 1 : 0),
      })
    }
  }
}
