/** One kind of jobs on BullMQ. */
import { setTimeout as pause } from 'node:timers/promises'
import { type ConnectionOptions, type Job, Queue, Worker } from 'bullmq'
import type { JobState, JobView } from '../events/job.ts'
import type { JobKind, NewJob } from './job-kind.ts'

export interface QueueParts {
  readonly prefix: string
  readonly connection: ConnectionOptions
  readonly onError: (error: Error) => void
}

export interface WorkParts {
  readonly connection: ConnectionOptions
  readonly onError: (error: Error) => void
  /** Told of every attempt that ended. */
  readonly ended: (result: JobResult, about: Readonly<Record<string, string>>, error?: Error) => void
}

/** A queue as people look at it: a job is what they are shown of it. */
export interface ShownQueue {
  readonly queue: Queue
  readonly about: (data: object) => Readonly<Record<string, string>>
}

export type JobResult = 'done' | 'failed' | 'dead'

/** Ids are kept so long, so that what comes again is known. */
const DONE_KEPT = { age: 86_400, count: 10_000 }
const DEAD_KEPT = { age: 30 * 86_400, count: 50_000 }
const STACK_LINES = 5

/** How often a job may lose its daemon before it is dead: it may be what kills them. */
const LOST_DAEMONS = 5

const STATES = { dead: 'failed', waiting: 'waiting', delayed: 'delayed', active: 'active' } as const

export class JobQueue<Data extends object> {
  readonly kind: JobKind<Data>
  readonly #prefix: string
  readonly #queue: Queue<object>

  constructor(kind: JobKind<Data>, { prefix, connection, onError }: QueueParts) {
    this.kind = kind
    this.#prefix = prefix
    this.#queue = new Queue(kind.name, {
      prefix,
      connection,
      defaultJobOptions: {
        attempts: kind.attempts,
        backoff: { type: 'kind' },
        removeOnComplete: DONE_KEPT,
        removeOnFail: DEAD_KEPT,
        stackTraceLimit: STACK_LINES,
      },
    })
    this.#queue.on('error', onError)
  }

  async add(jobs: readonly NewJob<Data>[]): Promise<void> {
    await this.#queue.addBulk(
      jobs.map(({ id, data }) => ({ name: this.kind.name, data, opts: { jobId: plainId(id) } })),
    )
  }

  /** Works on jobs until the answer is called; it resolves when those under way are over or the deadline is. */
  work({ connection, onError, ended }: WorkParts): (deadlineMs: number) => Promise<void> {
    const { kind } = this
    const worker = new Worker<Data>(kind.name, (job) => kind.run(job.data, job.attemptsMade + 1), {
      prefix: this.#prefix,
      connection,
      concurrency: kind.atOnce,
      maxStalledCount: LOST_DAEMONS,
      settings: { backoffStrategy: (failed) => kind.pauseMs(failed) },
    })
    worker.on('error', onError)
    worker.on('completed', (job) => ended('done', kind.about(job.data)))
    worker.on('failed', (job, error) => {
      if (job) ended(isDead(job) ? 'dead' : 'failed', kind.about(job.data), error)
    })
    return (deadlineMs) => stopped(worker, deadlineMs)
  }

  async list(state: JobState, from: number, most: number): Promise<readonly JobView[]> {
    const jobs = await this.#queue.getJobs([STATES[state]], from, from + most - 1)
    return jobs.map((job) => this.#view(job, state))
  }

  count(state: JobState): Promise<number> {
    return this.#queue.getJobCountByTypes(STATES[state])
  }

  /** Has a dead job tried again, with all its attempts; false when there is none. */
  async retry(id: string): Promise<boolean> {
    const job = await this.#queue.getJob(id)
    if (!job || !(await job.isFailed())) return false
    await job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true })
    return true
  }

  get shown(): ShownQueue {
    return { queue: this.#queue, about: (data) => this.kind.about(data as Data) }
  }

  close(): Promise<void> {
    return this.#queue.close()
  }

  #view(job: Job<object>, state: JobState): JobView {
    return {
      queue: this.kind.name,
      id: job.id ?? '',
      state,
      attempts: job.attemptsMade,
      addedAtMs: job.timestamp,
      ...(job.finishedOn === undefined ? {} : { endedAtMs: job.finishedOn }),
      ...(job.failedReason ? { reason: job.failedReason } : {}),
      about: this.kind.about(job.data as Data),
    }
  }
}

/** BullMQ takes no ":" in an id. */
function plainId(id: string): string {
  return id.replaceAll('%', '%25').replaceAll(':', '%3A')
}

function isDead({ finishedOn }: Job): boolean {
  return finishedOn !== undefined
}

/** What is not over by the deadline is taken up by another daemon when its lock lapses. */
async function stopped(worker: Worker, deadlineMs: number): Promise<void> {
  const late = new AbortController()
  const closed = worker.close()
  closed.catch(() => undefined)
  await Promise.race([closed, pause(deadlineMs, undefined, { signal: late.signal }).catch(() => undefined)])
  late.abort()
}
