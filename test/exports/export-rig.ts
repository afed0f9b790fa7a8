/** Exports of a world of calls: a desk, a job and a folder, on a store and an archive that are real. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import type { Archive } from '../../src/archive/archive.ts'
import type { ExportArchive } from '../../src/exports/export-archive.ts'
import { ExportDesk } from '../../src/exports/export-desk.ts'
import type { Export, ExportOrder } from '../../src/exports/export.ts'
import { ExportJob } from '../../src/exports/export-job.ts'
import { DiskExportFolder } from '../../src/sheets/export-folder.ts'
import { RedisExports } from '../../src/store/redis-exports.ts'
import { StoredUsage } from '../../src/usage/stored-usage.ts'
import { UsageDesk } from '../../src/usage/summary.ts'
import { type ArchiveForm, TestArchives } from '../support/archives.ts'
import { useWorld, type World } from '../support/desk.ts'

export const HOUR_MS = 3_600_000
export const MOST = 3

/** By the titles of their columns. */
export type Line = Readonly<Record<string, string>>

export class ExportRig {
  readonly world: World
  readonly archives: TestArchives
  /** Ids of exports in the order in which they were queued. */
  readonly queued: string[] = []
  readonly path = mkdtempSync(join(tmpdir(), 'tg-exports-'))
  readonly archive: Archive
  #ids = 0

  constructor(world: World, archives: TestArchives, archive: Archive) {
    this.world = world
    this.archives = archives
    this.archive = archive
  }

  get store(): RedisExports {
    const { store, keys } = this.world.test
    return new RedisExports({ store, keys, clock: this.world.clock })
  }

  get usage(): UsageDesk {
    const { world, archive } = this
    const office = world.test.office()
    const rest = { archive: archive.usage, clock: world.clock, hotDays: () => 35 }
    return new UsageDesk({ office, store: new StoredUsage(office), ...rest })
  }

  /** As one more daemon has them. */
  daemon(archive: ExportArchive = this.archive.exports): { readonly desk: ExportDesk; readonly job: ExportJob } {
    const { store, usage } = this
    const folder = new DiskExportFolder(this.path)
    const ids = (): string => String((this.#ids += 1)).padStart(32, '0')
    const shared = { store, folder, clock: this.world.clock, ids, keptMs: () => HOUR_MS }
    const enqueue = async (id: string): Promise<void> => void this.queued.push(id)
    return {
      desk: new ExportDesk({ ...shared, enqueue, most: () => MOST }),
      job: new ExportJob({ ...shared, archive, usage }),
    }
  }

  /** CDRs of acme of all time as CSV, unless it is to be otherwise. */
  order(change: Partial<ExportOrder> = {}): ExportOrder {
    return {
      account: 'acme',
      content: 'cdrs',
      format: 'csv',
      fromMs: 0,
      untilMs: this.world.nowMs + 1,
      timezone: 'UTC',
      includeDescendants: false,
      by: 'day',
      heading: false,
      ...change,
    }
  }

  async asked(change: Partial<ExportOrder> = {}): Promise<Export> {
    const made = await this.daemon().desk.create(this.order(change))
    if ('code' in made) throw new Error(made.detail)
    return made
  }

  /** The text of the file of one that is asked for and made. */
  async text(change: Partial<ExportOrder> = {}, archive?: ExportArchive): Promise<string> {
    const { id, order } = await this.asked(change)
    const { desk, job } = this.daemon(archive)
    await job.run(id, false)
    const file = await desk.fileOf(order.account, id)
    if (typeof file !== 'string') throw new Error(file.detail)
    const text = readFileSync(file, 'utf8')
    await desk.remove(order.account, id)
    return text
  }

  /** The rows of a file without a heading; none of the cells has a comma. */
  async lines(change: Partial<ExportOrder> = {}, archive?: ExportArchive): Promise<readonly Line[]> {
    const [titles = [], ...rows] = (await this.text(change, archive)).split('\r\n').map((line) => line.split(','))
    return rows
      .slice(0, -1)
      .map((cells) => Object.fromEntries(titles.map((title, index) => [title, cells[index] ?? ''])))
  }

  /** A call that talked for so many seconds, and is over. */
  async talked(callId: string, account: string, seconds: number): Promise<void> {
    const call = this.world.call(callId, { account })
    await call.authorize()
    await call.start()
    await call.talk(seconds)
    await call.stop()
  }

  /** An account with one below it, and three calls. */
  async calls(): Promise<void> {
    await this.world.account('acme', { credit: 10_000_000n })
    await this.world.account('sub', { parent: 'acme', credit: 10_000_000n })
    await this.talked('a', 'acme', 61)
    await this.talked('b', 'acme', 30)
    await this.talked('c', 'sub', 10)
  }
}

/** A rig for the tests of the block, each with a world of its own. */
export function useExports(form: ArchiveForm): () => ExportRig {
  const world = useWorld({ name: 'one Redis', on: 'redis', daemons: 1 })
  const archives = new TestArchives(form)
  let rig: ExportRig
  beforeAll(() => archives.start(), 60_000)
  afterAll(() => archives.stop())
  beforeEach(async () => {
    rig = new ExportRig(world, archives, await archives.opened(world.test))
  }, 60_000)
  afterEach(() => rmSync(rig.path, { recursive: true, force: true }))
  return () => rig
}

/** Reads one record at a time, and has something done before each. */
export function stepwise(archive: ExportArchive, before: (page: number) => Promise<void>): ExportArchive {
  let page = 0
  const next = (): Promise<void> => before((page += 1))
  return {
    snapshot: (partition) => archive.snapshot(partition),
    stands: (snapshot) => archive.stands(snapshot),
    cdrs: async (query) => {
      await next()
      return archive.cdrs({ ...query, limit: 1 })
    },
    postings: async (query) => {
      await next()
      return archive.postings({ ...query, limit: 1 })
    },
  }
}
