import { describe, expect, it } from 'vitest'
import { type Price, priceOf, type RatedCall } from '../../src/rating/charge.ts'
import type { RateRow, TariffHead } from '../../src/rating/tariff.ts'
import { PER_SECOND, priceBy, priceIn, tariffOf } from './tariffs.ts'

function cuts({ pieces }: Price): readonly (readonly [number, string])[] {
  return pieces.map(({ fromSecond, perMinute }) => [fromSecond, perMinute])
}

function at(instant: string, limitSeconds = 7200): Partial<RatedCall> {
  return { answeredAtMs: Date.parse(instant), limitSeconds }
}

const LONDON: Partial<TariffHead> = { timezone: 'Europe/London' }
const NEW_YORK: Partial<TariffHead> = { timezone: 'America/New_York' }

function banded(days: readonly string[], from: string, to: string): Partial<RateRow> {
  return { perMinute: '0.06', ...PER_SECOND, bands: [{ days, from, to, perMinute: '0.60' }] }
}

const ALL_DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']

describe('bands', () => {
  it('cut a call at their edges, by the clock of the tariff', () => {
    const rate = banded(ALL_DAYS, '19:00', '20:00')
    expect(cuts(priceBy(rate, {}, at('2026-11-23T18:30:00Z')))).toEqual([
      [0, '0.06'],
      [1800, '0.60'],
      [5400, '0.06'],
    ])
    expect(cuts(priceBy(rate, NEW_YORK, at('2026-11-23T18:30:00Z')))).toEqual([[0, '0.06']])
    expect(cuts(priceBy(rate, NEW_YORK, at('2026-11-24T00:00:00Z', 60)))).toEqual([[0, '0.60']])
  })

  it('hold for the seconds that begin in them', () => {
    expect(cuts(priceBy(banded(ALL_DAYS, '19:00', '20:00'), {}, at('2026-11-23T18:59:58.600Z', 60)))).toEqual([
      [0, '0.06'],
      [2, '0.60'],
    ])
  })

  it('over midnight are of the day on which they begin, and the week has no end', () => {
    const night = banded(['sun'], '22:00', '06:00')
    expect(cuts(priceBy(night, {}, at('2026-11-22T21:59:00Z', 30_000)))).toEqual([
      [0, '0.06'],
      [60, '0.60'],
      [28_860, '0.06'],
    ])
    expect(cuts(priceBy(night, {}, at('2026-11-22T05:00:00Z', 60)))).toEqual([[0, '0.06']])
  })

  it('that end when they begin are a day long', () => {
    const day = banded(['mon'], '09:00', '09:00')
    expect(cuts(priceBy(day, {}, at('2026-11-23T08:59:00Z', 86_400)))).toEqual([
      [0, '0.06'],
      [60, '0.60'],
    ])
    expect(cuts(priceBy(day, {}, at('2026-11-24T08:59:00Z')))).toEqual([
      [0, '0.60'],
      [60, '0.06'],
    ])
    expect(cuts(priceBy(banded(['mon'], '00:00', '24:00'), {}, at('2026-11-23T23:59:00Z')))).toEqual([
      [0, '0.60'],
      [60, '0.06'],
    ])
  })

  it('follow the clock on the wall where it goes back: the hour that comes twice is in the band twice', () => {
    expect(cuts(priceBy(banded(['sun'], '01:00', '01:30'), LONDON, at('2026-10-24T23:30:00Z')))).toEqual([
      [0, '0.06'],
      [1800, '0.60'],
      [3600, '0.06'],
      [5400, '0.60'],
      [7200, '0.06'],
    ])
  })

  it('follow the clock on the wall where it goes forward: a time that does not come is in no band', () => {
    expect(cuts(priceBy(banded(['sun'], '02:10', '02:50'), NEW_YORK, at('2026-03-08T06:50:00Z')))).toEqual([
      [0, '0.06'],
    ])
    expect(cuts(priceBy(banded(['sun'], '02:30', '03:30'), NEW_YORK, at('2026-03-08T06:50:00Z')))).toEqual([
      [0, '0.06'],
      [600, '0.60'],
      [2400, '0.06'],
    ])
  })

  it('give the call their fee and first increment when it begins in them, and their increment while it is in them', () => {
    const rate: Partial<RateRow> = {
      connectFee: '0.01',
      firstIncrement: 30,
      nextIncrement: 6,
      bands: [
        {
          days: ALL_DAYS,
          from: '19:00',
          to: '20:00',
          perMinute: '1',
          connectFee: '0.02',
          firstIncrement: 10,
          nextIncrement: 5,
        },
        { days: ALL_DAYS, from: '20:00', to: '21:00', perMinute: '2' },
      ],
    }
    const before = priceBy(rate, {}, at('2026-11-23T18:59:00Z', 60))
    const inside = priceBy(rate, {}, at('2026-11-23T19:59:00Z', 60))
    const plain = priceBy(rate, {}, at('2026-11-23T20:00:00Z', 60))
    expect(before).toMatchObject({ connectFee: 10_000n, firstIncrement: 30, nextIncrement: 6 })
    expect(inside).toMatchObject({ connectFee: 20_000n, firstIncrement: 10, nextIncrement: 5, perMinute: '1' })
    expect(inside.pieces.map(({ increment }) => increment)).toEqual([5, 6])
    expect(plain).toMatchObject({ connectFee: 10_000n, firstIncrement: 30, nextIncrement: 6, perMinute: '2' })
  })
})

