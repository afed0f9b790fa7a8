/** The newest events of all partitions in one bounded stream; what is older than the bound is forgotten. */
import type { AccountEvent } from '../events/event.ts'
import type { EventLog, LoggedEvent } from '../events/event-stream.ts'
import { loggedEvent } from './event-entries.ts'
import type { Keys } from './keys.ts'
import type { RedisStore } from './redis.ts'
import { repliesOf, streamEntries } from './replies.ts'

export class RedisEventLog implements EventLog {
  readonly #store: RedisStore
  readonly #key: string
  readonly #kept: () => number

  constructor(store: RedisStore, keys: Keys, kept: () => number) {
    this.#store = store
    this.#key = keys.events()
    this.#kept = kept
  }

  async append(events: readonly AccountEvent[]): Promise<void> {
    if (events.length === 0) return
    const kept = this.#kept()
    await this.#store.command(async (client) => {
      const pipeline = client.pipeline()
      for (const event of events) pipeline.xadd(this.#key, 'MAXLEN', '~', kept, '*', 'e', JSON.stringify(event))
      repliesOf(await pipeline.exec())
    })
  }

  /** What this version cannot read is passed over. */
  async after(cursor: string, most: number): Promise<readonly LoggedEvent[]> {
    for (let from = cursor; ;) {
      const found = await this.#store.command((client) => client.xrange(this.#key, `(${from}`, '+', 'COUNT', most))
      const entries = streamEntries(found)
      const events = entries.flatMap((entry) => {
        const event = loggedEvent(entry)
        return event ? [{ cursor: entry.id, event }] : []
      })
      const last = entries.at(-1)
      if (events.length > 0 || !last) return events
      from = last.id
    }
  }

  async newest(): Promise<string> {
    const found = await this.#store.command((client) => client.xrevrange(this.#key, '+', '-', 'COUNT', 1))
    return streamEntries(found)[0]?.id ?? '0-0'
  }
}
