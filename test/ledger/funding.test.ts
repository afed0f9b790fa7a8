import { describe, expect, it } from 'vitest'
import type { AccountProfile, Pool } from '../../src/accounts/account.ts'
import { newPool } from '../../src/accounts/pools.ts'
import { newProfile } from '../../src/accounts/profile.ts'
import { refused } from '../../src/base/outcome.ts'
import type { LevelFigures } from '../../src/ledger/figures.ts'
import { type FundingAsk, type LevelPrice, planFunding } from '../../src/ledger/funding.ts'
import type { PoolPart } from '../../src/ledger/hold.ts'
import { PER_SECOND, priceBy } from '../rating/tariffs.ts'
import { defaults } from '../support/offices.ts'

/** A thousand micros a second. */
const priced: LevelPrice = { kind: 'priced', price: priceBy({ perMinute: '0.06', ...PER_SECOND }) }
const noRate: LevelPrice = { kind: 'refused', refusal: refused('no_rate', 'no price') }

function profile(changes: Partial<AccountProfile> = {}): AccountProfile {
  return { ...newProfile({ id: 'acme', input: {}, defaults, nowMs: 0 }), ...changes }
}

function pool(id: string, changes: Partial<Pool> = {}): Pool {
  const made = newPool(id, { name: id, seconds: 600 }, { profile: profile(), defaults: defaults.pool, nowMs: 0 })
  return { ...made, freeSeconds: 0, increment: 1, ...changes }
}

function part(id: string, seconds: number, changes: Partial<PoolPart> = {}): PoolPart {
  return { pool: id, cycle: 1, seconds, increment: 1, freeSeconds: 0, onExhausted: 'finish_call', ...changes }
}

function ask(changes: Partial<FundingAsk> = {}): FundingAsk {
  return { profile: profile(), ownKind: 'outbound', pools: [], price: priced, seconds: 60, ...changes }
}

function figures(changes: Partial<LevelFigures> = {}): LevelFigures {
  const nothing = { calls: 0, ownUsed: 0, twoWayUsed: 0, spentToday: 0n, spentThisMonth: 0n }
  return { credit: 0n, reserved: 0n, pools: {}, ...nothing, ...changes }
}

const trunks = { inbound: 0, outbound: 1, twoWay: 1 }
const busy = { ownUsed: 1, twoWayUsed: 1 }

describe('who pays for a call that begins', () => {
  it('is a trunk after credit only while credit has as little as was seen', () => {
    const account = profile({ trunks, funding: ['credit', 'trunk'] })
    const plan = planFunding(ask({ profile: account }), figures({ credit: 500n }))
    expect(plan).toMatchObject({ kind: 'funded', hold: { trunk: 'outbound' }, exactlyAvailable: 500n })
  })

  it('is no trunk where none is owned, though what is remembered of its channels is less than none', () => {
    const plan = planFunding(ask(), figures({ credit: 99_000n, ownUsed: -1, twoWayUsed: -1 }))
    expect(plan).toMatchObject({ kind: 'funded', hold: { credit: 60_000n }, asksTrunks: false })
  })

  it.each<[string, Partial<FundingAsk>, Partial<LevelFigures>, string]>([
    ['nobody', {}, {}, 'no_credit'],
    ['no credit without a price', { price: noRate }, { credit: 99n }, 'no_rate'],
    [
      'no credit that is not among the sources',
      { profile: profile({ funding: ['pool'] }) },
      { credit: 99_000n },
      'no_credit',
    ],
    ['no pool that is empty', { pools: [pool('a')] }, { credit: 99_000n }, 'no_minutes'],
    ['no pool that spills to nothing', { pools: [pool('a', { onExhausted: 'spill' })] }, {}, 'no_credit'],
    ['no trunk that is busy', { profile: profile({ trunks }) }, busy, 'trunk_limit'],
    ['no trunk that is not asked', { profile: profile({ trunks, funding: ['credit'] }) }, busy, 'no_credit'],
    [
      'nobody, as a cap leaves nothing',
      { profile: profile({ spendCaps: { day: 5n } }) },
      { credit: 99_000n, spentToday: 5n },
      'spend_cap',
    ],
    [
      'nobody, as credit leaves nothing, and a cap neither',
      { profile: profile({ spendCaps: { day: 5n } }) },
      { spentToday: 5n },
      'no_credit',
    ],
    [
      'nobody beyond the limit of calls, whatever is lacking too',
      { profile: profile({ maxCalls: 2 }) },
      { calls: 2 },
      'call_limit',
    ],
    [
      'nobody without a price, whatever the limit of calls',
      { profile: profile({ maxCalls: 2 }), price: noRate },
      { calls: 2 },
      'no_rate',
    ],
  ])('is %s', (_what, asks, found, code) => {
    expect(planFunding(ask(asks), figures(found))).toMatchObject({ kind: 'refused', code })
  })

  it.each<[string, Partial<FundingAsk>, Partial<LevelFigures>, object]>([
    [
      'a trunk of its direction',
      { profile: profile({ trunks }) },
      {},
      { hold: { trunk: 'outbound' }, asksTrunks: true },
    ],
    ['a two-way trunk', { profile: profile({ trunks }) }, { ownUsed: 1 }, { hold: { trunk: 'twoWay' } }],
    ['a trunk, without a price', { profile: profile({ trunks }), price: noRate }, {}, { hold: { trunk: 'outbound' } }],
    [
      'a pool',
      { pools: [pool('a')] },
      { pools: { a: 99 } },
      { hold: { pools: [part('a', 60)], credit: 0n }, exactPools: {} },
    ],
    [
      'a pool, in whole increments',
      { pools: [pool('a', { increment: 60 })], seconds: 61 },
      { pools: { a: 300 } },
      { hold: { pools: [{ seconds: 120 }] } },
    ],
    [
      'the last of a pool, and the rest goes unpaid',
      { pools: [pool('a')] },
      { pools: { a: 20 } },
      { hold: { pools: [part('a', 20)], unpaid: true }, seconds: 60, exactPools: { a: 20 } },
    ],
    [
      'the last of a pool that cuts',
      { pools: [pool('a', { onExhausted: 'cut' })] },
      { pools: { a: 20 } },
      { seconds: 20, finalReason: 'no_minutes', exactPools: { a: 20 } },
    ],
    [
      'the last of a pool, then credit',
      { pools: [pool('a', { onExhausted: 'spill' })] },
      { credit: 99_000n, pools: { a: 20 } },
      { hold: { credit: 40_000n }, seconds: 60, exactPools: { a: 20 } },
    ],
    ['credit', {}, { credit: 99_000n }, { hold: { pools: [], credit: 60_000n }, seconds: 60 }],
    ['credit to the last micro', {}, { credit: 60_000n }, { hold: { credit: 60_000n }, seconds: 60 }],
    [
      'what is left of credit, if nothing else takes it',
      {},
      { credit: 90_000n, reserved: 30_001n },
      { hold: { credit: 59_000n }, seconds: 59, finalReason: 'no_credit', exactlyAvailable: 59_999n },
    ],
    [
      'credit below zero within the limit',
      { profile: profile({ creditLimit: 60_000n }) },
      {},
      { hold: { credit: 60_000n } },
    ],
    [
      'what a cap of the month leaves',
      { profile: profile({ spendCaps: { day: 90_000n, month: 50_000n } }) },
      { credit: 99_000n, reserved: 10_000n, spentThisMonth: 5_000n, spentToday: 5_000n },
      { seconds: 35, finalReason: 'spend_cap' },
    ],
    [
      'nobody, where money takes no part',
      { price: { kind: 'unpriced' } },
      {},
      { hold: { pools: [], credit: 0n }, seconds: 60 },
    ],
    ['credit without any, where it is forced', { forced: true }, {}, { hold: { credit: 60_000n }, seconds: 60 }],
    [
      'nobody, where it is forced and has no price',
      { forced: true, price: noRate },
      {},
      { hold: { credit: 0n }, seconds: 60 },
    ],
    [
      'whoever, beyond the limit of calls, where it is forced',
      { forced: true, profile: profile({ maxCalls: 0 }) },
      { credit: 99_000n },
      { seconds: 60 },
    ],
  ])('is %s', (_what, asks, found, plan) => {
    expect(planFunding(ask(asks), figures(found))).toMatchObject({ kind: 'funded', ...plan })
  })
})

