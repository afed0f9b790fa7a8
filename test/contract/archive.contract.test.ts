import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Fault } from '../../src/base/fault.ts'
import { RedisAudit } from '../../src/store/redis-audit.ts'
import { ArchivedCopy } from '../../src/archive/copy.ts'
import { type Rebuilt, StoreRebuild } from '../../src/store/rebuild.ts'
import { RedisStreams } from '../../src/store/redis-streams.ts'
import { StoredUsage } from '../../src/usage/stored-usage.ts'
import { UsageDesk } from '../../src/usage/summary.ts'
import { PARTITIONS } from '../support/offices.ts'
import type { Archive } from '../../src/archive/archive.ts'
import { archiveForms, never, TestArchives } from '../support/archives.ts'
import { useWorld, type World } from '../support/desk.ts'

const MONTH_SECONDS = 31 * 86_400

/** A reseller and its customer, with money, minutes and a trunk, and calls that each of them pays for. */
async function traffic(world: World): Promise<void> {
  await world.test.store.command((client) =>
    client.hset(world.test.keys.meta(), { installed_at: '1', partitions: PARTITIONS }),
  )
  await world.account('house', { tariff: 'wholesale', credit: 50_000_000n })
  const plan = { name: 'plan', seconds: 120, onExhausted: 'spill' } as const
  await world.account('acme', { parent: 'house', credit: 10_000_000n, pools: [plan] })
  await world.account('far', { credit: 1_000_000n, trunks: { inbound: 0, outbound: 1, twoWay: 0 } })
  for (const [callId, account, seconds] of [
    ['a', 'acme', 100],
    ['b', 'acme', 61],
    ['c', 'far', 30],
  ] as const) {
    const call = world.call(callId, { account })
    await call.authorize()
    await call.start()
    await call.talk(seconds)
    await call.stop()
  }
  const silent = world.call('d')
  await silent.authorize()
  await silent.start()
  await silent.talk(60)
  await world.settleDown()
  await silent.stop({ seconds: 42 })
}

function auditOf(world: World, archive: Archive): RedisAudit {
  return new RedisAudit({ ...world.test.streamParts, journal: archive })
}

