/**
 * What this daemon remembers between the requests of a call, so that the usual event is one visit to the store: the
 * newest record it saw of each leg, and the newest figures of each account. Both may be old; the ledger says so.
 */
import type { LevelFigures } from '../ledger/figures.ts'
import type { LevelSettlement } from './call-ledger.ts'
import type { CallRecord } from './call.ts'

/** A map that forgets what was not used for longest. */
export class Recent<K, V> {
  readonly #limit: number
  readonly #entries = new Map<K, V>()

  constructor(limit: number) {
    this.#limit = limit
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return value
  }

  set(key: K, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size <= this.#limit) return
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest)
      break
    }
  }

  delete(key: K): void {
    this.#entries.delete(key)
  }
}

const MAX_CALLS = 50_000
const MAX_ACCOUNTS = 50_000

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
