import { describe, expect, it } from 'vitest'
import { cutAtMs, dueAtMs, grantEndsAtMs, isAlive } from '../../src/calls/schedule.ts'
import { aRecord, NOW_MS } from '../ledger/a-plan.ts'
import { World } from '../support/desk.ts'

const { policy } = new World({ name: 'none', on: 'model', daemons: 1 })

const call = aRecord('c1', 0, { state: 'answered', connectedAtMs: NOW_MS, grantedSeconds: 60 })

describe('a call is due', () => {
  it('when its setup ends, while it is not answered', () => {
    expect(dueAtMs(aRecord('c1', 0), policy, NOW_MS + 5)).toBe(NOW_MS + 180_000)
  })

  it('ahead of the end of its slice, to be extended', () => {
    expect(dueAtMs(call, policy, NOW_MS)).toBe(NOW_MS + 50_000)
  })

  it('further ahead of it, where its parties are to be warned', () => {
    expect(dueAtMs(call, { ...policy, warnSeconds: 25 }, NOW_MS)).toBe(NOW_MS + 35_000)
  })

  it('not before half of what is left of a short slice', () => {
    expect(dueAtMs({ ...call, grantedSeconds: 8 }, policy, NOW_MS)).toBe(NOW_MS + 4_000)
    expect(dueAtMs(call, policy, NOW_MS + 58_000)).toBe(NOW_MS + 59_000)
    expect(dueAtMs(call, policy, NOW_MS + 70_000)).toBe(NOW_MS + 60_000)
  })

  it.each([
    ['with its last slice', { finalReason: 'no_credit' }],
    ['that its edge extends', { mode: 'edge' }],
    ['that nobody extends', { mode: 'whole' }],
  ] as const)('a little before its money ends, %s', (_what, changes) => {
    const record = { ...call, ...changes }
    expect(dueAtMs(record, policy, NOW_MS)).toBe(cutAtMs(record, policy))
    expect(cutAtMs(record, policy)).toBe(NOW_MS + 59_500)
  })

  it('a while after each time that its edge was asked to end it', () => {
    const ending = { ...call, state: 'ending', endingSinceMs: NOW_MS } as const
    const dues = [0, 1, 2, 5].map((endAttempts) => dueAtMs({ ...ending, endAttempts }, policy, NOW_MS) - NOW_MS)
    expect(dues).toEqual([3_000, 3_000, 6_000, 15_000])
  })

  it('is known to be alive for a while, that last instant included', () => {
    expect([119_999, 120_000, 120_001].map((ms) => isAlive(call, policy, NOW_MS + ms))).toEqual([true, true, false])
  })

  it('has no end of a grant before it is answered', () => {
    expect(() => grantEndsAtMs(aRecord('c1', 0))).toThrow('only an answered call')
  })
})
