/** Orders on a real store, from the review to the card. */
import { describe, expect, it } from 'vitest'
import { PaymentDesk } from '../../src/payments/desk.ts'
import type { Goods } from '../../src/payments/goods.ts'
import { useStore } from '../support/offices.ts'
import { Till } from '../support/till.ts'

const prices = {
  minimumPurchase: 5_000_000n,
  bundle: { minutes: 100, prices: { USD: 3_500_000n } },
  dialer: { prices: { USD: 30_000n } },
}
const bundle: Goods = { kind: 'bundle', bundles: 1, recurring: true }

describe('an order', () => {
  const test = useStore('redis')

  async function open(): Promise<{ readonly till: Till; readonly desk: PaymentDesk }> {
    const till = new Till(test)
    let ids = 0
    const { store, cards, cashier, provider } = till
    const next = () => `order-${(ids += 1)}`
    const desk = new PaymentDesk({
      store,
      cards,
      cashier,
      provider,
      prices: () => prices,
      clock: test.clock,
      ids: next,
      cardsChanged: () => Promise.resolve(),
    })
    await till.office.put('acme', {})
    await till.useCard('acme')
    return { till, desk }
  }

  async function reviewed(desk: PaymentDesk, goods: Goods): Promise<string> {
    const order = await desk.review('acme', goods)
    if ('code' in order) throw new Error(order.detail)
    return order.id
  }

  it('of bundles is charged when it is confirmed, and recurs (M9, A4)', async () => {
    const { till, desk } = await open()
    const order = await reviewed(desk, bundle)
    expect((await till.store.list('acme', { limit: 10 })).items).toEqual([])
    const paid = await desk.confirm('acme', order, { operation: 'op-1' })
    expect(paid).toMatchObject({ payment: { id: order, minutes: { seconds: 6_000, bundles: 1 }, recurring: true } })
    expect(await test.office().get('acme')).toMatchObject({ standingBundles: [{ id: order, amount: 3_500_000n }] })
    expect(await desk.confirm('acme', order, { operation: 'op-2' })).toMatchObject({ replayed: true })
  })

  it('of dialer minutes is of an amount', async () => {
    const { desk } = await open()
    const paid = await desk.buy('acme', { kind: 'dialer', amount: 100_000_000n }, { operation: 'op-1' })
    expect(paid).toMatchObject({ payment: { kind: 'dialer', minutes: { seconds: 200_000 } } })
    expect((await test.office().balance('acme'))?.pools).toMatchObject([{ pool: { id: 'dialer' }, remaining: 200_000 }])
  })

  it('is not charged once the account is closed', async () => {
    const { till, desk } = await open()
    const order = await reviewed(desk, { kind: 'credit', amount: 10_000_000n })
    await till.office.patch('acme', { status: 'closed' })
    expect(await desk.confirm('acme', order, { operation: 'op-1' })).toMatchObject({ code: 'account_closed' })
    expect((await till.store.list('acme', { limit: 10 })).items).toEqual([])
  })

  it('recurs for at most twenty purchases', async () => {
    const { desk } = await open()
    for (let n = 0; n < 20; n += 1) await desk.buy('acme', bundle, { operation: `op-${n}` })
    expect(await desk.review('acme', bundle)).toMatchObject({ code: 'too_many_bundles', field: '/recurring' })
    expect(await desk.review('acme', { ...bundle, recurring: false })).toMatchObject({ amount: 3_500_000n })
  })
})
