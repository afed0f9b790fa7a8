import { describe, expect, it } from 'vitest'
import { InvariantError } from '../../src/base/fault.ts'
import { affordableSeconds, charge, priceOf, reservation } from '../../src/rating/charge.ts'
import type { RateRow, Rounding } from '../../src/rating/tariff.ts'
import { MONDAY_EVENING, PER_SECOND, priceBy, priceIn, tariffOf } from './tariffs.ts'

const CENTS: Rounding = { decimals: 2, mode: 'half_up' }

describe('what a call costs', () => {
  it.each<[string, Partial<RateRow>, number, number, bigint]>([
    ['R8: 0.30 a minute, 7 s', { perMinute: '0.30', ...PER_SECOND }, 7, 7, 35_000n],
    ['R8: half a micro', { perMinute: '0.00003', ...PER_SECOND }, 1, 1, 1n],
    ['R8: less than half a micro', { perMinute: '0.000029', ...PER_SECOND }, 1, 1, 0n],
    ['R5: an increment of a minute begun', { perMinute: '0.02' }, 61, 120, 40_000n],
    ['R5: 30/6', { firstIncrement: 30, nextIncrement: 6 }, 31, 36, 36_000n],
    ['R5: the first increment is longer than the call', { firstIncrement: 60, nextIncrement: 1 }, 7, 60, 60_000n],
    ['R5: a minimum', { minimumSeconds: 40, ...PER_SECOND }, 7, 40, 40_000n],
    ['R5: a minimum that is shorter than the call', { minimumSeconds: 5, ...PER_SECOND }, 7, 7, 7_000n],
    ['R5: a surcharge', { connectFee: '0.05', ...PER_SECOND }, 7, 7, 57_000n],
    ['R5: a surcharge on a call that never talked', { connectFee: '0.05', ...PER_SECOND }, 0, 0, 0n],
    ['R5: at the no-charge threshold', { connectFee: '0.05', noChargeSeconds: 30, ...PER_SECOND }, 30, 0, 0n],
    ['R5: above the no-charge threshold', { connectFee: '0.05', noChargeSeconds: 30, ...PER_SECOND }, 31, 31, 81_000n],
    ['R5: a price of zero', { perMinute: '0' }, 61, 120, 0n],
  ])('%s', (_rule, rate, usedSeconds, billedSeconds, micros) => {
    expect(charge(priceBy(rate), usedSeconds)).toEqual({ billedSeconds, micros })
  })

  it.each<[Rounding, bigint, bigint]>([
    [{ decimals: 2, mode: 'half_up' }, 20_000n, 10_000n],
    [{ decimals: 2, mode: 'up' }, 20_000n, 20_000n],
    [{ decimals: 2, mode: 'down' }, 10_000n, 10_000n],
    [{ decimals: 0, mode: 'half_up' }, 0n, 0n],
    [{ decimals: 0, mode: 'up' }, 1_000_000n, 1_000_000n],
    [{ decimals: 3, mode: 'half_up' }, 15_000n, 14_000n],
  ])('R8: 0.015 and 0.014 are rounded by %o', (rounding, more, less) => {
    expect(charge(priceBy({ perMinute: '0.15', ...PER_SECOND }, { rounding }), 6).micros).toBe(more)
    expect(charge(priceBy({ perMinute: '0.14', ...PER_SECOND }, { rounding }), 6).micros).toBe(less)
  })

  it('is charged after the seconds that a pool paid, without a connect fee', () => {
    const price = priceBy({ connectFee: '0.05' })
    expect(charge(price, 61, 60)).toEqual({ billedSeconds: 120, micros: 60_000n })
    expect(charge(price, 61, 120)).toEqual({ billedSeconds: 120, micros: 0n })
    expect(charge(price, 61, 90)).toEqual({ billedSeconds: 120, micros: 30_000n })
  })

  it('is asked for whole seconds', () => {
    expect(() => charge(priceBy({}), 1.5)).toThrow(InvariantError)
    expect(() => charge(priceBy({}), -1)).toThrow(InvariantError)
    expect(() => reservation(priceBy({}), Number.NaN)).toThrow(InvariantError)
  })

  it('is exact for the dearest price and the longest call a tariff takes', () => {
    const price = priceBy({ perMinute: '1042499', connectFee: '4503599627.370496' })
    expect(charge(price, 172_800).micros).toBe(4_503_599_627_370_496n + 1_042_499n * 2880n * 1_000_000n)
    expect(charge(price, 172_800).micros).toBeLessThan(2n ** 53n)
  })
})

describe('a reservation', () => {
  it('is rounded up where the charge is rounded half up', () => {
    const price = priceBy({ perMinute: '0.005', ...PER_SECOND })
    expect(charge(price, 1).micros).toBe(83n)
    expect(reservation(price, 1)).toBe(84n)
    expect(reservation(priceBy({ perMinute: '0.06', ...PER_SECOND }, { rounding: CENTS }), 1)).toBe(10_000n)
  })

  it('does not count on the no-charge threshold', () => {
    expect(reservation(priceBy({ noChargeSeconds: 30, ...PER_SECOND }), 10)).toBe(10_000n)
  })

  it('of nothing is nothing', () => {
    expect(reservation(priceBy({ connectFee: '0.05' }), 0)).toBe(0n)
  })
})

