import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { inTime, LATE } from '../../../src/edges/sip/in-time.ts'

const LONG_MS = 60_000
const never = new Promise<string>(() => undefined)

describe('a wait with an end', () => {
  it('has the outcome of what came in time, and leaves nothing behind at what may break it off', async () => {
    const { signal } = new AbortController()
    expect(await inTime(Promise.resolve('here'), LONG_MS, signal)).toBe('here')
    await expect(inTime(Promise.reject(new Error('refused')), LONG_MS, signal)).rejects.toThrow('refused')
    expect(await inTime(never, 1, signal)).toBe(LATE)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('ends when the connection does, and does not begin when that is gone', async () => {
    const connection = new AbortController()
    const waiting = inTime(never, LONG_MS, connection.signal)
    connection.abort()
    expect(await waiting).toBe(LATE)
    expect(await inTime(never, LONG_MS, connection.signal)).toBe(LATE)
    expect(getEventListeners(connection.signal, 'abort')).toEqual([])
  })
})
