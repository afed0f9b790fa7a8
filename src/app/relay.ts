/** The relay of this daemon: from the outbox of every partition to whoever wants events. */
import { randomBytes } from 'node:crypto'
import type { EventSink, ReadEntry, UntoldEntry } from '../events/event-stream.ts'
import { Relay } from '../jobs/relay.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { callEndedEvent, outboxEvent } from '../store/event-entries.ts'
import { RedisCallEndings } from '../store/redis-call-endings.ts'
import { RedisEventStream } from '../store/redis-event-stream.ts'
import type { RedisStore } from '../store/redis.ts'
import type { Core } from './core.ts'
import type { Loops } from './loops.ts'

const MOVE_MS = 250
const CLAIM_MS = 5_000
const CLAIM_AFTER_MS = 10_000
const TIDY_MS = 5_000
const READER_BYTES = 8

const LOOK_MS = 1_000

/** How the entries of each source are read. */
export const readers = { outbox: outboxEvent, cdrs: callEndedEvent } as const satisfies Readonly<
  Record<string, ReadEntry>
>

export interface RelayParts {
  readonly core: Core
  /** Apart from the one that decisions are made on. */
  readonly store: RedisStore
  readonly sinks: readonly EventSink[]
  readonly untold: (entries: readonly UntoldEntry[]) => Promise<void>
  /** Whether a consumer or a webhook is to be told of the ends of calls. */
  readonly wantCalls: () => Promise<boolean>
  readonly loops: Loops
  readonly log: Logger
  readonly metrics: Metrics
}

export function startRelay(parts: RelayParts): void {
  const { core, store, sinks, untold, wantCalls, loops, log, metrics } = parts
  const { keys, partitions, clock } = core
  const outbox = new RedisEventStream({
    ...reading(store),
    name: 'outbox',
    key: keys.outbox,
    read: readers.outbox,
    from: '0',
    trims: true,
  })
  const endings = callEndings(core, store)
  const relay = new Relay({ sources: [outbox, endings], sinks, untold, partitions, log })
  let hasMore = false
  const move = async (): Promise<void> => {
    hasMore = false
    hasMore = await relay.move()
  }
  const tidy = async (): Promise<void> => {
    const { entries, oldestMs } = await relay.tidy()
    metrics.outboxLag(entries, oldestMs === undefined ? 0 : Math.max(0, clock.nowMs() - oldestMs) / 1_000)
  }
  const look = async (): Promise<void> => ((await wantCalls()) ? endings.listen() : endings.look())
  loops.start({ name: 'relay', everyMs: () => (hasMore ? 0 : MOVE_MS), round: move })
  loops.start({ name: 'relay claims', everyMs: () => CLAIM_MS, round: () => relay.claim() })
  loops.start({ name: 'outbox', everyMs: () => TIDY_MS, round: tidy })
  loops.start({ name: 'listeners', everyMs: () => LOOK_MS, round: look })
}

/** The ends of calls, for this daemon to read or to listen to. */
export function callEndings(core: Core, store: RedisStore): RedisCallEndings {
  const { keys, partitions } = core
  const stream = new RedisEventStream({
    ...reading(store),
    name: 'cdrs',
    key: keys.cdrs,
    read: readers.cdrs,
    from: '$',
    trims: false,
  })
  return new RedisCallEndings({ store, keys, partitions, stream })
}

function reading(store: RedisStore) {
  return { store, reader: randomBytes(READER_BYTES).toString('hex'), claimAfterMs: CLAIM_AFTER_MS }
}
