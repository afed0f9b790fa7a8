/** Exports, each in a key of its own that goes when its time is over. */
import { invariant } from '../base/fault.ts'
import type { Clock } from '../base/time.ts'
import type { Export, ExportStore, TakenExport } from '../exports/export.ts'
import type { Keys } from './keys.ts'
import type { RedisStore } from './redis.ts'
import { wordsOf } from './replies.ts'

export interface RedisExportsParts {
  readonly store: RedisStore
  readonly keys: Keys
  readonly clock: Clock
}

export class RedisExports implements ExportStore {
  readonly #parts: RedisExportsParts

  constructor(parts: RedisExportsParts) {
    this.#parts = parts
  }

  async add(made: Export, most: number): Promise<boolean> {
    const { store, clock } = this.#parts
    const words = [made.id, JSON.stringify(made), clock.nowMs(), made.expiresAtMs, most]
    const [word] = wordsOf(await store.run('add_export', this.#keysOf(made), words))
    invariant(word === 'added' || word === 'full', `add_export answered ${word}`)
    return word === 'added'
  }

  async find(id: string): Promise<Export | undefined> {
    const { store, keys } = this.#parts
    const text = await store.command((client) => client.hget(keys.export(id), 'json'))
    return text === null ? undefined : (JSON.parse(text) as Export)
  }

  async take(id: string): Promise<TakenExport | undefined> {
    const { store, keys } = this.#parts
    const [word, attempt = '', json = ''] = wordsOf(await store.run('take_export', [keys.export(id)], []))
    invariant(word === 'taken' || word === 'done' || word === 'gone', `take_export answered ${word}`)
    return word === 'taken' ? { found: JSON.parse(json) as Export, attempt: Number(attempt) } : undefined
  }

  async save(changed: Export, attempt: number): Promise<boolean> {
    const { store, clock } = this.#parts
    const { id, state, expiresAtMs } = changed
    const words = [id, attempt, state, JSON.stringify(changed), clock.nowMs(), expiresAtMs]
    const [word] = wordsOf(await store.run('save_export', this.#keysOf(changed), words))
    invariant(word === 'saved' || word === 'gone' || word === 'taken', `save_export answered ${word}`)
    return word === 'saved'
  }

  async remove(made: Export): Promise<void> {
    const { store } = this.#parts
    const [key, list] = this.#keysOf(made)
    await store.command((client) => client.multi().del(key).zrem(list, made.id).exec())
  }

  async list(account: string): Promise<readonly Export[]> {
    const { store, keys } = this.#parts
    const ids = await store.command((client) => client.zrange(keys.exports(account), '0', '-1'))
    const found = await Promise.all(ids.map((id) => this.find(id)))
    return found.filter((made) => made !== undefined).toSorted((a, b) => b.createdAtMs - a.createdAtMs)
  }

  #keysOf({ id, order }: Export): readonly [string, string] {
    const { keys } = this.#parts
    return [keys.export(id), keys.exports(order.account)]
  }
}
