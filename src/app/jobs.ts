/** Joins the relay and the queues to their consumers: what is done about events, and what is done again and again. */
import { randomInt } from 'node:crypto'
import type { EventConsumer, PeriodicWork } from '../events/event.ts'
import type { EventSink } from '../events/event-stream.ts'
import { consumerJobs, consumerSink } from '../jobs/consumers.ts'
import { exponentialPause } from '../jobs/job-kind.ts'
import { JobQueues } from '../jobs/job-queues.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { openQueueConnection } from '../store/queue-connections.ts'
import type { Core } from './core.ts'
import { Loops } from './loops.ts'
import { startPeriodic } from './periodic.ts'
import { startRelay } from './relay.ts'
import { countStoreFault } from './store-faults.ts'

const GAUGE_MS = 5_000

/** Less than all parts together are given by stopping.ts. */
const REST_MS = 3_000

const RANDOM_STEPS = 1_000_000

export interface JobsParts {
  readonly core: Core
  readonly log: Logger
  readonly metrics: Metrics
  readonly consumers: readonly EventConsumer[]
  readonly periodic: readonly PeriodicWork[]
}

export interface Jobs {
  readonly queues: JobQueues
  /** Does this daemon's share; the answer ends it when what is under way is over. */
  readonly start: () => Promise<() => Promise<void>>
  readonly close: () => Promise<void>
}

/** Every daemon adds, lists and repeats jobs; those with the role work on them. */
export async function openJobs(parts: JobsParts): Promise<Jobs> {
  const { core, log, metrics, consumers } = parts
  const adding = await openQueueConnection(core.store.urls, 'adding')
  const queues = new JobQueues({ prefix: core.keys.queue, adding, log, metrics })
  const pauseMs = exponentialPause(() => randomInt(RANDOM_STEPS) / RANDOM_STEPS)
  const sinks = consumers.map((consumer) => consumerSink(consumer, queues.open(consumerJobs(consumer, pauseMs))))
  return {
    queues,
    start: () => startWork({ ...parts, queues, sinks }),
    close: async () => {
      await queues.close()
      adding.disconnect()
    },
  }
}

interface Work extends JobsParts {
  readonly queues: JobQueues
  readonly sinks: readonly EventSink[]
}

async function startWork(work: Work): Promise<() => Promise<void>> {
  const { core, queues, log, metrics, periodic } = work
  // What is moved in bulk must not use up what decisions may have under way.
  const store = await core.store.duplicate()
  const working = await openQueueConnection(store.urls, 'working')
  queues.work(working)
  const loops = new Loops(log, (_name, error) => countStoreFault(metrics, error))
  startRelay({ ...work, store, loops })
  startPeriodic(periodic, core, loops)
  loops.start({ name: 'queues', everyMs: () => GAUGE_MS, round: () => queues.gauges() })
  return async () => {
    await Promise.all([loops.stop(), queues.rest(REST_MS)])
    working.disconnect()
    await store.close()
  }
}