describe.each(archiveForms)('the archive, %s', (form) => {
  const world = useWorld({ name: 'one Redis', on: 'redis', daemons: 2 })
  const archives = new TestArchives(form)
  beforeAll(() => archives.start(), 60_000)
  afterAll(() => archives.stop())
  beforeEach(() => archives.empty(), 60_000)

  const rowsOf = async (archive: Archive, text: string) =>
    archive.database.use((sql) => sql.unsafe<Record<string, string>[]>(text))

  it('has every entry and CDR as the store has it, and every balance', async () => {
    await traffic(world)
    const archive = archives.open(world.test)
    await archive.archiver.round(never)
    const { partitions } = await world.snapshot()
    const stored = Object.values(partitions)
    expect(await archive.status()).toEqual({
      kind: form === 'embedded' ? 'embedded' : 'postgresql',
      entries: stored.reduce((sum, { journal }) => sum + journal.length, 0),
      behind: 0,
      cdrs: stored.reduce((sum, { cdrs }) => sum + cdrs.length, 0),
      accounts: 3,
      lost: 0,
    })
    const audit = await auditOf(world, archive).verify()
    expect(audit.drifts).toEqual([])
    const sums = await rowsOf(archive, 'select account, sum(amount)::text as credit from posting group by account')
    for (const { account = '', credit } of sums) {
      expect({ account, credit }).toEqual({ account, credit: inUnits((await world.balance(account)).credit) })
    }
    expect(sums).toHaveLength(3)
  })

  it('knows of a corrected call which CDR is the last, and adds up to what the calls cost', async () => {
    await traffic(world)
    const archive = archives.open(world.test)
    await archive.archiver.round(never)
    const revisions = await rowsOf(
      archive,
      `select revision, current from cdr where revision > 0 or not current order by 1`,
    )
    expect(revisions.map(({ revision, current }) => [revision, current])).toEqual([
      [0, false],
      [0, false],
      [1, true],
      [1, true],
    ])
    const [cdrs, postings] = await Promise.all([
      rowsOf(
        archive,
        'select account, sum(charge)::text as sum from cdr where current group by account having sum(charge) <> 0 order by 1',
      ),
      rowsOf(
        archive,
        `select account, (-sum(amount))::text as sum from posting where call is not null group by 1 having sum(amount) <> 0 order by 1`,
      ),
    ])
    expect(cdrs).toEqual(postings)
  })

  it('has nothing twice when many daemons archive at once, and goes on where another stopped', async () => {
    await traffic(world)
    const first = archives.open(world.test)
    const others = [archives.open(world.test), archives.open(world.test)]
    await Promise.all([first, ...others].map((archive) => archive.archiver.round(never)))
    const before = await first.status()
    await world.credit('acme', 5_000_000n)
    if (form === 'PostgreSQL') await archives.closeAll()
    const later = archives.open(world.test)
    await later.archiver.round(never)
    expect(await later.status()).toEqual({ ...before, entries: before.entries + 1 })
    expect((await auditOf(world, later).verify()).drifts).toEqual([])
  })

  it('parts its tables by month', async () => {
    await traffic(world)
    const archive = archives.open(world.test)
    await archive.archiver.round(never)
    await world.elapse(MONTH_SECONDS)
    await world.credit('acme', 1n)
    await archive.archiver.round(never)
    const tables = await rowsOf(
      archive,
      `select relid::text as name from pg_partition_tree('journal') where isleaf order by 1`,
    )
    expect(tables).toHaveLength(3)
    expect(await rowsOf(archive, 'select count(*)::int as rows from journal_other')).toEqual([{ rows: 0 }])
    expect((await auditOf(world, archive).verify()).drifts).toEqual([])
  })

  it('sees a balance that the store has changed without an entry', async () => {
    await traffic(world)
    const archive = archives.open(world.test)
    const { partition = -1 } = (await world.office().chainOf('acme')) ?? {}
    const key = world.test.keys.account(partition, 'acme')
    await world.test.store.command((client) => client.hincrby(key, 'cp', 1))
    const { drifts } = await auditOf(world, archive).verify()
    expect(drifts.map(({ account, counter }) => [account, counter])).toEqual([['acme', 'cp']])
    await world.test.store.command((client) => client.hincrby(key, 'cp', -1))
  })

  it('follows a store that forgot its last entries, and puts aside what that lost', async () => {
    await traffic(world)
    const { test } = world
    const { partition = -1 } = (await world.office().chainOf('acme')) ?? {}
    const archive = archives.open(test)
    await archive.archiver.round(never)
    const before = await archive.status()
    const saved = await keysOf(world, partition)
    await world.credit('acme', 3_000_000n)
    const lost = world.call('lost')
    await lost.authorize()
    await lost.start()
    await lost.talk(20)
    await lost.stop()
    await archive.archiver.round(never)
    const written = (await archive.status()).entries - before.entries
    await restoreKeys(world, partition, saved)
    await world.credit('acme', 4_000_000n)
    await archive.archiver.round(never)
    // Two CDRs: the customer's and the reseller's.
    expect(archives.lost).toEqual([{ partition, rows: written + 2 }])
    expect(await archive.status()).toEqual({ ...before, entries: before.entries + 1, lost: written + 2 })
    expect((await auditOf(world, archive).verify()).drifts).toEqual([])
  })

  it('is of one store: another is refused', async () => {
    await traffic(world)
    const archive = archives.open(world.test)
    await archive.archiver.round(never)
    if (form === 'PostgreSQL') await archives.closeAll()
    await world.test.store.command((client) => client.hset(world.test.keys.meta(), 'installed_at', '2'))
    const other = archives.open(world.test)
    await expect(other.archiver.round(never)).rejects.toMatchObject({ code: 'archive_unfit' })
  })

  it('keeps profiles as they were last, tariffs and keys', async () => {
    await traffic(world)
    const archive = archives.open(world.test)
    await archive.archiver.round(never)
    const office = world.test.office()
    await office.patch('acme', { name: 'New name' })
    await archive.archiver.round(never)
    const [row] = await rowsOf(archive, `select profile from account where id = 'acme'`)
    expect(JSON.parse(row?.['profile'] ?? '{}')).toMatchObject({ id: 'acme', name: 'New name', parent: 'house' })
    const { partition = -1 } = (await office.chainOf('acme')) ?? {}
    expect(await world.test.store.command((client) => client.zcard(world.test.keys.changed(partition)))).toBe(0)
  })
})

