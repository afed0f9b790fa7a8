import { describe, expect, it } from 'vitest'
import { explainCharge } from '../../src/rating/charge.ts'
import { PER_SECOND, priceBy } from './tariffs.ts'

const ALL_DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']

describe('an explained charge', () => {
  it('shows each piece, the exact sum and the one rounding', () => {
    const price = priceBy({
      destination: 'UK London',
      perMinute: '0.05',
      connectFee: '0.02',
      bands: [{ days: ALL_DAYS, from: '18:31', to: '19:00', perMinute: '0.03' }],
    })
    const { lines, ...told } = explainCharge(price, 61)
    expect(told).toEqual({
      usedSeconds: 61,
      billedSeconds: 120,
      paidSeconds: 0,
      connectFee: '0.020000',
      pieces: [
        { label: 'base price', fromSecond: 0, untilSecond: 60, seconds: 60, perMinute: '0.05', exact: '0.05' },
        {
          label: `band ${ALL_DAYS.join(',')} 18:31-19:00`,
          fromSecond: 60,
          untilSecond: 120,
          seconds: 60,
          perMinute: '0.03',
          exact: '0.03',
        },
      ],
      exact: '0.1',
      rounding: 'half_up to 6 decimals',
      micros: 100_000n,
    })
    expect(lines).toEqual([
      'prefix 44 (UK London) of retail version 3',
      '61 s used, 120 s billed: 60 s, then 60 s each',
      'connect fee 0.020000',
      'second 0 to 60, base price: 0.05 × 60/60 = 0.05',
      `second 60 to 120, band ${ALL_DAYS.join(',')} 18:31-19:00: 0.03 × 60/60 = 0.03`,
      'sum 0.1, rounded half_up to 6 decimals: 0.100000 USD',
    ])
  })

  it('keeps a fraction where a decimal would not end', () => {
    const { exact, micros } = explainCharge(priceBy({ perMinute: '0.01', ...PER_SECOND }), 7)
    expect([exact, micros]).toEqual(['7/6000', 1167n])
    expect(explainCharge(priceBy({ perMinute: '0.0000000003', ...PER_SECOND }), 1).exact).toBe('0.000000000005')
    expect(explainCharge(priceBy({ perMinute: '60', ...PER_SECOND }), 12).exact).toBe('12')
  })

  it('says why nothing is charged', () => {
    const price = priceBy({ noChargeSeconds: 30, connectFee: '0.02' })
    expect(explainCharge(price, 30)).toMatchObject({ billedSeconds: 0, connectFee: '0.000000', pieces: [], micros: 0n })
    expect(explainCharge(price, 30).lines[1]).toBe('30 s used: free, as not above 30 s')
    expect(explainCharge(price, 0).lines[1]).toBe('0 s used, 0 s billed: 60 s, then 60 s each')
    expect(explainCharge(priceBy({ minimumSeconds: 90 }), 1).lines[1]).toBe(
      '1 s used, 90 s billed: 60 s, then 60 s each, at least 90 s',
    )
  })

  it('leaves out what a pool paid', () => {
    const told = explainCharge(priceBy({ connectFee: '0.02' }), 61, 60)
    expect(told.lines.slice(2)).toEqual([
      'the first 60 s are paid by minutes',
      'second 60 to 120, base price: 0.06 × 60/60 = 0.06',
      'sum 0.06, rounded half_up to 6 decimals: 0.060000 USD',
    ])
  })
})
