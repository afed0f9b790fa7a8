import fc from 'fast-check'
import { expect, it } from 'vitest'
import { poolReservation, poolSeconds } from '../../src/rating/minutes.ts'

const increment = fc.integer({ min: 1, max: 600 })
const seconds = fc.integer({ min: 0, max: 100_000 })

it('a pool gives whole increments, at least what was used and less than one increment more', () => {
  fc.assert(
    fc.property(increment, seconds, (length, used) => {
      const counted = poolReservation({ increment: length }, used)
      expect(counted % length).toBe(0)
      expect(counted).toBeGreaterThanOrEqual(used)
      expect(counted).toBeLessThan(used + length)
    }),
  )
})

it('what is put aside covers every call that is not longer', () => {
  fc.assert(
    fc.property(increment, fc.integer({ min: 0, max: 120 }), seconds, seconds, (length, freeSeconds, one, other) => {
      const terms = { increment: length, freeSeconds }
      const [less, more] = [Math.min(one, other), Math.max(one, other)]
      expect(poolReservation(terms, more)).toBeGreaterThanOrEqual(poolSeconds(terms, less))
      expect(poolSeconds(terms, more)).toBeGreaterThanOrEqual(poolSeconds(terms, less))
    }),
  )
})
