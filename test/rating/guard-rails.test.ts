import { describe, expect, it } from 'vitest'
import { type Guard, guardsOf, guardText, type Limits, usualLimits } from '../../src/rating/guard-rails.ts'
import type { RateRow } from '../../src/rating/tariff.ts'
import { tariffOf } from './tariffs.ts'

const many = (count: number, row: (at: number) => Partial<RateRow> = () => ({})): readonly RateRow[] =>
  Array.from({ length: count }, (_, at) => ({ prefix: String(4400 + at), perMinute: '0.10', ...row(at) }))

function found(before: readonly RateRow[] | undefined, after: readonly RateRow[], limits: Partial<Limits> = {}) {
  const versions = { before: before && tariffOf(before), after: tariffOf(after) }
  const guards = guardsOf(versions, { ...usualLimits, ...limits })
  let step = guards.next()
  while (step.done !== true) step = guards.next()
  return step.value
}

const named = (guards: readonly Guard[]) => guards.map(({ limit }) => limit)

describe('guard rails', () => {
  it.each<[string, (at: number) => Partial<RateRow>, readonly string[]]>([
    ['prices of which few change a little', (at) => ({ perMinute: at < 4 ? '0.13' : '0.115' }), []],
    ['more than a tenth dearer', (at) => ({ perMinute: at < 5 ? '0.13' : '0.10' }), ['dearer']],
    ['more than a tenth cheaper', (at) => ({ perMinute: at < 5 ? '0.08' : '0.10' }), ['cheaper']],
    ['one that is ten times dearer', (at) => ({ perMinute: at === 7 ? '1' : '0.10' }), ['jump']],
    ['one that is ten times cheaper', (at) => ({ perMinute: at === 7 ? '0.01' : '0.10' }), ['jump']],
    ['one that is free', (at) => ({ perMinute: at === 7 ? '0' : '0.10' }), ['free']],
    ['one whose first minute is free', (at) => ({ noChargeSeconds: at === 7 ? 60 : 0 }), ['free']],
    ['a fifth and more blocked', (at) => (at < 9 ? { blocked: true } : {}), ['closed']],
    ['one with a connect fee of nine minutes', (at) => (at === 7 ? { connectFee: '0.90' } : {}), ['jump']],
    ['increments of an hour', () => ({ firstIncrement: 3600, nextIncrement: 3600 }), ['dearer', 'jump']],
    ['a minimum of ten minutes', (at) => (at === 7 ? { minimumSeconds: 600 } : {}), ['jump']],
    ['increments of a second', () => ({ firstIncrement: 1, nextIncrement: 1 }), []],
  ])('of %s', (_what, row, limits) => {
    expect(named(found(many(40), many(40, row)))).toEqual(limits)
  })

  it('find what is missing', () => {
    const [guard] = found(many(40), many(31))
    expect(guard).toEqual({
      limit: 'closed',
      message:
        '9 of 40 prefixes are closed or blocked; --changes is for a deck of changes only: 22.5 %, allowed are 20 %',
      examples: [expect.stringMatching(/^44\d\d 0\.10 → none$/), expect.anything(), expect.anything()],
    })
    expect(found(many(40), many(31), { closed: 22.5 })).toEqual([])
  })

  it('ask no shares of a few prefixes, but whether a price jumps or is free', () => {
    expect(
      found(
        many(19),
        many(2, () => ({ perMinute: '0.5' })),
      ),
    ).toEqual([])
    expect(
      named(
        found(
          many(2),
          many(2, () => ({ perMinute: '1' })),
        ),
      ),
    ).toEqual(['jump'])
  })

  it('ask of a first version only whether it is free', () => {
    const rows = many(40, (at) => ({ perMinute: at === 3 ? '0' : '100', destination: 'Here' }))
    expect(found(undefined, rows).map(guardText)).toEqual([
      '1 rates become free (4403 Here none → 0); --limit free=<n> allows more',
    ])
    expect(found(rows, rows)).toEqual([])
  })

  it('show what a minute costs where the price does not', () => {
    const before = many(1, () => ({ destination: 'UK' }))
    const after = many(1, () => ({ destination: 'UK', connectFee: '5' }))
    expect(found(before, after)[0]?.examples).toEqual(['4400 UK 0.10 → 0.10 (5.100000 for a minute)'])
  })

  it('compare what begins last, each direction by itself', () => {
    const ways = (price: string): readonly RateRow[] => [
      { prefix: '44', perMinute: '0.10', direction: 'outbound' },
      { prefix: '44', perMinute: '0.01', direction: 'inbound', validUntil: '2026-11-30' },
      { prefix: '44', perMinute: price, direction: 'inbound', validFrom: '2026-12-01' },
      { prefix: '*', perMinute: '0.50' },
    ]
    expect(found(ways('0.01'), ways('0.02'))).toEqual([])
    expect(found(ways('0.01'), ways('0.2')).map(({ examples }) => examples)).toEqual([['44 0.01 → 0.2']])
    expect(found(ways('0.01'), [...ways('0.01').slice(0, 3), { prefix: '*', perMinute: '9' }])[0]?.examples).toEqual([
      '* 0.50 → 9',
    ])
  })

  it('let their caller have its turn', () => {
    const rows = Array.from({ length: 10_000 }, (_, at) => ({ prefix: String(10_000 + at), perMinute: '1' }))
    const guards = guardsOf({ before: tariffOf(rows), after: tariffOf(rows) }, usualLimits)
    expect([...guards].length).toBeGreaterThanOrEqual(9)
  })
})
