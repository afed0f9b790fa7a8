/** Joins the relay and the queues to their consumers: what is done about events, and what is done again and again. */
import { randomInt } from 'node:crypto'
import type { Settings } from '../catalog/settings.ts'
import type { EventConsumer, PeriodicWork } from '../events/event.ts'
import type { EventLog, EventSink } from '../events/event-stream.ts'
import { consumerJobs, consumerSink } from '../jobs/consumers.ts'
import { exponentialPause } from '../jobs/job-kind.ts'
import { JobQueues } from '../jobs/job-queues.ts'
import { untoldInto, untoldJobs } from '../jobs/untold.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { openQueueConnection } from '../store/queue-connections.ts'
import { RedisEventLog } from '../store/redis-event-log.ts'
import type { WebhookDesk } from '../webhooks/desk.ts'
import type { Core } from './core.ts'
import { Loops } from './loops.ts'
import { startPeriodic } from './periodic.ts'
import { callEndings, readers, type RelayParts, startRelay } from './relay.ts'
import { countStoreFault } from './store-faults.ts'
import { openWebhooks } from './webhooks.ts'

const GAUGE_MS = 5_000

/** Less than all parts together are given by stopping.ts. */
const REST_MS = 3_000

const RANDOM_STEPS = 1_000_000

export interface JobsParts {
  readonly core: Core
  readonly settings: () => Settings
  readonly log: Logger
  readonly metrics: Metrics
  readonly consumers: readonly EventConsumer[]
  readonly periodic: readonly PeriodicWork[]
}

export interface Jobs {
  readonly queues: JobQueues
  readonly webhooks: WebhookDesk
  readonly events: EventLog
  /** Whoever listens to the ends of calls says so at least every minute. */
  readonly listenToCalls: () => Promise<void>
  /** Does this daemon's share; the answer ends it when what is under way is over. */
  readonly start: () => Promise<() => Promise<void>>
  readonly close: () => Promise<void>
}

/** Every daemon adds, lists and repeats jobs; those with the role work on them. */
export async function openJobs(parts: JobsParts): Promise<Jobs> {
  const { core, settings, log, metrics, consumers } = parts
  const { store, keys } = core
  const adding = await openQueueConnection(store.urls, 'adding')
  const queues = new JobQueues({ prefix: keys.queue, adding, log, metrics })
  const pauseMs = exponentialPause(random)
  const sinks = consumers.map((consumer) => consumerSink(consumer, queues.open(consumerJobs(consumer, pauseMs))))
  const events = new RedisEventLog(store, keys, () => settings().events.kept)
  const endings = callEndings(core, store)
  const listenToCalls = (): Promise<void> => endings.listen()
  const webhooks = openWebhooks({ core, settings, queues, events, random, listenToCalls, log })
  const wantCalls = async (): Promise<boolean> =>
    consumers.some(({ types }) => types.includes('call.ended')) || (await webhooks.wantCallEndings())
  const all: readonly EventSink[] = [...sinks, webhooks.sink, { put: (told) => events.append(told) }]
  const untold = untoldInto(queues.open(untoldJobs({ readers, sinks: all, pauseMs })))
  return {
    queues,
    webhooks: webhooks.desk,
    events,
    listenToCalls,
    start: () => startWork({ ...parts, queues, sinks: all, untold, wantCalls }),
    close: async () => {
      await queues.close()
      adding.disconnect()
    },
  }
}

function random(): number {
  return randomInt(RANDOM_STEPS) / RANDOM_STEPS
}

interface Work extends JobsParts {
  readonly queues: JobQueues
  readonly sinks: readonly EventSink[]
  readonly untold: RelayParts['untold']
  /** Whether a consumer or a webhook is to be told of the ends of calls. */
  readonly wantCalls: () => Promise<boolean>
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
