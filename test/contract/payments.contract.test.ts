/** Payments on real stores: what a card is charged is credited, in the same step, once. */
import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { OfficeRefused, SavedProfile } from '../../src/accounts/office.ts'
import { SIGNATURE_HEADER } from '../../src/edges/payments/sandbox.ts'
import type { WebhookRequest } from '../../src/payments/provider.ts'
import { reconcile } from '../../src/payments/reconcile.ts'
import { storeForms, type TestStore, useStore } from '../support/offices.ts'
import { SECRET, Till } from '../support/till.ts'

const HOUR_MS = 3_600_000
const PAID = 25_000_000n

function webhook(body: object, secret = SECRET): WebhookRequest {
  const bytes = Buffer.from(JSON.stringify(body))
  const signature = `sha256=${createHmac('sha256', secret).update(bytes).digest('hex')}`
  return { body: bytes, headers: { [SIGNATURE_HEADER]: signature } }
}

async function eventsOf(test: TestStore, account: string): Promise<readonly Record<string, string>[]> {
  const chain = await test.office().chainOf(account)
  const entries = await test.store.command((client) => client.xrange(test.keys.outbox(chain?.partition ?? 0), '-', '+'))
  return entries.map(([, flat]) =>
    Object.fromEntries(flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? '']] : []))),
  )
}

