/** Redis has no room left: nothing new begins, and what is up can end. */
import { mkdtemp, rm } from 'node:fs/promises'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { type AtEnd, type Daemon, Home } from '../app/bench.ts'
import { until } from '../edges/sip/process.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'

const SETTINGS = 'defaults: { tariff: bench, currency: USD, timezone: UTC }\nlog: { decisions: false }\n'

async function configured<T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url)
  try {
    return await work(client)
  } finally {
    client.disconnect()
  }
}

async function daemonOn(redis: TestRedis, atEnd: AtEnd): Promise<Daemon> {
  const home = await Home.make(atEnd, { 'tollgate.yaml': SETTINGS })
  return await home.daemon({ redisUrl: redis.url })
}

/** Three calls: one that talks, one that rings, one that fails. */
async function callsUp(daemon: Daemon): Promise<string> {
  const account = await daemon.account('caller', { credit: '1000.00' })
  for (const callId of ['talks', 'rings', 'fails']) await daemon.authorize(account, callId)
  await daemon.event('start', 'talks')
  return account
}

async function expectEndsOnly(daemon: Daemon, account: string): Promise<void> {
  const refused = await daemon.authorize(account, 'new')
  expect(refused).toMatchObject({ allow: false, code: 'engine_unavailable', sipCode: 503 })
  expect(await daemon.event('stop', 'talks', { seconds: 7 })).toMatchObject({ state: 'ended', charge: '7.000000' })
  expect(await daemon.event('failed', 'fails')).toMatchObject({ state: 'failed' })
  expect(await daemon.event('stop', 'talks', { seconds: 7 })).toMatchObject({ charge: '7.000000', ignored: true })
  // Redis takes no transaction meanwhile, not even one that only reads.
  expect((await daemon.ask('GET', `/v1/accounts/${account}/balance`)).status).toBe(503)
}

async function expectGoesOn(daemon: Daemon, account: string): Promise<void> {
  await until('calls are let in again', async () => (await daemon.authorize(account, 'again')).allow, {
    withinMs: 15_000,
  })
  expect(await daemon.balance(account)).toMatchObject({ credit: '993.000000', reserved: '120.000000', calls: 2 })
  for (const callId of ['again', 'rings']) await daemon.event('failed', callId)
  await daemon.heldNothing(account)
  expect(await daemon.drifts()).toEqual([])
}

describe('a Redis that has reached maxmemory', { timeout: 40_000 }, () => {
  it('lets in nobody new, ends what is up, and goes on when there is room', async ({ onTestFinished }) => {
    const redis = await startRedis({ appendOnly: true })
    onTestFinished(() => redis.stop())
    const daemon = await daemonOn(redis, onTestFinished)
    const account = await callsUp(daemon)
    await configured(redis.url, (client) => client.config('SET', 'maxmemory', '1mb'))
    await expectEndsOnly(daemon, account)
    await configured(redis.url, (client) => client.config('SET', 'maxmemory', '0'))
    await expectGoesOn(daemon, account)
  })
})

describe('a disk that is full', { timeout: 60_000 }, () => {
  it('is refused writes by Redis, which the daemon says cleanly; nothing that was answered is lost', async ({
    onTestFinished,
  }) => {
    const folder = await mkdtemp(join(tmpdir(), 'tollgate-full-'))
    mount(folder, onTestFinished)
    onTestFinished(() => rm(folder, { recursive: true, force: true }).catch(() => undefined))
    const redis = await startRedis({
      appendOnly: true,
      dataDir: folder,
      args: ['--appendfsync', 'everysec', '--auto-aof-rewrite-percentage', '0'],
    })
    const daemon = await daemonOn(redis, onTestFinished)
    const account = await callsUp(daemon)
    const before = await daemon.balance(account)
    fill(folder)
    await until(
      'the store refuses writes',
      async () => {
        const { allow, code } = await daemon.authorize(account, `probe-${crypto.randomUUID()}`)
        if (!allow) expect(code).toBe('engine_unavailable')
        return !allow
      },
      { withinMs: 30_000, everyMs: 20 },
    )
    expect(
      await daemon.ask('POST', '/v1/calls/events', { body: { type: 'stop', callId: 'talks', seconds: 7 } }),
    ).toMatchObject({
      status: 503,
    })
    empty(folder)
    await until(
      'the store takes writes again',
      async () => (await daemon.event('stop', 'talks', { seconds: 7 })).state === 'ended',
      {
        withinMs: 15_000,
        everyMs: 250,
      },
    ).catch(async (error: unknown) => {
      throw new Error(`${String(error)} ${daemon.output.slice(-1_000)}`)
    })
    expect(Number((await daemon.balance(account)).credit)).toBe(Number(before.credit) - 7)
    expect(await daemon.drifts()).toEqual([])
    await redis.stop()
  })
})

/** A file system of eight megabytes. */
function mount(folder: string, atEnd: AtEnd): void {
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder])
  if (mounted.status !== 0)
    throw new Error(`this test mounts a small file system, as root: ${mounted.stderr.toString()}`)
  atEnd(async () => {
    spawnSync('umount', ['-l', folder])
    await Promise.resolve()
  })
}

function fill(folder: string): void {
  spawnSync('dd', ['if=/dev/zero', `of=${join(folder, 'filler')}`, 'bs=64k', 'count=1000'])
}

function empty(folder: string): void {
  spawnSync('rm', [join(folder, 'filler')])
}
