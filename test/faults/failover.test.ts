/** A master is lost: a replica takes its place, or its file is torn, or it was one of three. */
import { readdir, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { Home } from '../app/bench.ts'
import { Edge } from '../app/edge.ts'
import { until } from '../edges/sip/process.ts'
import { startRedis } from '../support/redis.ts'
import { expectBooks, ownRedis, proxyTo, urlOf } from './ground.ts'

const SETUP_SECONDS = 10
const SETTINGS = [
  'defaults: { tariff: bench, currency: USD, timezone: UTC }',
  'log: { decisions: false }',
  `calls: { setupSeconds: ${SETUP_SECONDS} }`,
  '',
].join('\n')

async function asked<T>(port: number, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(urlOf(port))
  try {
    return await work(client)
  } finally {
    client.disconnect()
  }
}

describe('a master that is killed', { timeout: 60_000 }, () => {
  it('is followed by its replica: until it is promoted nothing is written to it, then all goes on', async ({
    onTestFinished,
  }) => {
    const master = await ownRedis(onTestFinished)
    const replica = await startRedis({ appendOnly: true })
    onTestFinished(() => replica.stop())
    const replicaPort = Number(new URL(replica.url).port)
    await asked(replicaPort, (client) => client.replicaof('127.0.0.1', master.port))
    const linked = async (): Promise<boolean> =>
      (await asked(replicaPort, (client) => client.info('replication'))).includes('master_link_status:up')
    await until('the replica follows', linked, { withinMs: 15_000, everyMs: 100 })
    const proxy = await proxyTo(master.port, onTestFinished)
    const home = await Home.make(onTestFinished, { 'tollgate.yaml': SETTINGS })
    const daemon = await home.daemon({ redisUrl: urlOf(proxy.port) })
    const account = await daemon.account('busy', { credit: '100000.00' })
    const edge = new Edge({ account, daemon: () => daemon, parallel: 8 })
    await until('calls are made', () => edge.stopped.size >= 60, { withinMs: 30_000 })
    await daemon.authorize(account, 'up', { mode: 'edge' })
    await daemon.event('start', 'up')
    await edge.stop()
    // What was answered has reached the replica: that is what this test is exact about, and what WAIT is for.
    await asked(master.port, (client) => client.wait(1, 5_000))

    master.kill()
    proxy.switchTo(replicaPort)
    await until('the replica is reached', async () => (await daemon.ask('GET', '/readyz')).status === 200, {
      withinMs: 15_000,
      everyMs: 100,
    })
    const refused = await daemon.authorize(account, 'too-early')
    expect(refused).toMatchObject({ allow: false, code: 'engine_unavailable', sipCode: 503 })
    expect(
      (await daemon.ask('POST', '/v1/calls/events', { body: { type: 'stop', callId: 'up', seconds: 7 } })).status,
    ).toBe(503)

    await asked(replicaPort, (client) => client.replicaof('NO', 'ONE'))
    expect(await daemon.event('stop', 'up', { seconds: 7 })).toMatchObject({ charge: '7.000000' })
    expect((await daemon.authorize(account, 'after')).allow).toBe(true)
    await daemon.event('failed', 'after')
    await daemon.heldNothing(account, (SETUP_SECONDS + 10) * 1_000)
    edge.stopped.set('up', {
      call: (await daemon.cdrs(account)).find(({ callId }) => callId === 'up')?.call ?? '',
      seconds: 7,
      charge: '7.000000',
    })
    await expectBooks(daemon, account, edge)
  })

  it('under load, and whose file lost the end of its last entry, starts with all that was whole', async ({
    onTestFinished,
  }) => {
    const redis = await ownRedis(onTestFinished)
    const home = await Home.make(onTestFinished, { 'tollgate.yaml': SETTINGS })
    const daemon = await home.daemon({ redisUrl: urlOf(redis.port) })
    const account = await daemon.account('busy', { credit: '100000.00' })
    const edge = new Edge({ account, daemon: () => daemon, parallel: 8 })
    await until('calls are made', () => edge.stopped.size >= 60, { withinMs: 30_000 })
    redis.kill()
    await until('it is noticed', async () => (await daemon.ask('GET', '/readyz')).status === 503, { withinMs: 10_000 })
    const torn = await tear(join(redis.dataDir, 'appendonlydir'))
    expect(torn).toBeGreaterThan(0)
    await redis.restart()
    await until('it is back', async () => (await daemon.ask('GET', '/readyz')).status === 200, { withinMs: 15_000 })
    const { size } = edge.stopped
    await until('calls are made', () => edge.stopped.size >= size + 20, { withinMs: 30_000 })
    await edge.stop()
    expect(await daemon.drifts()).toEqual([])
    // Of what was answered the last step at most is gone: the entry that was torn.
    const kept = new Set((await daemon.cdrs(account)).map(({ callId }) => callId))
    const lost = [...edge.stopped].filter(([callId]) => !kept.has(callId))
    expect(lost.length).toBeLessThanOrEqual(1)
    // If that was a stop, the call is up again until nothing is heard of it for long; its edge says once more that it is over.
    for (const [callId, { seconds }] of lost) await daemon.event('stop', callId, { seconds })
    await daemon.heldNothing(account, (SETUP_SECONDS + 10) * 1_000)
  })
})

/** Takes some bytes off the end of the newest append-only file; answers with its size before. */
async function tear(folder: string): Promise<number> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.incr.aof'))
  const path = join(folder, names.toSorted().at(-1) ?? '')
  const { size } = await stat(path)
  await truncate(path, size - 11)
  return size
}
