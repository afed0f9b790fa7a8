/** The adapter through Stripe's own library, against a local form of its API. */
import { Stripe } from 'stripe'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fromStripeUnits, stripeUnits } from '../../../src/edges/payments/stripe-amounts.ts'
import { openStripe } from '../../../src/edges/payments/stripe.ts'
import type { ChargeAsk, PaymentProvider, ProviderCharge } from '../../../src/payments/provider.ts'
import { StripeFake } from '../../support/stripe-fake.ts'

const SECRET = 'whsec_test_secret'
let fake: StripeFake
let provider: PaymentProvider

beforeEach(async () => {
  fake = new StripeFake()
  const apiUrl = await fake.open()
  provider = await openStripe({ secretKey: 'sk_test_1', webhookSecret: SECRET, apiUrl })
})
afterEach(() => fake.close())

const charge = (token: string, change: Partial<ChargeAsk> = {}) =>
  provider.charge({
    payment: '3-pay',
    account: 'acme',
    amount: 25_000_000n,
    currency: 'USD',
    customer: 'cus_1',
    token,
    description: 'credit',
    ...change,
  })

const look = (more: object = {}) =>
  provider.lookup({ payment: '3-pay', customer: 'cus_1', openedAtMs: Date.now(), ...more })

async function listed(): Promise<readonly ProviderCharge[]> {
  const charges: ProviderCharge[] = []
  for await (const each of provider.list(Date.now() - 60_000)) charges.push(each)
  return charges
}

describe('a charge', () => {
  it('is an off-session intent under our id', async () => {
    expect(await charge('pm_ok')).toEqual({ kind: 'succeeded', charge: 'pi_1' })
    expect(fake.asked[0]).toMatchObject({
      path: '/v1/payment_intents',
      key: '3-pay',
      params: {
        amount: '2500',
        currency: 'usd',
        customer: 'cus_1',
        payment_method: 'pm_ok',
        off_session: 'true',
        confirm: 'true',
        'metadata[tollgate_payment]': '3-pay',
      },
    })
  })

  it('is made once when the connection breaks after it', async () => {
    fake.drops = 1
    expect(await charge('pm_ok')).toEqual({ kind: 'succeeded', charge: 'pi_1' })
    expect(fake.asked).toHaveLength(2)
    expect(fake.intents).toHaveLength(1)
  })

  it('that never gets an answer is unknown, and found again by its metadata', async () => {
    fake.drops = 3
    expect(await charge('pm_ok')).toMatchObject({ kind: 'unknown' })
    expect(await look()).toMatchObject({
      kind: 'found',
      charge: {
        charge: 'pi_1',
        payment: '3-pay',
        amount: 25_000_000n,
        currency: 'USD',
        outcome: { kind: 'succeeded' },
      },
    })
    expect(await look({ payment: '3-other' })).toEqual({ kind: 'absent' })
    expect(await look({ customer: 'cus_2' })).toEqual({ kind: 'absent' })
  })

  it.each([
    ['pm_decline', { kind: 'declined', reason: 'insufficient_funds', charge: 'pi_1' }],
    ['pm_auth', { kind: 'needs_authentication', charge: 'pi_1', clientSecret: 'pi_secret' }],
    ['pm_slow', { kind: 'unknown', charge: 'pi_1', reason: 'processing' }],
  ])('of %s is told as it is, now and later', async (token, outcome) => {
    expect(await charge(token)).toEqual(outcome)
    expect(await look({ charge: 'pi_1' })).toMatchObject({ kind: 'found', charge: { outcome } })
  })

  it('is refused for a wrong key and unknown while Stripe is ill', async () => {
    fake.status = 401
    expect(await charge('pm_ok', { payment: '3-a' })).toMatchObject({ kind: 'declined' })
    fake.status = 500
    expect(await charge('pm_ok', { payment: '3-b' })).toMatchObject({ kind: 'unknown' })
    expect(await look()).toMatchObject({ kind: 'unknown' })
  })

  it('has no fraction of the least coin', async () => {
    const coins = ['USD', 'JPY', 'MGA', 'KWD', 'ISK', 'UGX'].map((currency) => provider.coin(currency))
    expect(coins).toEqual([10_000n, 1_000_000n, 1_000_000n, 10_000n, 1_000_000n, 1_000_000n])
    expect(await charge('pm_ok', { amount: 25_001_000n })).toMatchObject({ kind: 'declined' })
    expect(fake.asked).toEqual([])
  })
})

