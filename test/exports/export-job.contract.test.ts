import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ExportArchive } from '../../src/exports/export-archive.ts'
import { ExportDesk } from '../../src/exports/export-desk.ts'
import { DiskExportFolder } from '../../src/sheets/export-folder.ts'
import { HOUR_MS, MOST, stepwise, useExports } from './export-rig.ts'

describe('an export', () => {
  const rig = useExports('PostgreSQL')
  const files = (): readonly string[] => readdirSync(rig().path)
  /** Fails or hangs after its first page. */
  const after = (first: () => Promise<unknown>): ExportArchive =>
    stepwise(rig().archive.exports, async (page) => {
      if (page > 1) await first()
    })

  it('says above its titles whose it is, of when, in which zone and which rows', async () => {
    await rig().calls()
    const text = await rig().text({ heading: true, timezone: 'America/New_York', user: 'jo' })
    const lines = text.split('\r\n').map((line) => line.split(','))
    expect(Object.fromEntries(lines.slice(0, 7))).toMatchObject({
      account: 'acme',
      content: 'cdrs',
      timezone: 'America/New_York',
      filters: 'user is jo',
    })
    expect(lines[8]?.[0]).toBe('call')
  })

  it('of usage has the sums', async () => {
    await rig().calls()
    const lines = await rig().lines({ content: 'usage', by: 'account' })
    expect(lines).toMatchObject([{ key: 'acme', calls: '3', charge: '0.101000' }])
  })

  it('that fails leaves no file, and is made again from the beginning', async () => {
    await rig().calls()
    const { id } = await rig().asked()
    const { desk, job } = rig().daemon(after(() => Promise.reject(new Error('the disk went away'))))
    await expect(job.run(id, false)).rejects.toThrow('the disk went away')
    expect(files()).toEqual([])
    expect(await rig().store.find(id)).toMatchObject({ state: 'queued', reason: 'the disk went away' })
    expect(await desk.fileOf('acme', id)).toMatchObject({ code: 'export_unfinished' })
    await expect(job.run(id, true)).rejects.toThrow('the disk went away')
    expect(await rig().store.find(id)).toMatchObject({ state: 'failed' })
    await rig().daemon().job.run(id, true)
    expect(await rig().store.find(id)).toMatchObject({ state: 'done', rows: 3, progress: 1000 })
    expect(await rig().store.find(id)).not.toHaveProperty('reason')
    const [file] = files()
    await rig().daemon().job.run(id, true)
    expect(files()).toEqual([file])
  })

  it('whose archive is away fails and says so, and is made when the archive is back', async () => {
    await rig().calls()
    await rig().archive.archiver.round(() => false)
    const { id } = await rig().asked()
    await rig().archives.server?.kill()
    try {
      await expect(rig().daemon().job.run(id, true)).rejects.toThrow('the archive cannot answer')
      expect(await rig().store.find(id)).toMatchObject({
        state: 'failed',
        reason: expect.stringContaining('the archive cannot answer') as string,
      })
    } finally {
      await rig().archives.server?.restart()
    }
    await rig().daemon().job.run(id, true)
    expect(await rig().store.find(id)).toMatchObject({ state: 'done', rows: 3 })
  })

  it('is made again when the store lost meanwhile what was archived', async () => {
    await rig().calls()
    const { partition } = await rig().usage.whose('acme', false)
    const forked = after(() =>
      rig().archive.database.use(async (sql) => {
        await sql`insert into fork (partition, epoch, number) select ${partition}, coalesce(max(epoch), 0) + 1, 1 from fork`
      }),
    )
    const { id } = await rig().asked()
    await expect(rig().daemon(forked).job.run(id, false)).rejects.toThrow('the store lost entries')
    expect(files()).toEqual([])
    await rig().daemon().job.run(id, false)
    expect(await rig().store.find(id)).toMatchObject({ state: 'done', rows: 3 })
  })

  it('stops at its next page when its daemon does, and another makes it', async () => {
    await rig().calls()
    const { id } = await rig().asked()
    const { job } = rig().daemon()
    job.rest()
    await expect(job.run(id, false)).rejects.toThrow('was stopped')
    expect(files()).toEqual([])
    await rig().daemon().job.run(id, false)
    expect(await rig().store.find(id)).toMatchObject({ state: 'done' })
  })

  /** The attempt goes no further, as that of a daemon that died; the answer lets it go on after all. */
  async function hangs(id: string): Promise<() => Promise<unknown>> {
    const [freed, hanging] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()]
    const hang = (): Promise<undefined> => {
      hanging.resolve(undefined)
      return freed.promise
    }
    const running = rig()
      .daemon(after(async () => hang()))
      .job.run(id, false)
    await hanging.promise
    return () => {
      freed.resolve(undefined)
      return running
    }
  }

  it('whose daemon dies is made by another, and what the dead one still says is not heard', async () => {
    await rig().calls()
    const { id } = await rig().asked()
    const revive = await hangs(id)
    expect(await rig().store.find(id)).toMatchObject({ state: 'running' })
    await rig().daemon().job.run(id, false)
    const made = await rig().store.find(id)
    expect(made).toMatchObject({ state: 'done', rows: 3 })
    expect(made).not.toHaveProperty('died')
    await revive()
    expect(await rig().store.find(id)).toEqual(made)
    expect(files()).toEqual([made?.file])
  })

  it('whose daemons die again and again fails, and says why', async () => {
    await rig().calls()
    const { id } = await rig().asked()
    const revivals = [await hangs(id), await hangs(id), await hangs(id)]
    await rig().daemon().job.run(id, false)
    expect(await rig().store.find(id)).toMatchObject({ state: 'failed', reason: '3 daemons died while they made it' })
    for (const revive of revivals) await revive()
    expect(files()).toEqual([])
  })

  it('that is taken back is made no further, and its file goes with it', async () => {
    await rig().calls()
    const { desk, job } = rig().daemon()
    const [first, second] = [await rig().asked(), await rig().asked()]
    await job.run(first.id, false)
    expect(files()).toHaveLength(1)
    await desk.remove('acme', first.id)
    expect(files()).toEqual([])
    await desk.remove('acme', second.id)
    await job.run(second.id, false)
    expect(files()).toEqual([])
    expect(await desk.find('acme', first.id)).toMatchObject({ code: 'export_unknown' })
  })

  it('that is taken back while it is made ends without a file', async () => {
    await rig().calls()
    const made = await rig().asked()
    const removes = after(() => rig().store.remove(made))
    await rig().daemon(removes).job.run(made.id, false)
    expect(files()).toEqual([])
    expect(await rig().store.find(made.id)).toBeUndefined()
  })

  it('is one of a few, and of no other account', async () => {
    await rig().calls()
    const { desk } = rig().daemon()
    const all = [await rig().asked(), await rig().asked(), await rig().asked()]
    expect(rig().queued).toEqual(all.map(({ id }) => id))
    expect(await desk.create(rig().order())).toMatchObject({ code: 'too_many_exports' })
    expect(await desk.find('sub', all[0]?.id ?? '')).toMatchObject({ code: 'export_unknown' })
    expect(await desk.list('acme')).toHaveLength(MOST)
    await desk.remove('acme', all[0]?.id ?? '')
    expect(await desk.create(rig().order())).toMatchObject({ state: 'queued' })
  })

  it('is one of a few also when many are asked for at once, of several daemons', async () => {
    await rig().calls()
    const create = () => rig().daemon().desk.create(rig().order())
    const answers = await Promise.all(Array.from({ length: 12 }, create))
    expect(answers.filter((answer) => 'state' in answer)).toHaveLength(MOST)
    expect(await rig().store.list('acme')).toHaveLength(MOST)
    rig().world.clock.advance(HOUR_MS + 1)
    expect(await rig().asked()).toMatchObject({ state: 'queued' })
  })

  it('that cannot be queued is not there', async () => {
    const { store, path, world } = rig()
    const enqueue = () => Promise.reject(new Error('the queue is away'))
    const parts = { store, folder: new DiskExportFolder(path), enqueue, clock: world.clock }
    const desk = new ExportDesk({ ...parts, ids: () => 'x', keptMs: () => HOUR_MS, most: () => MOST })
    await expect(desk.create(rig().order())).rejects.toThrow('the queue is away')
    expect(await desk.list('acme')).toEqual([])
  })

  it('whose time is over is forgotten, and a sweep takes its file and those of dead daemons', async () => {
    await rig().calls()
    const { store, keys } = rig().world.test
    const { desk, job } = rig().daemon()
    const [kept, gone] = [await rig().asked(), await rig().asked()]
    await job.run(kept.id, false)
    await job.run(gone.id, false)
    await store.command((client) => client.del(keys.export(gone.id)))
    await job.sweep()
    const { file = '' } = (await rig().store.find(kept.id)) ?? {}
    expect(files()).toEqual([file])
    expect(await desk.list('acme')).toHaveLength(1)
    const ttl = await store.command((client) => client.pttl(keys.export(kept.id)))
    expect(ttl).toBeGreaterThan(HOUR_MS / 2)
    rmSync(join(rig().path, file))
    expect(await desk.fileOf('acme', kept.id)).toMatchObject({ code: 'export_elsewhere' })
  })
})
