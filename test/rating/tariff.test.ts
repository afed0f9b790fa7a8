import { describe, expect, it } from 'vitest'
import { InvariantError } from '../../src/base/fault.ts'
import { MAX_PROBLEMS, type RateRow, Tariff, TariffBuilder, type TariffHead } from '../../src/rating/tariff.ts'
import { priceIn, problemsOf, tariffOf } from './tariffs.ts'

const RATE: RateRow = { prefix: '44', perMinute: '0.01' }

function band(days: readonly string[], from: string, to: string): RateRow {
  return { ...RATE, bands: [{ days, from, to, perMinute: '1' }] }
}

describe('a rate is refused, and its field named', () => {
  it.each<[Partial<RateRow>, string]>([
    [{ prefix: '+44' }, '1 prefix: "+44" is not 1 to 15 digits, nor "*"'],
    [{ prefix: '1234567890123456' }, '1 prefix: "1234567890123456" is not 1 to 15 digits, nor "*"'],
    [{ perMinute: '' }, '1 perMinute: "" is no amount such as "0.0125"'],
    [{ perMinute: '-0.01' }, '1 perMinute: "-0.01" is no amount such as "0.0125"'],
    [{ perMinute: '1e3' }, '1 perMinute: "1e3" is no amount such as "0.0125"'],
    [{ perMinute: '0,01' }, '1 perMinute: "0,01" is no amount such as "0.0125"'],
    [{ perMinute: '0.00000000001' }, '1 perMinute: 0.00000000001 has more than 10 decimals'],
    [{ perMinute: '1042500' }, '1 perMinute: 1042500 a minute is too dear to count exactly'],
    [{ perMinute: '5.2125000001' }, '1 perMinute: 5.2125000001 a minute is too dear to count exactly'],
    [{ connectFee: '0.0000001' }, '1 connectFee: 0.0000001 has more than 6 decimals'],
    [{ connectFee: '4503599627.370497' }, '1 connectFee: 4503599627.370497 is too dear to count exactly'],
    [{ firstIncrement: 0 }, '1 firstIncrement: is not a whole number of 1 to 86400 seconds'],
    [{ nextIncrement: 1.5 }, '1 nextIncrement: is not a whole number of 1 to 86400 seconds'],
    [{ nextIncrement: 86_401 }, '1 nextIncrement: is not a whole number of 1 to 86400 seconds'],
    [{ minimumSeconds: -1 }, '1 minimumSeconds: is not a whole number of 0 to 86400 seconds'],
    [{ noChargeSeconds: Number.NaN }, '1 noChargeSeconds: is not a whole number of 0 to 86400 seconds'],
    [{ destination: 'x'.repeat(201) }, '1 destination: is longer than 200 characters'],
    [{ direction: 'sideways' as 'both' }, '1 direction: "sideways" is not one of outbound, inbound, both'],
    [{ validFrom: 'soon' }, '1 validFrom: "soon" is no day and no RFC 3339 time'],
    [{ validFrom: '2026-02-29' }, '1 validFrom: "2026-02-29" is no day and no RFC 3339 time'],
    [{ validUntil: '2026-02-30T00:00:00Z' }, '1 validUntil: "2026-02-30T00:00:00Z" is no day and no RFC 3339 time'],
    [{ validUntil: '2026-02-01T25:00:00Z' }, '1 validUntil: "2026-02-01T25:00:00Z" is no day and no RFC 3339 time'],
    [{ validFrom: '2026-12-01T00:00:00Z', validUntil: '2026-12-01T00:00:00Z' }, '1 validUntil: is not after validFrom'],
    [band([], '19:00', '20:00'), '1 bands[0].days: names no day'],
    [band(['monday'], '19:00', '20:00'), '1 bands[0].days: "monday" is not one of sun, mon, tue, wed, thu, fri, sat'],
    [band(['mon'], '24:00', '07:00'), '1 bands[0].from: "24:00" is no time such as "19:00"'],
    [band(['mon'], '19:00', '7:00'), '1 bands[0].to: "7:00" is no time such as "07:00"'],
    [{ steps: [{ fromSecond: 0, perMinute: '1', increment: 1 }] }, '1 steps[0].fromSecond: is not above 0'],
    [
      { steps: [{ fromSecond: 60, perMinute: 'x', increment: 1 }] },
      '1 steps[0].perMinute: "x" is no amount such as "0.0125"',
    ],
    [
      { steps: [{ fromSecond: 60, perMinute: '1', increment: 0 }] },
      '1 steps[0].increment: is not a whole number of 1 to 86400 seconds',
    ],
    [
      { steps: Array.from({ length: 49 }, (_, n) => ({ fromSecond: n + 1, perMinute: '1', increment: 1 })) },
      '1 steps: has more than 48 steps',
    ],
    [
      { bands: Array.from({ length: 49 }, () => ({ days: ['mon'], from: '00:00', to: '00:01', perMinute: '1' })) },
      '1 bands: has more than 48 bands',
    ],
  ])('%o', (part, problem) => {
    expect(problemsOf([{ ...RATE, ...part }])).toEqual([problem])
  })

  it('with all its problems at once', () => {
    expect(
      problemsOf([
        { prefix: 'x', perMinute: 'y', firstIncrement: 0 },
        { ...RATE, nextIncrement: 0 },
      ]),
    ).toHaveLength(4)
  })
})

