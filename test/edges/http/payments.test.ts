import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { refusePayment } from '../../../src/payments/refusal.ts'
import { openRig, type Rig } from './fake-daemon.ts'

let rig: Rig
beforeEach(async () => {
  rig = await openRig()
})
afterEach(() => rig.server.close())

const key = { 'idempotency-key': 'k1' }
const of = (path: string) => `/v1/accounts/acme/${path}`

describe('payment methods', () => {
  it('are put on file by the token of a form, which is asked for without one', async () => {
    const body = { token: 'tok_success', contact: { email: 'ann@acme.test' }, recurring: true }
    const added = await rig.ask({ method: 'POST', url: of('payment-methods'), headers: key, body })
    expect(added.statusCode).toBe(201)
    expect(added.json()).toMatchObject({ id: 'card-tok_success', brand: 'visa', last4: '4242', expires: '2034-12' })
    expect(added.body).not.toContain('"token"')
    expect(rig.inputs('addCard')).toEqual([{ account: 'acme', key: 'k1', ...body }])
    const form = await rig.ask({ method: 'POST', url: of('payment-methods'), headers: key, body: {} })
    expect([form.statusCode, form.json()]).toEqual([202, { setup: 'seti_1', clientSecret: 'secret' }])
  })

  it.each(['4242424242424242', '4242 4242 4242 4242', '4242-4242-4242-4242'])('take no number: %s', async (token) => {
    const answer = await rig.ask({ method: 'POST', url: of('payment-methods'), headers: key, body: { token } })
    expect(answer.statusCode).toBe(400)
    expect(answer.body).not.toContain(token)
    expect(rig.inputs('addCard')).toEqual([])
  })

  it('are listed, changed and removed', async () => {
    expect((await rig.ask({ url: of('payment-methods') })).json()).toMatchObject({ items: [{ recurring: true }] })
    const url = of('payment-methods/card-tok_success')
    const changed = await rig.ask({ method: 'PATCH', url, body: { recurring: true, contact: { name: 'Ann' } } })
    expect(changed.statusCode).toBe(200)
    expect((await rig.ask({ method: 'DELETE', url })).statusCode).toBe(200)
    const none = await rig.ask({ method: 'PATCH', url: of('payment-methods/none'), body: {} })
    expect([none.statusCode, none.json<{ code: string }>().code]).toEqual([404, 'card_unknown'])
  })
})

describe('orders', () => {
  it('are reviewed, then confirmed under a key', async () => {
    const body = { kind: 'credit', amount: '25.00', buyer: 'ann@acme.test' }
    const order = await rig.ask({ method: 'POST', url: of('orders'), body })
    expect([order.statusCode, order.json()]).toMatchObject([201, { order: '3-order', amount: '25.000000' }])
    expect(rig.inputs('review')).toMatchObject([
      { goods: { kind: 'credit', amount: 25_000_000n }, buyer: 'ann@acme.test' },
    ])
    const url = of('orders/3-order/confirm')
    const keyless = await rig.ask({ method: 'POST', url, body: {} })
    expect(keyless.json()).toMatchObject({ code: 'idempotency_key_missing' })
    const paid = await rig.ask({ method: 'POST', url, headers: key, body: { card: 'card-1' } })
    expect(paid.json()).toMatchObject({ payment: '3-pay', state: 'succeeded', receipt: 'acme-1', refunded: '5.000000' })
    expect(rig.inputs('confirm')).toEqual([{ account: 'acme', order: '3-order', card: 'card-1', operation: 'k1' }])
  })

  it.each([
    [{ kind: 'credit' }],
    [{ kind: 'bundle' }],
    [{ kind: 'credit', bundles: 1 }],
    [{ kind: 'bundle', amount: '5.00' }],
    [{ kind: 'bundle', bundles: 1, amount: '5.00' }],
    [{ kind: 'dialer' }],
    [{ kind: 'dialer', bundles: 1 }],
    [{ kind: 'dialer', amount: '5.00', recurring: true }],
    [{ kind: 'credit', amount: '5.00', recurring: false }],
  ])('are of one thing: not %j', async (body) => {
    const answer = await rig.ask({ method: 'POST', url: of('orders'), body })
    expect(answer.json()).toMatchObject({ code: 'invalid_input', errors: [{ pointer: '/kind' }] })
  })
})

