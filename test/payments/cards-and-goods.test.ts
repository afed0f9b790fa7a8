import { describe, expect, it } from 'vitest'
import { cardFor, type CardBook, isCard, noCards, withCard, withoutCard } from '../../src/payments/card.ts'
import { type PriceList, priceOf } from '../../src/payments/goods.ts'
import { coinOf, currencyDecimals, roundedUpToCoin } from '../../src/payments/minor-units.ts'
import { cardOf } from '../support/till.ts'

function bookOf(...tokens: string[]): CardBook {
  return tokens.reduce<CardBook>((book, token) => {
    const next = withCard(book, cardOf(token), false)
    if ('code' in next) throw new Error(next.detail)
    return next
  }, noCards)
}

describe('cards on file', () => {
  it('pay what recurs with the first, until another is chosen (C5)', () => {
    const two = bookOf('a', 'b')
    expect(two.recurring).toBe('card-a')
    expect(withCard(two, cardOf('c'), true)).toMatchObject({ recurring: 'card-c' })
    expect(cardFor(two, undefined)).toMatchObject({ token: 'a' })
    expect(cardFor(two, 'card-b')).toMatchObject({ token: 'b' })
    expect(cardFor(two, 'card-z')).toMatchObject({ code: 'card_unknown', field: '/card' })
    expect(cardFor(noCards, undefined)).toMatchObject({ code: 'card_missing' })
    expect([cardFor(two, 'card-a'), cardFor(two, 'card-z')].map(isCard)).toEqual([true, false])
  })

  it('leave what recurs to the oldest that is left when the chosen one goes', () => {
    const three = bookOf('a', 'b', 'c')
    expect(withoutCard(three, 'card-a')).toMatchObject({ recurring: 'card-b', cards: [{ token: 'b' }, { token: 'c' }] })
    expect(withoutCard(three, 'card-c').recurring).toBe('card-a')
    expect(withoutCard(bookOf('a'), 'card-a')).not.toHaveProperty('recurring')
  })

  it('are brought up to date when they come again, and are not more than twenty', () => {
    const one = bookOf('a')
    const again = withCard(one, { ...cardOf('a'), id: 'other', expiryYear: 2040 }, false)
    expect(again).toMatchObject({ cards: [{ id: 'card-a', expiryYear: 2040 }] })
    const full = bookOf(...Array.from({ length: 20 }, (_, n) => `t${n}`))
    expect(withCard(full, cardOf('more'), false)).toMatchObject({ code: 'too_many_cards' })
    expect(withCard(full, cardOf('t3'), false)).not.toHaveProperty('code')
  })
})

describe('prices', () => {
  const list: PriceList = {
    minimumPurchase: 5_000_000n,
    bundle: { minutes: 100, prices: { USD: 3_500_000n } },
    dialer: { prices: { USD: 30_000n } },
  }
  const price = (goods: Parameters<typeof priceOf>[0], currency = 'USD') =>
    priceOf(goods, currency, { list, coin: coinOf(currencyDecimals(currency)) })

  it('of credit are at least the least purchase (C1)', () => {
    expect(price({ kind: 'credit', amount: 4_990_000n })).toMatchObject({
      code: 'amount_below_minimum',
      field: '/amount',
    })
    expect(price({ kind: 'credit', amount: 5_000_000n })).toEqual({ kind: 'priced', amount: 5_000_000n })
  })

  it('have no fraction that a card cannot be charged', () => {
    expect(price({ kind: 'credit', amount: 5_000_001n })).toMatchObject({ code: 'amount_not_payable' })
    expect(price({ kind: 'credit', amount: 5_010_000n })).toMatchObject({ kind: 'priced' })
  })

  it('of bundles are whole bundles of a hundred minutes (M3)', () => {
    const bundle = (bundles: number) => ({ kind: 'bundle', bundles, recurring: true }) as const
    const minutes = { bundles: 3, seconds: 18_000 }
    expect(price(bundle(3))).toEqual({ kind: 'priced', amount: 10_500_000n, minutes })
    expect(price(bundle(1), 'EUR')).toMatchObject({ code: 'minutes_unavailable' })
    expect(price(bundle(2 ** 40))).toMatchObject({ code: 'amount_too_large' })
  })

  it('of dialer minutes are an amount of money, in whole seconds (M15)', () => {
    const dialer = (amount: bigint, currency = 'USD') => price({ kind: 'dialer', amount }, currency)
    expect(dialer(100_000_000n)).toEqual({ kind: 'priced', amount: 100_000_000n, minutes: { seconds: 200_000 } })
    expect(dialer(5_010_000n)).toMatchObject({ minutes: { seconds: 10_020 } })
    expect(dialer(4_990_000n)).toMatchObject({ code: 'amount_below_minimum' })
    expect(dialer(9_000_000_000_000_000n)).toMatchObject({ code: 'amount_too_large', field: '/amount' })
    expect(dialer(100_000_000n, 'EUR')).toMatchObject({ code: 'minutes_unavailable' })
  })
})

describe('the least coin', () => {
  it.each([
    ['USD', 2],
    ['EUR', 2],
    ['JPY', 0],
    ['KWD', 3],
    ['CLF', 4],
  ])('of %s has %i decimals', (currency, decimals) => {
    expect(currencyDecimals(currency)).toBe(decimals)
  })

  it('is what amounts are rounded up to', () => {
    expect([coinOf(0), coinOf(2), coinOf(3)]).toEqual([1_000_000n, 10_000n, 1_000n])
    expect([roundedUpToCoin(1n, 10_000n), roundedUpToCoin(10_000n, 10_000n)]).toEqual([10_000n, 10_000n])
    expect(roundedUpToCoin(1_000_001n, 1_000_000n)).toBe(2_000_000n)
  })
})
