import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Fault } from '../../src/base/fault.ts'
import { RedisAudit } from '../../src/store/redis-audit.ts'
import type { Archive } from '../../src/archive/archive.ts'
import { archiveForms, never, TestArchives } from '../support/archives.ts'
import { useWorld, type World } from '../support/desk.ts'

const MONTH_SECONDS = 31 * 86_400

/** A reseller and its customer, with money, minutes and a trunk, and calls that each of them pays for. */
async function traffic(world: World): Promise<void> {
  await world.test.store.command((client) => client.hset(world.test.keys.meta(), 'installed_at', '1'))
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
