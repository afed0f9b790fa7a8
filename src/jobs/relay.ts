/**
 * Takes events from their sources to all sinks, and acknowledges them after. A daemon may die between any two steps: what
 * it did not acknowledge is claimed by another, so sinks are told at least once.
 */
import { inTurns } from '../base/in-turns.ts'
import type { AccountEvent } from '../events/event.ts'
import type { EventSink, EventSource, SourceLag, TakenEntry } from '../events/event-stream.ts'
import type { Logger } from '../observe/log.ts'

export interface RelayParts {
  readonly sources: readonly EventSource[]
  readonly sinks: readonly EventSink[]
  readonly partitions: number
  readonly log: Pick<Logger, 'warn'>
}

/** What one look takes from a partition. */
const MOST = 100
const PARTITIONS_AT_ONCE = 16

type Look = (source: EventSource, partition: number) => Promise<readonly TakenEntry[]>

export class Relay {
  readonly #parts: RelayParts

  constructor(parts: RelayParts) {
    this.#parts = parts
  }

  /** Moves what is new; true when there may be more at once. */
  move(): Promise<boolean> {
    return this.#round((source, partition) => source.take(partition, MOST))
  }

  /** Moves what daemons took and did not acknowledge: they are dead, or a sink failed. */
  claim(): Promise<boolean> {
    return this.#round((source, partition) => source.claim(partition, MOST))
  }

  /** Drops what everybody is done with; answers with what is left to move. */
  async tidy(): Promise<SourceLag> {
    const lags = await this.#each((source, partition) => source.tidy(partition))
    const oldest = Math.min(...lags.map(({ oldestMs = Infinity }) => oldestMs))
    const entries = lags.reduce((sum, lag) => sum + lag.entries, 0)
    return { entries, ...(oldest === Infinity ? {} : { oldestMs: oldest }) }
  }

  async #round(look: Look): Promise<boolean> {
    const full = await this.#each((source, partition) => this.#carry(source, partition, look))
    return full.includes(true)
  }

  /** A partition whose node is away holds up no other; the first fault is thrown when all had their turn. */
  async #each<T>(work: (source: EventSource, partition: number) => Promise<T>): Promise<readonly T[]> {
    const { sources, partitions } = this.#parts
    const places = sources.flatMap((source) =>
      Array.from({ length: partitions }, (_, partition) => ({ source, partition })),
    )
    const outcomes = await inTurns(places, PARTITIONS_AT_ONCE, ({ source, partition }) => work(source, partition))
    return outcomes.map((outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason
      return outcome.value
    })
  }

  async #carry(source: EventSource, partition: number, look: Look): Promise<boolean> {
    const taken = await look(source, partition)
    if (taken.length === 0) return false
    const events = this.#readable(taken, partition)
    for (const sink of this.#parts.sinks) await sink.put(events)
    await source.acknowledge(
      partition,
      taken.map(({ entry }) => entry),
    )
    return taken.length === MOST
  }

  #readable(taken: readonly TakenEntry[], partition: number): readonly AccountEvent[] {
    return taken.flatMap(({ entry, event }) => {
      if (event) return [event]
      this.#parts.log.warn({ partition, entry }, 'an event of a kind that this version does not know was passed over')
      return []
    })
  }
}
