import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Page, PageRequest, Transaction } from '../../src/accounts/office.ts'
import type { Archive } from '../../src/archive/archive.ts'
import { Claim } from '../../src/archive/claim.ts'
import { ArchivedCopy } from '../../src/archive/copy.ts'
import { encodeEntry, type JournalEntry } from '../../src/ledger/journal.ts'
import { StoreRebuild } from '../../src/store/rebuild.ts'
import { type AuditedJournal, type AuditReport, RedisAudit } from '../../src/store/redis-audit.ts'
import { RedisStreams } from '../../src/store/redis-streams.ts'
import { StoredUsage } from '../../src/usage/stored-usage.ts'
import { UsageDesk } from '../../src/usage/summary.ts'
import { auditOf, traffic } from '../support/archived-traffic.ts'
import { archiveForms, never, TestArchives } from '../support/archives.ts'
import { useWorld } from '../support/desk.ts'
import { PARTITIONS } from '../support/offices.ts'

async function allOf<T>(read: (page: PageRequest) => Promise<Page<T>>): Promise<readonly T[]> {
  const found: T[] = []
  for (let cursor: string | undefined = ''; cursor !== undefined;) {
    const page: Page<T> = await read({ limit: 2, ...(cursor === '' ? {} : { cursor }) })
    found.push(...page.items)
    cursor = page.nextCursor
  }
  return found
}

