import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { moveArchive } from '../../src/archive/move.ts'
import { auditOf, traffic } from '../support/archived-traffic.ts'
import { never, TestArchives } from '../support/archives.ts'
import { useWorld } from '../support/desk.ts'

const EVERYTHING = `
  select 'journal' as name, count(*)::int as rows, md5(string_agg(t::text, '|' order by t::text)) as sum from journal t
  union all select 'posting', count(*)::int, md5(string_agg(t::text, '|' order by t::text)) from posting t
  union all select 'cdr', count(*)::int, md5(string_agg(t::text, '|' order by t::text)) from cdr t
  union all select 'event', count(*)::int, md5(string_agg(t::text, '|' order by t::text)) from event t
  union all select 'account', count(*)::int, md5(string_agg(t::text, '|' order by t::text)) from account t
  union all select 'document', count(*)::int, md5(string_agg(t::text, '|' order by t::text)) from document t
  union all select 'installation', count(*)::int, md5(string_agg(t::text, '|' order by t::text)) from installation t
  union all select 'progress', count(*)::int, md5(string_agg(t::text, '|' order by t::text)) from progress t`

describe('an archive in the data folder', () => {
  const world = useWorld({ name: 'one Redis', on: 'redis', daemons: 2 })
  const folder = new TestArchives('embedded')
  const server = new TestArchives('PostgreSQL')
  beforeAll(() => server.start(), 60_000)
  afterAll(async () => {
    await folder.stop()
    await server.stop()
  })

  it('is moved to a server whole, and goes on there', async () => {
    await traffic(world)
    const odd = world.call('odd', { account: 'far' })
    await odd.authorize({ user: 'a\0"\\\ud800' })
    await odd.stop({ seconds: 3 })
    await world.elapse(40 * 86_400)
    await world.credit('acme', 7n)
    const before = await folder.opened(world.test)
    await before.archiver.round(never)
    await server.empty()
    const after = server.open(world.test)
    const rows = await moveArchive(before.database, after.database)
    const [was, is] = await Promise.all(
      [before, after].map(({ database }) => database.use((sql) => sql.unsafe<Record<string, unknown>[]>(EVERYTHING))),
    )
    expect(is).toEqual(was)
    expect(rows).toBeGreaterThanOrEqual((was ?? []).reduce((sum, table) => sum + Number(table['rows']), 0))
    await world.call('later').stop({ seconds: 10 })
    await after.archiver.round(never)
    expect(await auditOf(world, after).verify()).toMatchObject({ checkpointed: 0, drifts: [] })
    expect(server.lost).toEqual([])
    await expect(moveArchive(before.database, after.database)).rejects.toMatchObject({ code: 'archive_unfit' })
  }, 120_000)

  it('is needed to move one', async () => {
    await folder.empty()
    await server.empty()
    const [from, to] = [folder.open(world.test), server.open(world.test)]
    await expect(moveArchive(from.database, to.database)).rejects.toThrow('there is no archive to move')
  }, 120_000)
})
