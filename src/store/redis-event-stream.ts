/**
 * A stream of each partition, read by all daemons as one consumer group. What a daemon took is its own until it
 * acknowledges it; when it is silent for long, others claim it.
 */
import { invariant } from '../base/fault.ts'
import type { EventSource, ReadEntry, SourceLag, TakenEntry } from '../events/event-stream.ts'
import type { RedisStore } from './redis.ts'
import { isReply, streamEntries, wordsOf } from './replies.ts'
import { makeGroup } from './stream-groups.ts'

export interface EventStreamParts {
  readonly name: string
  readonly store: RedisStore
  /** This daemon among the readers of the group. */
  readonly reader: string
  /** Name of the stream of a partition. */
  readonly key: (partition: number) => string
  readonly read: ReadEntry
  /** Where a new group begins: at the first entry that is there, or after the last. */
  readonly from: '0' | '$'
  /** What all groups are done with is dropped; else others keep the stream. */
  readonly trims: boolean
  /** An entry that is not acknowledged for so long is given to another daemon. */
  readonly claimAfterMs: number
}

const GROUP = 'jobs'
const READER_GONE_MS = 3_600_000

export class RedisEventStream implements EventSource {
  readonly #parts: EventStreamParts

  constructor(parts: EventStreamParts) {
    this.#parts = parts
  }

  get name(): string {
    return this.#parts.name
  }

  async take(partition: number, most: number): Promise<readonly TakenEntry[]> {
    const { store, key, reader } = this.#parts
    const name = key(partition)
    const reply = await this.#inGroup(partition, () =>
      store.command((client) => client.xreadgroup('GROUP', GROUP, reader, 'COUNT', most, 'STREAMS', name, '>')),
    )
    if (reply === null) return []
    invariant(Array.isArray(reply), 'a read answers with streams')
    const [stream] = reply as readonly (readonly [string, unknown])[]
    return this.#taken(partition, stream?.[1] ?? [])
  }

  async claim(partition: number, most: number): Promise<readonly TakenEntry[]> {
    const { store, key, reader, claimAfterMs } = this.#parts
    const name = key(partition)
    const reply = await this.#inGroup(partition, () =>
      store.command((client) => client.xautoclaim(name, GROUP, reader, claimAfterMs, '0-0', 'COUNT', most)),
    )
    invariant(Array.isArray(reply), 'a claim answers with a cursor and entries')
    return this.#taken(partition, reply[1])
  }

  async acknowledge(partition: number, entries: readonly string[]): Promise<void> {
    const { store, key } = this.#parts
    if (entries.length > 0) await store.command((client) => client.xack(key(partition), GROUP, ...entries))
  }

  async tidy(partition: number): Promise<SourceLag> {
    const { store, key, trims } = this.#parts
    const reply = await store.run('tidy_stream', [key(partition)], [GROUP, READER_GONE_MS, trims ? 1 : 0])
    const [word, entries = '0', oldest = ''] = wordsOf(reply)
    if (word === 'none' || entries === '0') return { entries: 0 }
    const [ms = ''] = oldest.split('-')
    return { entries: Number(entries), ...(ms === '' ? {} : { oldestMs: Number(ms) }) }
  }

  /** The group is made where it is missed, also after the store was emptied. */
  async open(partition: number): Promise<void> {
    const { store, key, from } = this.#parts
    await makeGroup(store, { stream: key(partition), group: GROUP, from })
  }

  /** What is not taken yet is never taken; a group that is opened again begins anew. */
  async close(partition: number): Promise<void> {
    const { store, key } = this.#parts
    try {
      await store.command((client) => client.xgroup('DESTROY', key(partition), GROUP))
    } catch (error) {
      // There is no stream.
      if (!isReply(error, 'ERR')) throw error
    }
  }

  async #inGroup<T>(partition: number, command: () => Promise<T>): Promise<T> {
    try {
      return await command()
    } catch (error) {
      if (!isReply(error, 'NOGROUP')) throw error
    }
    await this.open(partition)
    return command()
  }

  #taken(partition: number, entries: unknown): readonly TakenEntry[] {
    return streamEntries(entries).map((entry) => ({ entry, event: this.#parts.read(partition, entry) }))
  }
}
