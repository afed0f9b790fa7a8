/** Minutes on real stores: bundles that are bought again with each cycle, dialer minutes that stay, and what is paid back. */
import { describe, expect, it } from 'vitest'
import { matchingPools } from '../../src/accounts/account.ts'
import { RedisPayments } from '../../src/store/redis-payments.ts'
import { PARTITIONS, storeForms, useStore } from '../support/offices.ts'
import { Till } from '../support/till.ts'

const DAY_MS = 86_400_000
const PRICE = 3_500_000n

describe.each(storeForms)('minutes on %s', (_name, form) => {
  const test = useStore(form)
  const bundles = { kind: 'bundle', amount: 2n * PRICE, minutes: { bundles: 2, seconds: 12_000 } } as const
  const recurring = { ...bundles, recurring: true }
  const dialer = { kind: 'dialer', amount: 100_000_000n, minutes: { seconds: 200_000 } } as const

  async function open(token = 'tok_success', cycleDay = 1): Promise<Till> {
    const till = new Till(test)
    await till.office.put('acme', { timezone: 'Europe/Berlin', cycleDay })
    await till.useCard('acme', token)
    return till
  }

  const pool = async (id = 'bundles') => {
    const balance = await test.office().balance('acme')
    return balance?.pools.find((each) => each.pool.id === id)
  }
  const standing = async () => (await test.office().get('acme'))?.standingBundles ?? []
  const payments = async (till: Till) => (await till.store.list('acme', { limit: 100 })).items
  const events = async (...types: string[]) => {
    const chain = await test.office().chainOf('acme')
    const entries = await test.store.command((client) =>
      client.xrange(test.keys.outbox(chain?.partition ?? 0), '-', '+'),
    )
    const told = entries.map(([, flat]) => {
      const names = flat.filter((_, at) => at % 2 === 0)
      return Object.fromEntries(names.map((name, at): [string, string] => [name, flat[2 * at + 1] ?? '']))
    })
    return told.filter(({ type = '' }) => types.includes(type))
  }
  /** What calls would have used of the bundles. */
  const use = async (till: Till, payment: string, seconds: number) => {
    const moves = [['acme', 'p:bundles:1:u', seconds]] as const
    const entry = { kind: 'settle', atMs: test.clock.nowMs(), moves, members: [], books: [] } as const
    await till.store.change(payment, (found) => ({ kind: 'change', payment: found, entry, events: [] }))
  }

  describe('bundles that recur', () => {
    it('are bought again when the cycle turns, at the price they were bought at (M4, M6, A4)', async () => {
      const till = await open()
      const { id } = await till.must('acme', recurring)
      expect(await standing()).toEqual([{ id, bundles: 2, seconds: 12_000, amount: 2n * PRICE, paidCycle: 1 }])
      expect(await pool()).toMatchObject({ remaining: 12_000 })
      expect((await pool())?.pool).not.toHaveProperty('expiresAtMs')
      await till.lookAfter()
      expect(await payments(till)).toHaveLength(1)
      test.clock.set('2026-11-30T23:00:00Z')
      expect(await pool()).toMatchObject({ total: 0, remaining: 0, pool: { cycle: 2 } })
      await till.lookAfter()
      expect(await pool()).toMatchObject({ total: 12_000, remaining: 12_000 })
      expect(await payments(till)).toMatchObject([
        { kind: 'bundle', amount: 2n * PRICE, renewal: { cycle: 2, attempt: 1, orders: [id] }, receipt: 'acme-2' },
        { id },
      ])
      expect(await events('bundle.purchased', 'bundle.renewed')).toMatchObject([
        { type: 'bundle.purchased', count: '2', seconds: '12000', recurring: 'yes' },
        { type: 'bundle.renewed', count: '2', seconds: '12000', receipt: 'acme-2' },
      ])
      expect(await standing()).toMatchObject([{ id, paidCycle: 2 }])
      expect(await test.office().balance('acme')).toMatchObject({ credit: 0n })
    })

    it('are paid by one charge for all of a cycle, with the card that pays what recurs (C5)', async () => {
      const till = await open()
      await till.must('acme', recurring)
      await till.must('acme', { ...recurring, amount: PRICE, minutes: { bundles: 1, seconds: 6_000 } })
      await till.useCard('acme', 'tok_timeout')
      test.clock.set('2026-11-30T23:00:00Z')
      await pool()
      await till.lookAfter()
      const [renewed] = await payments(till)
      const card = { token: 'tok_timeout' }
      expect(renewed).toMatchObject({ amount: 3n * PRICE, minutes: { bundles: 3, seconds: 18_000 }, card })
      expect(await pool()).toMatchObject({ remaining: 0 })
      test.clock.advance(10_000)
      await till.lookAfter()
      expect(await pool()).toMatchObject({ remaining: 18_000 })
    })

    it('are paid once for a cycle, by however many daemons and however often', async () => {
      const till = await open()
      await till.must('acme', recurring)
      const tills = [till, ...['b', 'c', 'd'].map((name) => new Till(test, { name }))]
      test.clock.set('2026-11-30T23:00:00Z')
      await Promise.all(tills.map(({ office }) => office.turnCycles('acme')))
      const answers = await Promise.all([...tills, ...tills].map(({ renewals }) => renewals.attempt('acme')))
      expect(answers.filter(({ kind }) => kind === 'paid')).toHaveLength(1)
      await Promise.all(tills.map((each) => each.lookAfter()))
      expect(await till.renewals.attempt('acme')).toMatchObject({ code: 'renewal_not_due' })
      expect(await payments(till)).toHaveLength(2)
      expect(await pool()).toMatchObject({ total: 12_000 })
    })

    it('that come late in a cycle give the same, and those of cycles that are over are not charged', async () => {
      const till = await open()
      await till.must('acme', recurring)
      test.clock.set('2027-03-15T12:00:00Z')
      await pool()
      await till.lookAfter()
      expect(await payments(till)).toHaveLength(2)
      expect(await pool()).toMatchObject({
        remaining: 12_000,
        pool: { resetsAtMs: Date.parse('2027-03-31T22:00:00Z') },
      })
    })

    it('are bought on the cycle day of the account for three years, through short months and clock changes', async () => {
      const till = await open('tok_success', 31)
      await till.must('acme', recurring)
      for (let month = 0; month < 36; month += 1) {
        const { renewsAtMs = 0 } = (await till.renewals.view('acme')) ?? {}
        test.clock.set(new Date(renewsAtMs - 1).toISOString())
        await pool()
        await till.lookAfter()
        expect(await payments(till)).toHaveLength(month + 1)
        test.clock.set(new Date(renewsAtMs).toISOString())
        await pool()
        await till.lookAfter()
        expect((await payments(till))[0]).toMatchObject({ state: 'succeeded', openedAtMs: renewsAtMs })
        expect(await pool()).toMatchObject({ total: 12_000, remaining: 12_000 })
      }
      const days = (await payments(till)).map(({ openedAtMs }) => new Date(openedAtMs + 2 * 3_600_000).getUTCDate())
      expect(new Set(days.slice(0, 36))).toEqual(new Set([28, 29, 30, 31]))
    })

    it('that are declined give no minutes, are told, tried again after 1, 2 and 4 days, and stopped', async () => {
      const till = await open()
      const { id } = await till.must('acme', recurring)
      await till.useCard('acme', 'tok_decline')
      test.clock.set('2026-11-30T23:00:00Z')
      const turnedAtMs = test.clock.nowMs()
      await pool()
      const tried: number[] = []
      for (let hour = 0; hour < 10 * 24; hour += 12) {
        test.clock.set(new Date(turnedAtMs + hour * 3_600_000).toISOString())
        const before = (await payments(till)).length
        await till.lookAfter()
        if ((await payments(till)).length > before) tried.push(hour / 24)
      }
      expect(tried).toEqual([0, 1, 3, 7])
      expect(await standing()).toEqual([])
      expect(await pool()).toMatchObject({ remaining: 0, pool: { expiresAtMs: Date.parse('2026-12-31T23:00:00Z') } })
      const told = await events('bundle.declined', 'bundle.stopped')
      expect(told.map(({ type, attempt }) => [type, attempt])).toEqual([
        ['bundle.declined', '1'],
        ['bundle.declined', '2'],
        ['bundle.declined', '3'],
        ['bundle.declined', '4'],
        ['bundle.stopped', undefined],
      ])
      expect(told[0]).toMatchObject({ orders: id, reason: 'card_declined', nextAt: String(turnedAtMs + DAY_MS) })
      expect(told.at(-1)).toMatchObject({ orders: id, reason: 'declined' })
      expect(told.at(-2)).not.toHaveProperty('nextAt')
      test.clock.advance(60 * DAY_MS)
      await till.lookAfter()
      expect(await payments(till)).toHaveLength(5)
    })

    it('are bought at once when a card that was declined is replaced and staff asks for it', async () => {
      const till = await open()
      await till.must('acme', recurring)
      await till.useCard('acme', 'tok_decline')
      test.clock.set('2026-11-30T23:00:00Z')
      await pool()
      await till.lookAfter()
      await till.useCard('acme')
      expect(await till.renewals.attempt('acme')).toMatchObject({ code: 'renewal_not_due' })
      const paid = await till.renewals.attempt('acme', true)
      expect(paid).toMatchObject({ kind: 'paid', payment: { renewal: { attempt: 2 } } })
      expect(await pool()).toMatchObject({ remaining: 12_000 })
      test.clock.advance(DAY_MS)
      await till.lookAfter()
      expect(await payments(till)).toHaveLength(3)
      expect(await till.renewals.view('acme')).not.toHaveProperty('nextAtMs')
    })

    it('are not charged again while it is not known what became of the last charge', async () => {
      const till = await open()
      await till.must('acme', recurring)
      await till.useCard('acme', 'tok_authentication')
      test.clock.set('2026-11-30T23:00:00Z')
      await pool()
      await till.lookAfter()
      expect(await till.renewals.attempt('acme')).toMatchObject({ code: 'renewal_in_flight' })
      expect(await events('bundle.declined')).toMatchObject([{ reason: 'authentication_required' }])
      test.clock.advance(DAY_MS + 3_600_000)
      await till.lookAfter()
      expect((await payments(till))[0]).toMatchObject({ state: 'failed', reason: 'authentication_expired' })
      await till.useCard('acme')
      test.clock.advance(DAY_MS)
      await till.lookAfter()
      expect((await payments(till))[0]).toMatchObject({ state: 'succeeded', renewal: { attempt: 2 } })
      expect(await payments(till)).toHaveLength(3)
    })

    it('whose charge of one cycle turns up in the next are paid for that', async () => {
      const till = await open()
      await till.must('acme', recurring)
      await till.useCard('acme', 'tok_timeout')
      test.clock.set('2026-11-30T23:00:00Z')
      await pool()
      const away = { kind: 'unknown', reason: 'away' } as const
      const blind = new Till(test, {
        name: 'blind',
        provider: (provider) => ({
          ...provider,
          name: 'sandbox',
          coin: () => 1n,
          charge: (ask) => provider.charge(ask),
          lookup: async () => away,
        }),
      })
      await blind.lookAfter()
      test.clock.set('2026-12-31T23:00:00Z')
      await pool()
      await blind.lookAfter()
      expect(await payments(till)).toHaveLength(2)
      test.clock.advance(4_000_000)
      await till.lookAfter()
      expect(await pool()).toMatchObject({ total: 12_000, pool: { cycle: 3 } })
      test.clock.advance(4_000_000)
      await till.lookAfter()
      expect(await payments(till)).toHaveLength(2)
    })

    it('are stopped by staff, one or all, and their minutes stay until the cycle turns', async () => {
      const till = await open()
      const first = await till.must('acme', recurring)
      const second = await till.must('acme', recurring)
      expect(await till.renewals.stop('acme', 'none')).toMatchObject({ code: 'bundles_unknown' })
      expect(await till.renewals.stop('nobody')).toMatchObject({ code: 'account_unknown' })
      expect(await till.renewals.stop('acme', first.id)).toMatchObject({ kind: 'saved' })
      expect(await standing()).toMatchObject([{ id: second.id }])
      expect(await till.renewals.stop('acme')).toMatchObject({ kind: 'saved' })
      expect(await events('bundle.stopped')).toMatchObject([
        { orders: first.id, reason: 'staff' },
        { orders: second.id, reason: 'staff' },
      ])
      expect(await pool()).toMatchObject({ remaining: 24_000 })
      test.clock.set('2026-11-30T23:00:00Z')
      await till.lookAfter()
      expect(await pool()).toMatchObject({ remaining: 0 })
      expect(await payments(till)).toHaveLength(2)
    })

    it('stop where no card is left, which is told', async () => {
      const till = await open()
      await till.must('acme', recurring)
      await till.cards.changeCards('acme', () => ({ customers: {}, cards: [] }))
      test.clock.set('2026-11-30T23:00:00Z')
      await pool()
      await till.lookAfter()
      expect(await standing()).toEqual([])
      expect(await events('bundle.stopped')).toMatchObject([{ reason: 'card_missing' }])
    })

    it('are not bought for an account that is suspended, until it is active again', async () => {
      const till = await open()
      await till.must('acme', recurring)
      await till.office.patch('acme', { status: 'suspended' })
      test.clock.set('2026-11-30T23:00:00Z')
      await pool()
      await till.lookAfter()
      expect(await payments(till)).toHaveLength(1)
      await till.office.patch('acme', { status: 'active' })
      test.clock.advance(DAY_MS)
      await till.lookAfter()
      expect(await pool()).toMatchObject({ remaining: 12_000 })
    })

    it('stay when the profile is replaced, and turn on another cycle day and zone once that is changed', async () => {
      const till = await open()
      await till.must('acme', recurring)
      await till.must('acme', bundles)
      await till.office.put('acme', { timezone: 'Asia/Tokyo', cycleDay: 28 })
      expect(await standing()).toHaveLength(1)
      expect(await till.renewals.view('acme')).toMatchObject({ renewsAtMs: Date.parse('2026-11-27T15:00:00Z') })
    })
  })

  describe('bundles that are bought once', () => {
    it('are gone with the cycle, and keep no call off credit then (A4)', async () => {
      const till = await open()
      await till.must('acme', bundles)
      const paying = async () => {
        const profile = await test.office().get('acme')
        return profile && matchingPools(profile, { direction: 'outbound', digits: '1212' }, test.clock.nowMs())
      }
      expect(await paying()).toHaveLength(1)
      test.clock.set('2026-11-30T23:00:00Z')
      expect(await pool()).toMatchObject({ remaining: 0 })
      expect(await paying()).toEqual([])
      await till.must('acme', bundles)
      expect(await pool()).toMatchObject({ total: 12_000, remaining: 12_000, pool: { cycle: 2 } })
      expect(await paying()).toHaveLength(1)
    })

    it('end with their cycle also when the cycle day moves, and a pool that has ended stays so', async () => {
      const till = await open()
      await till.must('acme', bundles)
      await till.office.patch('acme', { cycleDay: 25 })
      const endsAtMs = Date.parse('2026-11-24T23:00:00Z')
      expect((await pool())?.pool).toMatchObject({ resetsAtMs: endsAtMs, expiresAtMs: endsAtMs })
      test.clock.set('2026-11-26T12:00:00Z')
      await till.office.patch('acme', { cycleDay: 28 })
      expect((await pool())?.pool).toMatchObject({ expiresAtMs: endsAtMs })
      const turns = test.keys.turns((await test.office().chainOf('acme'))?.partition ?? 0)
      expect(await test.store.command((client) => client.zcard(turns))).toBe(0)
    })
  })

  describe('dialer minutes', () => {
    it('are bought by an amount of money and stay when the cycle turns (M15, A21)', async () => {
      const till = await open()
      await till.must('acme', dialer)
      await till.must('acme', dialer)
      test.clock.set('2027-06-01T12:00:00Z')
      expect(await pool('dialer')).toMatchObject({
        remaining: 400_000,
        pool: { name: 'Dialer minutes', resets: 'never' },
      })
      expect(await test.office().balance('acme')).toMatchObject({ credit: 0n })
      expect(await events('dialer.purchased')).toHaveLength(2)
    })

    it('pay after minutes that a cycle ends', async () => {
      const till = await open()
      await till.must('acme', dialer)
      await till.must('acme', recurring)
      const profile = await test.office().get('acme')
      const pools = profile && matchingPools(profile, { direction: 'outbound', digits: '1212' }, test.clock.nowMs())
      expect(pools?.map(({ id }) => id)).toEqual(['bundles', 'dialer'])
    })
  })

  describe('refunds of minutes', () => {
    const ask = (payment: string, change = {}) => ({ account: 'acme', payment, operation: 'r-1', ...change })

    it('take back minutes that are not used, and what was earned with them', async () => {
      const till = await open()
      const { id } = await till.must('acme', bundles)
      const some = await till.cashier.refund(ask(id, { amount: PRICE }))
      expect(some).toMatchObject({ payment: { refunds: [{ amount: PRICE, seconds: 6_000, state: 'succeeded' }] } })
      expect(await pool()).toMatchObject({ total: 6_000, remaining: 6_000, reserved: 0 })
      expect(await test.office().balance('acme')).toMatchObject({ credit: 0n, reserved: 0n })
      expect(await till.cashier.refund(ask(id, { operation: 'r-2' }))).toMatchObject({ replayed: false })
      expect(await pool()).toMatchObject({ total: 0, remaining: 0 })
      const { items } = await test.office().transactions('acme', { limit: 10 })
      expect(items).toMatchObject([
        { what: 'refund', amount: 0n, poolSeconds: -6_000 },
        { what: 'refund', amount: 0n, poolSeconds: -6_000 },
        { what: 'bundle', amount: 0n, poolSeconds: 12_000 },
      ])
    })

    it('add up to the whole however they are cut, and have no fraction of a coin', async () => {
      const till = await open()
      const { id } = await till.must('acme', { ...bundles, minutes: { bundles: 1, seconds: 1_001 } })
      for (const [n, amount] of [1_000_000n, 2_330_000n, 3_670_000n].entries()) {
        await till.cashier.refund(ask(id, { operation: `r-${n}`, amount }))
      }
      expect(await pool()).toMatchObject({ total: 0 })
      const { refunds = [] } = (await till.store.find(id)) ?? {}
      expect(refunds.map(({ seconds }) => seconds)).toEqual([143, 334, 524])
      const other = await till.must('acme')
      const fraction = await till.cashier.refund(ask(other.id, { amount: 1_000_001n }))
      expect(fraction).toMatchObject({ code: 'amount_not_payable', field: '/amount' })
    })

    it('are refused where the minutes were used or put aside, or their cycle is over', async () => {
      const till = await open()
      const { id } = await till.must('acme', bundles)
      await use(till, id, 6_001)
      expect(await till.cashier.refund(ask(id))).toMatchObject({ code: 'minutes_used' })
      expect(await till.cashier.refund(ask(id, { amount: PRICE }))).toMatchObject({ code: 'minutes_used' })
      expect(await till.cashier.refund(ask(id, { amount: PRICE - 10_000n }))).toMatchObject({ kind: 'paid' })
      test.clock.set('2026-11-30T23:00:00Z')
      expect(await till.cashier.refund(ask(id, { operation: 'r-2', amount: 10_000n }))).toMatchObject({
        code: 'minutes_used',
      })
      const again = await till.must('acme', recurring)
      test.clock.set('2026-12-31T23:00:00Z')
      expect(await till.cashier.refund(ask(again.id))).toMatchObject({ code: 'minutes_used' })
    })

    it('that are declined give the minutes back, and those that are not known hold them', async () => {
      const till = await open()
      const declined = await till.must('acme', { ...bundles, token: 'tok_refund_decline' })
      await till.cashier.refund(ask(declined.id))
      expect(await till.store.find(declined.id)).toMatchObject({ refunds: [{ state: 'failed' }] })
      expect(await pool()).toMatchObject({ remaining: 12_000, reserved: 0 })
      const lost = await till.must('acme', { ...dialer, token: 'tok_refund_timeout' })
      await till.cashier.refund(ask(lost.id))
      expect(await pool('dialer')).toMatchObject({ total: 200_000, remaining: 0, reserved: 200_000 })
      test.clock.advance(10_000)
      await till.cashier.lookAfterDue()
      expect(await pool('dialer')).toMatchObject({ total: 0, reserved: 0 })
    })

    it('that many daemons ask for at once take back once', async () => {
      const till = await open()
      const { id } = await till.must('acme', bundles)
      const tills = [till, ...['b', 'c', 'd'].map((name) => new Till(test, { name }))]
      await Promise.all(tills.map(({ cashier }, n) => cashier.refund(ask(id, { operation: `r-${n}` }))))
      expect(await pool()).toMatchObject({ total: 0, reserved: 0 })
      expect((await till.store.find(id))?.refunds).toHaveLength(1)
    })
  })

  it('lists an account that nobody asks for among those that are due', async () => {
    const till = await open()
    await till.must('acme', recurring)
    test.clock.set('2026-11-30T23:00:00Z')
    await test.office().turnCycles('acme')
    const parts = { store: test.store, keys: test.keys, partitions: PARTITIONS, clock: test.clock, office: till.office }
    expect(await new RedisPayments(parts).claimDue(test.clock.nowMs(), 1_000)).toMatchObject({ renewals: ['acme'] })
  })
})
