import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseAmount } from '../../src/base/money.ts'
import { ExportDesk } from '../../src/exports/export-desk.ts'
import type { Export, ExportOrder } from '../../src/exports/export.ts'
import { ExportJob } from '../../src/exports/export-job.ts'
import type { TableSources } from '../../src/exports/tables.ts'
import { DiskExportFolder } from '../../src/sheets/export-folder.ts'
import { RedisExports } from '../../src/store/redis-exports.ts'
import { StoredUsage } from '../../src/usage/stored-usage.ts'
import { UsageDesk } from '../../src/usage/summary.ts'
import { useWorld } from '../support/desk.ts'

const world = useWorld({ name: 'one Redis', on: 'redis', daemons: 1 })

const HOUR_MS = 3_600_000

let path: string
let ids = 0
let queued: string[]

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'tg-exports-'))
  queued = []
})
afterEach(() => rmSync(path, { recursive: true, force: true }))

function usage(): UsageDesk {
  const office = world.test.office()
  const closed = { isOpen: false } as ConstructorParameters<typeof UsageDesk>[0]['archive']
  return new UsageDesk({
    office,
    store: new StoredUsage(office),
    archive: closed,
    clock: world.clock,
    hotDays: () => 35,
  })
}

function rig(sources: Partial<TableSources> = {}) {
  const { store: redis, keys } = world.test
  const store = new RedisExports({ store: redis, keys, clock: world.clock })
  const folder = new DiskExportFolder(path)
  const shared = {
    store,
    folder,
    clock: world.clock,
    ids: () => String((ids += 1)).padStart(32, '0'),
    keptMs: () => HOUR_MS,
  }
  const enqueue = async (id: string): Promise<void> => void queued.push(id)
  return {
    store,
    desk: new ExportDesk({ ...shared, enqueue, most: () => 3 }),
    job: new ExportJob({ ...shared, usage: usage(), ...sources }),
  }
}

function order(change: Partial<ExportOrder> = {}): ExportOrder {
  const nowMs = world.clock.nowMs()
  return {
    account: 'acme',
    content: 'cdrs',
    format: 'csv',
    fromMs: nowMs - HOUR_MS,
    untilMs: nowMs + 1,
    timezone: 'UTC',
    includeDescendants: false,
    by: 'day',
    heading: false,
    ...change,
  }
}

async function made(change: Partial<ExportOrder> = {}): Promise<readonly string[][]> {
  const { desk, job } = rig()
  const asked = (await desk.create(order(change))) as Export
  await job.run(asked.id, false)
  const file = await desk.fileOf('acme', asked.id)
  if (typeof file !== 'string') throw new Error(file.detail)
  return readFileSync(file, 'utf8')
    .split('\r\n')
    .map((line) => line.split(','))
}

async function calls(): Promise<void> {
  await world.account('acme', { credit: 10_000_000n })
  await world.account('sub', { parent: 'acme', credit: 10_000_000n })
  for (const [callId, account, seconds] of [
    ['a', 'acme', 61],
    ['b', 'acme', 30],
    ['c', 'sub', 10],
  ] as const) {
    const call = world.call(callId, { account })
    await call.authorize()
    await call.start()
    await call.talk(seconds)
    await call.stop()
  }
}

