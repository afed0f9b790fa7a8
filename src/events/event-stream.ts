/** How events come from the store and where they go: a relay takes them from sources and puts them into sinks. */
import type { AccountEvent } from './event.ts'

/** As it is stored. */
export interface SourceEntry {
  /** In the stream of its partition. */
  readonly id: string
  readonly fields: Readonly<Record<string, string>>
}

/** An entry as an event; undefined when this daemon cannot read it. */
export type ReadEntry = (partition: number, entry: SourceEntry) => AccountEvent | undefined

/** An entry that is ours until it is acknowledged. */
export interface TakenEntry {
  readonly entry: SourceEntry
  /** Undefined when this daemon cannot read it. */
  readonly event: AccountEvent | undefined
}

/** An entry that could not be read, or not be told. */
export interface UntoldEntry extends SourceEntry {
  /** Name of its source. */
  readonly source: string
  readonly partition: number
}

export interface SourceLag {
  /** Entries that are not acknowledged, taken or not. */
  readonly entries: number
  /** When the oldest of them was written, by the store's clock; undefined when there is none. */
  readonly oldestMs?: number
}

/** A stream of each partition that the daemons read as one group. */
export interface EventSource {
  /** Among the sources. */
  readonly name: string
  /** New entries, which no other daemon is given until this one has been silent for long. */
  take(partition: number, most: number): Promise<readonly TakenEntry[]>
  /** Entries that somebody took and did not acknowledge for long. */
  claim(partition: number, most: number): Promise<readonly TakenEntry[]>
  acknowledge(partition: number, entries: readonly string[]): Promise<void>
  /** Drops what every group is done with, and says what is left for this one. */
  tidy(partition: number): Promise<SourceLag>
}

export interface EventSink {
  /**
   * Resolves when the events are safe; the same may come again. A Fault that is not retryable is one of the events', and a
   * SyntaxError one of what is stored about them.
   */
  put(events: readonly AccountEvent[]): Promise<void>
}

/** The newest events of all partitions in one order, for those who listen and for those who ask again. */
export interface EventLog {
  append(events: readonly AccountEvent[]): Promise<void>
  /** The events after a cursor, oldest first. */
  after(cursor: string, most: number): Promise<readonly LoggedEvent[]>
  /** Of the newest event. */
  newest(): Promise<string>
}

export interface LoggedEvent {
  readonly cursor: string
  readonly event: AccountEvent
}

/** The cursor before everything that is logged from an instant on. */
export function cursorBefore(atMs: number): string {
  return atMs <= 0 ? '0-0' : `${atMs - 1}-18446744073709551615`
}
