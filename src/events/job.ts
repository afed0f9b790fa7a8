/** Jobs as people see and repeat them; what runs them is outside. */
import type { Page } from '../accounts/office.ts'

export const jobStates = ['dead', 'waiting', 'delayed', 'active'] as const

/** `dead`: all attempts failed, and nobody tries again unless asked. */
export type JobState = (typeof jobStates)[number]

export interface JobView {
  readonly queue: string
  readonly id: string
  readonly state: JobState
  /** Attempts that ended. */
  readonly attempts: number
  readonly addedAtMs: number
  /** When it was given up. */
  readonly endedAtMs?: number
  /** Why the last attempt failed. */
  readonly reason?: string
  /** Which event of which account it is about. */
  readonly about: Readonly<Record<string, string>>
}

/** Cursors of jobs: "<queue>.<offset>". */
export const JOB_CURSOR = /^\d{1,3}\.\d{1,9}$/

export interface JobFilter {
  readonly state: JobState
  readonly queue?: string
  readonly cursor?: string
  readonly limit: number
}

export interface JobDesk {
  readonly queues: readonly string[]
  list(filter: JobFilter): Promise<Page<JobView>>
  /** Has a dead job tried again with all its attempts; false when there is none of that id. */
  retry(queue: string, id: string): Promise<boolean>
}
