import { describe, expect, it } from 'vitest'
import { CallMemory, Recent } from '../../src/calls/memory.ts'
import { aRecord } from '../ledger/a-plan.ts'

describe('what a daemon remembers', () => {
  it('is no more than it may be, and what was not used for longest goes first', () => {
    const recent = new Recent<string, number>(3)
    for (const [n, key] of ['a', 'b', 'c'].entries()) recent.set(key, n)
    recent.get('a')
    recent.set('b', 9)
    recent.set('d', 3)
    expect(['a', 'b', 'c', 'd'].map((key) => recent.get(key))).toEqual([0, 9, undefined, 3])
    recent.delete('a')
    expect(recent.get('a')).toBeUndefined()
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
