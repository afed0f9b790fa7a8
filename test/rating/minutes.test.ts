import { describe, expect, it } from 'vitest'
import { InvariantError } from '../../src/base/fault.ts'
import { poolReservation, poolSeconds } from '../../src/rating/minutes.ts'

const MINUTES = { increment: 60, freeSeconds: 30 }

describe('minutes of a pool', () => {
  it.each([
    ['R1', 30, 0],
    ['R1', 31, 60],
    ['R2', 0, 0],
    ['R2', 29, 0],
    ['R3', 31, 60],
    ['R3', 60, 60],
    ['R3', 61, 120],
  ])('%s: a call of %i s counts %i s', (_rule, usedSeconds, counted) => {
    expect(poolSeconds(MINUTES, usedSeconds)).toBe(counted)
  })

  it('are put aside without the threshold, as the call may pass it', () => {
    expect([0, 1, 30, 60, 61].map((seconds) => poolReservation(MINUTES, seconds))).toEqual([0, 60, 60, 60, 120])
  })

  it('are of whole seconds and of increments that are longer than nothing', () => {
    expect(() => poolReservation({ increment: 0 }, 60)).toThrow(InvariantError)
    expect(() => poolReservation({ increment: 60 }, 1.5)).toThrow(InvariantError)
    expect(() => poolReservation({ increment: 60 }, -1)).toThrow(InvariantError)
  })
})
