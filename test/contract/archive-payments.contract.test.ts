/** Cards, payments and recharges of a store that lost everything: no card is charged a second time, and no charge is lost. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ArchivedCopy } from '../../src/archive/copy.ts'
import { periodOf } from '../../src/recharge/rules.ts'
import { RedisRecharge } from '../../src/store/redis-recharge.ts'
import { StoreRebuild } from '../../src/store/rebuild.ts'
import { archiveForms, never, TestArchives } from '../support/archives.ts'
import { PARTITIONS, useStore } from '../support/offices.ts'
import { cardOf, Till } from '../support/till.ts'

const THRESHOLD = 5_000_000n
const recharge = { enabled: true, threshold: THRESHOLD, amount: 20_000_000n }
const operation = { id: 'key-1', content: ['credit', '25'] }

describe.each(archiveForms)('payments of a store that is built anew, %s', (form) => {
  const test = useStore('redis')
  const archives = new TestArchives(form)
  beforeAll(() => archives.start(), 60_000)
  afterAll(() => archives.stop())
  beforeEach(() => archives.empty(), 60_000)

  let desks = 0

  function desk() {
    const { store, keys, clock } = test
    const till = new Till(test, { name: `till-${(desks += 1)}` })
    const { cards, recharging } = till
    const recharges = new RedisRecharge({ store, keys, clock, office: till.office })
    return { till, cards, recharges, recharging }
  }

  async function open(account: string, token: string) {
    const opened = desk()
    const installed = { installed_at: '1', partitions: PARTITIONS }
    await test.store.command((client) => client.hset(test.keys.meta(), installed))
    await opened.till.office.put(account, { timezone: 'UTC', recharge })
    const card = cardOf(token)
    const book = { customers: { sandbox: `cus_${account}` }, cards: [card], recurring: card.id }
    await opened.cards.changeCards(account, () => book)
    return opened
  }

  const partitionOf = async (account: string) => (await test.office().chainOf(account))?.partition ?? -1
  const creditOf = async (account: string) => (await test.office().balance(account))?.credit
  const stateOf = async (account: string) => desk().recharges.state(account, periodOf(test.clock.nowMs(), 'UTC'))
  const charges = async (): Promise<number> => {
    let count = 0
    for await (const _charge of desk().till.provider.list(0)) count += 1
    return count
  }

  async function archived() {
    const archive = archives.open(test)
    await archive.archiver.round(never)
    return archive
  }

  /** The provider forgets nothing. */
  async function rebuild(archive: Awaited<ReturnType<typeof archived>>): Promise<void> {
    const { store, keys, clock } = test
    const provider = await store.command((client) => client.dumpBuffer(keys.sandbox()))
    await store.command((client) => client.flushall())
    const copy = new ArchivedCopy(archive.database)
    await new StoreRebuild({ store, keys, clock, copy, hotDays: 35, rememberDays: 7 }).run()
    await store.command((client) => client.restore(keys.sandbox(), 0, provider))
  }

  it('are all there, with their receipts and cards; and who asks again is answered as before', async () => {
    const { till, cards } = await open('acme', 'tok_success')
    const first = await till.must('acme', { operation, buyer: 'ann@acme.test' })
    test.clock.advance(1_000)
    const second = await till.must('acme', { token: 'tok_decline' })
    test.clock.advance(1_000)
    const third = await till.must('acme')
    test.clock.advance(1_000)
    // Written last, opened first.
    await till.cashier.refund({ account: 'acme', payment: first.id, amount: 2_000_000n, operation: 'back-0' })
    const back = { account: 'acme', payment: third.id, amount: 1_000_000n, operation: 'back-1' }
    await till.cashier.refund(back)
    const before = await till.store.list('acme', { limit: 10 })
    const [book, credit, made] = [await cards.cards('acme'), await creditOf('acme'), await charges()]
    await rebuild(await archived())
    const again = desk()
    expect(await again.till.store.list('acme', { limit: 10 })).toEqual(before)
    expect(before.items.map(({ id, receipt }) => [id, receipt])).toEqual([
      [third.id, 'acme-2'],
      [second.id, undefined],
      [first.id, 'acme-1'],
    ])
    expect(await again.till.store.byReceipt('acme', 2)).toMatchObject({ id: third.id })
    expect(await again.cards.cards('acme')).toEqual(book)
    const repeated = await again.till.buy('acme', { operation })
    expect(repeated).toMatchObject({ kind: 'paid', replayed: true, payment: { id: first.id } })
    expect(await again.till.buy('acme', { operation: { ...operation, content: ['credit', '26'] } })).toMatchObject({
      code: 'request_conflict',
    })
    expect(await again.till.cashier.refund(back)).toMatchObject({ kind: 'paid', replayed: true })
    for await (const charge of again.till.provider.list(0))
      await again.till.cashier.acknowledge(again.till.provider, charge)
    expect(again.till.disagreements).toEqual([])
    expect([await creditOf('acme'), await charges()]).toEqual([credit, made])
    expect(await again.till.store.byReceipt('acme', 2)).toMatchObject({ id: third.id })
    expect((await again.till.must('acme')).receipt).toBe('acme-3')
  })

  it('go on where they were: a recharge under way is asked for, credited once, and not begun again', async () => {
    const { recharging } = await open('acme', 'tok_timeout')
    expect(await recharging.attempt('acme')).toMatchObject({ kind: 'paid', payment: { state: 'unknown' } })
    const [state, made] = [await stateOf('acme'), await charges()]
    expect(state.flight).toBeDefined()
    await rebuild(await archived())
    expect(await stateOf('acme')).toEqual(state)
    const again = desk()
    expect(await again.recharging.attempt('acme')).toMatchObject({ code: 'recharge_in_flight' })
    test.clock.advance(10_000)
    expect(await again.till.cashier.lookAfterDue()).toEqual({
      recharges: [],
      renewals: [],
      failures: [],
    })
    expect([await creditOf('acme'), await charges()]).toEqual([20_000_000n, made])
    expect((await stateOf('acme')).flight).toBeUndefined()
  })

  it('are what the journal says: a charge that it lacks is credited once, and one that it has never again', async () => {
    const { till } = await open('acme', 'tok_success')
    const paid = await till.must('acme')
    await till.must('acme')
    await till.must('acme')
    const lacking = await till.must('acme')
    const archive = await archived()
    const p = await partitionOf('acme')
    const stale = JSON.stringify({ kind: 'hash', fields: { r: '1', j: await opened(paid.id) } })
    await archive.database.transaction(async (sql) => {
      await sql`delete from journal where partition = ${p} and number = (select max(number) from journal where partition = ${p})`
      await sql`update account_record set content = ${stale} where name = ${`pay:${paid.id}`}`
    })
    await rebuild(archive)
    const again = desk()
    const known = { state: 'succeeded', charge: paid.charge, receipt: 'acme-5' }
    expect(await again.till.store.find(paid.id)).toMatchObject(known)
    expect(await again.till.store.find(lacking.id)).toMatchObject({ state: 'unknown', reason: 'restored' })
    expect(await creditOf('acme')).toBe(75_000_000n)
    test.clock.advance(10_000)
    await again.till.cashier.lookAfterDue()
    await again.till.cashier.lookUp(paid.id)
    expect(await creditOf('acme')).toBe(100_000_000n)
    expect(await charges()).toBe(4)
    const receipts = await again.till.store.list('acme', { limit: 10 })
    expect(receipts.items.map(({ receipt }) => receipt).toSorted()).toEqual(['acme-2', 'acme-3', 'acme-5', 'acme-6'])
  })

  it('begin no recharge of an account that may have been charged in the moment that was lost', async () => {
    const { recharging } = await open('acme', 'tok_success')
    await open('rich', 'tok_success')
    await test.office().credit({ account: 'rich', amount: 50_000_000n, operation: 'op', kind: 'adjustment' })
    const archive = await archived()
    await recharging.attempt('acme')
    expect(await charges()).toBe(1)
    await rebuild(archive)
    const again = desk()
    expect(await again.recharging.attempt('acme')).toMatchObject({ code: 'recharge_paused' })
    expect([(await stateOf('acme')).paused, (await stateOf('rich')).paused]).toEqual(['restored', undefined])
    expect(await charges()).toBe(1)
  })

  it('go on with bundles that were declined, and buy none that may have been paid for in the moment that was lost', async () => {
    const bundles = { kind: 'bundle', minutes: { bundles: 1, seconds: 6_000 }, recurring: true } as const
    for (const account of ['declined', 'lost']) {
      const { till } = await open(account, account === 'lost' ? 'tok_success' : 'tok_decline')
      await till.must(account, bundles)
    }
    test.clock.advance(31 * 86_400_000)
    for (const account of ['declined', 'lost']) await test.office().turnCycles(account)
    const { till } = desk()
    expect(await till.renewals.attempt('declined')).toMatchObject({ payment: { state: 'failed' } })
    const archive = await archived()
    expect(await till.renewals.attempt('lost')).toMatchObject({ payment: { state: 'succeeded' } })
    const made = await charges()
    await rebuild(archive)
    const again = desk()
    await again.till.useCard('declined')
    test.clock.advance(86_400_000)
    await again.till.lookAfter()
    await again.till.lookAfter()
    expect(await charges()).toBe(made + 1)
    expect((await again.till.store.list('declined', { limit: 1 })).items).toMatchObject([
      { state: 'succeeded', renewal: { attempt: 2 } },
    ])
    expect((await test.office().get('lost'))?.standingBundles).toMatchObject([{ paidCycle: 1 }])
  })

  it('buy no bundles a second time where the profile was archived before they were paid for', async () => {
    const { till } = await open('acme', 'tok_success')
    await till.must('acme', { kind: 'bundle', minutes: { bundles: 1, seconds: 6_000 }, recurring: true })
    test.clock.advance(31 * 86_400_000)
    await test.office().turnCycles('acme')
    const key = test.keys.profile(await partitionOf('acme'), 'acme')
    const before = await test.store.command((client) => client.get(key))
    expect(await till.renewals.attempt('acme')).toMatchObject({ payment: { state: 'succeeded' } })
    const made = await charges()
    const archive = await archived()
    await archive.database.use((sql) => sql`update account set profile = ${before} where id = 'acme'`)
    await rebuild(archive)
    const again = desk()
    test.clock.advance(86_400_000)
    await again.till.lookAfter()
    expect(await charges()).toBe(made)
  })

  /** The record as it was before the provider answered. */
  async function opened(id: string): Promise<string> {
    const [p = ''] = id.split('-')
    const j = await test.store.command((client) => client.hget(test.keys.payment(Number(p), id), 'j'))
    const { charge: _, ...rest } = JSON.parse(j ?? '{}') as { readonly charge: string }
    return JSON.stringify({ ...rest, state: 'opened' })
  }
})
