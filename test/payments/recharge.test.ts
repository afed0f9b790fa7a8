/** The automatic purchase of credit on a real store: once per arming, within its caps, and paused when cards fail. */
import { describe, expect, it } from 'vitest'
import type { Recharge } from '../../src/accounts/account.ts'
import type { PaymentRefused } from '../../src/payments/refusal.ts'
import type { Recharging } from '../../src/recharge/recharging.ts'
import { nextPeriodMs, periodOf, rechargeAmount } from '../../src/recharge/rules.ts'
import { RedisRecharge } from '../../src/store/redis-recharge.ts'
import { useStore } from '../support/offices.ts'
import { Till } from '../support/till.ts'

const HOUR_MS = 3_600_000
const on: Recharge = { enabled: true, threshold: 5_000_000n, amount: 20_000_000n }

describe('what a recharge buys', () => {
  const need = { available: 1_000_000n, coin: 10_000n, minimumPurchase: 5_000_000n }

  it.each([
    ['its amount', on, 1_000_000n, 20_000_000n],
    ['more, where that leaves the account below the threshold', on, -30_000_000n, 35_000_000n],
    [
      'what is missing to the target',
      { enabled: true, threshold: 5_000_000n, targetBalance: 40_000_000n },
      -2n,
      40_010_000n,
    ],
    ['no less than the least purchase', { enabled: true, threshold: 1n, targetBalance: 2_000_000n }, 0n, 5_000_000n],
  ])('is %s', (_what, recharge, available, amount) => {
    expect(rechargeAmount(recharge, { ...need, available })).toBe(amount)
  })

  it('is whole coins of the provider, which are not those of the currency everywhere', () => {
    expect(rechargeAmount(on, { ...need, available: -15_000_001n, coin: 1_000_000n })).toBe(21_000_000n)
  })

  it('counts in a day and month of the zone of the account', () => {
    const atMs = Date.parse('2026-10-31T23:30:00Z')
    expect(periodOf(atMs, 'Europe/Berlin')).toEqual({ day: '2026-11-01', month: '2026-11' })
    expect(new Date(nextPeriodMs('day', atMs, 'Europe/Berlin')).toISOString()).toBe('2026-11-01T23:00:00.000Z')
    expect(new Date(nextPeriodMs('month', atMs, 'Europe/Berlin')).toISOString()).toBe('2026-11-30T23:00:00.000Z')
  })
})

