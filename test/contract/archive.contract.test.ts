import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { installedPartitions } from '../../src/app/installation.ts'
import { Fault } from '../../src/base/fault.ts'
import { Claim } from '../../src/archive/claim.ts'
import { Database } from '../../src/archive/database.ts'
import { ArchivedCopy } from '../../src/archive/copy.ts'
import { START } from '../../src/archive/progress.ts'
import { type Rebuilt, StoreRebuild } from '../../src/store/rebuild.ts'
import { RedisStreams } from '../../src/store/redis-streams.ts'
import { StoredUsage } from '../../src/usage/stored-usage.ts'
import { summed } from '../../src/usage/usage-row.ts'
import { PARTITIONS } from '../support/offices.ts'
import type { Archive } from '../../src/archive/archive.ts'
import { auditOf, traffic } from '../support/archived-traffic.ts'
import { archiveForms, never, TestArchives } from '../support/archives.ts'
import { Proxy } from '../support/proxy.ts'
import { useWorld, type World } from '../support/desk.ts'

const MONTH_SECONDS = 31 * 86_400

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

  it.each(['+05:30', 'IST', 'Asia/Kathmandu', 'Pacific/Apia', 'America/St_Johns', 'US/Pacific-New', 'BST'])(
    'has calls on the days that they are on in the store, in the zone %s',
    async (timezone) => {
      const hour = 3_600_000
      await world.test.store.command((client) => client.hset(world.test.keys.meta(), { installed_at: '1' }))
      await world.account('far', { credit: 1_000_000n, timezone })
      const call = { account: 'far', to: '+13105550123', direction: 'outbound', seconds: 1 } as const
      for (let back = 0; back < 28; back += 1) {
        await world.call(`c${back}`).stop({ ...call, endedAtMs: world.nowMs - back * hour })
      }
      const office = world.test.office()
      const archive = archives.open(world.test)
      await archive.archiver.round(never)
      const { partition = -1 } = (await office.chainOf('far')) ?? {}
      const query = {
        partition,
        accounts: ['far'],
        fromMs: 0,
        untilMs: world.nowMs + hour,
        by: 'day',
        timezone,
      } as const
      const days = await summed(archive.usage.rows(query))
      expect(days.reduce((calls, row) => calls + row.calls, 0)).toBe(28)
      expect(days).toEqual(await summed(new StoredUsage(office).rows(query)))
    },
  )

  it('has of no page a CDR before its entry, nor an entry before its CDRs', async () => {
    await traffic(world)
    const { partition = -1 } = (await world.office().chainOf('acme')) ?? {}
    const streams = new RedisStreams(world.test.streamParts)
    const whole = await streams.read(partition, START, 1_000)
    expect(whole.more).toBe(false)
    for (const limit of [4, 5, 7, 9]) {
      let place = START
      const found: unknown[] = []
      for (let more = true; more;) {
        const page = await streams.read(partition, place, limit)
        const last = page.entries.at(-1)?.number ?? place.journal
        const due = whole.cdrs.filter(({ number }) => number > place.journal && number <= last)
        expect(page.cdrs).toEqual(due)
        found.push(...page.entries)
        place = {
          ...place,
          journal: last,
          cdr: page.cdrs.at(-1) ?? place.cdr,
          event: page.events.at(-1)?.id ?? place.event,
        }
        more = page.more
      }
      expect(found).toEqual(whole.entries)
    }
  })

  it('takes texts that PostgreSQL has no characters for, and keeps them whole where they are JSON', async () => {
    await traffic(world)
    const odd = world.call('odd', { account: 'far' })
    await odd.authorize({ user: 'a\0b\ud800' })
    await odd.start()
    await odd.talk(10)
    await odd.stop()
    const office = world.test.office()
    const paid = { account: 'far', amount: 1n, operation: 'odd', kind: 'adjustment', externalId: '\0' } as const
    expect(await office.credit(paid)).toMatchObject({ kind: 'posted' })
    const archive = archives.open(world.test)
    await archive.archiver.round(never)
    const [cdr] = await rowsOf(archive, `select user_id, cdr from cdr where user_id like 'a%'`)
    expect(cdr?.['user_id']).toBe('a\ufffdb\ufffd')
    expect(JSON.parse(cdr?.['cdr'] ?? '{}')).toMatchObject({ user: 'a\0b\ud800' })
    const ids = await rowsOf(archive, `select external_id from posting where operation = 'odd'`)
    expect(ids).toEqual([{ external_id: '\ufffd' }])
    expect((await auditOf(world, archive).verify()).drifts).toEqual([])
  })

  it('takes the other partitions when one fails, says so, and is not caught up', async () => {
    await traffic(world)
    const streams = new RedisStreams(world.test.streamParts)
    const { partition = -1 } = (await world.office().chainOf('acme')) ?? {}
    const read = streams.read.bind(streams)
    streams.read = async (p, place, limit) => {
      if (p === partition) throw new TypeError('this partition cannot be read')
      return read(p, place, limit)
    }
    const archive = archives.open(world.test, streams)
    world.clock.advance(60_000)
    await expect(archive.archiver.round(never)).rejects.toThrow('this partition cannot be read')
    expect(archive.archiver.behindMs).toBeGreaterThanOrEqual(60_000)
    const others = await archive.archiver.standing()
    expect(others.map(({ behind }) => behind > 0)).toEqual(others.map((one) => one.partition === partition))
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

  it('sees a CDR and a sum of a month that are not what was posted', async () => {
    await traffic(world)
    const archive = archives.open(world.test)
    await archive.archiver.round(never)
    expect(await archive.problems()).toEqual([])
    await rowsOf(
      archive,
      `update cdr set charge = charge + 0.000001 where account = 'acme' and call = (select max(call) from cdr where account = 'acme')`,
    )
    await rowsOf(archive, `update posting_month set amount = amount - 0.000001 where account = 'house'`)
    await rowsOf(archive, `delete from posting_month where account = 'far'`)
    expect(await archive.problems()).toEqual([
      expect.stringMatching(/^account acme: CDRs \d+\.\d{6}, journal \d+\.\d{6}$/),
      expect.stringMatching(/^account far: month \d{4}-\d\d 0, journal -?\d+\.\d{6}$/),
      expect.stringMatching(/^account house: month \d{4}-\d\d -?\d+\.\d{6}, journal -?\d+\.\d{6}$/),
    ])
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
    const told = { partition, accounts: ['acme'], limit: 100 }
    const { cursor } = await archive.usage.changes(told)
    await restoreKeys(world, partition, saved)
    await world.credit('acme', 4_000_000n)
    await archive.archiver.round(never)
    // Two CDRs: the customer's and the reseller's.
    expect(archives.lost).toEqual([{ partition, rows: written + 2 }])
    expect(await archive.status()).toEqual({ ...before, entries: before.entries + 1, lost: written + 2 })
    expect((await auditOf(world, archive).verify()).drifts).toEqual([])
    expect(await archive.usage.changes({ ...told, cursor })).toEqual({ items: [], cursor, more: false })
    // Less than was lost: a cursor from before would stand beyond it.
    await world.call('instead').stop({ seconds: 10 })
    const next = await archive.usage.changes({ ...told, cursor })
    expect(next.items.map(({ cdr }) => cdr.callId)).toEqual(['instead'])
    expect(await archive.usage.changes({ ...told, cursor: next.cursor })).toMatchObject({
      items: [],
      cursor: next.cursor,
    })
  })

  it('tells nothing to a cursor that it did not give out, such as one of a busier account', async () => {
    await traffic(world)
    const archive = archives.open(world.test)
    const changes = async (account: string, cursor = '0.0') => {
      const { partition = -1 } = (await world.office().chainOf(account)) ?? {}
      return archive.usage.changes({ partition, accounts: [account], limit: 100, cursor })
    }
    const [busy, calm] = [await changes('acme'), await changes('far')]
    expect(await changes('acme', busy.cursor)).toEqual({ ...busy, items: [] })
    expect(await changes('far', busy.cursor)).toEqual({ ...busy, items: [], unknown: true })
    expect(await changes('far', calm.cursor)).toEqual({ ...calm, items: [] })
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

  it('is the only one of its store, until another is made its archive', async () => {
    await traffic(world)
    const archive = archives.open(world.test)
    await archive.archiver.round(never)
    const before = await archive.status()
    const streams = new RedisStreams(world.test.streamParts)
    await streams.giveTo('another')
    await world.credit('acme', 1n)
    await expect(archive.archiver.round(never)).rejects.toThrow('the store has another archive, another')
    expect((await archive.status()).entries).toBe(before.entries)
    await new Claim({ database: archive.database, streams }).adopt()
    await archive.archiver.round(never)
    expect(await archive.status()).toEqual({ ...before, entries: before.entries + 1 })
  })

  it('takes nothing from an older copy of its store, and cuts nothing off', async () => {
    await traffic(world)
    const { test } = world
    const archive = archives.open(test)
    await archive.archiver.round(never)
    const copy = await keysOf(world, '*')
    await world.credit('acme', 3_000_000n)
    for (let beat = 0; beat < 8; beat += 1) {
      await rowsOf(archive, `update installation set beat_at = 'epoch'`)
      await archive.archiver.round(never)
    }
    const before = await archive.status()
    await restoreKeys(world, '*', copy)
    await world.credit('acme', 4_000_000n)
    await expect(archive.archiver.round(never)).rejects.toThrow(/a copy from at least \d+ s before/)
    const again = archives.open(test)
    const { partition = -1 } = (await world.office().chainOf('acme')) ?? {}
    await expect(again.archiver.catchUp(partition)).rejects.toMatchObject({ code: 'archive_unfit' })
    expect(archives.lost).toEqual([])
    expect({ ...(await archive.status()), behind: 0 }).toEqual(before)
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

  it('is used by nobody and archived by nobody before it is whole', async () => {
    await traffic(world)
    const archive = archives.open(world.test)
    await archive.archiver.round(never)
    const before = await archive.status()
    const copy = new ArchivedCopy(archive.database)
    const { store, keys } = world.test
    await store.command((client) => client.flushall())
    copy.cdrs = () => {
      throw new TypeError('interrupted')
    }
    const building = new StoreRebuild({ store, keys, clock: world.clock, copy, hotDays: 35, rememberDays: 7 })
    await expect(building.run()).rejects.toThrow('interrupted')
    const wanted = { partitions: PARTITIONS, clock: world.clock }
    await expect(installedPartitions(store, keys, wanted)).rejects.toMatchObject({ code: 'store_unfit' })
    const later = form === 'embedded' ? archive : archives.open(world.test)
    await expect(later.archiver.round(never)).rejects.toMatchObject({ code: 'store_unfit' })
    for (let p = 0; p < PARTITIONS; p += 1) await later.archiver.catchUp(p).catch(() => undefined)
    expect(archives.lost).toEqual([])
    await rebuild(archive)
    expect(await installedPartitions(store, keys, wanted)).toBe(PARTITIONS)
    await later.archiver.round(never)
    expect(await later.status()).toEqual(before)
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

describe('the connection to the archive', () => {
  const archives = new TestArchives('PostgreSQL')
  beforeAll(() => archives.start(), 60_000)
  afterAll(() => archives.stop())

  it('is given up when nobody answers, and made anew', async () => {
    const proxy = await Proxy.open(Number(new URL(archives.server?.url ?? '').port))
    const url = `postgres://postgres@127.0.0.1:${proxy.port}/postgres`
    const database = new Database({ url, embedded: { folder: '', lock: () => undefined }, useMs: 1_000 })
    const one = () => database.use((sql) => sql`select 1 as one`)
    expect(await one()).toMatchObject([{ one: 1 }])
    proxy.silence()
    await expect(one()).rejects.toMatchObject({ code: 'archive_unavailable', retryable: true })
    proxy.letNewThrough()
    expect(await one()).toMatchObject([{ one: 1 }])
    proxy.silence()
    await database.close()
    await proxy.close()
  }, 60_000)

  it('does not try again by itself what takes too long', async () => {
    const database = new Database({ url: archives.server?.url, embedded: { folder: '', lock: () => undefined } })
    const slow = database.transaction(async (sql) => {
      await sql`set local statement_timeout = 100`
      return sql`select pg_sleep(60)`
    })
    await expect(slow).rejects.toMatchObject({ code: 'archive_unavailable', retryable: false })
    await database.close()
  }, 60_000)
})

function inUnits(micros: bigint): string {
  return `${micros / 1_000_000n}.${(micros % 1_000_000n).toString().padStart(6, '0')}`
}

type Saved = readonly (readonly [key: string, dump: Buffer])[]

function patternOf(partition: number | '*'): string {
  return partition === '*' ? 'tg:*' : `tg:{${partition}}:*`
}

/** What the store has of a partition or in all, as its file had it before the machine died. */
async function keysOf({ test }: World, partition: number | '*'): Promise<Saved> {
  return test.store.command(async (client) => {
    const keys = await client.keys(patternOf(partition))
    return Promise.all(keys.map(async (key) => [key, await client.dumpBuffer(key)] as const))
  })
}

async function restoreKeys({ test }: World, partition: number | '*', saved: Saved): Promise<void> {
  await test.store.command(async (client) => {
    await client.del(...(await client.keys(patternOf(partition))))
    for (const [key, dump] of saved) await client.restore(key, 0, dump)
    return undefined
  })
}