describe('steps', () => {
  const steps = [
    { fromSecond: 600, perMinute: '0.03', increment: 30 },
    { fromSecond: 1800, perMinute: '0.01', increment: 1 },
  ]

  it('cut a call by its length', () => {
    const { pieces } = priceBy({ steps }, {}, at('2026-11-23T18:30:00Z'))
    expect(pieces.map(({ fromSecond, increment, label }) => [fromSecond, increment, label])).toEqual([
      [0, 60, 'base price'],
      [600, 30, 'from second 600'],
      [1800, 1, 'from second 1800'],
    ])
  })

  it('count from the answer of the call, also where another rate brings them', () => {
    const tariff = tariffOf([
      { prefix: '44', perMinute: '0.06', validUntil: '2026-11-23T18:50:00Z' },
      { prefix: '44', perMinute: '0.12', validFrom: '2026-11-23T18:50:00Z', steps },
    ])
    expect(cuts(priceIn(tariff, at('2026-11-23T18:30:00Z')))).toEqual([
      [0, '0.06'],
      [1200, '0.03'],
      [1800, '0.01'],
    ])
  })

  it('hold in every band once they have begun', () => {
    expect(cuts(priceBy({ ...banded(ALL_DAYS, '18:35', '18:45'), steps }, {}, at('2026-11-23T18:30:00Z')))).toEqual([
      [0, '0.06'],
      [300, '0.60'],
      [600, '0.03'],
      [1800, '0.01'],
    ])
  })
})

describe('dates of rates', () => {
  const until = (instant: string): RateRow => ({ prefix: '44', perMinute: '0.06', validUntil: instant })
  const from = (instant: string): RateRow => ({ prefix: '44', perMinute: '0.12', validFrom: instant })

  it('inside a call bring the rate that is valid then', () => {
    const tariff = tariffOf([until('2026-12-01T00:00:00Z'), from('2026-12-01T00:00:00Z')])
    const price = priceIn(tariff, at('2026-11-30T23:59:59.500Z'))
    expect(price.pieces.map(({ fromSecond, label }) => [fromSecond, label])).toEqual([
      [0, 'base price'],
      [1, 'prefix 44 valid from 2026-12-01T00:00:00.000Z, base price'],
    ])
  })

  it('of a longer prefix count too, and a shorter one takes over at their end', () => {
    const longer: RateRow = { ...from('2026-12-01T00:00:00Z'), prefix: '4420', validUntil: '2026-12-01T00:01:00Z' }
    const tariff = tariffOf([{ prefix: '44', perMinute: '0.06' }, longer])
    expect(cuts(priceIn(tariff, at('2026-11-30T23:59:00Z')))).toEqual([
      [0, '0.06'],
      [60, '0.12'],
      [120, '0.06'],
    ])
  })

  it('that leave a gap, or lead to a blocked rate, let the last price go on', () => {
    const gap = tariffOf([until('2026-12-01T00:00:00Z'), from('2026-12-01T00:01:00Z')])
    const blocked = tariffOf([until('2026-12-01T00:00:00Z'), { ...from('2026-12-01T00:00:00Z'), blocked: true }])
    expect(cuts(priceIn(gap, at('2026-11-30T23:59:00Z')))).toEqual([
      [0, '0.06'],
      [120, '0.12'],
    ])
    expect(cuts(priceIn(blocked, at('2026-11-30T23:59:00Z')))).toEqual([[0, '0.06']])
  })

  it('that no second begins between are passed over', () => {
    const moment = { ...from('2026-12-01T00:00:00.100Z'), validUntil: '2026-12-01T00:00:00.900Z' }
    const blocked = { ...from('2026-12-01T00:00:00.900Z'), blocked: true }
    const tariff = tariffOf([until('2026-12-01T00:00:00.100Z'), moment, blocked])
    expect(cuts(priceIn(tariff, at('2026-11-30T23:59:00Z')))).toEqual([[0, '0.06']])
  })

  it('given as days are days of the zone, the last one included', () => {
    const tariff = tariffOf([until('2026-11-30'), from('2026-12-01')], NEW_YORK)
    expect(cuts(priceIn(tariff, at('2026-12-01T04:59:00Z')))).toEqual([
      [0, '0.06'],
      [60, '0.12'],
    ])
  })

  it('end what a blocked rate refuses', () => {
    const tariff = tariffOf([{ ...until('2026-12-01'), blocked: true }, from('2026-12-02')])
    const call = { direction: 'outbound', digits: '4420' } as const
    expect(priceOf(tariff, { ...call, answeredAtMs: Date.parse('2026-12-01T23:59:59Z') }).kind).toBe('blocked')
    expect(priceOf(tariff, { ...call, answeredAtMs: Date.parse('2026-12-02T00:00:00Z') }).kind).toBe('priced')
  })
})