describe('who pays for a call that goes on', () => {
  const credit = { pools: [], credit: 60_000n }

  it.each<[string, Partial<FundingAsk>, Partial<LevelFigures>, object]>([
    [
      'the trunk that it has, though its limit is lower now',
      { held: { trunk: 'twoWay', pools: [], credit: 0n } },
      busy,
      { hold: { trunk: 'twoWay' }, seconds: 120 },
    ],
    [
      'credit, in place of what was held',
      { held: credit },
      { credit: 120_000n, reserved: 60_000n },
      { hold: { credit: 120_000n }, seconds: 120 },
    ],
    [
      'what is left of credit and what it held',
      { held: credit },
      { credit: 99_000n, reserved: 60_000n },
      { hold: { credit: 99_000n }, seconds: 99, exactlyAvailable: 39_000n },
    ],
    [
      'a pool, in place of what was held',
      { held: { pools: [part('a', 60)], credit: 0n }, pools: [pool('a')] },
      { pools: { a: 60 } },
      { hold: { pools: [part('a', 120)] }, seconds: 120 },
    ],
    [
      'a new cycle after the seconds of the old one',
      { held: { pools: [part('a', 60)], credit: 0n }, pools: [pool('a', { cycle: 2 })] },
      { pools: { a: 300 } },
      { hold: { pools: [part('a', 60), part('a', 60, { cycle: 2 })] } },
    ],
    [
      'no new cycle once it went on unpaid',
      { held: { pools: [part('a', 60)], credit: 0n, unpaid: true }, pools: [pool('a', { cycle: 2 })] },
      { pools: { a: 300 } },
      { hold: { pools: [part('a', 60)], unpaid: true }, seconds: 120 },
    ],
    [
      'minutes of its own cycle that became free, once it went on unpaid',
      { held: { pools: [part('a', 60)], credit: 0n, unpaid: true }, pools: [pool('a')] },
      { pools: { a: 30 } },
      { hold: { pools: [part('a', 90)], unpaid: true } },
    ],
    [
      'no pool, when it began with credit',
      { held: credit, pools: [pool('a')] },
      { credit: 120_000n, reserved: 60_000n, pools: { a: 300 } },
      { hold: { pools: [], credit: 120_000n } },
    ],
  ])('is %s', (_what, asks, found, plan) => {
    expect(planFunding(ask({ seconds: 120, ...asks }), figures(found))).toMatchObject({ kind: 'funded', ...plan })
  })

  it('is nobody when credit has no more than it held', () => {
    const found = figures({ credit: 60_000n, reserved: 60_000n })
    expect(planFunding(ask({ seconds: 120, held: credit }), found)).toMatchObject({
      kind: 'funded',
      seconds: 60,
      finalReason: 'no_credit',
    })
  })
})
