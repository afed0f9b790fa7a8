import { describe, expect, it } from 'vitest'
import { CallMemory, Recent } from '../../src/calls/memory.ts'
import { aRecord } from '../ledger/a-plan.ts'

describe('what a daemon remembers', () => {
  it('is no more than it may be, and what was used lately stays', () => {
    const recent = new Recent<string, number>(4)
    for (const [n, key] of ['a', 'b', 'c'].entries()) recent.set(key, n)
    expect(recent.get('a')).toBe(0)
    recent.set('d', 3)
    expect(['b', 'd', 'a'].map((key) => recent.get(key))).toEqual([undefined, 3, 0])
    recent.delete('d')
    expect(recent.get('d')).toBeUndefined()
  })

  it('holds the last half of its limit, whatever came before, and never more than the limit', () => {
    const recent = new Recent<number, number>(100)
    for (let n = 0; n < 1_000; n += 1) recent.set(n, n)
    const kept = Array.from({ length: 1_000 }, (_, n) => n).filter((n) => recent.get(n) !== undefined)
    expect(kept.length).toBeLessThanOrEqual(100)
    expect(kept).toEqual(expect.arrayContaining(Array.from({ length: 50 }, (_, n) => 950 + n)))
  })

  it('is the newest record of a call, until that is over', () => {
    const memory = new CallMemory()
    const record = aRecord('c1', 0)
    for (const state of ['authorized', 'answered', 'ending'] as const) {
      const kept = { ...record, state }
      memory.keep(kept)
      expect(memory.calls.get(record.legKey)).toBe(kept)
    }
    memory.keep({ ...record, state: 'ended' })
    expect(memory.calls.get(record.legKey)).toBeUndefined()
  })
})