describe('seconds that money affords', () => {
  it.each<[string, Partial<RateRow>, bigint, number, number]>([
    ['whole increments only', {}, 119_999n, 3600, 60],
    ['the increment that just fits', {}, 120_000n, 3600, 120],
    ['no more than the limit', {}, 1_000_000_000n, 3600, 3600],
    ['a limit within an increment', {}, 60_000n, 45, 45],
    ['not one second', {}, 59_999n, 3600, 0],
    ['less than the connect fee', { connectFee: '0.05' }, 49_999n, 3600, 0],
    ['the connect fee and a minute', { connectFee: '0.05' }, 110_000n, 3600, 60],
    ['less than the minimum', { minimumSeconds: 90, ...PER_SECOND }, 89_999n, 3600, 0],
    ['the minimum', { minimumSeconds: 90, ...PER_SECOND }, 90_000n, 3600, 90],
    ['free of charge without money', { perMinute: '0' }, 0n, 3600, 3600],
    ['nothing with debts, even free of charge', { perMinute: '0' }, -1n, 3600, 0],
    [
      'the dear seconds first',
      { ...PER_SECOND, steps: [{ fromSecond: 60, perMinute: '0.03', increment: 1 }] },
      60_499n,
      3600,
      60,
    ],
    [
      'and then the cheap ones',
      { ...PER_SECOND, steps: [{ fromSecond: 60, perMinute: '0.03', increment: 1 }] },
      60_500n,
      3600,
      61,
    ],
    ['free after a step', { steps: [{ fromSecond: 60, perMinute: '0', increment: 1 }] }, 60_000n, 3600, 3600],
  ])('%s', (_case, rate, micros, limitSeconds, seconds) => {
    expect(affordableSeconds(priceBy(rate), micros, limitSeconds)).toBe(seconds)
  })

  it('are paid in the amounts that charges have', () => {
    const price = priceBy({ ...PER_SECOND }, { rounding: CENTS })
    expect(affordableSeconds(price, 19_999n, 3600)).toBe(10)
    expect(affordableSeconds(price, 20_000n, 3600)).toBe(20)
  })

  it('begin after those that a pool paid', () => {
    expect(affordableSeconds(priceBy({ connectFee: '0.05' }), 60_000n, 3600, 60)).toBe(120)
    expect(affordableSeconds(priceBy({ connectFee: '0.05' }), 0n, 3600, 60)).toBe(60)
    expect(affordableSeconds(priceBy({}), 29_999n, 3600, 90)).toBe(60)
  })
})

describe('the price of a call', () => {
  const tariff = tariffOf([
    { prefix: '44', destination: 'United Kingdom', perMinute: '0.010', connectFee: '0.02' },
    { prefix: '447', destination: 'UK mobile', perMinute: '0.10', direction: 'outbound' },
    { prefix: '448', perMinute: '0.20', direction: 'inbound' },
    { prefix: '448', perMinute: '0.30' },
    { prefix: '449', perMinute: '0.30' },
    { prefix: '449', perMinute: '0.20', direction: 'inbound' },
    { prefix: '4470', perMinute: '', blocked: true },
    { prefix: '*', perMinute: '1' },
  ])

  it('says which rate it is, and from which tariff', () => {
    expect(priceIn(tariff)).toEqual({
      tariff: 'retail',
      version: 3,
      currency: 'USD',
      prefix: '44',
      destination: 'United Kingdom',
      perMinute: '0.010',
      connectFee: 20_000n,
      firstIncrement: 60,
      nextIncrement: 60,
      minimumSeconds: 0,
      noChargeSeconds: 0,
      rounding: { decimals: 6, mode: 'half_up' },
      denominator: 3n,
      pieces: [{ fromSecond: 0, perSecond: 500n, perMinute: '0.010', increment: 60, label: 'base price' }],
    })
  })

  it('is that of the longest prefix with a rate for the direction', () => {
    expect(priceIn(tariff, { digits: '447700900123' }).prefix).toBe('447')
    expect(priceIn(tariff, { digits: '447700900123', direction: 'inbound' }).prefix).toBe('44')
    expect(priceIn(tariff, { digits: '33' }).prefix).toBe('*')
    expect(priceIn(tariff, { digits: '' }).prefix).toBe('*')
    expect(priceIn(tariff, { digits: 'anonymous' }).prefix).toBe('*')
    expect(priceIn(tariff, { digits: '44x7' }).prefix).toBe('44')
  })

  it('is that for the direction alone where there is one for both too, in whatever order they came', () => {
    for (const digits of ['4481', '4491']) {
      expect(priceIn(tariff, { digits, direction: 'inbound' }).perMinute).toBe('0.20')
      expect(priceIn(tariff, { digits, direction: 'outbound' }).perMinute).toBe('0.30')
    }
  })

  it('is refused for a blocked prefix, which is named', () => {
    const call = { direction: 'outbound', digits: '447012345678', answeredAtMs: MONDAY_EVENING } as const
    expect(priceOf(tariff, call)).toEqual({ kind: 'blocked', prefix: '4470' })
  })

  it('is not there where no prefix matches, or none is valid at the time', () => {
    const call = { direction: 'outbound', digits: '4420', answeredAtMs: MONDAY_EVENING } as const
    const later = tariffOf([{ prefix: '44', perMinute: '1', validFrom: '2026-11-24' }])
    expect(priceOf(tariffOf([{ prefix: '33', perMinute: '1' }]), call)).toEqual({ kind: 'no_rate' })
    expect(priceOf(later, call)).toEqual({ kind: 'no_rate' })
    expect(priceOf(later, { ...call, answeredAtMs: Date.parse('2026-11-24T00:00:00Z') }).kind).toBe('priced')
  })

  it('has one denominator for prices of different decimals', () => {
    const price = priceBy({ perMinute: '0.06', steps: [{ fromSecond: 60, perMinute: '0.0000000001', increment: 1 }] })
    expect(price.denominator).toBe(600_000n)
    expect(price.pieces.map(({ perSecond }) => perSecond)).toEqual([600_000_000n, 1n])
  })
})
