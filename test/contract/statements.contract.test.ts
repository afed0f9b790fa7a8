import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Archive } from '../../src/archive/archive.ts'
import { isBehind, migrate } from '../../src/archive/migrate.ts'
import { instantOf } from '../../src/base/time.ts'
import { StatementDesk } from '../../src/statements/statement-desk.ts'
import type { Statement } from '../../src/statements/statement.ts'
import { StoredUsage } from '../../src/usage/stored-usage.ts'
import { UsageDesk, type UsagePeriod } from '../../src/usage/summary.ts'
import { usd } from '../support/a-call.ts'
import { archiveForms, TestArchives } from '../support/archives.ts'
import { useWorld } from '../support/desk.ts'
import { Till } from '../support/till.ts'

const ZONE = 'America/New_York'

describe.each(archiveForms)('a statement, with the archive on %s', (form) => {
  const world = useWorld({ name: 'one Redis', on: 'redis', daemons: 1 })
  const archives = new TestArchives(form)
  let archive: Archive
  beforeAll(() => archives.start(), 60_000)
  afterAll(() => archives.stop())
  beforeEach(async () => {
    archive = await archives.opened(world.test)
  }, 60_000)

  function desk(): StatementDesk {
    const office = world.test.office()
    const rest = { archive: archive.usage, clock: world.clock, hotDays: () => 35 }
    return new StatementDesk({
      archive: archive.statements,
      usage: new UsageDesk({ office, store: new StoredUsage(office), ...rest }),
    })
  }

  async function statement(period: UsagePeriod, account = 'acme'): Promise<Statement> {
    const profile = await world.office().get(account)
    if (!profile) throw new Error('no account')
    return desk().statement(profile, period)
  }

  let fees = 0
  const fee = async (amount: bigint, of?: 'trunking' | 'e911' | 'sip_devices', account = 'acme') => {
    const operation = `fee-${(fees += 1)}`
    const money = { account, amount, operation, kind: 'fee', reason: 'November', ...(of ? { class: of } : {}) } as const
    expect(await world.test.office().debit(money)).toMatchObject({ kind: 'posted' })
  }

  async function talked(callId: string, account: string, seconds: number): Promise<void> {
    const call = world.call(callId, { account })
    await call.authorize()
    await call.start()
    await call.talk(seconds)
    await call.stop()
  }

  const all = (): UsagePeriod => ({ fromMs: 0, untilMs: world.nowMs + 1 })

  it('adds up, line by line, to the balance', async () => {
    await world.account('acme', { credit: usd('100'), timezone: ZONE, cycleDay: 15 })
    await talked('a', 'acme', 61)
    await talked('b', 'acme', 30)
    await fee(usd('25'), 'trunking')
    await fee(usd('25'), 'trunking')
    await fee(usd('1.50'), 'e911')
    await fee(usd('2'))
    await world.credit('acme', 1_500_000n)
    const found = await statement(all())
    const { opening, payments, credits, monthly, calls, closing } = found
    expect(found.charges).toEqual([
      { class: 'trunking', count: 2, amount: usd('50') },
      { class: 'e911', count: 1, amount: usd('1.5') },
      { class: 'other', count: 1, amount: usd('2') },
    ])
    expect([monthly, calls]).toEqual([usd('53.5'), usd('0.091')])
    expect(found.usage).toMatchObject({ calls: 2, billedSeconds: 91, charge: usd('0.091') })
    expect(opening + payments + credits - monthly - calls).toBe(closing)
    expect(closing).toBe((await world.balance('acme')).credit)
    expect(found.items.map(({ what, class: of, amount }) => [what, of, amount]).slice(1)).toEqual([
      ['fee', 'trunking', -usd('25')],
      ['fee', 'trunking', -usd('25')],
      ['fee', 'e911', -usd('1.5')],
      ['fee', 'other', -usd('2')],
      [expect.any(String), undefined, 1_500_000n],
    ])
    expect(found.items[1]).toMatchObject({ why: 'November' })
  })

  it('takes its first and its last day in the zone of the account, and carries the rest over', async () => {
    await world.account('acme', { credit: usd('100'), timezone: ZONE, cycleDay: 31 })
    const day = (month: number, of: number) => instantOf({ year: 2027, month, day: of }, ZONE)
    const at = async (atMs: number, amount: bigint) => {
      await world.elapse((atMs - world.nowMs) / 1000)
      await fee(amount, 'sip_devices')
    }
    await at(day(2, 1) - 1000, usd('1'))
    await at(day(2, 1), usd('2'))
    await at(day(3, 1) - 1000, usd('4'))
    await at(day(3, 1), usd('8'))
    const february = await statement({ fromMs: day(2, 1), untilMs: day(3, 1) })
    expect(february).toMatchObject({ opening: usd('99'), monthly: usd('6'), closing: usd('93') })
    expect(february.items).toHaveLength(2)
    expect(february.dueAtMs).toBe(day(3, 31))
    const march = await statement({ fromMs: day(3, 1), untilMs: day(4, 1) })
    expect(march).toMatchObject({ opening: february.closing, monthly: usd('8') })
  })

  it('of a corrected call has what it costs now', async () => {
    await world.account('acme', { credit: usd('10') })
    const call = world.call('a', { account: 'acme' })
    await call.authorize()
    await call.start()
    await world.settleDown()
    await call.stop({ endedAtMs: (call.answeredAtMs ?? 0) + 20_000 })
    expect(await statement(all())).toMatchObject({ calls: usd('0.02'), closing: usd('9.98'), usage: { calls: 1 } })
  })

  it('is there for every account of the tree, page by page, each with its own', async () => {
    await world.account('house', { tariff: 'wholesale', credit: usd('50') })
    await world.account('acme', { parent: 'house', credit: usd('10') })
    await world.account('beta', { parent: 'house', credit: usd('10') })
    await talked('a', 'acme', 10)
    await fee(usd('3'), 'trunking', 'beta')
    const first = await desk().totals('house', { ...all(), limit: 2 })
    const rest = await desk().totals('house', { ...all(), limit: 2, cursor: first.nextCursor ?? '' })
    expect(rest.nextCursor).toBeUndefined()
    const rows = [...first.items, ...rest.items].map(({ account, monthly, calls }) => [account, monthly, calls])
    expect(rows).toEqual([
      ['house', 0n, usd('0.005')],
      ['acme', 0n, usd('0.01')],
      ['beta', usd('3'), 0n],
    ])
  })

  it('of a fee that is asked for twice has it once, and its class is part of what was asked', async () => {
    await world.account('acme', { credit: usd('10') })
    const money = { account: 'acme', amount: usd('1'), operation: 'once', kind: 'fee', class: 'trunking' } as const
    const office = world.test.office()
    await office.debit(money)
    expect(await office.debit(money)).toMatchObject({ replayed: true })
    expect(await office.debit({ ...money, class: 'e911' })).toMatchObject({ code: 'request_conflict' })
    expect((await statement(all())).monthly).toBe(usd('1'))
  })

  it('has minutes that a card paid in their class, and what was given back of them', async () => {
    await world.account('acme', { credit: usd('1') })
    const till = new Till(world.test)
    const minutes = { seconds: 6_000, bundles: 1 }
    const payment = await till.must('acme', { kind: 'bundle', amount: usd('6'), minutes })
    await till.must('acme', { kind: 'dialer', amount: usd('5'), minutes: { seconds: 300 } })
    await till.cashier.refund({ account: 'acme', payment: payment.id, amount: usd('2'), operation: 'back' })
    const found = await statement(all())
    expect(found).toMatchObject({ monthly: usd('9'), payments: usd('9'), credits: usd('1'), closing: usd('1') })
    expect(found.charges).toEqual([{ class: 'minutes', count: 3, amount: usd('9') }])
    expect(found.items.map(({ what, class: of, amount, charge }) => [what, of, amount, charge]).slice(1)).toEqual([
      ['bundle', 'minutes', 0n, usd('6')],
      ['dialer', 'minutes', 0n, usd('5')],
      ['refund', 'minutes', 0n, -usd('2')],
    ])
    const { items } = await world.test.office().transactions('acme', { limit: 1 })
    expect(items).toMatchObject([{ what: 'refund', class: 'minutes', charge: -usd('2'), amount: 0n }])
  })

  it('is the same where the archive is older than its sums', async () => {
    await world.account('acme', { credit: usd('100') })
    const till = new Till(world.test)
    await till.must('acme', { kind: 'bundle', amount: usd('6'), minutes: { seconds: 6_000, bundles: 1 } })
    await till.must('acme')
    await talked('a', 'acme', 61)
    await fee(usd('25'), 'trunking')
    await fee(usd('2'))
    await world.elapse(40 * 86_400)
    await fee(usd('4'), 'e911')
    await talked('b', 'acme', 30)
    const periods = [all(), { fromMs: world.nowMs - 86_400_000, untilMs: world.nowMs + 1 }]
    const before = await Promise.all(periods.map((period) => statement(period)))
    await archive.database.use((sql) =>
      sql.unsafe(`drop table posting_month; alter table posting drop column class, drop column charge;
        delete from migration where file = '006_statements.sql'`),
    )
    expect(await archive.database.use((sql) => isBehind(sql))).toBe(true)
    await archive.database.use((sql) => migrate(sql))
    expect(await archive.database.use((sql) => isBehind(sql))).toBe(false)
    expect(before[1]?.opening).not.toBe(0n)
    expect(await Promise.all(periods.map((period) => statement(period)))).toEqual(before)
  })
})