describe('a card', () => {
  it('is put on file for who was made for the account, once for each key', async () => {
    const ask = { account: 'acme', token: 'pm_ok', key: 'k1' }
    const ready = await provider.setup(ask)
    const card = { token: 'pm_ok', brand: 'mastercard', last4: '4444', expiryMonth: 8, expiryYear: 2031 }
    expect(ready).toEqual({ kind: 'ready', customer: 'cus_1', card })
    expect(await provider.setup(ask)).toEqual(ready)
    expect(fake.setups).toHaveLength(1)
  })

  it('is gone on with in the form, and taken when that is done', async () => {
    const form = await provider.setup({ account: 'acme', customer: 'cus_9', key: 'k1' })
    expect(form).toEqual({ kind: 'pending', customer: 'cus_9', setup: 'seti_1', clientSecret: 'seti_secret' })
    const done = { account: 'acme', customer: 'cus_9', token: 'seti_1', key: 'k2' }
    expect(await provider.setup(done)).toEqual({ kind: 'declined', reason: 'requires_payment_method' })
    Object.assign(fake.setups[0]!, {
      status: 'succeeded',
      payment_method: { id: 'pm_x', card: { brand: 'visa', last4: '1' } },
    })
    expect(await provider.setup(done)).toMatchObject({ kind: 'ready', card: { token: 'pm_x' } })
    expect(await provider.setup({ ...done, customer: 'cus_other' })).toMatchObject({ kind: 'declined' })
  })

  it('that is declined, or that its holder must agree to, is not on file yet', async () => {
    expect(await provider.setup({ account: 'a', token: 'pm_bad', key: 'k1' })).toEqual({
      kind: 'declined',
      reason: 'card_declined',
    })
    expect(await provider.setup({ account: 'a', token: 'pm_auth', key: 'k2' })).toMatchObject({ kind: 'pending' })
  })
})

describe('a refund', () => {
  const refund = (amount: bigint, id = '3-pay.1') =>
    provider.refund({ refund: id, payment: '3-pay', charge: 'pi_1', amount, currency: 'USD' })

  it('is made once, and found with its charge', async () => {
    await charge('pm_ok')
    fake.drops = 1
    expect(await refund(5_000_000n)).toEqual({ kind: 'succeeded' })
    expect(fake.refunds).toHaveLength(1)
    const refunds = [{ refund: '3-pay.1', amount: 5_000_000n, outcome: { kind: 'succeeded' } }]
    expect(await look({ charge: 'pi_1' })).toMatchObject({ charge: { refunds } })
  })

  it('that is pending is unknown; one that fails or has no charge is declined', async () => {
    await charge('pm_ok')
    expect(await refund(7_770_000n, '3-pay.2')).toMatchObject({ kind: 'unknown', reason: 'pending' })
    expect(await refund(6_660_000n, '3-pay.3')).toMatchObject({ kind: 'declined' })
    const nothing = { refund: 'r', payment: 'p', charge: 'pi_none', amount: 1_000_000n, currency: 'USD' }
    expect(await provider.refund(nothing)).toEqual({ kind: 'declined', reason: 'resource_missing' })
  })
})

it('lists charges, with those that are none of ours', async () => {
  await charge('pm_ok')
  fake.intents.push({ ...fake.intents[0]!, id: 'pi_stray', metadata: {} })
  const charges = await listed()
  expect(charges.map(({ charge: id, payment }) => [id, payment])).toEqual([
    ['pi_1', '3-pay'],
    ['pi_stray', undefined],
  ])
})

describe('webhooks', () => {
  const signed = (body: string, secret = SECRET) => ({
    body: Buffer.from(body),
    headers: { 'stripe-signature': Stripe.webhooks.generateTestHeaderString({ payload: body, secret }) },
  })
  const body = (object: object) =>
    JSON.stringify({ id: 'evt_1', object: 'event', type: 'payment_intent.succeeded', data: { object } })

  it('name our payment when they are signed', async () => {
    const ours = body({ id: 'pi_1', metadata: { tollgate_payment: '3-pay' } })
    expect(await provider.verifyWebhook(signed(ours))).toEqual({ payment: '3-pay' })
    expect(await provider.verifyWebhook(signed(body({ id: 'pi_2', metadata: {} })))).toEqual({})
    expect(await provider.verifyWebhook(signed(body({ id: 'tok' })))).toEqual({})
  })

  it('are refused when the signature is another, old, missing or of other bytes', async () => {
    const text = body({ id: 'pi_1' })
    expect(await provider.verifyWebhook(signed(text, 'whsec_other'))).toBeUndefined()
    expect(await provider.verifyWebhook({ ...signed(text), body: Buffer.from(`${text} `) })).toBeUndefined()
    expect(await provider.verifyWebhook({ body: Buffer.from(text), headers: {} })).toBeUndefined()
    const timestamp = Math.floor(Date.now() / 1000) - 3_600
    const old = Stripe.webhooks.generateTestHeaderString({ payload: text, secret: SECRET, timestamp })
    expect(
      await provider.verifyWebhook({ body: Buffer.from(text), headers: { 'stripe-signature': old } }),
    ).toBeUndefined()
  })
})

it.each([
  ['USD', 12_340_000n, 1234],
  ['USD', 12_345_000n, undefined],
  ['JPY', 500_000_000n, 500],
  ['JPY', 500_500_000n, undefined],
  ['KWD', 1_230_000n, 1230],
  ['KWD', 1_234_000n, undefined],
  ['ISK', 5_000_000n, 500],
  ['ISK', 5_500_000n, undefined],
])('counts %s %s as %s', (currency, amount, units) => {
  expect(stripeUnits(amount, currency)).toBe(units)
  if (units !== undefined) expect(fromStripeUnits(units, currency)).toBe(amount)
})
