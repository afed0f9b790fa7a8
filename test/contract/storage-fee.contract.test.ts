/** A month of storage costs what the terms say, once, whoever dies when, and nobody's credit stands in its way. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { OwnStorageTerms, StorageSettings } from '../../src/accounts/storage-terms.ts'
import { ArchivedCopy } from '../../src/archive/copy.ts'
import { instantOf } from '../../src/base/time.ts'
import type { AccountOffice } from '../../src/accounts/office.ts'
import { StorageDesk, type StorageStore } from '../../src/storage-fee/storage-desk.ts'
import { RedisStorage } from '../../src/store/redis-storage.ts'
import { StoreRebuild } from '../../src/store/rebuild.ts'
import { usd } from '../support/a-call.ts'
import { never, TestArchives } from '../support/archives.ts'
import { PARTITIONS, storeForms, type TestStore, useStore } from '../support/offices.ts'

const GB = 1_000_000_000
const DAY_MS = 86_400_000

/** 0.10 USD for each gigabyte above ten. */
const settings: StorageSettings = {
  prices: { USD: usd('0.10') },
  ...{ unitBytes: GB, thresholdBytes: 10 * GB, charged: 'above', measure: 'peak', billedOnDay: 2 },
}

interface Parts {
  readonly store: StorageStore
  readonly office: Pick<AccountOffice, 'get' | 'debit'>
}

class Bench {
  inForce = settings
  readonly #test: TestStore

  constructor(test: TestStore) {
    this.#test = test
  }

  /** As one more daemon has it. */
  desk(change: (parts: Parts) => Partial<Parts> = () => ({})): StorageDesk {
    const { store, keys, clock } = this.#test
    const office = this.#test.office()
    const storage = new RedisStorage({ store, keys, partitions: PARTITIONS, office })
    const parts = { store: storage, office }
    return new StorageDesk({ ...parts, ...change(parts), settings: () => this.inForce, clock })
  }

  async account(id: string, own: { timezone?: string; storageFee?: OwnStorageTerms; currency?: string } = {}) {
    await this.#test.office().put(id, { timezone: 'UTC', ...own })
  }

  async reported(account: string, days: Readonly<Record<string, number>>): Promise<void> {
    for (const [day, bytes] of Object.entries(days)) {
      expect(await this.desk().report({ account, day, bytes })).toMatchObject({ kind: 'reported' })
    }
  }

  at(atMs: number): void {
    this.#test.clock.set(atMs)
  }

