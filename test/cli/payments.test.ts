import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { problem, Stub } from './stub.ts'

let stub: Stub
beforeEach(async () => {
  stub = new Stub()
  await stub.open()
})
afterEach(() => stub.close())

const card = { id: 'c1', provider: 'sandbox', brand: 'visa', last4: '4242', expires: '2034-12', recurring: true }
const order = { order: '3-o', kind: 'bundle', amount: '7.00', currency: 'USD', expiresAt: '2026-11-28T13:00:00.000Z' }
const payment = {
  payment: '3-o',
  kind: 'credit',
  state: 'succeeded',
  amount: '25.000000',
  currency: 'USD',
  refunded: '0.000000',
  card,
  receipt: 'acme-1',
  openedAt: '2026-11-28T12:00:00.000Z',
}
const recharge = {
  recharge: { enabled: true, threshold: '5.000000', amount: '20.000000' },
  failures: 0,
  chargedToday: '0.000000',
  chargedThisMonth: '20.000000',
}
const of = '/v1/accounts/acme'

describe('cards', () => {
  it('are added by a token, listed, chosen and removed', async () => {
    stub.on(`POST ${of}/payment-methods`, { status: 201, body: card })
    stub.on(`GET ${of}/payment-methods`, { body: { items: [card] } })
    stub.on(`PATCH ${of}/payment-methods/c1`, { body: card })
    stub.on(`DELETE ${of}/payment-methods/c1`, { body: { items: [] } })
    const added = await stub.run('payment-methods', 'add', 'acme', 'tok_success', '--recurring', '--email', 'a@b.test')
    expect(added).toMatchObject({ code: 0, err: '' })
    const body = { token: 'tok_success', recurring: true, contact: { email: 'a@b.test' } }
    expect(stub.asked[0]).toMatchObject({ body, idempotencyKey: 'id-1' })
    expect((await stub.run('payment-methods', 'list', 'acme')).out).toMatch(/c1\s+visa\s+4242\s+2034-12\s+yes/)
    expect((await stub.run('payment-methods', 'default', 'acme', 'c1')).code).toBe(0)
    expect((await stub.run('payment-methods', 'remove', 'acme', 'c1')).out).toBe('Removed; 0 left.\n')
  })
})

describe('what is bought', () => {
  beforeEach(() => {
    stub.on(`POST ${of}/orders`, { status: 201, body: order })
    stub.on(`POST ${of}/orders/3-o/confirm`, { body: payment })
  })

  it('is shown first, and charged when that is confirmed', async () => {
    const shown = await stub.run('credit', 'buy', 'acme', '7.00')
    expect(shown.out).toContain('say it again with --confirm 3-o')
    expect(stub.asked.map(({ path }) => path)).toEqual([`${of}/orders`])
    const paid = await stub.run('credit', 'buy', 'acme', '7.00', '--confirm', '3-o', '--card', 'c1', '--key', 'k9')
    expect(paid).toMatchObject({ code: 0 })
    expect(paid.out).toMatch(/receipt\s+acme-1/)
    expect(stub.asked[1]).toMatchObject({
      path: `${of}/orders/3-o/confirm`,
      idempotencyKey: 'k9',
      body: { card: 'c1' },
    })
  })

  it('says how many minutes it is, and whether they are bought again', async () => {
    const minutes = { minutes: { seconds: 12_000, bundles: 2 }, recurring: true }
    stub.on(`POST ${of}/orders`, { status: 201, body: { ...order, ...minutes } })
    const shown = await stub.run('bundle', 'buy', 'acme', '2')
    expect(shown.out).toMatch(/minutes\s+200 min/)
    expect(shown.out).toMatch(/bought again\s+with each cycle/)
    await stub.run('bundle', 'buy', 'acme', '2', '--once')
    await stub.run('dialer', 'buy', 'acme', '100.00')
    expect(stub.asked.map(({ body }) => body)).toEqual([
      { kind: 'bundle', bundles: 2 },
      { kind: 'bundle', bundles: 2, recurring: false },
      { kind: 'dialer', amount: '100.00' },
    ])
  })

  it('is charged at once with --yes', async () => {
    expect((await stub.run('bundle', 'buy', 'acme', '2', '--yes', '--buyer', 'ann@acme.test')).code).toBe(0)
    expect(stub.asked[0]?.body).toEqual({ kind: 'bundle', bundles: 2, buyer: 'ann@acme.test' })
    expect(stub.asked).toHaveLength(2)
  })

  it.each([
    ['failed', 3],
    ['unknown', 1],
    ['needs_authentication', 1],
  ])('ends a payment that is %s with %i', async (state, code) => {
    stub.on(`POST ${of}/orders/3-o/confirm`, { body: { ...payment, state, reason: 'because' } })
    const ran = await stub.run('credit', 'buy', 'acme', '7', '--yes')
    expect(ran.code).toBe(code)
    expect(ran.out).toContain(`${state}: because`)
  })

  it('below the minimum is refused by policy', async () => {
    stub.on(`POST ${of}/orders`, problem(422, 'amount_below_minimum', 'a purchase is at least 5.000000 USD'))
    expect((await stub.run('credit', 'buy', 'acme', '4.99')).code).toBe(3)
    expect((await stub.run('bundle', 'buy', 'acme', '0.5')).code).toBe(2)
  })
})

