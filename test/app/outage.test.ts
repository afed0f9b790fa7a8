/** The store is away, and accounts that may have calls meanwhile have them: so many, so long, and paid afterwards. */
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { until } from '../edges/sip/process.ts'
import { startRedis } from '../support/redis.ts'
import { type AtEnd, type Daemon, Home } from './bench.ts'

interface OwnRedis {
  readonly url: string
  stop(): Promise<void>
  /** On the same port, with what it had. */
  start(): Promise<void>
}

/** A Redis of the operator's own, which can be away for a while. */
async function ownRedis(atEnd: AtEnd): Promise<OwnRedis> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tollgate-own-redis-'))
  atEnd(() => rm(dataDir, { recursive: true, force: true }))
  let redis = await startRedis({ appendOnly: true, dataDir })
  atEnd(() => redis.stop())
  const port = Number(new URL(redis.url).port)
  return {
    url: redis.url,
    stop: () => redis.stop(),
    async start() {
      redis = await startRedis({ appendOnly: true, dataDir, port })
    },
  }
}

async function stopStatus(daemon: Daemon, callId: string, seconds: number): Promise<number> {
  return (await daemon.ask('POST', '/v1/calls/events', { body: { type: 'stop', callId, seconds } })).status
}

/** Lines that the spool keeps of calls. */
async function spooled({ data }: Home): Promise<readonly string[]> {
  const folder = join(data, 'outage')
  const files = (await readdir(folder)).filter((file) => file.endsWith('.jsonl'))
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  return texts.flatMap((text) => text.split('\n').filter((line) => line.includes('"add"')))
}

describe('a store that is away', { timeout: 40_000 }, () => {
  it('lets capped calls through, which outlive their daemon and are charged when it is back', async ({
    onTestFinished,
  }) => {
    const redis = await ownRedis(onTestFinished)
    const home = await Home.make(onTestFinished)
    const first = await home.daemon({ redisUrl: redis.url })
    const policy = { onEngineError: 'allowCapped', engineErrorSeconds: 30, engineErrorCalls: 2 }
    const capped = await first.account('capped', { credit: '100.00', ...policy })
    const strict = await first.account('strict', { credit: '100.00' })
    for (const account of [capped, strict]) {
      await first.authorize(account, `${account}-before`)
      await first.event('failed', `${account}-before`)
    }
    await redis.stop()
    await until('it is noticed', async () => (await first.ask('GET', '/readyz')).status === 503)

    const one = await first.authorize(capped, 'one')
    expect(one).toMatchObject({ allow: true, maxDurationSeconds: 30, reserved: '0.000000', final: true })
    expect((await first.authorize(capped, 'two')).allow).toBe(true)
    const refusal = { allow: false, code: 'engine_unavailable', sipCode: 503 }
    expect(await first.authorize(capped, 'three')).toMatchObject(refusal)
    expect(await first.authorize(capped, 'one')).toEqual(one)
    expect(await first.authorize(strict, 'strict')).toMatchObject(refusal)
    expect(await stopStatus(first, 'two', 10)).toBe(503)
    expect((await first.authorize(capped, 'four')).allow).toBe(true)
    expect(await first.authorize(capped, 'five')).toMatchObject(refusal)
    expect(await spooled(home)).toHaveLength(3)
    await first.kill()

    await redis.start()
    const second = await home.daemon({ redisUrl: redis.url })
    expect(await second.authorize(capped, 'one')).toEqual(one)
    const stopped = await second.event('stop', 'one', { seconds: 20 })
    expect(stopped).toMatchObject({ state: 'ended', charge: '20.000000' })
    expect(await second.event('stop', 'two', { seconds: 10 })).toMatchObject({ charge: '10.000000' })
    // It talked for longer than it was allowed to: that is paid, too.
    expect(await second.event('stop', 'four', { seconds: 40 })).toMatchObject({ charge: '40.000000' })
    expect(await second.event('stop', 'one', { seconds: 20 })).toEqual({ ...stopped, ignored: true })
    expect(await second.balance(capped)).toMatchObject({ credit: '30.000000', reserved: '0.000000', calls: 0 })
    const cdrs = await second.cdrs(capped)
    expect(cdrs.map(({ callId, flags }) => [callId, flags]).toSorted()).toEqual([
      ['four', ['failopen']],
      ['one', ['failopen']],
      ['two', ['failopen']],
    ])
    expect(await second.drifts()).toEqual([])

    await second.kill()
    const third = await home.daemon({ redisUrl: redis.url })
    expect(await spooled(home)).toEqual([])
    expect(await third.authorize(capped, 'one')).toMatchObject({ allow: false, code: 'gone' })
    expect((await third.authorize(capped, 'six')).reserved).toBe('30.000000')
  })
})
