/** All queues of the installation: they are added to and looked at by every daemon, and worked on where that is its role. */
import type { ConnectionOptions } from 'bullmq'
import type { FastifyPluginCallback } from 'fastify'
import type { Page } from '../accounts/office.ts'
import type { JobDesk, JobFilter, JobView } from '../events/job.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { openBoard } from './board.ts'
import type { JobKind } from './job-kind.ts'
import { JobQueue } from './job-queue.ts'

export interface JobQueuesParts {
  /** Of the keys of a queue. */
  readonly prefix: (queue: string) => string
  /** Fails at once where the store is away. */
  readonly adding: ConnectionOptions
  readonly log: Logger
  readonly metrics: Metrics
}

export class JobQueues implements JobDesk {
  readonly #parts: JobQueuesParts
  readonly #queues: JobQueue<never>[] = []
  readonly #stops: ((deadlineMs: number) => Promise<void>)[] = []

  constructor(parts: JobQueuesParts) {
    this.#parts = parts
  }

  open<Data extends object>(kind: JobKind<Data>): JobQueue<Data> {
    const { prefix, adding } = this.#parts
    const queue = new JobQueue(kind, { prefix: prefix(kind.name), connection: adding, onError: this.#failed })
    this.#queues.push(queue)
    return queue
  }

  /** This daemon takes its share of the work of every queue that was opened. */
  work(connection: ConnectionOptions): void {
    const { log, metrics } = this.#parts
    for (const queue of this.#queues) {
      const { name } = queue.kind
      const stop = queue.work({
        connection,
        onError: this.#failed,
        ended: (result, about, error) => {
          metrics.jobEnded(name, result)
          if (result === 'dead') log.error({ queue: name, ...about, err: error }, 'a job failed for good')
          if (result === 'failed') log.warn({ queue: name, ...about, why: error?.message }, 'a job failed')
        },
      })
      this.#stops.push(stop)
    }
  }

  /** Takes no new jobs; resolves when those under way are over or the deadline is. */
  async rest(deadlineMs: number): Promise<void> {
    await Promise.all(this.#stops.splice(0).map((stop) => stop(deadlineMs)))
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#queues.map((queue) => queue.close()))
  }

  get queues(): readonly string[] {
    return this.#queues.map(({ kind }) => kind.name)
  }

  async list({ state, queue, cursor = '0.0', limit }: JobFilter): Promise<Page<JobView>> {
    const asked = this.#queues.filter(({ kind }) => queue === undefined || kind.name === queue)
    const [first = 0, offset = 0] = cursor.split('.').map(Number)
    const items: JobView[] = []
    let from = offset
    for (let place = first; place < asked.length; place += 1, from = 0) {
      const found = (await asked[place]?.list(state, from, limit - items.length)) ?? []
      items.push(...found)
      if (items.length === limit) return { items, nextCursor: `${place}.${from + found.length}` }
    }
    return { items }
  }

  async retry(queue: string, id: string): Promise<boolean> {
    const found = this.#queues.find(({ kind }) => kind.name === queue)
    return (await found?.retry(id)) ?? false
  }

  /** Bull Board over all queues that were opened, for a path. */
  board(path: string): Promise<FastifyPluginCallback> {
    return openBoard(
      this.#queues.map(({ shown }) => shown),
      path,
    )
  }

  async gauges(): Promise<void> {
    for (const queue of this.#queues) {
      this.#parts.metrics.deadLetters(queue.kind.name, await queue.count('dead'))
      this.#parts.metrics.jobsWaiting(queue.kind.name, (await queue.count('waiting')) + (await queue.count('delayed')))
    }
  }

  /** Connections come back by themselves. */
  readonly #failed = (error: Error): void => {
    this.#parts.metrics.storeFailed('store_unavailable')
    this.#parts.log.debug({ err: error }, 'a queue cannot reach Redis')
  }
}
