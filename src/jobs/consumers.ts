/** Each consumer of events has a queue of its own, so that one that fails holds up no other. */
import type { AccountEvent, EventConsumer } from '../events/event.ts'
import type { EventSink } from '../events/event-stream.ts'
import type { JobKind, NewJob } from './job-kind.ts'

/** With pauses that double to ten minutes: about two hours. */
const ATTEMPTS = 20
const AT_ONCE = 10

export function consumerJobs(consumer: EventConsumer, pauseMs: (failed: number) => number): JobKind<AccountEvent> {
  return {
    name: consumer.name,
    attempts: consumer.attempts ?? ATTEMPTS,
    pauseMs,
    atOnce: consumer.atOnce ?? AT_ONCE,
    about: ({ id, type, account }) => ({ event: id, type, account }),
    run: (event) => consumer.handle(event),
  }
}

export interface AddsJobs<Data extends object> {
  add(jobs: readonly NewJob<Data>[]): Promise<void>
}

export function consumerSink(consumer: EventConsumer, queue: AddsJobs<AccountEvent>): EventSink {
  const types = new Set(consumer.types)
  return {
    async put(events) {
      const jobs = events
        .filter(({ type }) => types.has(type))
        .map((event) => ({ id: consumer.jobId?.(event) ?? event.id, data: event }))
      if (jobs.length > 0) await queue.add(jobs)
    },
  }
}
