import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { checkStore, storeFindings } from '../../src/store/fitness.ts'
import { RedisStore } from '../../src/store/redis.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'

const open: { readonly store: RedisStore; readonly redis: TestRedis; readonly dataDir: string }[] = []

afterEach(async () => {
  for (const { store, redis, dataDir } of open.splice(0)) {
    await store.close()
    await redis.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
})

async function storeOn(options: {
  readonly appendOnly: boolean
  readonly args?: readonly string[]
}): Promise<RedisStore> {
  const dataDir = mkdtempSync(join(tmpdir(), 'tg-fitness-'))
  const redis = await startRedis({ ...options, dataDir })
  const store = new RedisStore({ urls: [redis.url], commandTimeoutMs: 2_000, maxInFlight: 8 })
  open.push({ store, redis, dataDir })
  await store.open()
  return store
}

describe('a Redis', () => {
  it('that keeps all on disk and forgets nothing is fit', async () => {
    const store = await storeOn({ appendOnly: true })
    await expect(checkStore(store)).resolves.toBeUndefined()
    const findings = await storeFindings(store)
    expect(findings.map(({ what, status }) => `${what} ${status}`)).toEqual([
      'version ok',
      'eviction ok',
      'append_only ok',
      'role ok',
      'clock ok',
    ])
  })

  it('that evicts and keeps nothing on disk is refused, with everything that is wrong', async () => {
    const store = await storeOn({ appendOnly: false, args: ['--maxmemory-policy', 'allkeys-lru'] })
    await expect(checkStore(store)).rejects.toMatchObject({
      code: 'store_unfit',
      retryable: false,
      message: expect.stringMatching(/allkeys-lru.*\n.*append-only file is off/) as string,
    })
  })

  it('that follows another is refused', async () => {
    const store = await storeOn({ appendOnly: true, args: ['--replicaof', '127.0.0.1', '1'] })
    await expect(checkStore(store)).rejects.toThrow(/it is a replica of 127\.0\.0\.1:1: set/)
  })

  it('whose clock is wrong is refused, either way', async () => {
    const store = await storeOn({ appendOnly: true })
    const skewed = (byMs: number) => ({ nowMs: () => Date.now() + byMs })
    await expect(checkStore(store, { clock: skewed(1_500) })).resolves.toBeUndefined()
    await expect(checkStore(store, { clock: skewed(60_000) })).rejects.toThrow(/60\.\d s behind ours/)
    await expect(checkStore(store, { clock: skewed(-60_000) })).rejects.toThrow(/(59|60)\.\d s ahead of ours/)
  })

  it('that is unfit is taken when the operator says so, and told in the log', async () => {
    const store = await storeOn({ appendOnly: false })
    const lines: unknown[] = []
    await checkStore(store, { accept: ['append_only'], log: { warn: (line: unknown) => lines.push(line) } })
    expect(lines).toEqual([{ what: 'append_only', detail: expect.stringContaining('append-only') as string }])
  })
})