describe('bands of one rate', () => {
  const bands = (...hours: readonly [readonly string[], string, string][]): readonly string[] =>
    problemsOf([{ ...RATE, bands: hours.map(([days, from, to]) => ({ days, from, to, perMinute: '1' })) }])

  it('may not overlap, over midnight and the week’s end neither', () => {
    const overlap = ['1 bands[1].from: overlaps band 0 of the same rate']
    expect(bands([['mon'], '09:00', '17:00'], [['mon', 'tue'], '16:59', '18:00'])).toEqual(overlap)
    expect(bands([['mon'], '22:00', '06:00'], [['tue'], '05:59', '07:00'])).toEqual(overlap)
    expect(bands([['sun'], '00:00', '01:00'], [['sat'], '22:00', '00:30'])).toEqual(overlap)
    expect(bands([['mon'], '09:00', '09:00'], [['tue'], '08:00', '08:30'])).toEqual(overlap)
  })

  it('may touch', () => {
    expect(bands([['mon'], '22:00', '06:00'], [['tue'], '06:00', '07:00'], [['mon'], '21:00', '22:00'])).toEqual([])
    expect(bands([['sat'], '22:00', '24:00'], [['sun'], '00:00', '24:00'], [['mon'], '00:00', '06:00'])).toEqual([])
  })
})

describe('steps of one rate', () => {
  it('rise', () => {
    const step = (fromSecond: number) => ({ fromSecond, perMinute: '1', increment: 1 })
    expect(problemsOf([{ ...RATE, steps: [step(60), step(60)] }])).toEqual([
      '1 steps[1].fromSecond: is not above the step before it',
    ])
  })
})

describe('one prefix', () => {
  const taken = (prefix: string): string => `2 prefix: "${prefix}" is in row 1 too, for the same direction and time`

  it('has one rate for a direction at a time', () => {
    expect(problemsOf([RATE, RATE])).toEqual([taken(RATE.prefix)])
    expect(
      problemsOf([
        { ...RATE, prefix: '' },
        { ...RATE, prefix: '*' },
      ]),
    ).toEqual([taken('*')])
    const dated = [
      { ...RATE, validUntil: '2026-12-01' },
      { ...RATE, validFrom: '2026-12-01' },
    ]
    expect(problemsOf(dated)).toEqual([taken(RATE.prefix)])
  })

  it('may have one for each direction and one for both, and several one after the other', () => {
    expect(problemsOf([RATE, { ...RATE, direction: 'outbound' }, { ...RATE, direction: 'inbound' }])).toEqual([])
    expect(
      problemsOf([
        { ...RATE, validUntil: '2026-11-30' },
        { ...RATE, validFrom: '2026-12-01' },
      ]),
    ).toEqual([])
  })

  it('has a bounded number of them', () => {
    const rows = Array.from({ length: 1001 }, (_, n) => ({
      ...RATE,
      validFrom: new Date(n * 86_400_000).toISOString(),
      validUntil: new Date((n + 1) * 86_400_000).toISOString(),
    }))
    expect(problemsOf(rows)).toEqual(['1001 prefix: has more than 1000 rates'])
  })
})