describe('payments', () => {
  it('that are not decided are 202, those that failed tell why', async () => {
    const body = { kind: 'bundle', bundles: 2, token: 'tok_timeout' }
    rig.scene.payment = { ...rig.scene.payment, state: 'unknown', refunds: [] }
    const open = await rig.ask({ method: 'POST', url: of('payments'), headers: key, body })
    expect([open.statusCode, open.json()]).toMatchObject([202, { state: 'unknown' }])
    expect(rig.inputs('buy')).toMatchObject([{ goods: { kind: 'bundle', bundles: 2 }, token: 'tok_timeout' }])
    rig.scene.payment = { ...rig.scene.payment, state: 'failed', reason: 'card_declined' }
    const failed = await rig.ask({ method: 'POST', url: of('payments'), headers: key, body })
    expect([failed.statusCode, failed.json()]).toMatchObject([200, { state: 'failed', reason: 'card_declined' }])
  })

  it('are listed and shown, and paid back', async () => {
    expect((await rig.ask({ url: of('payments?limit=5') })).json()).toMatchObject({ items: [{ payment: '3-pay' }] })
    expect((await rig.ask({ url: of('payments/3-pay') })).json()).toMatchObject({ card: { last4: '4242' } })
    expect((await rig.ask({ url: of('payments/none') })).json()).toMatchObject({ code: 'payment_unknown' })
    const refund = { method: 'POST', url: of('payments/3-pay/refund'), headers: key } as const
    expect((await rig.ask({ ...refund, body: { amount: '5' } })).statusCode).toBe(200)
    expect(rig.inputs('refund')).toEqual([{ account: 'acme', payment: '3-pay', amount: 5_000_000n, operation: 'k1' }])
  })

  it('say what is refused, with the field', async () => {
    rig.scene.refusal = refusePayment('amount_below_minimum', 'a purchase is at least 5.000000 USD', '/amount')
    const answer = await rig.ask({ method: 'POST', url: of('orders'), body: { kind: 'credit', amount: '4.99' } })
    expect([answer.statusCode, answer.json()]).toMatchObject([
      422,
      { code: 'amount_below_minimum', errors: [{ pointer: '/amount' }] },
    ])
  })
})

describe('minutes', () => {
  it('recur unless it is said that they do not, and are bought for an amount where they stay', async () => {
    for (const words of [{}, { recurring: false }]) {
      await rig.ask({ method: 'POST', url: of('orders'), body: { kind: 'bundle', bundles: 2, ...words } })
    }
    await rig.ask({ method: 'POST', url: of('orders'), body: { kind: 'dialer', amount: '100.00' } })
    expect(rig.inputs('review')).toMatchObject([
      { goods: { kind: 'bundle', bundles: 2, recurring: true } },
      { goods: { kind: 'bundle', bundles: 2, recurring: false } },
      { goods: { kind: 'dialer', amount: 100_000_000n } },
    ])
  })

  it('say how many they are, what is taken back, and how often a renewal was tried', async () => {
    rig.scene.payment = {
      ...rig.scene.payment,
      kind: 'bundle',
      minutes: { seconds: 12_000, bundles: 2, cycle: 4 },
      renewal: { cycle: 4, attempt: 3, orders: ['3-first'] },
      refunds: [{ ...rig.scene.payment.refunds[0]!, seconds: 6_000 }],
    }
    expect((await rig.ask({ url: of('payments/3-pay') })).json()).toMatchObject({
      minutes: { seconds: 12_000, bundles: 2 },
      attempt: 3,
      refunds: [{ seconds: 6_000 }],
    })
  })

  it('that recur are shown, stopped and bought again now', async () => {
    const shown = await rig.ask({ url: of('bundles') })
    expect(shown.json()).toMatchObject({
      currency: 'USD',
      items: [{ id: '3-first', bundles: 2, seconds: 12_000, amount: '7.000000' }],
      renewsAt: '2026-11-23T10:00:00.000Z',
      payment: { payment: '3-pay' },
    })
    expect((await rig.ask({ url: '/v1/accounts/other/bundles' })).statusCode).toBe(404)
    expect((await rig.ask({ method: 'POST', url: of('bundles/stop') })).statusCode).toBe(200)
    await rig.ask({ method: 'POST', url: of('bundles/stop'), body: { bundles: '3-first' } })
    expect(rig.inputs('stop')).toEqual([{ account: 'acme' }, { account: 'acme', bundles: '3-first' }])
    expect((await rig.ask({ method: 'POST', url: of('bundles/renew') })).json()).toMatchObject({ state: 'succeeded' })
    expect(rig.inputs('renew')).toEqual([{ account: 'acme', isAsked: true }])
    rig.scene.refusal = refusePayment('renewal_not_due', 'it is paid for')
    const renew = await rig.ask({ method: 'POST', url: of('bundles/renew') })
    expect([renew.statusCode, renew.json()]).toMatchObject([409, { code: 'renewal_not_due' }])
    const unknown = await rig.ask({ method: 'POST', url: of('bundles/stop'), body: { bundles: '3-none' } })
    expect([unknown.statusCode, unknown.json()]).toMatchObject([404, { code: 'bundles_unknown' }])
  })
})

