import { expect, it } from 'vitest'
import { amended, type Change, withoutGaps } from '../../src/decks/onto.ts'
import type { RateRow } from '../../src/rating/tariff.ts'

const onto = (base: readonly RateRow[]) => ({ base, nowMs: Date.UTC(2026, 5, 1), zone: 'UTC' })

function change(rates: readonly RateRow[], closed: Change['closed'] = []): Change {
  return { rates, closed }
}

const outbound: RateRow = { prefix: '44', direction: 'outbound', perMinute: '0.02' }
const inbound: RateRow = { prefix: '44', direction: 'inbound', perMinute: '0.01' }
const both: RateRow = { prefix: '44', perMinute: '0.03' }

it('puts a rate for both directions in the place of the rates for one', () => {
  expect(amended(change([both]), onto([outbound, inbound])).rates).toEqual([both])
})

it('puts a rate for one direction in the place of that one alone', () => {
  expect(amended(change([outbound]), onto([both])).rates).toEqual([{ ...both, direction: 'inbound' }, outbound])
})

it('closes a code in both directions', () => {
  expect(amended(change([], [{ prefix: '44' }]), onto([both, outbound])).rates).toEqual([])
})

it.each([
  ['changed', amended],
  ['replaced', withoutGaps],
])('lets the rates for one direction go on until the one for both begins, when the deck is %s', (_how, join) => {
  const later: RateRow = { ...both, validFrom: '2026-07-01' }
  expect(join(change([later]), onto([outbound, inbound]))).toEqual({
    rates: [{ ...outbound, validUntil: '2026-06-30' }, { ...inbound, validUntil: '2026-06-30' }, later],
    carried: 2,
  })
})

it('lets the rate for both go on in the direction whose new one begins later, and only until then', () => {
  const later: RateRow = { ...outbound, validFrom: '2026-07-01' }
  expect(amended(change([later]), onto([both])).rates).toEqual([
    { ...both, direction: 'inbound' },
    { ...both, direction: 'outbound', validUntil: '2026-06-30' },
    later,
  ])
})