describe.each(archiveForms)('the hot window, %s', (form) => {
  const world = useWorld({ name: 'one Redis', on: 'redis', daemons: 2 })
  const archives = new TestArchives(form)
  beforeAll(() => archives.start(), 60_000)
  afterAll(() => archives.stop())
  beforeEach(() => archives.empty(), 60_000)

  async function historyOf(archive: Archive, account: string): Promise<readonly string[]> {
    const office = world.test.office()
    const { usage } = archive
    const parts = { office, store: new StoredUsage(office), archive: usage, clock: world.clock, hotDays: () => 35 }
    const desk = new UsageDesk(parts)
    const found: string[] = []
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const page = await desk.cdrs(account, { limit: 2, ...(cursor === '' ? {} : { cursor }) })
      found.push(...page.items)
      cursor = page.nextCursor
    }
    return found
  }

  const storedCdrs = async (): Promise<number> =>
    Object.values((await world.snapshot()).partitions).reduce((sum, { cdrs }) => sum + cdrs.length, 0)

  it('takes CDRs out of the store when they are archived and old, and each stays in its place in the history', async () => {
    await traffic(world)
    const archive = archives.open(world.test)
    const before = await historyOf(archive, 'acme')
    expect(before).toHaveLength(3)
    await world.elapse(36 * 86_400)
    for (const callId of ['new-1', 'new-2', 'new-3']) await world.call(callId).stop({ seconds: 10 })
    const whole = await historyOf(archive, 'acme')
    const stored = await storedCdrs()
    await archive.archiver.round(never)
    expect(await storedCdrs()).toBeLessThan(stored - 4)
    expect(await historyOf(archive, 'acme')).toEqual(whole)
    expect(whole.slice(3)).toEqual(before)
    await world.call('new-4').stop({ seconds: 10 })
    expect((await historyOf(archive, 'acme')).slice(1)).toEqual(whole)
    const { store, keys } = world.test
    await archive.archiver.round(never)
    const copy = new ArchivedCopy(archive.database)
    await store.command((client) => client.flushall())
    await new StoreRebuild({ store, keys, clock: world.clock, copy, hotDays: 35, rememberDays: 7 }).run()
    expect((await historyOf(archive, 'acme')).slice(1)).toEqual(whole)
  })

  it('takes out nothing that is not archived', async () => {
    await traffic(world)
    const stored = await storedCdrs()
    await world.elapse(36 * 86_400)
    const streams = new RedisStreams(world.test.streamParts)
    for (let p = 0; p < PARTITIONS; p += 1) {
      expect(await streams.trimCdrs(p, { number: 0, level: 0 }, world.nowMs)).toBe(0)
    }
    expect(await storedCdrs()).toBe(stored)
  })
})

