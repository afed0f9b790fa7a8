/**
 * Entries that the relay passed over, as it could not read or tell them: tried again for a while, as a daemon of another
 * version may be able to, and then dead letters, for a person to have them tried again when the cause is mended.
 */
import { Fault } from '../base/fault.ts'
import type { EventSink, ReadEntry, UntoldEntry } from '../events/event-stream.ts'
import type { AddsJobs } from './consumers.ts'
import type { JobKind } from './job-kind.ts'
import type { RelayParts } from './relay.ts'

/** With pauses that double: about a quarter of an hour. */
const ATTEMPTS = 11

export interface UntoldParts {
  /** By the name of the source. */
  readonly readers: Readonly<Record<string, ReadEntry>>
  readonly sinks: readonly EventSink[]
  readonly pauseMs: (failed: number) => number
}

export function untoldJobs({ readers, sinks, pauseMs }: UntoldParts): JobKind<UntoldEntry> {
  return {
    name: 'untold',
    attempts: ATTEMPTS,
    pauseMs,
    atOnce: 1,
    about: ({ source, partition, id }) => ({ source, partition: String(partition), entry: id }),
    async run({ source, partition, ...entry }) {
      const event = readers[source]?.(partition, entry)
      if (!event)
        throw new Fault('store_unfit', `entry ${entry.id} of the ${source} of partition ${partition} cannot be read`)
      for (const sink of sinks) await sink.put([event])
    },
  }
}

/** The same entry is one job. */
export function untoldInto(queue: AddsJobs<UntoldEntry>): RelayParts['untold'] {
  return (entries) =>
    queue.add(entries.map((entry) => ({ id: `${entry.source}-${entry.partition}-${entry.id}`, data: entry })))
}