describe.each(storeForms)('payments on %s', (_name, form) => {
  const test = useStore(form)

  async function open(account = 'acme'): Promise<Till> {
    const till = new Till(test)
    const saved: SavedProfile | OfficeRefused = await till.office.put(account, { timezone: 'Europe/Berlin' })
    expect(saved.kind).toBe('saved')
    return till
  }

  const creditOf = async (account = 'acme') => (await test.office().balance(account))?.credit

  describe('a purchase of credit', () => {
    it('credits what the card was charged, and gives it a receipt', async () => {
      const till = await open()
      const payment = await till.must('acme', { buyer: 'ann@acme.test' })
      expect(payment).toMatchObject({ state: 'succeeded', receipt: 'acme-1', buyer: 'ann@acme.test' })
      expect(payment.charge).toBe(`ch_${payment.id}`)
      expect(await creditOf()).toBe(PAID)
      const { items } = await test.office().transactions('acme', { limit: 10 })
      expect(items).toMatchObject([{ what: 'purchase', amount: PAID, balanceAfter: PAID, externalId: payment.charge }])
      expect(await eventsOf(test, 'acme')).toMatchObject([
        {
          type: 'payment.succeeded',
          account: 'acme',
          payment: payment.id,
          kind: 'credit',
          amount: '25000000',
          currency: 'USD',
          card: 'visa 4242',
          buyer: 'ann@acme.test',
          receipt: 'acme-1',
        },
      ])
      expect((await till.must('acme')).receipt).toBe('acme-2')
    })

    it('is taken once under one operation, by any daemon, and conflicts with another content', async () => {
      const till = await open()
      const operation = { id: 'op-1', content: ['credit', '25'] }
      const answers = await Promise.all(
        [till, new Till(test, { name: 'two' }), new Till(test, { name: 'three' })].map((each) =>
          each.buy('acme', { operation }),
        ),
      )
      expect(answers.map((answer) => answer.kind)).toEqual(['paid', 'paid', 'paid'])
      const ids = new Set(answers.map((answer) => answer.kind === 'paid' && answer.payment.id))
      expect(ids.size).toBe(1)
      expect(answers.filter((answer) => answer.kind === 'paid' && !answer.replayed)).toHaveLength(1)
      expect(await creditOf()).toBe(PAID)
      const other = await till.buy('acme', { operation: { id: 'op-1', content: ['credit', '30'] } })
      expect(other).toMatchObject({ kind: 'refused', code: 'request_conflict' })
    })

    it('of one order is paid once, whatever operation it comes under', async () => {
      const till = await open()
      const { partition } = (await till.office.chainOf('acme'))!
      const id = `${partition}-order`
      await till.must('acme', { id, operation: { id: 'op-1', content: 1 } })
      const again = await till.buy('acme', { id, operation: { id: 'op-2', content: 1 } })
      expect(again).toMatchObject({ kind: 'paid', replayed: true, payment: { id, state: 'succeeded' } })
      expect(await creditOf()).toBe(PAID)
    })

    it.each([
      ['tok_decline', 'card_declined'],
      ['tok_insufficient_funds', 'insufficient_funds'],
    ])('fails with %s and credits nothing', async (token, reason) => {
      const till = await open()
      expect(await till.must('acme', { token })).toMatchObject({ state: 'failed', reason })
      expect(await creditOf()).toBe(0n)
      expect(await eventsOf(test, 'acme')).toMatchObject([{ type: 'payment.failed', reason }])
      test.clock.advance(48 * HOUR_MS)
      expect(await till.store.claimDue(test.clock.nowMs(), 1_000)).toEqual({
        payments: [],
        recharges: [],
        renewals: [],
      })
    })

    it('keeps the currency of the account, as what it becomes is in it', async () => {
      const till = await open()
      await till.must('acme', { token: 'tok_timeout' })
      expect(await till.office.patch('acme', { currency: 'EUR' })).toMatchObject({ code: 'currency_is_fixed' })
    })

    it('is refused for who is not there, and where the policy refuses it after its past', async () => {
      const till = await open()
      expect(await till.buy('nobody')).toMatchObject({ kind: 'refused', code: 'account_unknown' })
      const operation = { id: 'op-1', content: 1 }
      await till.must('acme', { operation })
      const refusal = { kind: 'refused', code: 'account_closed', detail: 'it is closed' } as const
      expect(await till.buy('acme', { operation, refusal })).toMatchObject({ kind: 'paid', replayed: true })
      expect(await till.buy('acme', { refusal })).toEqual(refusal)
      expect(await till.buy('acme', { amount: 2n ** 53n - 1n })).toMatchObject({ code: 'amount_too_large' })
    })
  })

  describe('an outcome that is not known', () => {
    it('stays so until the provider is asked, and is credited then', async () => {
      const till = await open()
      expect(await till.must('acme', { token: 'tok_timeout' })).toMatchObject({ state: 'unknown' })
      expect(await creditOf()).toBe(0n)
      await till.cashier.lookAfterDue()
      expect(await creditOf()).toBe(0n)
      test.clock.advance(10_000)
      await till.cashier.lookAfterDue()
      expect(await creditOf()).toBe(PAID)
      expect((await eventsOf(test, 'acme')).map(({ type }) => type)).toEqual(['payment.unknown', 'payment.succeeded'])
    })

    it('is not charged when the provider knows of nothing for long, and not before', async () => {
      const till = await open()
      const { id } = await till.must('acme', { token: 'tok_lost' })
      test.clock.advance(60_000)
      await till.cashier.lookAfterDue()
      expect(await till.store.find(id)).toMatchObject({ state: 'unknown', lookups: 1 })
      test.clock.advance(HOUR_MS)
      await till.cashier.lookAfterDue()
      expect(await till.store.find(id)).toMatchObject({ state: 'failed', reason: 'not_charged' })
      expect(await creditOf()).toBe(0n)
    })

    it('of a daemon that died after the intent is looked after by another', async () => {
      const dying = new Till(test, {
        provider: (provider) => ({
          ...provider,
          name: provider.name,
          charge: async (ask) => {
            await provider.charge(ask)
            throw new Error('killed')
          },
        }),
      })
      await dying.office.put('acme', {})
      await expect(dying.buy('acme')).rejects.toThrow('killed')
      const other = new Till(test)
      test.clock.advance(60_000)
      await other.cashier.lookAfterDue()
      expect(await creditOf()).toBe(0n)
      test.clock.advance(60_000)
      await other.cashier.lookAfterDue()
      expect(await creditOf()).toBe(PAID)
    })

    it('that was given up is credited when the charge turns up after all', async () => {
      const till = await open()
      const { id } = await till.must('acme', { token: 'tok_lost' })
      test.clock.advance(HOUR_MS)
      await till.cashier.lookAfterDue()
      expect(await till.store.find(id)).toMatchObject({ state: 'failed' })
      const ask = { payment: id, account: 'acme', amount: PAID, currency: 'USD', customer: 'cus_acme', description: '' }
      await till.sandbox.charge({ ...ask, token: 'tok_success' })
      expect(await till.cashier.hear(till.provider, webhook({ type: 'charge.succeeded', payment: id }))).toBe(true)
      expect(await till.store.find(id)).toMatchObject({ state: 'succeeded' })
      expect(await creditOf()).toBe(PAID)
    })
  })

  describe('authentication', () => {
    it('is waited for, and credited when the holder agrees', async () => {
      const till = await open()
      const payment = await till.must('acme', { token: 'tok_authentication' })
      expect(payment).toMatchObject({ state: 'needs_authentication', reason: 'authentication_required' })
      expect(payment.clientSecret).toMatch(/secret/)
      await till.cashier.hear(till.provider, webhook({ type: 'charge.authenticated', payment: payment.id }))
      expect(await till.store.find(payment.id)).toMatchObject({ state: 'succeeded', receipt: 'acme-1' })
      expect(await till.store.find(payment.id)).not.toHaveProperty('clientSecret')
      expect(await creditOf()).toBe(PAID)
    })

    it('is not waited for longer than a day', async () => {
      const till = await open()
      const { id } = await till.must('acme', { token: 'tok_authentication' })
      test.clock.advance(25 * HOUR_MS)
      await till.cashier.lookAfterDue()
      expect(await till.store.find(id)).toMatchObject({ state: 'failed', reason: 'authentication_expired' })
    })
  })

  describe('webhooks', () => {
    it.each(['tok_webhook_first', 'tok_webhook_twice'])('of %s credit once', async (token) => {
      const till = await open()
      expect(await till.must('acme', { token })).toMatchObject({ state: 'succeeded', receipt: 'acme-1' })
      expect(await creditOf()).toBe(PAID)
      expect((await eventsOf(test, 'acme')).map(({ type }) => type)).toEqual(['payment.succeeded'])
    })

    it('that are not signed are refused, and those about nothing of ours change nothing', async () => {
      const till = await open()
      const { id } = await till.must('acme', { token: 'tok_timeout' })
      const news = { type: 'charge.succeeded', payment: id }
      expect(await till.cashier.hear(till.provider, webhook(news, 'another-secret'))).toBe(false)
      expect(await till.cashier.hear(till.provider, { body: Buffer.from('{}'), headers: {} })).toBe(false)
      expect(await creditOf()).toBe(0n)
      for (const body of [{ type: 'charge.succeeded', payment: '99-none' }, { type: 'other' }, { payment: 7 }]) {
        expect(await till.cashier.hear(till.provider, webhook(body))).toBe(true)
      }
      expect(await till.cashier.hear(till.provider, webhook(news))).toBe(true)
      expect(await creditOf()).toBe(PAID)
    })
  })

  describe('bundles', () => {
    const minutes = { bundles: 2, seconds: 12_000 }

    it('are usable at once, and cost what the card was charged', async () => {
      const till = await open()
      const bought = await till.must('acme', { kind: 'bundle', minutes })
      expect(bought).toMatchObject({ state: 'succeeded' })
      const balance = await test.office().balance('acme')
      expect(balance).toMatchObject({
        credit: 0n,
        pools: [{ total: 12_000, remaining: 12_000, pool: { id: 'bundles' } }],
      })
      const { items } = await test.office().transactions('acme', { limit: 10 })
      expect(items).toMatchObject([{ what: 'bundle', amount: 0n, poolSeconds: 12_000 }])
      expect((await eventsOf(test, 'acme')).map(({ type }) => type)).toEqual(['payment.succeeded', 'bundle.purchased'])
    })

    it('change a profile that is then to be archived', async () => {
      const till = await open()
      const { partition = 0 } = (await test.office().chainOf('acme')) ?? {}
      const changed = test.keys.changed(partition)
      await test.store.command((client) => client.del(changed))
      await till.must('acme', { kind: 'bundle', minutes })
      const version = await test.store.command((client) => client.zscore(changed, 'acme'))
      expect(Number(version)).toBe((await test.office().get('acme'))?.version)
    })

    it('add up in a cycle and are gone with it', async () => {
      const till = await open()
      await till.must('acme', { kind: 'bundle', minutes })
      await till.must('acme', { kind: 'bundle', minutes: { bundles: 1, seconds: 6_000 } })
      expect((await test.office().balance('acme'))?.pools).toMatchObject([{ remaining: 18_000 }])
      test.clock.set('2026-12-01T00:00:00Z')
      expect((await test.office().balance('acme'))?.pools).toMatchObject([{ remaining: 0 }])
      await till.must('acme', { kind: 'bundle', minutes })
      expect((await test.office().balance('acme'))?.pools).toMatchObject([{ remaining: 12_000 }])
    })

    it('bought by many daemons at once are all there', async () => {
      const till = await open()
      const tills = [till, ...['b', 'c', 'd'].map((name) => new Till(test, { name }))]
      await Promise.all(tills.map((each) => each.must('acme', { kind: 'bundle', minutes })))
      expect((await test.office().balance('acme'))?.pools).toMatchObject([{ remaining: 48_000 }])
    })
  })

  describe('refunds', () => {
    const ask = (payment: string, change = {}) => ({ account: 'acme', payment, operation: 'r-1', ...change })

    it('take back what was credited, once for each operation', async () => {
      const till = await open()
      const { id } = await till.must('acme')
      const some = await till.cashier.refund(ask(id, { amount: 10_000_000n }))
      expect(some).toMatchObject({ replayed: false, payment: { refunds: [{ id: `${id}.1`, state: 'succeeded' }] } })
      expect(await creditOf()).toBe(15_000_000n)
      expect(await till.cashier.refund(ask(id, { amount: 10_000_000n }))).toMatchObject({ replayed: true })
      expect(await till.cashier.refund(ask(id, { amount: 9_000_000n }))).toMatchObject({ code: 'request_conflict' })
      const more = { operation: 'r-2', amount: 15_000_001n }
      expect(await till.cashier.refund(ask(id, more))).toMatchObject({ code: 'refund_too_large' })
      expect(await till.cashier.refund(ask(id, { operation: 'r-2' }))).toMatchObject({ replayed: false })
      expect(await creditOf()).toBe(0n)
      expect((await eventsOf(test, 'acme')).at(-1)).toMatchObject({ type: 'payment.refunded', amount: '15000000' })
    })

    it('that are declined leave the credit, and those that are unknown hold it', async () => {
      const till = await open()
      const declined = await till.must('acme', { token: 'tok_refund_decline' })
      await till.cashier.refund(ask(declined.id))
      expect(await till.store.find(declined.id)).toMatchObject({ refunds: [{ state: 'failed' }] })
      expect(await test.office().balance('acme')).toMatchObject({ credit: PAID, reserved: 0n })
      const lost = await till.must('acme', { token: 'tok_refund_timeout' })
      await till.cashier.refund(ask(lost.id))
      expect(await till.store.find(lost.id)).toMatchObject({ refunds: [{ state: 'unknown' }] })
      expect(await test.office().balance('acme')).toMatchObject({ credit: 2n * PAID, reserved: PAID })
      test.clock.advance(10_000)
      await till.cashier.lookAfterDue()
      expect(await till.store.find(lost.id)).toMatchObject({ refunds: [{ state: 'succeeded' }] })
      expect(await test.office().balance('acme')).toMatchObject({ credit: PAID, reserved: 0n })
    })

    it('and charges that many daemons find at once move the account once', async () => {
      const till = await open()
      const tills = [till, ...['b', 'c', 'd', 'e'].map((name) => new Till(test, { name }))]
      const { id } = await till.must('acme', { token: 'tok_timeout' })
      await Promise.all(tills.map(({ cashier }) => cashier.lookUp(id)))
      expect(await creditOf()).toBe(PAID)
      const lost = await till.must('acme', { token: 'tok_refund_timeout' })
      await till.cashier.refund(ask(lost.id))
      await Promise.all(tills.map(({ cashier }) => cashier.lookUp(lost.id)))
      expect(await test.office().balance('acme')).toMatchObject({ credit: PAID, reserved: 0n })
      const opened = await till.must('acme')
      await Promise.all(tills.map(({ cashier }) => cashier.refund(ask(opened.id, { operation: 'same' }))))
      expect(await test.office().balance('acme')).toMatchObject({ credit: PAID, reserved: 0n })
      expect((await eventsOf(test, 'acme')).filter(({ type }) => type === 'payment.refunded')).toHaveLength(2)
    })

    it('of what is spent, not paid or of another account are refused', async () => {
      const till = await open()
      const { id } = await till.must('acme')
      await till.office.put('other', {})
      expect(await till.cashier.refund({ ...ask(id), account: 'other' })).toMatchObject({ code: 'payment_unknown' })
      expect(await till.cashier.refund(ask('1-none'))).toMatchObject({ code: 'payment_unknown' })
      await till.office.debit({ account: 'acme', amount: 1n, operation: 'fee', kind: 'fee' })
      expect(await till.cashier.refund(ask(id))).toMatchObject({ code: 'insufficient_credit' })
      const failed = await till.must('acme', { token: 'tok_decline' })
      expect(await till.cashier.refund(ask(failed.id))).toMatchObject({ code: 'payment_not_refundable' })
    })
  })

  describe('reconciliation', () => {
    it('credits what was charged, and reports what does not agree', async () => {
      const till = await open()
      await till.must('acme')
      await till.must('acme', { token: 'tok_timeout' })
      const ask = {
        account: 'x',
        amount: 7_000_000n,
        currency: 'USD',
        customer: 'c',
        token: 'tok_success',
        description: '',
      }
      await till.sandbox.charge({ ...ask, payment: '3-nobodys' })
      const sinceMs = test.clock.nowMs() - 48 * HOUR_MS
      const parts = {
        cashier: till.cashier,
        store: till.store,
        observer: { moved: () => undefined, disagreed: () => undefined },
      }
      const report = await reconcile(parts, till.provider, sinceMs)
      expect(report).toMatchObject({ charges: 3, disagreements: [{ kind: 'stray_charge', charge: 'ch_3-nobodys' }] })
      expect(report.sums).toEqual({ USD: { charged: 2n * PAID + 7_000_000n, credited: 2n * PAID } })
      expect(await creditOf()).toBe(2n * PAID)
      expect(till.disagreements).toHaveLength(1)
      await reconcile(parts, till.provider, sinceMs)
      expect(till.disagreements).toHaveLength(1)
    })

    it('never credits another amount than was asked for', async () => {
      const till = await open()
      const { id } = await till.must('acme', { token: 'tok_lost' })
      const ask = {
        payment: id,
        account: 'acme',
        currency: 'USD',
        customer: 'c',
        token: 'tok_success',
        description: '',
      }
      await till.sandbox.charge({ ...ask, amount: PAID + 1_000_000n })
      test.clock.advance(60_000)
      await till.cashier.lookAfterDue()
      expect(await creditOf()).toBe(0n)
      expect(till.disagreements).toMatchObject([{ kind: 'amount_differs', payment: id }])
    })
  })

  it('lists payments newest first, page by page', async () => {
    const till = await open()
    const made: string[] = []
    for (let n = 0; n < 5; n += 1) made.push((await till.must('acme')).id)
    const first = await till.store.list('acme', { limit: 3 })
    expect(first.items.map(({ id }) => id)).toEqual(made.slice(2).toReversed())
    const rest = await till.store.list('acme', { limit: 3, cursor: first.nextCursor! })
    expect(rest.items.map(({ id }) => id)).toEqual(made.slice(0, 2).toReversed())
    expect(rest).not.toHaveProperty('nextCursor')
    expect(await till.store.list('nobody', { limit: 3 })).toEqual({ items: [] })
  })
})
