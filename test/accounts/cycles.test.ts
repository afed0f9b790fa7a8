import { describe, expect, it } from 'vitest'
import type { AccountProfile, Pool } from '../../src/accounts/account.ts'
import { cyclesDue, movedCycles, turnedCycles } from '../../src/accounts/cycles.ts'
import { newProfile } from '../../src/accounts/profile.ts'
import { newPool } from '../../src/accounts/pools.ts'
import { defaults } from '../support/offices.ts'

function at(text: string): number {
  return Date.parse(text)
}

const nowMs = at('2026-11-23T12:00:00Z')

function accountWith(input: Partial<Pool>, profileInput: Partial<AccountProfile> = {}): AccountProfile {
  const profile = newProfile({ id: 'acme', input: profileInput, defaults, nowMs })
  const context = { profile, defaults: defaults.pool, nowMs }
  return { ...profile, pools: [newPool('plan', { name: 'Plan', seconds: 18_000, resets: 'cycle', ...input }, context)] }
}

describe('the turn of a cycle', () => {
  it.each([
    ['2026-11-30T23:59:59.999Z', false],
    ['2026-12-01T00:00:00Z', true],
    ['2027-05-05T00:00:00Z', true],
  ])('at %s is due: %s', (when, due) => {
    const account = accountWith({})
    expect(cyclesDue(account, at(when))).toBe(due)
    expect(turnedCycles(account, at(when), {}) !== undefined).toBe(due)
  })

  it('grants what a cycle grants, whatever was left: 80 minutes of 300 become 300, not 380 (M6, M7)', () => {
    const turned = turnedCycles(accountWith({}), at('2026-12-01T00:00:00Z'), {})
    expect(turned?.moves).toEqual([['acme', 'p:plan:2:g', 18_000]])
    expect(turned?.profile).toMatchObject({ version: 2, pools: [{ cycle: 2, seconds: 18_000 }] })
  })

  it.each([
    ['UTC', 1, '2026-12-01T00:00:00Z'],
    ['Asia/Tokyo', 1, '2026-11-30T15:00:00Z'],
    ['America/New_York', 15, '2026-12-15T05:00:00Z'],
    ['Europe/Berlin', 23, '2026-12-22T23:00:00Z'],
    ['UTC', 31, '2026-11-30T00:00:00Z'],
  ])('is midnight in %s on day %i: %s', (timezone, cycleDay, expected) => {
    const [pool] = accountWith({}, { timezone, cycleDay }).pools
    expect(pool?.resetsAtMs).toBe(at(expected))
  })

  it('keeps the anchor of day 31 through a short month (G6)', () => {
    const turned = turnedCycles(accountWith({}, { cycleDay: 31 }), at('2027-02-28T00:00:00Z'), {})
    expect(turned?.profile.pools[0]?.resetsAtMs).toBe(at('2027-03-31T00:00:00Z'))
  })

  it('passes pools by that never reset or have expired', () => {
    const expired = accountWith({ expiresAtMs: at('2026-11-30T00:00:00Z') })
    const never = accountWith({ resets: 'never' })
    for (const account of [expired, never])
      expect(turnedCycles(account, at('2027-01-01T00:00:00Z'), {})).toBeUndefined()
  })

  it('moves with the cycle day and the zone, but not for a cycle that is over already', () => {
    const before = accountWith({})
    const later = { ...before, cycleDay: 20 }
    expect(movedCycles(later, before, nowMs).pools[0]?.resetsAtMs).toBe(at('2026-12-20T00:00:00Z'))
    expect(movedCycles({ ...before, timezone: 'Asia/Tokyo' }, before, nowMs).pools[0]?.resetsAtMs).toBe(
      at('2026-11-30T15:00:00Z'),
    )
    expect(movedCycles(later, before, at('2026-12-02T00:00:00Z'))).toEqual(later)
    expect(movedCycles({ ...before, name: 'x' }, before, nowMs).pools).toEqual(before.pools)
  })
})