describe('a recharge', () => {
  const test = useStore('redis')

  interface Desk {
    readonly till: Till
    readonly recharging: Recharging
  }

  function desk(name = 'till'): Desk {
    const till = new Till(test, { name })
    return { till, recharging: till.recharging }
  }

  async function open(token = 'tok_success', recharge: Recharge = on): Promise<Desk> {
    const opened = desk()
    await opened.till.office.put('acme', { timezone: 'Europe/Berlin', recharge })
    await opened.till.useCard('acme', token)
    return opened
  }

  const balance = async () => test.office().balance('acme')
  const events = async (type: string) => {
    const chain = await test.office().chainOf('acme')
    const entries = await test.store.command((client) =>
      client.xrange(test.keys.outbox(chain?.partition ?? 0), '-', '+'),
    )
    return entries.map(([, flat]) => flat).filter((flat) => flat.includes(type))
  }
  const code = (answer: object) => ('code' in answer ? (answer as PaymentRefused).code : 'paid')

  it('is charged once, whoever hears of it and however often', async () => {
    await open()
    const desks = ['a', 'b', 'c', 'd'].map(desk)
    const answers = await Promise.all([...desks, ...desks].map(({ recharging }) => recharging.attempt('acme')))
    expect(answers.filter((answer) => answer.kind === 'paid')).toHaveLength(1)
    expect((await balance())?.credit).toBe(20_000_000n)
    expect(code(await desks[0]!.recharging.attempt('acme'))).toBe('recharge_not_due')
    expect(await events('recharge.succeeded')).toHaveLength(1)
  })

  it('fires once per arming while many daemons debit at once', async () => {
    const { till } = await open()
    await till.office.credit({ account: 'acme', amount: 30_000_000n, operation: 'first', kind: 'adjustment' })
    const before = (await events('recharge.due')).length
    const debit = (n: number) =>
      test.office().debit({ account: 'acme', amount: 1_000_000n, operation: `d${n}`, kind: 'fee' })
    await Promise.all(Array.from({ length: 28 }, (_, n) => debit(n)))
    const due = (await events('recharge.due')).slice(before)
    expect(due).toHaveLength(1)
    const consumers = ['a', 'b', 'c'].map((name) => desk(name).recharging.consumer())
    const data = { arming: '2' }
    const event = { id: '1-1', type: 'recharge.due', account: 'acme', atMs: 0, data } as const
    await Promise.all([...consumers, ...consumers].map((consumer) => consumer.handle(event)))
    expect(consumers[0]?.jobId?.(event)).toBe('acme-2')
    expect((await balance())?.credit).toBe(22_000_000n)
    expect((await till.store.list('acme', { limit: 10 })).items).toHaveLength(1)
  })

  it('is armed again above the threshold, and at once where it is still below', async () => {
    const { till, recharging } = await open()
    await recharging.attempt('acme')
    await till.office.debit({ account: 'acme', amount: 19_000_000n, operation: 'fee', kind: 'fee' })
    expect(await events('recharge.due')).toHaveLength(2)
    // While the card is charged, most of what is bought is used.
    const slow = new Till(test, {
      name: 'slow',
      provider: (provider) => ({
        ...provider,
        name: 'sandbox',
        charge: async (ask) => {
          await test.office().patch('acme', { recharge: { ...on, threshold: 30_000_000n } })
          return provider.charge(ask)
        },
      }),
    })
    await slow.must('acme', {
      kind: 'recharge',
      recharge: { threshold: 5_000_000n, ...periodOf(test.clock.nowMs(), 'UTC') },
    })
    expect((await balance())?.available).toBe(26_000_000n)
    expect(await events('recharge.due')).toHaveLength(3)
  })

  it('waits an hour after a decline, twice as long after the next, and is paused after three', async () => {
    const { till, recharging } = await open('tok_decline')
    expect(await recharging.attempt('acme')).toMatchObject({ kind: 'paid', payment: { state: 'failed' } })
    expect(await recharging.view('acme')).toMatchObject({ state: { failures: 1, chargedDay: 0n } })
    expect(code(await recharging.attempt('acme'))).toBe('recharge_not_due')
    const attempts = async () => (await till.store.list('acme', { limit: 10 })).items.length
    test.clock.advance(HOUR_MS)
    await till.lookAfter()
    expect(await attempts()).toBe(2)
    test.clock.advance(HOUR_MS)
    await till.lookAfter()
    expect(await attempts()).toBe(2)
    test.clock.advance(HOUR_MS)
    await till.lookAfter()
    expect(await attempts()).toBe(3)
    expect(await recharging.view('acme')).toMatchObject({ state: { failures: 3, paused: 'failures' } })
    expect([await events('recharge.failed'), await events('recharge.paused')].map(({ length }) => length)).toEqual([
      3, 1,
    ])
    test.clock.advance(240 * HOUR_MS)
    await till.lookAfter()
    expect(code(await recharging.attempt('acme'))).toBe('recharge_paused')
    expect(await attempts()).toBe(3)
    await recharging.resume('acme')
    await till.lookAfter()
    expect(await attempts()).toBe(4)
    expect(await recharging.view('acme')).toMatchObject({ state: { failures: 1 } })
  })

  it('whose outcome is not known holds back the next until it is', async () => {
    const { till, recharging } = await open('tok_timeout')
    expect(await recharging.attempt('acme')).toMatchObject({ payment: { state: 'unknown' } })
    expect(code(await recharging.attempt('acme'))).toBe('recharge_in_flight')
    test.clock.advance(10_000)
    await till.lookAfter()
    expect((await balance())?.credit).toBe(20_000_000n)
    expect((await recharging.view('acme'))?.state).not.toHaveProperty('flight')
  })

  it('that the holder must agree to counts as failed, and is credited when he does', async () => {
    const { till, recharging } = await open('tok_authentication', { ...on, maxFailures: 1 })
    const paid = await recharging.attempt('acme')
    expect(paid).toMatchObject({ payment: { state: 'needs_authentication', failureCounted: true } })
    expect(await recharging.view('acme')).toMatchObject({ state: { paused: 'failures' } })
    test.clock.advance(25 * HOUR_MS)
    await till.cashier.lookAfterDue()
    expect(await recharging.view('acme')).toMatchObject({ state: { failures: 1 } })
  })

  it('is not beyond the cap of the day, which is told once, and goes on the next day', async () => {
    const { till, recharging } = await open('tok_success', { ...on, dayCap: 25_000_000n, monthCap: 100_000_000n })
    await recharging.attempt('acme')
    await till.office.debit({ account: 'acme', amount: 20_000_000n, operation: 'fee', kind: 'fee' })
    for (let n = 0; n < 3; n += 1) await recharging.attempt('acme')
    expect(await events('recharge.capped')).toHaveLength(1)
    expect(await recharging.view('acme')).toMatchObject({ state: { chargedDay: 20_000_000n } })
    test.clock.set('2026-11-23T22:59:00Z')
    await till.lookAfter()
    expect((await balance())?.credit).toBe(0n)
    test.clock.set('2026-11-23T23:00:00Z')
    await till.lookAfter()
    expect((await balance())?.credit).toBe(20_000_000n)
  })

  it('counts in the caps what was declined and is charged after all', async () => {
    const caps: Recharge = { ...on, dayCap: 40_000_000n, monthCap: 100_000_000n }
    const { till, recharging } = await open('tok_lost', caps)
    const lost = await recharging.attempt('acme')
    if (lost.kind === 'refused') throw new Error(lost.code)
    test.clock.advance(600_000)
    await till.lookAfter()
    expect(await till.store.find(lost.payment.id)).toMatchObject({ state: 'failed', failureCounted: true })
    expect(await recharging.view('acme')).toMatchObject({ state: { chargedDay: 0n, failures: 1 } })
    const late = { account: 'acme', customer: 'cus_acme', token: 'tok_success', description: '', currency: 'USD' }
    await till.sandbox.charge({ ...late, payment: lost.payment.id, amount: 20_000_000n })
    await till.cashier.lookUp(lost.payment.id)
    expect((await balance())?.credit).toBe(20_000_000n)
    expect(await recharging.view('acme')).toMatchObject({
      state: { chargedDay: 20_000_000n, chargedMonth: 20_000_000n, failures: 0 },
    })
  })

  it('that was not needed, as a call held the credit only, is told again when it is', async () => {
    const { till, recharging } = await open()
    await till.office.credit({ account: 'acme', amount: 25_000_000n, operation: 'first', kind: 'adjustment' })
    const { id } = await till.must('acme')
    const hold = (size: number) =>
      till.store.change(id, (payment) => {
        const moves = [['acme', 'dr', size]] as const
        const entry = { kind: 'reserve', atMs: 0, moves, members: [], books: [] } as const
        return { kind: 'change', payment, entry, events: [] }
      })
    const before = (await events('recharge.due')).length
    await hold(46_000_000)
    await hold(-46_000_000)
    expect(await events('recharge.due')).toHaveLength(before + 1)
    expect(code(await recharging.attempt('acme'))).toBe('recharge_not_due')
    await till.office.debit({ account: 'acme', amount: 46_000_000n, operation: 'fee', kind: 'fee' })
    expect(await events('recharge.due')).toHaveLength(before + 2)
    expect(await recharging.attempt('acme')).toMatchObject({ kind: 'paid' })
  })

  it('is tried again also where somebody else was told meanwhile that one is under way', async () => {
    const { till, recharging } = await open('tok_decline')
    const state = new RedisRecharge({ store: test.store, keys: test.keys, clock: test.clock, office: till.office })
    await recharging.attempt('acme')
    // The other one saw the flight, and rests only now that it has failed.
    await state.rest('acme')
    expect(await recharging.view('acme')).toMatchObject({ state: { nextAtMs: test.clock.nowMs() + HOUR_MS } })
    test.clock.advance(HOUR_MS)
    await till.lookAfter()
    expect((await till.store.list('acme', { limit: 10 })).items).toHaveLength(2)
  })

  it('and a payment that cannot be looked after hold up no other', async () => {
    const { till, recharging } = await open('tok_decline')
    await recharging.attempt('acme')
    await till.office.put('other', {})
    const unknown = await till.must('other', { token: 'tok_timeout' })
    const broken = [await till.must('acme', { token: 'tok_lost' }), await till.must('acme', { token: 'tok_lost' })]
    const { partition: p = 0 } = (await till.office.chainOf('acme')) ?? {}
    for (const { id } of broken)
      await test.store.command((client) => client.hset(test.keys.payment(p, id), 'j', '{"not":"a payment"}'))
    await test.store.command((client) => client.zadd(test.keys.paymentsDue(p), 1, 'recharge:nobody'))
    test.clock.advance(HOUR_MS)
    await expect(till.lookAfter()).rejects.toMatchObject({ code: 'store_unfit' })
    expect(await till.store.find(unknown.id)).toMatchObject({ state: 'succeeded' })
    expect(await recharging.view('acme')).toMatchObject({ state: { failures: 2 } })
    for (const { id } of broken) await test.store.command((client) => client.del(test.keys.payment(p, id)))
  })

  it('without a card is paused, and told', async () => {
    const { till, recharging } = desk()
    await till.office.put('acme', { recharge: on })
    expect(code(await recharging.attempt('acme'))).toBe('card_missing')
    expect(await recharging.view('acme')).toMatchObject({ state: { paused: 'card_missing' } })
    await recharging.attempt('acme')
    expect(await events('recharge.paused')).toHaveLength(1)
  })

  it('that only waited for a card goes on when there is one, and one that staff paused does not', async () => {
    const { till, recharging } = desk()
    await till.office.put('acme', { recharge: on })
    await recharging.attempt('acme')
    await recharging.cardsChanged('acme')
    expect(await recharging.view('acme')).toMatchObject({ state: { paused: 'card_missing' } })
    await till.useCard('acme')
    await recharging.cardsChanged('acme')
    expect((await recharging.view('acme'))?.state.paused).toBeUndefined()
    await till.lookAfter()
    expect((await till.store.list('acme', { limit: 5 })).items).toMatchObject([
      { kind: 'recharge', state: 'succeeded' },
    ])
    await recharging.pause('acme')
    await recharging.cardsChanged('acme')
    expect(await recharging.view('acme')).toMatchObject({ state: { paused: 'staff' } })
  })

  it('is for accounts that are there, open and have it on', async () => {
    const { till, recharging } = await open('tok_success', { ...on, enabled: false })
    expect(code(await recharging.attempt('nobody'))).toBe('account_unknown')
    expect(code(await recharging.attempt('acme'))).toBe('recharge_unset')
    await till.office.patch('acme', { recharge: on, status: 'closed' })
    expect(code(await recharging.attempt('acme'))).toBe('account_closed')
    expect(await recharging.view('nobody')).toBeUndefined()
    await till.office.patch('acme', { status: 'active' })
    await recharging.pause('acme')
    expect(code(await recharging.attempt('acme'))).toBe('recharge_paused')
  })
})
