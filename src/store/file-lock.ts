/**
 * A lock that the kernel gives back when its holder dies, however it dies, so none is ever stale and none has to be
 * broken. SQLite's exclusive transaction is the portable way to one; the file stays empty.
 */
import { chmodSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { Fault } from '../base/fault.ts'

export interface FileLock {
  release(): void
}

const RETRY_MS = 20

/** Takes the lock; undefined when somebody else has it, in this process or another. */
export function tryLock(file: string): FileLock | undefined {
  const database = new DatabaseSync(file, { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
    chmodSync(file, 0o600)
  } catch (error) {
    database.close()
    if (isBusy(error)) return undefined
    throw error
  }
  return {
    release() {
      if (database.isOpen) database.close()
    },
  }
}

/** Does the work while holding the lock; Fault(store_unavailable) when it does not become free in time. */
export async function withLock<T>(
  lock: { readonly file: string; readonly deadlineMs: number },
  work: () => Promise<T>,
): Promise<T> {
  const giveUpAtMs = performance.now() + lock.deadlineMs
  let held = tryLock(lock.file)
  while (!held) {
    if (performance.now() > giveUpAtMs) {
      throw new Fault('store_unavailable', `another process holds ${lock.file}`, { retryable: true })
    }
    await pause(RETRY_MS)
    held = tryLock(lock.file)
  }
  try {
    return await work()
  } finally {
    held.release()
  }
}

const SQLITE_BUSY = 5

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY
}
