/**
 * Takes events from their sources to all sinks, and acknowledges them after. A daemon may die between any two steps: what
 * it did not acknowledge is claimed by another, so sinks are told at least once.
 */
import { Fault } from '../base/fault.ts'
import { inTurns } from '../base/in-turns.ts'
import type { EventSink, EventSource, SourceLag, TakenEntry, UntoldEntry } from '../events/event-stream.ts'
import type { Logger } from '../observe/log.ts'

export interface RelayParts {
  readonly sources: readonly EventSource[]
  readonly sinks: readonly EventSink[]
  /** Where entries go that cannot be read or told, so that they hold up no others. */
  readonly untold: (entries: readonly UntoldEntry[]) => Promise<void>
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
    const untold = await this.#tell(taken)
    if (untold.length > 0) await this.#passOver(source, partition, untold)
    await source.acknowledge(
      partition,
      taken.map(({ entry }) => entry.id),
    )
    return taken.length === MOST
  }

  /** Answers with those that cannot be told; throws when nothing can be told now. */
  async #tell(taken: readonly TakenEntry[]): Promise<readonly Untold[]> {
    const events = taken.flatMap(({ event }) => event ?? [])
    const unread = taken.filter(({ event }) => !event).map((one) => ({ ...one, why: 'this version cannot read it' }))
    try {
      for (const sink of this.#parts.sinks) await sink.put(events)
    } catch (error) {
      if (!isOfAnEvent(error)) throw error
      const [only, ...others] = taken.filter(({ event }) => event)
      if (only && others.length === 0) return [...unread, { ...only, why: error.message }]
      // Which of them it was shows when each is told alone.
      const alone: Untold[] = []
      for (const one of taken) if (one.event) alone.push(...(await this.#tell([one])))
      return [...unread, ...alone]
    }
    return unread
  }

  async #passOver(source: EventSource, partition: number, untold: readonly Untold[]): Promise<void> {
    const { untold: keep, log } = this.#parts
    await keep(untold.map(({ entry }) => ({ source: source.name, partition, ...entry })))
    for (const { entry, why } of untold) {
      log.warn({ source: source.name, partition, entry: entry.id, why }, 'an event was passed over')
    }
  }
}

interface Untold extends TakenEntry {
  readonly why: string
}

function isOfAnEvent(error: unknown): error is Error {
  return error instanceof SyntaxError || (error instanceof Fault && !error.retryable)
}
