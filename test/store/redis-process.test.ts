import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { isRunning } from '../../src/store/redis-process.ts'

/** A process that has ended, and that this one has not waited for yet. */
function ended(): number {
  const { pid = 0 } = spawn('true')
  const giveUpAtMs = performance.now() + 5_000
  while (!readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z'))
    if (performance.now() > giveUpAtMs) throw new Error('it does not end')
  return pid
}

describe('a process that has ended', () => {
  it('runs no more', async () => {
    expect(await isRunning(ended())).toBe(false)
  })

  it('runs no more where it is waited for while one looks', async () => {
    const pid = ended()
    // What is read of it is read later than that.
    const busy = Array.from({ length: 200 }, () => stat(process.execPath))
    expect(await isRunning(pid)).toBe(false)
    await Promise.all(busy)
  })

  it('is another thing than one that runs', async () => {
    expect(await isRunning(process.pid)).toBe(true)
  })
})