describe.each(archiveForms)('a store that lost everything, %s', (form) => {
  const world = useWorld({ name: 'one Redis', on: 'redis', daemons: 2 })
  const archives = new TestArchives(form)
  beforeAll(() => archives.start(), 60_000)
  afterAll(() => archives.stop())
  beforeEach(() => archives.empty(), 60_000)

  async function rebuild(archive: Archive): Promise<Rebuilt> {
    const { store, keys } = world.test
    await store.command((client) => client.flushall())
    const copy = new ArchivedCopy(archive.database)
    return new StoreRebuild({ store, keys, clock: world.clock, copy, hotDays: 35, rememberDays: 7 }).run()
  }

  it('is built anew from the archive, with every balance, entry, CDR and operation', async () => {
    await traffic(world)
    const archive = archives.open(world.test)
    await archive.archiver.round(never)
    const before = await world.snapshot()
    const rebuilt = await rebuild(archive)
    const after = await world.snapshot()
    for (const [id, account] of Object.entries(before.accounts)) {
      expect({ id, ...after.accounts[id], told: '' }).toEqual({ id, ...account, told: '' })
    }
    for (const [partition, { journal, books, cdrs }] of Object.entries(before.partitions)) {
      const { [partition]: found } = after.partitions
      const { journal: again = [], books: sums = {}, cdrs: calls = [] } = found ?? {}
      expect({ journal: again, books: sums, cdrs: calls }).toEqual({ journal, books, cdrs })
    }
    expect(rebuilt).toMatchObject({ accounts: 3, released: 0, partitions: PARTITIONS })
    const again = { account: 'acme', amount: 10_000_000n, operation: 'op-2', kind: 'adjustment' } as const
    expect(await world.office().credit(again)).toMatchObject({ kind: 'posted', replayed: true })
    expect(await world.office().credit({ ...again, amount: 1n })).toMatchObject({ code: 'request_conflict' })
  })

  it('turns the cycles of accounts that nobody asks for', async () => {
    await traffic(world)
    await world.account('plan', { pools: [{ name: 'plan', seconds: 60, resets: 'cycle' }] })
    const { partition = -1 } = (await world.office().chainOf('plan')) ?? {}
    const turns = () => world.test.store.command((client) => client.zscore(world.test.keys.turns(partition), 'plan'))
    const archive = archives.open(world.test)
    await archive.archiver.round(never)
    const before = await turns()
    await rebuild(archive)
    expect(before).not.toBeNull()
    expect(await turns()).toBe(before)
  })

  it('charges no stop twice that an edge repeats', async () => {
    await traffic(world)
    const archive = archives.open(world.test)
    await archive.archiver.round(never)
    const { credit } = await world.standing('acme')
    await rebuild(archive)
    const repeated = await world.call('a').stop({ seconds: 100 })
    expect(repeated).toMatchObject({ state: 'ended', ignored: true })
    expect((await world.standing('acme')).credit).toBe(credit)
  })

  it('has released the calls that were up, and charges them when their stop comes', async () => {
    await traffic(world)
    const paid = world.call('paid')
    const ringing = world.call('ringing')
    for (const call of [paid, ringing]) await call.authorize()
    await paid.start()
    const archive = archives.open(world.test)
    await archive.archiver.round(never)
    const { credit } = await world.standing('acme')
    expect(await rebuild(archive)).toMatchObject({ released: 2 })
    expect(await world.standing('acme')).toMatchObject({ credit, reserved: 0n, calls: 0 })
    await paid.stop({ seconds: 60 })
    expect((await world.standing('acme')).credit).toBeLessThan(credit)
    await archive.archiver.round(never)
    expect(archives.lost).toEqual([])
    expect((await auditOf(world, archive).verify()).drifts).toEqual([])
  })

  it('is built from nothing only', async () => {
    await traffic(world)
    const archive = archives.open(world.test)
    await archive.archiver.round(never)
    const { store, keys } = world.test
    const copy = new ArchivedCopy(archive.database)
    const building = new StoreRebuild({ store, keys, clock: world.clock, copy, hotDays: 35, rememberDays: 7 })
    await expect(building.run()).rejects.toMatchObject({ code: 'store_unfit' })
  })
})

describe('the archive on a server that is away', () => {
  const world = useWorld({ name: 'one Redis', on: 'redis', daemons: 1 })
  const archives = new TestArchives('PostgreSQL')
  beforeAll(() => archives.start(), 60_000)
  afterAll(() => archives.stop())
  beforeEach(() => archives.empty())

  it('says so, loses nothing, and goes on when it is back', async () => {
    await traffic(world)
    const archive = archives.open(world.test)
    await archive.archiver.round(never)
    await archives.server?.kill()
    await world.credit('acme', 7_000_000n)
    world.clock.advance(60_000)
    for (let round = 0; round < 2; round += 1) {
      const failure = await archive.archiver.round(never).catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(Fault)
      expect(failure).toMatchObject({ code: 'archive_unavailable', retryable: true })
    }
    expect(archive.archiver.behindMs).toBeGreaterThanOrEqual(60_000)
    await archives.server?.restart()
    await archive.archiver.round(never)
    expect(archive.archiver.behindMs).toBe(0)
    expect((await archive.status()).behind).toBe(0)
    expect((await auditOf(world, archive).verify()).drifts).toEqual([])
  }, 60_000)
})

function inUnits(micros: bigint): string {
  return `${micros / 1_000_000n}.${(micros % 1_000_000n).toString().padStart(6, '0')}`
}

type Saved = readonly (readonly [key: string, dump: Buffer])[]

/** What the store has of a partition, as its file had it before the machine died. */
async function keysOf({ test }: World, partition: number): Promise<Saved> {
  return test.store.command(async (client) => {
    const keys = await client.keys(`tg:{${partition}}:*`)
    return Promise.all(keys.map(async (key) => [key, await client.dumpBuffer(key)] as const))
  })
}

async function restoreKeys({ test }: World, partition: number, saved: Saved): Promise<void> {
  await test.store.command(async (client) => {
    await client.del(...(await client.keys(`tg:{${partition}}:*`)))
    for (const [key, dump] of saved) await client.restore(key, 0, dump)
    return undefined
  })
}
