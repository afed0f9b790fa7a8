import { describe, expect, it } from 'vitest'
import { chargeOf, poolMoves } from '../../src/calls/charging.ts'
import { refused } from '../../src/base/outcome.ts'
import type { LevelPrice } from '../../src/ledger/funding.ts'
import type { Hold, PoolPart } from '../../src/ledger/hold.ts'
import { PER_SECOND, priceBy } from '../rating/tariffs.ts'

const bySecond: LevelPrice = { kind: 'priced', price: priceBy({ perMinute: '0.06', ...PER_SECOND }) }
const byMinute: LevelPrice = { kind: 'priced', price: priceBy({ perMinute: '0.06', connectFee: '0.5' }) }
const noRate: LevelPrice = { kind: 'refused', refusal: refused('no_rate', 'no price') }
const unpriced: LevelPrice = { kind: 'unpriced' }

function part(pool: string, seconds: number, changes: Partial<PoolPart> = {}): PoolPart {
  return { pool, cycle: 1, seconds, increment: 1, freeSeconds: 0, onExhausted: 'finish_call', ...changes }
}

function held(changes: Partial<Hold>): Hold {
  return { pools: [], credit: 0n, ...changes }
}

const spills = { onExhausted: 'spill' } as const
const minutes = { increment: 60, freeSeconds: 30 }

describe('what a call owes', () => {
  it.each<[string, Hold, LevelPrice, number, object]>([
    ['nothing on a trunk', held({ trunk: 'outbound' }), bySecond, 90, { micros: 0n, billedSeconds: 90 }],
    ['nothing without talk', held({}), byMinute, 0, { micros: 0n, billedSeconds: 0 }],
    ['credit', held({ credit: 1n }), bySecond, 90, { micros: 90_000n, billedSeconds: 90, pools: [] }],
    ['credit in whole increments, and the fee', held({}), byMinute, 61, { micros: 620_000n, billedSeconds: 120 }],
    ['nothing, unrated, without a price', held({}), noRate, 90, { micros: 0n, billedSeconds: 0, unrated: true }],
    ['nothing where money takes no part', held({}), unpriced, 90, { micros: 0n, billedSeconds: 90 }],
    [
      'minutes',
      held({ pools: [part('a', 120)] }),
      bySecond,
      90,
      { micros: 0n, billedSeconds: 90, pools: [part('a', 90)] },
    ],
    [
      'whole minutes',
      held({ pools: [part('a', 120, minutes)] }),
      bySecond,
      61,
      { billedSeconds: 120, pools: [{ seconds: 120 }] },
    ],
    [
      'no minutes up to 30 s',
      held({ pools: [part('a', 120, minutes)] }),
      bySecond,
      30,
      { billedSeconds: 0, pools: [] },
    ],
    [
      'one minute from 31 s',
      held({ pools: [part('a', 120, minutes)] }),
      bySecond,
      31,
      { billedSeconds: 60, overrunSeconds: 0 },
    ],
    [
      'minutes of several pools in their order',
      held({ pools: [part('a', 50), part('b', 50)] }),
      bySecond,
      70,
      { pools: [part('a', 50), part('b', 20)] },
    ],
    [
      'what the pools had, the rest is an overrun',
      held({ pools: [part('a', 50)], unpaid: true }),
      bySecond,
      70,
      { micros: 0n, billedSeconds: 70, overrunSeconds: 20 },
    ],
    ['nothing when the pools had nothing', held({ unpaid: true }), bySecond, 70, { micros: 0n, overrunSeconds: 70 }],
    [
      'credit after minutes that spill, without the fee',
      held({ pools: [part('a', 60, spills)] }),
      byMinute,
      61,
      { micros: 60_000n, billedSeconds: 120 },
    ],
    [
      'no credit beside minutes that paid for all',
      held({ pools: [part('a', 50, spills)] }),
      byMinute,
      20,
      { micros: 0n, billedSeconds: 20 },
    ],
    [
      'no credit while one pool does not spill',
      held({ pools: [part('a', 50, spills), part('b', 5)] }),
      bySecond,
      70,
      { micros: 0n, overrunSeconds: 15 },
    ],
    [
      'minutes only, unrated beyond them without a price',
      held({ pools: [part('a', 50, spills)] }),
      noRate,
      70,
      { micros: 0n, pools: [{ seconds: 50 }], unrated: true },
    ],
  ])('is %s', (_what, hold, price, seconds, owed) => {
    expect(chargeOf(hold, price, seconds)).toMatchObject(owed)
  })
})

describe('the moves of pools', () => {
  it('lead from what was held and charged to what is charged now, each cycle by itself', () => {
    const before = [part('a', 30), part('b', 10)]
    const now = [part('a', 45), part('a', 5, { cycle: 2 })]
    expect(poolMoves([part('a', 60), part('c', 60)], before, now)).toEqual([
      { pool: 'a', cycle: 1, reserved: -60, used: 15 },
      { pool: 'c', cycle: 1, reserved: -60, used: 0 },
      { pool: 'b', cycle: 1, reserved: 0, used: -10 },
      { pool: 'a', cycle: 2, reserved: 0, used: 5 },
    ])
  })

  it('are none where nothing moves', () => {
    expect(poolMoves([], [part('a', 30)], [part('a', 30)])).toEqual([])
  })
})