it('bundles that recur are listed, stopped and bought again now', async () => {
  const items = [{ id: '3-o', bundles: 2, seconds: 12_000, amount: '7.000000' }]
  const standing = { currency: 'USD', items, renewsAt: '2026-12-01T00:00:00.000Z' }
  const declined = { ...payment, state: 'failed', reason: 'card_declined' }
  stub.on(`GET ${of}/bundles`, { body: { ...standing, payment: declined, nextAt: '2026-12-02T00:00:00.000Z' } })
  stub.on(`POST ${of}/bundles/stop`, { body: { currency: 'USD', items: [] } })
  stub.on(`POST ${of}/bundles/renew`, { body: declined })
  const listed = await stub.run('bundle', 'list', 'acme')
  expect(listed.out).toMatch(/3-o\s+2 for 7.00 USD, 200 min/)
  expect(listed.out).toMatch(/last payment\s+3-o failed: card_declined/)
  expect((await stub.run('bundle', 'stop', 'acme', '3-o')).out).toMatch(/bought again\s+nothing/)
  await stub.run('bundle', 'stop', 'acme')
  expect(stub.asked.slice(1).map(({ body }) => body)).toEqual([{ bundles: '3-o' }, {}])
  expect((await stub.run('bundle', 'renew', 'acme')).code).toBe(3)
})

it('payments are listed, shown and paid back', async () => {
  stub.on(`GET ${of}/payments`, { body: { items: [payment] } })
  stub.on(`GET ${of}/payments/3-o`, { body: { ...payment, state: 'failed' } })
  stub.on(`POST ${of}/payments/3-o/refund`, { body: { ...payment, refunded: '5.000000' } })
  expect((await stub.run('payments', 'list', 'acme')).out).toMatch(/3-o\s+credit\s+25\.00 USD\s+succeeded\s+acme-1/)
  expect((await stub.run('payments', 'show', 'acme', '3-o')).code).toBe(0)
  expect((await stub.run('payments', 'refund', 'acme', '3-o', '--amount', '5')).out).toContain('5.00 USD')
  expect(stub.asked.at(-1)).toMatchObject({ body: { amount: '5' }, idempotencyKey: 'id-1' })
})

it('the recharge is set, shown, paused, resumed and run', async () => {
  stub.on(`PATCH ${of}`, problem(422, 'amount_below_minimum', 'too small'))
  stub.on(`GET ${of}/recharge`, { body: recharge })
  for (const verb of ['pause', 'resume'])
    stub.on(`POST ${of}/recharge/${verb}`, { body: { ...recharge, paused: 'staff' } })
  stub.on(`POST ${of}/recharge/run`, { body: payment })
  const settings = ['--threshold', '5', '--target-balance', '50', '--day-cap', '100', '--max-failures', '2']
  expect((await stub.run('recharge', 'set', 'acme', ...settings)).code).toBe(3)
  const body = { recharge: { enabled: true, threshold: '5', targetBalance: '50', dayCap: '100', maxFailures: 2 } }
  expect(stub.asked[0]?.body).toEqual(body)
  expect((await stub.run('recharge', 'set', 'acme', '--threshold', '5')).code).toBe(2)
  expect((await stub.run('recharge', 'set', 'acme', '--amount', '5')).code).toBe(2)
  expect((await stub.run('recharge', 'show', 'acme')).out).toMatch(/buys\s+20\.000000/)
  for (const verb of ['pause', 'resume'])
    expect((await stub.run('recharge', verb, 'acme')).out).toMatch(/paused\s+staff/)
  expect((await stub.run('recharge', 'run', 'acme')).out).toMatch(/state\s+succeeded/)
})

it('audit payments fails when the provider does not agree', async () => {
  const agreed = {
    provider: 'sandbox',
    charges: 2,
    sums: [{ currency: 'USD', charged: '5', credited: '5' }],
    disagreements: [],
  }
  stub.on(
    'POST /v1/payments/reconcile',
    { body: agreed },
    { body: { ...agreed, disagreements: [{ kind: 'stray_charge' }] } },
  )
  expect(await stub.run('audit', 'payments')).toMatchObject({
    code: 0,
    out: expect.stringContaining('charged 5, credited 5') as string,
  })
  expect((await stub.run('audit', 'payments', '--since', '2026-11-01T00:00:00Z')).code).toBe(1)
  expect(stub.asked.map(({ body }) => body)).toEqual([{}, { since: '2026-11-01T00:00:00Z' }])
})
