import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chargedSeconds } from '../../src/rating/billed-seconds.ts'
import { affordableSeconds, charge, explainCharge, type Price, priceOf, reservation } from '../../src/rating/charge.ts'
import { exactTotal } from '../../src/rating/exact-sum.ts'
import { naiveCharge, naiveRate } from '../rating/naive-rating.ts'
import { type RandomCall, randomCall, usedSeconds } from '../rating/random-tariffs.ts'
import { tariffOf } from '../rating/tariffs.ts'

const paidSeconds = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 4000 }))

/** Undefined where the rate at answer is blocked: such a call has no price. */
function priceOfRandom({ tariff, call }: RandomCall, limitSeconds?: number): Price | undefined {
  const { rows, timezone, rounding } = tariff
  const answer = priceOf(tariffOf(rows, { timezone, rounding }), { ...call, limitSeconds })
  const row = naiveRate(rows, call, call.answeredAtMs)
  expect(answer.kind).toBe(row?.blocked === true ? 'blocked' : 'priced')
  return answer.kind === 'priced' ? answer.price : undefined
}

/** Runs `check` on random prices. */
function forPrices<Rest extends unknown[]>(
  rest: { [Place in keyof Rest]: fc.Arbitrary<Rest[Place]> },
  check: (random: { price: Price } & RandomCall, ...rest: Rest) => void,
): void {
  fc.assert(
    fc.property(randomCall, fc.tuple(...rest), (random, values) => {
      const price = priceOfRandom(random)
      if (price) check({ price, ...random }, ...(values as Rest))
    }),
    { numRuns: 300 },
  )
}

describe('a charge', () => {
  it('is what a walk second by second in decimals comes to', () => {
    forPrices<[number, number]>([usedSeconds, paidSeconds], ({ price, tariff, call }, used, paid) => {
      const naive = naiveCharge(tariff, call, { used, paid })
      const { billedSeconds, micros } = charge(price, used, paid)
      expect({ billedSeconds, micros }).toEqual({ billedSeconds: naive.billedSeconds, micros: naive.charge })
      expect(reservation(price, used, paid)).toBe(naive.reservation)
    })
  }, 60_000)

  it('is never less for more talk', () => {
    forPrices<[number, number, number]>([usedSeconds, usedSeconds, paidSeconds], ({ price }, one, other, paid) => {
      const [less, more] = [Math.min(one, other), Math.max(one, other)]
      expect(charge(price, more, paid).micros).toBeGreaterThanOrEqual(charge(price, less, paid).micros)
      expect(charge(price, more).billedSeconds).toBeGreaterThanOrEqual(charge(price, less).billedSeconds)
    })
  })

  it('costs in slices what the whole costs', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 4000 }), { maxLength: 6 })
    forPrices<[number, number[]]>([usedSeconds, cuts], ({ price }, used, at) => {
      const billed = chargedSeconds(price, used)
      const ends = [...at.filter((second) => second < billed).toSorted((a, b) => a - b), billed]
      let paid = 0
      let sum = 0n
      for (const end of ends) {
        sum += exactTotal(price, { billed: end, paidSeconds: paid })
        paid = end
      }
      expect(sum).toBe(exactTotal(price, { billed, paidSeconds: 0 }))
    })
  })

  it('does not depend on how far ahead the price was cut', () => {
    forPrices<[number, number]>([usedSeconds, usedSeconds], ({ price, tariff, call }, used, more) => {
      const short = priceOfRandom({ tariff, call }, Math.max(used, 1))
      const long = priceOfRandom({ tariff, call }, Math.max(used + more, 1))
      if (!short || !long) throw new Error('the price depends on the limit')
      expect(charge(short, used)).toEqual(charge(price, used))
      expect(charge(long, used)).toEqual(charge(price, used))
    })
  })

  it('is explained by pieces that have its seconds and its sum', () => {
    forPrices<[number, number]>([usedSeconds, paidSeconds], ({ price }, used, paid) => {
      const told = explainCharge(price, used, paid)
      const { billedSeconds, micros } = charge(price, used, paid)
      const explained = told.pieces.reduce((sum, piece) => sum + piece.seconds, 0)
      expect(told).toMatchObject({ billedSeconds, micros })
      expect(explained).toBe(Math.max(billedSeconds - paid, 0))
    })
  })
})

describe('a reservation', () => {
  it('covers the charge of every call that is not longer, and never falls as seconds rise', () => {
    forPrices<[number, number, number]>([usedSeconds, usedSeconds, paidSeconds], ({ price }, one, other, paid) => {
      const [less, more] = [Math.min(one, other), Math.max(one, other)]
      const covered = reservation(price, more, paid)
      expect(covered).toBeGreaterThanOrEqual(reservation(price, less, paid))
      expect(covered).toBeGreaterThanOrEqual(charge(price, less, paid).micros)
      expect(covered).toBeGreaterThanOrEqual(charge(price, more, paid).micros)
    })
  })

  it('is within the money exactly up to the seconds that the money affords', () => {
    const micros = fc.oneof(fc.bigInt({ min: 0n, max: 2_000_000n }), fc.bigInt({ min: 0n, max: 20_000_000_000n }))
    const limit = fc.integer({ min: 0, max: 20_000 })
    forPrices<[bigint, number, number]>([micros, limit, paidSeconds], ({ price }, money, most, paid) => {
      const seconds = affordableSeconds(price, money, most, paid)
      expect(seconds).toBeLessThanOrEqual(most)
      expect(reservation(price, seconds, paid)).toBeLessThanOrEqual(money)
      if (seconds < most) expect(reservation(price, seconds + 1, paid)).toBeGreaterThan(money)
    })
  })

  it('affords the seconds of its own amount', () => {
    forPrices<[number, number]>([usedSeconds, paidSeconds], ({ price }, seconds, paid) => {
      const amount = reservation(price, seconds, paid)
      expect(affordableSeconds(price, amount, 20_000, paid)).toBeGreaterThanOrEqual(seconds)
      if (amount > 0n) expect(affordableSeconds(price, amount - 1n, 20_000, paid)).toBeLessThan(seconds)
    })
  })
})
