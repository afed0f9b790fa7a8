/** The archive's own database, where there is no server. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Database } from '../../src/archive/database.ts'
import { tryLock } from '../../src/store/file-lock.ts'

it('is made anew where a daemon was killed while it made one', async ({ onTestFinished }) => {
  const folder = await mkdtemp(join(tmpdir(), 'tollgate-archive-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const begun = join(folder, 'postgres.making')
  await mkdir(begun)
  await writeFile(join(begun, 'PG_VERSION'), '18\n')
  const database = new Database({ embedded: { folder, lock: tryLock } })
  onTestFinished(() => database.close())
  await database.open()
  const rows = await database.use((sql) => sql`select count(*)::int as count from journal`)
  expect([...rows]).toEqual([{ count: 0 }])
  expect(await readdir(folder)).not.toContain('postgres.making')
}, 120_000)

it('keeps nothing of what it answered', async ({ onTestFinished }) => {
  const folder = await mkdtemp(join(tmpdir(), 'tollgate-archive-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const database = new Database({ embedded: { folder, lock: tryLock } })
  onTestFinished(() => database.close())
  await database.open()
  const answer = async (megabytes: number): Promise<void> => {
    for (let n = 0; n < megabytes; n += 1) {
      const [row] = await database.use((sql) => sql<{ text: string }[]>`select repeat('x', 1048576) as text`)
      expect(row?.text).toHaveLength(2 ** 20)
    }
  }
  await answer(50)
  const before = process.memoryUsage.rss()
  await answer(250)
  expect((process.memoryUsage.rss() - before) / 2 ** 20).toBeLessThan(125)
}, 120_000)