describe('the recharge', () => {
  it('is shown, paused, resumed and run', async () => {
    const shown = await rig.ask({ url: of('recharge') })
    expect(shown.json()).toMatchObject({ recharge: { threshold: '5.000000' }, failures: 1, paused: 'staff' })
    for (const verb of ['pause', 'resume']) {
      expect((await rig.ask({ method: 'POST', url: of(`recharge/${verb}`) })).statusCode).toBe(200)
      expect(rig.inputs(verb)).toEqual(['acme'])
    }
    expect((await rig.ask({ method: 'POST', url: of('recharge/run') })).json()).toMatchObject({ state: 'succeeded' })
    rig.scene.refusal = refusePayment('recharge_paused', 'it is paused')
    expect((await rig.ask({ method: 'POST', url: of('recharge/run') })).json()).toMatchObject({
      code: 'recharge_paused',
    })
    expect((await rig.ask({ url: '/v1/accounts/other/recharge' })).statusCode).toBe(404)
  })
})

describe('webhooks of providers', () => {
  const post = (url: string, signature: string, body: string | Buffer = '{"type":"x"}') =>
    rig.ask({
      method: 'POST',
      url,
      key: undefined,
      headers: { 'sandbox-signature': signature, 'content-type': 'application/json' },
      body,
    })

  it('are taken as bytes, without a key, by their signature', async () => {
    const taken = await post('/v1/payments/webhooks/sandbox', 'good', '{ "type" : "x" }')
    expect([taken.statusCode, taken.json()]).toEqual([200, { received: true }])
    expect(rig.inputs('hear')).toEqual([{ provider: 'sandbox', body: '{ "type" : "x" }', signature: 'good' }])
    expect((await post('/v1/payments/webhooks/sandbox', 'bad')).json()).toMatchObject({ code: 'signature_invalid' })
    expect((await post('/v1/payments/webhooks/nobody', 'good')).statusCode).toBe(404)
    expect((await post('/v1/payments/webhooks/sandbox', 'good', Buffer.alloc(300_000))).statusCode).toBe(413)
  })
})

it('reconciles the last two days, or since an instant', async () => {
  const url = '/v1/payments/reconcile'
  const report = await rig.ask({ method: 'POST', url, body: {} })
  expect(report.json()).toMatchObject({
    since: '2026-11-21T10:00:00.000Z',
    sums: [{ currency: 'USD', charged: '0.000005', credited: '0.000004' }],
    disagreements: [{ kind: 'stray_charge', amount: '0.000001' }],
  })
  await rig.ask({ method: 'POST', url, body: { since: '2026-11-01T00:00:00Z' } })
  expect(rig.inputs('reconcile').at(-1)).toEqual({ sinceMs: Date.UTC(2026, 10, 1) })
})