describe.each(archiveForms)('the hot window, %s', (form) => {
  const world = useWorld({ name: 'one Redis', on: 'redis', daemons: 2 })
  const archives = new TestArchives(form)
  beforeAll(() => archives.start(), 60_000)
  afterAll(() => archives.stop())
  beforeEach(() => archives.empty(), 60_000)

  function deskOn({ usage }: Archive): UsageDesk {
    const office = world.test.office()
    return new UsageDesk({
      office,
      store: new StoredUsage(office),
      archive: usage,
      clock: world.clock,
      hotDays: () => 35,
    })
  }

  const historyOf = (archive: Archive, account: string): Promise<readonly string[]> =>
    allOf((page) => deskOn(archive).cdrs(account, page))

  const transactionsOf = (archive: Archive, account: string): Promise<readonly Transaction[]> =>
    allOf((page) => deskOn(archive).transactions(account, page))

  const storedEntries = async (): Promise<number> =>
    Object.values((await world.snapshot()).partitions).reduce((sum, { journal }) => sum + journal.length, 0)

  async function auditStore(): Promise<AuditReport> {
    const parts = world.test.streamParts
    return new RedisAudit({ ...parts, journal: new RedisStreams(parts) }).verify()
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

  it('takes entries out of the journal likewise, and a checkpoint stands for them', async () => {
    await traffic(world)
    const archive = archives.open(world.test)
    await world.elapse(36 * 86_400)
    await world.credit('acme', 5n)
    const whole = await transactionsOf(archive, 'acme')
    const entries = await storedEntries()
    await archive.archiver.round(never)
    const left = await storedEntries()
    expect(left).toBeLessThan(entries / 2)
    expect(await transactionsOf(archive, 'acme')).toEqual(whole)
    const audit = await auditStore()
    expect(audit).toMatchObject({ entries: left, checkpointed: entries - left, drifts: [] })
    expect(await auditOf(world, archive).verify()).toMatchObject({ entries, checkpointed: 0, drifts: [] })
    expect(await archive.problems()).toEqual([])
    // And what comes then is added to it.
    await world.elapse(36 * 86_400)
    await world.call('later').stop({ seconds: 10 })
    await archive.archiver.round(never)
    expect(await auditStore()).toMatchObject({ drifts: [] })
    expect((await auditStore()).checkpointed).toBeGreaterThan(audit.checkpointed)
    expect((await transactionsOf(archive, 'acme')).slice(1)).toEqual(whole)
  })

  it('sees what drifts from a checkpoint, in an account, in a book and in the checkpoint itself', async () => {
    await traffic(world)
    const archive = archives.open(world.test)
    await world.elapse(36 * 86_400)
    await archive.archiver.round(never)
    const { partition = -1 } = (await world.office().chainOf('acme')) ?? {}
    const { keys, store } = world.test
    for (const [key, field, counter] of [
      [keys.account(partition, 'acme'), 'cp', 'cp'],
      [keys.books(partition), 'USD:revenue', 'USD:revenue'],
      [keys.checkpoint(partition), 'a acme cp', 'cp'],
    ] as const) {
      await store.command((client) => client.hincrby(key, field, 1))
      expect((await auditStore()).drifts.map((drift) => drift.counter)).toEqual([counter])
      await store.command((client) => client.hincrby(key, field, -1))
    }
    expect((await auditStore()).drifts).toEqual([])
  })

  it('leaves an entry that is wrong in itself where it is, with all that follow', async () => {
    await traffic(world)
    await world.elapse(36 * 86_400)
    const { partition = -1 } = (await world.office().chainOf('far')) ?? {}
    const { keys, store, streamParts } = world.test
    const wrong: JournalEntry = { kind: 'credit', atMs: 0, moves: [['far', 'cp', 1]], members: [], books: [] }
    await store.command((client) => client.xadd(keys.journal(partition), '0-*', 'e', encodeEntry(wrong), 'b', 'far=0'))
    const streams = new RedisStreams(streamParts)
    const last = await streams.lastEntry(partition)
    expect(await streams.trim(partition, { last: last - 1, beforeMs: Infinity })).toBe(last - 1)
    expect(await streams.trim(partition, { last, beforeMs: Infinity })).toBe(0)
    const { drifts } = await auditStore()
    expect(drifts.map(({ counter }) => counter)).toContain(`entry ${last}`)
    await store.command((client) => client.xdel(keys.journal(partition), `0-${last}`))
  })

  it('takes out each stretch once, however many trim at once, and an audit that reads meanwhile finds nothing', async () => {
    await traffic(world)
    await world.elapse(36 * 86_400)
    for (let more = 0; more < 300; more += 1) await world.credit('acme', 7n)
    const archive = archives.open(world.test)
    await archive.archiver.round(never)
    const { partition = -1 } = (await world.office().chainOf('acme')) ?? {}
    const whole = await transactionsOf(archive, 'acme')
    const streams = [1, 2, 3].map(() => new RedisStreams(world.test.streamParts))
    const last = (await archive.archiver.standing()).find((one) => one.partition === partition)?.journal ?? 0
    const { number: before = 0 } = (await streams[0]?.checkpoint(partition)) ?? {}
    const stretches: number[] = []
    const trim = async (stream: RedisStreams) => {
      for (let to = 20; to < last; to += 20)
        stretches.push(await stream.trim(partition, { last: to, beforeMs: Infinity }))
    }
    const [audit] = await Promise.all([auditStore(), ...streams.map(trim)])
    expect(audit.drifts).toEqual([])
    const went = stretches.reduce((sum, stretch) => sum + stretch, 0)
    expect(await streams[0]?.checkpoint(partition)).toMatchObject({ number: before + went })
    expect((await auditStore()).drifts).toEqual([])
    expect(await transactionsOf(archive, 'acme')).toEqual(whole)
  })

  it.each(['transactions', 'cdrs'] as const)(
    'leaves none of the %s out where entries leave while they are read',
    async (what) => {
      await traffic(world)
      await world.call('a').stop({ seconds: 99 })
      const archive = archives.open(world.test)
      await world.elapse(36 * 86_400)
      const desk = deskOn(archive)
      const read = () => allOf<unknown>((page) => desk[what]('acme', page))
      const whole = await read()
      for (let p = 0; p < PARTITIONS; p += 1) await archive.archiver.catchUp(p)
      const { partition = -1 } = (await world.office().chainOf('acme')) ?? {}
      const { store, streamParts } = world.test
      const streams = new RedisStreams(streamParts)
      const last = (await world.snapshot()).partitions[partition]?.journal.length ?? 0
      const plain = store.command.bind(store)
      const command = vi.spyOn(store, 'command')
      for (let gone = 0, nth = 1; gone < last;) {
        let asked = 0
        command.mockImplementation(async (send) => {
          asked += 1
          if (asked === nth) {
            command.mockImplementation(plain)
            gone += await streams.trim(partition, { last: gone + 1, beforeMs: world.nowMs })
          }
          return plain(send)
        })
        const found = await read()
        command.mockImplementation(plain)
        expect({ nth, found }).toEqual({ nth, found: whole })
        // Past the end it begins again, with what is left.
        nth = asked < nth ? 1 : nth + 1
      }
    },
  )

  it('is audited also where entries leave before they are read: what they came to is in the checkpoint', async () => {
    await traffic(world)
    await world.elapse(36 * 86_400)
    for (let more = 0; more < 50; more += 1) await world.credit('acme', 7n)
    const { partition = -1 } = (await world.office().chainOf('acme')) ?? {}
    const parts = world.test.streamParts
    const streams = new RedisStreams(parts)
    let went = 0
    const journal: AuditedJournal = {
      checkpoint: (p) => streams.checkpoint(p),
      entries: async (p, from, to) => {
        if (p === partition && went === 0) went = await streams.trim(p, { last: 40, beforeMs: Infinity })
        return streams.entries(p, from, to)
      },
    }
    expect((await new RedisAudit({ ...parts, journal }).verify()).drifts).toEqual([])
    expect(went).toBe(40)
  })

  it('is brought back by a restore as it was: the checkpoint, the entries after it, and what is archived only', async () => {
    await traffic(world)
    const archive = archives.open(world.test)
    await world.elapse(36 * 86_400)
    await world.call('later').stop({ seconds: 10 })
    await archive.archiver.round(never)
    const whole = await transactionsOf(archive, 'acme')
    const before = await world.snapshot()
    const { store, keys, clock } = world.test
    await store.command((client) => client.flushall())
    const copy = new ArchivedCopy(archive.database)
    await new StoreRebuild({ store, keys, clock, copy, hotDays: 35, rememberDays: 7 }).run()
    const after = await world.snapshot()
    for (const [partition, { checkpoint, journal }] of Object.entries(before.partitions)) {
      const { checkpoint: again, journal: entries = [] } = after.partitions[partition] ?? {}
      expect({ again, entries }).toEqual({ again: checkpoint, entries: journal })
    }
    expect(await transactionsOf(archive, 'acme')).toEqual(whole)
    expect((await auditStore()).drifts).toEqual([])
    const { operation = '' } = whole.find(({ amount }) => amount === 10_000_000n) ?? {}
    const again = { account: 'acme', amount: 10_000_000n, operation, kind: 'adjustment' } as const
    expect(await world.office().credit(again)).toMatchObject({ kind: 'posted', replayed: true })
  })

  it('is taken over by a new archive with what its journal came to before', async () => {
    await traffic(world)
    const first = archives.open(world.test)
    await world.elapse(36 * 86_400)
    await first.archiver.round(never)
    await archives.empty()
    const archive = archives.open(world.test)
    const streams = new RedisStreams(world.test.streamParts)
    await new Claim({ database: archive.database, streams }).adopt()
    await world.call('a').stop({ seconds: 99 })
    await world.call('later').stop({ seconds: 10 })
    const { credit } = await world.standing('acme')
    const report = await auditOf(world, archive).verify()
    expect(report.drifts).toEqual([])
    expect(report.checkpointed).toBeGreaterThan(10)
    expect(await archive.problems()).toEqual([])
    const { partition = -1 } = (await world.office().chainOf('acme')) ?? {}
    expect(await archive.statements.creditBefore(partition, 'acme', world.nowMs + 1)).toBe(credit)
    const { store, keys, clock } = world.test
    await archive.archiver.round(never)
    await store.command((client) => client.flushall())
    const copy = new ArchivedCopy(archive.database)
    await new StoreRebuild({ store, keys, clock, copy, hotDays: 35, rememberDays: 7 }).run()
    expect((await auditStore()).drifts).toEqual([])
    expect((await world.standing('acme')).credit).toBe(credit)
  })

  it('goes by when a CDR was written, whatever an edge says of when the call ended', async () => {
    await traffic(world)
    const far = world.call('far', { account: 'far' })
    await far.stop({ seconds: 10, endedAtMs: world.nowMs + 50 * 365 * 86_400_000 })
    await world.call('later', { account: 'far' }).stop({ seconds: 10 })
    await world.elapse(36 * 86_400)
    for (const callId of ['new-1', 'new-2']) await world.call(callId, { account: 'far' }).stop({ seconds: 10 })
    const archive = archives.open(world.test)
    await archive.archiver.round(never)
    const { partition = -1 } = (await world.office().chainOf('far')) ?? {}
    const { cdrs = [] } = (await world.snapshot()).partitions[partition] ?? {}
    expect(cdrs.map(({ cdr }) => (cdr as { readonly callId: string }).callId)).toEqual(['new-1', 'new-2'])
  })

  it('takes out nothing that is not archived', async () => {
    await traffic(world)
    const stored = await storedCdrs()
    await world.elapse(36 * 86_400)
    const streams = new RedisStreams(world.test.streamParts)
    for (let p = 0; p < PARTITIONS; p += 1) {
      expect(await streams.trim(p, { last: 0, beforeMs: Infinity })).toBe(0)
    }
    expect(await storedCdrs()).toBe(stored)
  })
})