describe('the head', () => {
  it.each<[Partial<TariffHead>, string]>([
    [{ currency: 'usd' }, '0 currency: "usd" is not a currency such as "USD"'],
    [{ timezone: 'Europe/Londn' }, '0 timezone: "Europe/Londn" is not a time zone such as "Europe/London"'],
    [{ effectiveFrom: '2026-13-01' }, '0 effectiveFrom: "2026-13-01" is no day and no RFC 3339 time'],
    [{ rounding: { decimals: 7 } }, '0 rounding.decimals: is not a whole number of 0 to 6'],
    [{ rounding: { mode: 'even' as 'up' } }, '0 rounding.mode: "even" is not one of half_up, up, down'],
    [{ version: -1 }, '0 version: is not a whole number of 0 or more'],
  ])('%o is refused', (part, problem) => {
    expect(problemsOf([RATE], part)).toEqual([problem])
  })

  it('is filled in', () => {
    expect(tariffOf([RATE]).head).toMatchObject({ timezone: 'UTC', rounding: { decimals: 6, mode: 'half_up' } })
    const head = { timezone: 'America/New_York', effectiveFrom: '2026-12-01', rounding: { decimals: 2 } }
    expect(tariffOf([RATE], head).head).toMatchObject({
      rounding: { decimals: 2, mode: 'half_up' },
      effectiveFromMs: Date.parse('2026-12-01T05:00:00Z'),
    })
  })
})

describe('a tariff', () => {
  it('has at least one rate', () => {
    expect(problemsOf([])).toEqual(['0 rates: has no rate'])
  })

  it('tells at most a hundred problems', () => {
    const rows = Array.from({ length: 300 }, () => ({ ...RATE, perMinute: 'x' }))
    expect(problemsOf(rows)).toHaveLength(MAX_PROBLEMS)
  })

  it('takes no rates when it is finished', () => {
    const builder = new TariffBuilder({ name: 'retail', version: 1, currency: 'USD' })
    builder.add(RATE, 1)
    expect(builder.finish()).toBeInstanceOf(Tariff)
    expect(() => {
      builder.add({ ...RATE, prefix: '45' }, 2)
    }).toThrow(InvariantError)
  })

  it('of 500,000 prefixes finds the longest of each number', () => {
    // Every prefix of 1 to 5 digits and 388,890 of 6: the longest prefix is known by arithmetic.
    const builder = new TariffBuilder({ name: 'retail', version: 1, currency: 'USD' })
    let row = 0
    for (let length = 1; length <= 6; length += 1) {
      for (let number = 0; number < 10 ** length && row < 500_000; number += 1) {
        row += 1
        const prefix = String(number).padStart(length, '0')
        builder.add({ prefix, perMinute: `0.${prefix}`, destination: prefix.slice(0, 2) }, row)
      }
    }
    const tariff = builder.finish()
    if (!(tariff instanceof Tariff)) throw new Error('refused')
    expect(tariff.size).toBe(500_000)
    for (let number = 0; number < 1_000_000; number += 997) {
      const digits = String(number).padStart(6, '0')
      const prefix = number < 388_890 ? digits : digits.slice(0, 5)
      const wanted = { prefix, perMinute: `0.${prefix}`, destination: prefix.slice(0, 2) }
      expect(priceIn(tariff, { digits: `${digits}1234` })).toMatchObject(wanted)
    }
  }, 30_000)
})