  async credit(account: string): Promise<bigint | undefined> {
    return (await this.#test.office().balance(account))?.credit
  }

  async fees(account: string): Promise<readonly (readonly [amount: bigint, why: string | undefined])[]> {
    const { items } = await this.#test.office().transactions(account, { limit: 100 })
    return items.filter(({ what }) => what === 'fee').map(({ amount, why }) => [amount, why])
  }

  async months(account: string) {
    const found = await this.desk().view(account)
    return found?.months.map(({ month, state, amount }) => [month, state, amount])
  }
}

/** Months are counted on: 13 is the next January. */
function utc(month: number, day: number, hour = 0): number {
  return Date.UTC(2026, month - 1, day, hour)
}

describe.each(storeForms)('storage, on %s', (_name, form) => {
  const test = useStore(form)
  let bench: Bench
  beforeEach(() => {
    bench = new Bench(test)
    bench.at(utc(12, 31, 12))
  })

  it.each([
    ['nothing at the threshold', 10 * GB, {}, 0n, ''],
    ['nothing at the threshold, where the whole is charged', 10 * GB, { charged: 'whole' }, 0n, ''],
    [
      'one unit of what is a byte above it',
      10 * GB + 1,
      {},
      usd('0.1'),
      '; 1 unit of 1000000000 bytes above 10000000000 bytes, 0.100000 each',
    ],
    ['each begun unit above it', 61_200_000_000, {}, usd('5.2'), 'peak 61200000000 bytes on day 14; 52 units of'],
    ['all units, where the whole is charged', 61_200_000_000, { charged: 'whole' }, usd('6.2'), '62 units of'],
    ['a price of its own', 12 * GB, { price: usd('1') }, usd('2'), '1.000000 each'],
    ['nothing, where its own price is none', 99 * GB, { price: 0n }, 0n, ''],
    ['above a threshold of its own', 12 * GB, { thresholdBytes: 0 }, usd('1.2'), 'above 0 bytes'],
    ['in units of its own', 11 * GB, { unitBytes: 100_000_000 }, usd('1'), '10 units of 100000000 bytes'],
  ] as const)('costs %s', async (_what, bytes, storageFee, amount, why) => {
    await bench.account('acme', { storageFee })
    await bench.reported('acme', { '2026-12-13': 5, '2026-12-14': bytes, '2026-12-15': 5 })
    bench.at(utc(13, 2) - 1)
    await bench.desk().billDue()
    expect(await bench.months('acme')).toEqual([['2026-12', 'open', amount]])
    expect(await bench.fees('acme')).toEqual([])
    bench.at(utc(13, 2))
    await bench.desk().billDue()
    expect(await bench.months('acme')).toEqual([['2026-12', amount === 0n ? 'free' : 'billed', amount]])
    expect(await bench.fees('acme')).toEqual(amount === 0n ? [] : [[-amount, expect.stringContaining(why)]])
    expect(await bench.credit('acme')).toBe(-amount)
  })

  it('is the average of the days that were reported, where the terms say so, rounded half up', async () => {
    bench.inForce = { ...settings, measure: 'average', thresholdBytes: 0, unitBytes: 1_000 }
    await bench.account('acme')
    await bench.reported('acme', { '2026-12-01': 1_000, '2026-12-02': 1_000, '2026-12-31': 1_001 })
    bench.at(utc(13, 2))
    await bench.desk().billDue()
    const [fee] = await bench.fees('acme')
    expect(fee).toEqual([-usd('0.1'), expect.stringContaining('average 1000 bytes of 3 days; 1 unit of 1000 bytes')])
  })

  it('is an entry that says of what it is, and counts as what is owed', async () => {
    await bench.account('acme')
    await bench.reported('acme', { '2026-12-14': 12 * GB })
    bench.at(utc(13, 2))
    await bench.desk().billDue()
    const entries = await test.audit().verify()
    expect(entries.drifts).toEqual([])
    const { items } = await test.office().transactions('acme', { limit: 10 })
    expect(items).toMatchObject([{ what: 'fee', operation: 'storage 2026-12', balanceAfter: -usd('0.2') }])
    const view = await bench.desk().view('acme')
    expect(view?.months).toMatchObject([{ entry: items[0]?.id, units: 2, measuredBytes: 12 * GB }])
    expect(view?.months[0]).not.toHaveProperty('closesAtMs')
  })

  it('is charged of an account that has nothing, and of one that was closed; other fees are not', async () => {
    for (const account of ['poor', 'closed']) {
      await bench.account(account)
      await bench.reported(account, { '2026-12-14': 12 * GB })
    }
    await test.office().patch('closed', { status: 'closed' })
    bench.at(utc(13, 2))
    await bench.desk().billDue()
    expect([await bench.credit('poor'), await bench.credit('closed')]).toEqual([-usd('0.2'), -usd('0.2')])
    const fee = { amount: 1n, operation: 'other', kind: 'fee' } as const
    expect(await test.office().debit({ ...fee, account: 'poor' })).toMatchObject({ code: 'insufficient_credit' })
    expect(await test.office().debit({ ...fee, account: 'closed' })).toMatchObject({ code: 'account_closed' })
  })

  it('costs nothing where there is no price in the currency', async () => {
    await bench.account('acme', { currency: 'EUR' })
    await bench.reported('acme', { '2026-12-14': 99 * GB })
    expect(await bench.desk().view('acme')).not.toHaveProperty('terms')
    bench.at(utc(13, 2))
    await bench.desk().billDue()
    expect(await bench.months('acme')).toEqual([['2026-12', 'free', 0n]])
    expect(await bench.fees('acme')).toEqual([])
  })

  it('takes the last word for a day until the month is billed, and none afterwards', async () => {
    await bench.account('acme')
    const report = (bytes: number) => bench.desk().report({ account: 'acme', day: '2026-12-14', bytes })
    await bench.reported('acme', { '2026-12-14': 99 * GB })
    const key = test.keys.storage((await test.office().chainOf('acme'))?.partition ?? 0, 'acme')
    const stored = () => test.store.command((client) => client.get(key))
    const before = await stored()
    expect(await report(99 * GB)).toMatchObject({ kind: 'reported', month: { amount: usd('8.9') } })
    expect(await stored()).toBe(before)
    bench.at(utc(13, 2) - 1)
    expect(await report(12 * GB)).toMatchObject({ kind: 'reported', month: { amount: usd('0.2') } })
    bench.at(utc(13, 2))
    await bench.desk().billDue()
    expect(await report(99 * GB)).toMatchObject({ code: 'storage_billed' })
    expect(await report(12 * GB)).toMatchObject({ code: 'storage_billed' })
    await bench.desk().billDue()
    expect(await bench.fees('acme')).toHaveLength(1)
  })

  it('knows the day of the account: none that has not begun there, and none of more than twelve months ago', async () => {
    await bench.account('auckland', { timezone: 'Pacific/Auckland' })
    await bench.account('honolulu', { timezone: 'Pacific/Honolulu' })
    const report = (account: string, day: string) => bench.desk().report({ account, day, bytes: 5 })
    expect(await report('auckland', '2027-01-01')).toMatchObject({ kind: 'reported' })
    expect(await report('auckland', '2027-01-02')).toMatchObject({ code: 'storage_day_invalid' })
    expect(await report('honolulu', '2027-01-01')).toMatchObject({ code: 'storage_day_invalid' })
    expect(await report('honolulu', '2025-12-01')).toMatchObject({ kind: 'reported' })
    expect(await report('honolulu', '2025-11-30')).toMatchObject({ code: 'storage_day_invalid' })
    expect(await report('nobody', '2026-12-31')).toMatchObject({ code: 'account_unknown' })
    expect(await bench.desk().view('nobody')).toBeUndefined()
  })

  it('is billed on its day in the zone of the account', async () => {
    const zones = { auckland: 'Pacific/Auckland', newyork: 'America/New_York' }
    for (const [account, timezone] of Object.entries(zones)) {
      await bench.account(account, { timezone })
      await bench.reported(account, { '2026-12-14': 12 * GB })
    }
    for (const [account, timezone] of Object.entries(zones)) {
      const due = instantOf({ year: 2027, month: 1, day: 2 }, timezone)
      bench.at(due - 1)
      await bench.desk().billDue()
      expect([account, await bench.fees(account)]).toEqual([account, []])
      bench.at(due)
      await bench.desk().billDue()
      expect([account, (await bench.fees(account)).length]).toEqual([account, 1])
    }
  })

  it('is billed once by two daemons at once, with reports between them', async () => {
    const accounts = Array.from({ length: 12 }, (_none, index) => `a-${index}`)
    for (const account of accounts) {
      await bench.account(account)
      await bench.reported(account, { '2026-12-14': 12 * GB })
    }
    bench.at(utc(13, 2))
    const desks = [bench.desk(), bench.desk(), bench.desk()]
    const reports = accounts.map((account) => bench.desk().report({ account, day: '2026-12-15', bytes: 13 * GB }))
    const [reported] = await Promise.all([Promise.all(reports), ...desks.map((desk) => desk.billDue())])
    bench.at(utc(13, 3, 12))
    await bench.desk().billDue()
    for (const [index, account] of accounts.entries()) {
      // What was taken counts, and what came too late was refused.
      const counted = reported[index]?.kind === 'reported' ? usd('0.3') : usd('0.2')
      expect([account, (await bench.fees(account)).map(([amount]) => amount)]).toEqual([account, [-counted]])
    }
  })

  it('of a daemon that dies between any two steps is posted once by the next, as it was decided', async () => {
    class Died extends Error {}
    for (let step = 0; step < 6; step += 1) {
      const account = `a-${step}`
      bench.inForce = settings
      bench.at(utc(12, 31, 12))
      await bench.account(account)
      await bench.reported(account, { '2026-12-14': 12 * GB })
      bench.at(utc(13, 2))
      let left = step
      const orDies = async <T>(work: () => Promise<T>, after: boolean): Promise<T> => {
        if (!after && (left -= 1) < 0) throw new Died()
        const done = await work()
        if (after && (left -= 1) < 0) throw new Died()
        return done
      }
      const dying = bench.desk(({ store, office }) => ({
        store: {
          book: (id) => store.book(id),
          due: (nowMs, limit) => store.due(nowMs, limit),
          change: (id, decide) => orDies(() => orDies(() => store.change(id, decide), false), true),
        },
        office: {
          get: (id) => office.get(id),
          debit: (money) => orDies(() => orDies(() => office.debit(money), false), true),
        },
      }))
      await expect(dying.bill(account)).rejects.toThrow(Died)
      const decided = (await bench.months(account))?.[0]?.[1] !== 'open'
      bench.inForce = { ...settings, prices: { USD: usd('7') } }
      await bench.desk().billDue()
      const amount = decided ? usd('0.2') : usd('14')
      expect([step, (await bench.fees(account)).map(([fee]) => fee)]).toEqual([step, [-amount]])
      expect(await bench.months(account)).toEqual([['2026-12', 'billed', amount]])
    }
  })

  it('of months that passed while no daemon ran is billed for each, and no more is to be done', async () => {
    await bench.account('acme')
    await bench.reported('acme', { '2026-10-31': 11 * GB, '2026-11-30': 5, '2026-12-14': 13 * GB })
    bench.at(utc(16, 20))
    await bench.desk().billDue()
    expect((await bench.fees('acme')).map(([amount]) => amount).toSorted()).toEqual(
      [-usd('0.1'), -usd('0.3')].toSorted(),
    )
    const due: string[] = []
    for await (const account of new RedisStorage({ ...test.streamParts, office: test.office() }).due(utc(99, 1), 10)) {
      due.push(account)
    }
    expect(due).toEqual([])
  })

  it('waits a day for more, where a month that is over is reported late', async () => {
    await bench.account('acme')
    bench.at(utc(14, 20))
    await bench.reported('acme', { '2026-12-14': 11 * GB })
    await bench.desk().billDue()
    bench.at(utc(14, 20) + DAY_MS / 2)
    await bench.reported('acme', { '2026-12-15': 13 * GB })
    bench.at(utc(14, 20) + DAY_MS)
    await bench.desk().billDue()
    expect(await bench.fees('acme')).toEqual([])
    bench.at(utc(14, 20) + 1.5 * DAY_MS)
    await bench.desk().billDue()
    expect((await bench.fees('acme')).map(([amount]) => amount)).toEqual([-usd('0.3')])
  })

  it('is billed later where the settings or the zone of the account were moved', async () => {
    await bench.account('acme')
    await bench.reported('acme', { '2026-12-14': 12 * GB })
    bench.inForce = { ...settings, billedOnDay: 5 }
    bench.at(utc(13, 2))
    await bench.desk().billDue()
    expect(await bench.fees('acme')).toEqual([])
    bench.at(utc(13, 5))
    await bench.desk().billDue()
    expect(await bench.fees('acme')).toHaveLength(1)
  })

  it('that would cost more than can be posted is a fault, holds up no other account, and can be corrected', async () => {
    await bench.account('acme', { storageFee: { price: 2n ** 52n, unitBytes: 1_000 } })
    await bench.account('beta')
    for (const account of ['acme', 'beta']) await bench.reported(account, { '2026-12-14': 12 * GB })
    bench.at(utc(13, 2))
    await expect(bench.desk().billDue()).rejects.toThrow('more than can be posted')
    expect(await bench.fees('beta')).toHaveLength(1)
    await test.office().patch('acme', { storageFee: null })
    await bench.desk().billDue()
    expect((await bench.fees('acme')).map(([amount]) => amount)).toEqual([-usd('0.2')])
  })

  it('keeps the months that can be reported, and of older ones those that are not billed', async () => {
    await bench.account('acme')
    await bench.reported('acme', { '2026-11-14': 12 * GB, '2026-12-14': 12 * GB })
    bench.at(utc(13, 2))
    await bench.desk().billDue()
    bench.at(utc(24, 10))
    await bench.reported('acme', { '2027-12-10': 5 })
    expect((await bench.months('acme'))?.map(([month]) => month)).toEqual(['2026-12', '2027-12'])
  })
})

describe('storage of a store that is built anew', () => {
  const test = useStore('redis')
  const archives = new TestArchives('PostgreSQL')
  beforeAll(() => archives.start(), 60_000)
  afterAll(() => archives.stop())

  it('goes on where it was: what was reported is billed, and what was billed is not billed again', async () => {
    const bench = new Bench(test)
    bench.at(utc(12, 31, 12))
    for (const account of ['billed', 'reported']) {
      await bench.account(account)
      await bench.reported(account, { '2026-12-14': 12 * GB })
    }
    const archive = await archives.opened(test)
    const round = () => archive.archiver.round(never)
    await round()
    const [stale] = await archive.database.use(
      (sql) => sql<{ content: string }[]>`select content from account_record where name = 'storage:billed'`,
    )
    bench.at(utc(13, 2))
    await bench.desk().bill('billed')
    await round()
    // As if the record had been archived a moment before its entry, and the price had changed since.
    await archive.database.use(
      (sql) => sql`update account_record set content = ${stale?.content ?? ''} where name = 'storage:billed'`,
    )
    const { store, keys, clock } = test
    await store.command((client) => client.flushall())
    const copy = new ArchivedCopy(archive.database)
    await new StoreRebuild({ store, keys, clock, copy, hotDays: 35, rememberDays: 7 }).run()
    bench.inForce = { ...settings, prices: { USD: usd('7') } }
    expect(await bench.months('billed')).toEqual([['2026-12', 'open', usd('14')]])
    await bench.desk().billDue()
    expect((await bench.fees('billed')).map(([amount]) => amount)).toEqual([-usd('0.2')])
    expect((await bench.fees('reported')).map(([amount]) => amount)).toEqual([-usd('14')])
    expect((await bench.desk().view('billed'))?.months).toMatchObject([
      { state: 'billed', why: expect.stringContaining('operation "storage 2026-12"') },
    ])
    const days = { '2026-12-14': 12 * GB }
    expect(await bench.desk().report({ account: 'billed', day: '2026-12-15', bytes: 5 })).toMatchObject({
      code: 'storage_billed',
    })
    expect((await bench.desk().view('billed'))?.months[0]?.days).toEqual(
      Object.entries(days).map(([day, bytes]) => ({ day, bytes })),
    )
  })
})