describe('an export', () => {
  it('of CDRs has the rows of the summary, to the micro', async () => {
    await calls()
    const [titles = [], ...rows] = (await made()).filter((cells) => cells.length > 1)
    const charge = titles.indexOf('charge')
    const [summary] = await usage().summary('acme', { ...order(), by: 'account' })
    expect(rows).toHaveLength(summary?.calls ?? 0)
    expect(rows.reduce((sum, cells) => sum + (parseAmount(cells[charge] ?? '') ?? 0n), 0n)).toBe(summary?.charge)
  })

  it('with descendants has those of the accounts below, and of a user or direction only theirs', async () => {
    await calls()
    const accounts = async (change: Partial<ExportOrder>) => (await made(change)).slice(1, -1).map((cells) => cells[3])
    expect(new Set(await accounts({ includeDescendants: true }))).toEqual(new Set(['acme', 'sub']))
    expect(await accounts({ direction: 'inbound' })).toEqual([])
    expect(await accounts({ user: 'nobody' })).toEqual([])
  })

  it('of transactions has what the journal took, and of usage the sums', async () => {
    await calls()
    const [titles = [], ...rows] = await made({ content: 'transactions' })
    const sum = rows.reduce((total, cells) => total + (parseAmount(cells[titles.indexOf('amount')] ?? '') ?? 0n), 0n)
    expect(sum).toBe((await world.balance('acme')).credit)
    expect((await made({ content: 'usage', by: 'account' }))[1]?.slice(0, 2)).toEqual(['acme', '3'])
  })

  it('says above its titles whose it is, of when, in which zone and which rows', async () => {
    await calls()
    const lines = await made({ heading: true, timezone: 'America/New_York', user: 'jo' })
    expect(Object.fromEntries(lines.slice(0, 7))).toMatchObject({
      account: 'acme',
      content: 'cdrs',
      timezone: 'America/New_York',
      filters: 'user is jo',
    })
    expect(lines[8]?.[0]).toBe('call')
  })

  it('that fails leaves no file, and is made again from the beginning', async () => {
    await calls()
    const breaks = usage()
    let isBroken = true
    const sources = {
      usage: {
        whose: breaks.whose.bind(breaks),
        summary: breaks.summary.bind(breaks),
        transactions: breaks.transactions.bind(breaks),
        cdrs: async (...asked: Parameters<UsageDesk['cdrs']>) => {
          const page = await breaks.cdrs(asked[0], { ...asked[1], limit: 1 })
          if (isBroken && asked[1].cursor !== undefined) throw new Error('the store went away')
          return page
        },
      },
    }
    const { desk, job, store } = rig(sources)
    const { id } = (await desk.create(order())) as Export
    await expect(job.run(id, false)).rejects.toThrow('the store went away')
    expect(readdirSync(path)).toEqual([])
    expect(await store.find(id)).toMatchObject({ state: 'queued', reason: 'the store went away' })
    expect(await desk.fileOf('acme', id)).toMatchObject({ code: 'export_unfinished' })
    await expect(job.run(id, true)).rejects.toThrow('the store went away')
    expect(await store.find(id)).toMatchObject({ state: 'failed' })
    isBroken = false
    await job.run(id, true)
    expect(await store.find(id)).toMatchObject({ state: 'done', rows: 3, progress: 1000 })
    expect(await store.find(id)).not.toHaveProperty('reason')
    const [file] = readdirSync(path)
    await job.run(id, true)
    expect(readdirSync(path)).toEqual([file])
  })

  it('stops at its next page when its daemon does, and another makes it', async () => {
    await calls()
    const { desk, job, store } = rig()
    const { id } = (await desk.create(order())) as Export
    job.rest()
    await expect(job.run(id, false)).rejects.toThrow('was stopped')
    expect(readdirSync(path)).toEqual([])
    await rig().job.run(id, false)
    expect(await store.find(id)).toMatchObject({ state: 'done' })
  })

  it('that is taken back is made no further, and its file goes with it', async () => {
    await calls()
    const { desk, job } = rig()
    const first = (await desk.create(order())) as Export
    const second = (await desk.create(order())) as Export
    await job.run(first.id, false)
    expect(readdirSync(path)).toHaveLength(1)
    await desk.remove('acme', first.id)
    expect(readdirSync(path)).toEqual([])
    await desk.remove('acme', second.id)
    await job.run(second.id, false)
    expect(readdirSync(path)).toEqual([])
    expect(await desk.find('acme', first.id)).toMatchObject({ code: 'export_unknown' })
  })

  it('that is taken back while it is made ends without a file', async () => {
    await calls()
    const real = usage()
    const { desk, job, store } = rig({
      usage: {
        whose: real.whose.bind(real),
        summary: real.summary.bind(real),
        transactions: real.transactions.bind(real),
        cdrs: async (account, page) => {
          const [running] = await store.list('acme')
          if (running) await store.remove(running)
          return real.cdrs(account, page)
        },
      },
    })
    const { id } = (await desk.create(order())) as Export
    await job.run(id, false)
    expect(readdirSync(path)).toEqual([])
  })

  it('is one of a few, and of no other account', async () => {
    await calls()
    const { desk } = rig()
    const all = [await desk.create(order()), await desk.create(order()), await desk.create(order())]
    expect(queued).toEqual(all.map((each) => (each as Export).id))
    expect(await desk.create(order())).toMatchObject({ code: 'too_many_exports' })
    expect(await desk.find('sub', queued[0] ?? '')).toMatchObject({ code: 'export_unknown' })
    expect(await desk.list('acme')).toHaveLength(3)
    await desk.remove('acme', queued[0] ?? '')
    expect(await desk.create(order())).toMatchObject({ state: 'queued' })
  })

  it('that cannot be queued is not there', async () => {
    const { store } = rig()
    const enqueue = () => Promise.reject(new Error('the queue is away'))
    const parts = { store, folder: new DiskExportFolder(path), enqueue, clock: world.clock }
    const desk = new ExportDesk({ ...parts, ids: () => 'x', keptMs: () => HOUR_MS, most: () => 3 })
    await expect(desk.create(order())).rejects.toThrow('the queue is away')
    expect(await desk.list('acme')).toEqual([])
  })

  it('whose time is over is forgotten, and a sweep takes its file and those of dead daemons', async () => {
    await calls()
    const { desk, job, store } = rig()
    const kept = (await desk.create(order())) as Export
    const gone = (await desk.create(order())) as Export
    await job.run(kept.id, false)
    await job.run(gone.id, false)
    await world.test.store.command((client) => client.del(world.test.keys.export(gone.id)))
    await job.sweep()
    const { file = '' } = (await store.find(kept.id)) ?? {}
    expect(readdirSync(path)).toEqual([file])
    expect(await desk.list('acme')).toHaveLength(1)
    const ttl = await world.test.store.command((client) => client.pttl(world.test.keys.export(kept.id)))
    expect(ttl).toBeGreaterThan(HOUR_MS / 2)
    rmSync(join(path, file))
    expect(await desk.fileOf('acme', kept.id)).toMatchObject({ code: 'export_elsewhere' })
  })
})
