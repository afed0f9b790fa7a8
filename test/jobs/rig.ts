/** Relays and queues on a real store, as many as there would be daemons. */
import { onTestFinished } from 'vitest'
import type { AccountEvent, EventConsumer } from '../../src/events/event.ts'
import type { EventSink } from '../../src/events/event-stream.ts'
import { consumerJobs, consumerSink } from '../../src/jobs/consumers.ts'
import type { JobKind } from '../../src/jobs/job-kind.ts'
import { JobQueues } from '../../src/jobs/job-queues.ts'
import { Relay } from '../../src/jobs/relay.ts'
import { untoldInto, untoldJobs } from '../../src/jobs/untold.ts'
import { createLog } from '../../src/observe/log.ts'
import { Metrics } from '../../src/observe/metrics.ts'
import { outboxEvent } from '../../src/store/event-entries.ts'
import { openQueueConnection } from '../../src/store/queue-connections.ts'
import { RedisEventStream } from '../../src/store/redis-event-stream.ts'
import { PARTITIONS, type TestStore } from '../support/offices.ts'

export const CLAIM_AFTER_MS = 50

export interface TestDaemon {
  readonly queues: JobQueues
  readonly metrics: Metrics
  readonly lines: Record<string, unknown>[]
  readonly outbox: RedisEventStream
  relay(...sinks: readonly EventSink[]): Relay
  sink(consumer: EventConsumer): EventSink
  /** Begins to work on what was opened. */
  work(): void
  /** As a daemon ends that is told to. */
  rest(deadlineMs?: number): Promise<void>
}

let readers = 0

/** Its parts are gone when the test is over. */
export async function daemon({ store, keys }: TestStore): Promise<TestDaemon> {
  const lines: Record<string, unknown>[] = []
  const log = createLog({
    level: 'info',
    to: { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) },
  })
  const metrics = new Metrics()
  const adding = await openQueueConnection(store.urls, 'adding')
  const queues = new JobQueues({ prefix: keys.queue, adding, log, metrics })
  const working = await openQueueConnection(store.urls, 'working')
  onTestFinished(async () => {
    await queues.rest(1_000)
    await queues.close()
    adding.disconnect()
    working.disconnect()
  })
  const told: EventSink[] = []
  const untold = untoldInto(
    queues.open(untoldJobs({ readers: { outbox: outboxEvent }, sinks: told, pauseMs: () => 1 })),
  )
  const outbox = new RedisEventStream({
    name: 'outbox',
    store,
    reader: `reader-${(readers += 1)}`,
    key: keys.outbox,
    read: outboxEvent,
    from: '0',
    trims: true,
    claimAfterMs: CLAIM_AFTER_MS,
  })
  return {
    queues,
    metrics,
    lines,
    outbox,
    relay: (...sinks) => {
      told.splice(0, told.length, ...sinks)
      return new Relay({ sources: [outbox], sinks, untold, partitions: PARTITIONS, log })
    },
    sink: (consumer) => consumerSink(consumer, queues.open(consumerJobs(consumer, () => 1))),
    work: () => queues.work(working),
    rest: (deadlineMs = 2_000) => queues.rest(deadlineMs),
  }
}

/** Keeps the events that it was told. */
export class Collector implements EventConsumer {
  readonly name = 'collector'
  readonly types = ['balance.low', 'recharge.due'] as const
  readonly told: AccountEvent[] = []

  jobId(event: AccountEvent): string {
    return `${event.account}:${event.data['arming'] ?? ''}:${event.type}`
  }

  async handle(event: AccountEvent): Promise<void> {
    this.told.push(event)
    return Promise.resolve()
  }

  get texts(): readonly string[] {
    return this.told.map(({ account, type }) => `${account} ${type}`).sort()
  }
}

export async function write(
  test: TestStore,
  partition: number,
  account: string,
  type = 'balance.low',
): Promise<string> {
  const key = test.keys.outbox(partition)
  const id = await test.store.command((client) =>
    client.xadd(key, '*', 'type', type, 'account', account, 'at', test.clock.nowMs(), 'arming', 1),
  )
  return String(id)
}

export function kind(changes: Partial<JobKind<Note>> = {}): JobKind<Note> {
  return {
    name: 'notes',
    attempts: 3,
    pauseMs: () => 1,
    atOnce: 5,
    about: ({ text }) => ({ text }),
    run: () => Promise.resolve(),
    ...changes,
  }
}

export interface Note {
  readonly text: string
}
