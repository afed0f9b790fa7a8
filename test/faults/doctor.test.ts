/** `tollgate doctor` as a process, before stores that are good and stores that cannot keep money. */
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { type AtEnd, Home, tollgate } from '../app/bench.ts'
import { freePort, Process, until } from '../edges/sip/process.ts'
import { DrachtioDouble } from '../support/drachtio/drachtio-double.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { freeTcpPort } from '../support/free-port.ts'
import { startCluster, startRedis } from '../support/redis.ts'
import { ownRedis, proxyTo, urlOf } from './ground.ts'

interface Doctored {
  readonly code: number
  /** The lines, as people read them. */
  readonly failed: readonly string[]
  readonly text: string
}

const DOCTOR_MS = 20_000

/** Without a daemon, unless the home has one on the port. */
async function doctor(home: Home, env: Readonly<Record<string, string>>): Promise<Doctored> {
  const told = { TOLLGATE_HTTP_PORT: String(await freePort()), ...env }
  const running = new Process({ name: 'doctor', file: tollgate, args: ['doctor'], env: home.environment(told) })
  try {
    await until('the doctor is done', () => !running.running, { withinMs: DOCTOR_MS, explain: () => running.output })
  } finally {
    await running.kill()
  }
  const text = running.output
  return { code: await running.exited, failed: text.split('\n').filter((line) => line.startsWith('fail')), text }
}

async function doctorOf(urls: string, atEnd: AtEnd): Promise<Doctored> {
  return doctor(await Home.make(atEnd), { TOLLGATE_REDIS_URL: urls })
}

/** The one thing that is wrong, with its cause and what to do about it. */
function expectOneFault({ code, failed, text }: Doctored, ...words: readonly RegExp[]): void {
  expect(failed, text).toHaveLength(1)
  for (const word of words) expect(failed[0]).toMatch(word)
  expect(code).toBe(1)
}

async function configure(url: string, name: string, value: string): Promise<void> {
  const client = new Redis(url)
  try {
    await client.config('SET', name, value)
  } finally {
    client.disconnect()
  }
}

describe('doctor', { timeout: 60_000 }, () => {
  it('is content with a Redis that keeps money, and with the daemon on it', async ({ onTestFinished }) => {
    const redis = await ownRedis(onTestFinished)
    const home = await Home.make(onTestFinished)
    const env = { TOLLGATE_REDIS_URL: urlOf(redis.port) }
    const before = await doctor(home, env)
    expect(before, before.text).toMatchObject({ code: 0, failed: [] })
    expect(before.text).toMatch(/^warn {2}daemon/m)
    const daemon = await home.daemon({ redisUrl: urlOf(redis.port) })
    const running = await doctor(home, { ...env, TOLLGATE_HTTP_PORT: String(daemon.port) })
    expect(running, running.text).toMatchObject({ code: 0, failed: [] })
    for (const what of ['version', 'eviction', 'on disk', 'role', 'clock']) {
      expect(running.text).toMatch(new RegExp(`^ok {4}store ${what} `, 'm'))
    }
    expect(running.text).toMatch(/^ok {4}daemon {10}it is ready/m)
  })

  it('asks each drachtio-server whether it is there and takes the secret', async ({ onTestFinished }) => {
    const redis = await ownRedis(onTestFinished)
    const drachtio = await DrachtioDouble.open({ secret: 'a secret of its own' })
    onTestFinished(() => drachtio.close())
    const nobody = await freeTcpPort()
    const server = (port: number, secret: string): string => `    - { port: ${port}, secret: ${secret} }`
    const home = await Home.make(onTestFinished, {
      'tollgate.yaml': [
        'defaults: { tariff: bench }',
        'sip:',
        '  enabled: true',
        '  servers:',
        server(drachtio.adminPort, 'a secret of its own'),
        server(drachtio.adminPort, 'another'),
        server(nobody, 'another'),
        '',
      ].join('\n'),
    })
    const { code, failed, text } = await doctor(home, { TOLLGATE_REDIS_URL: urlOf(redis.port) })
    expect(text).toMatch(new RegExp(`^ok {4}drachtio 127.0.0.1:${drachtio.adminPort} +it takes us`, 'm'))
    expect(text).toMatch(/^warn {2}sip groups +there is none/m)
    expect(
      failed.map((line) => line.replace(/\s+/g, ' ')),
      text,
    ).toEqual([
      expect.stringContaining(`fail drachtio 127.0.0.1:${drachtio.adminPort} it refuses our secret`),
      expect.stringContaining(`fail drachtio 127.0.0.1:${nobody} it does not answer`),
    ])
    expect(code).toBe(1)
  })

  it('names a Redis that evicts', async ({ onTestFinished }) => {
    const redis = await ownRedis(onTestFinished, { args: ['--maxmemory-policy', 'allkeys-lru'] })
    expectOneFault(
      await doctorOf(urlOf(redis.port), onTestFinished),
      /^fail {2}store eviction {2}maxmemory-policy is allkeys-lru/,
      /set it to noeviction/,
    )
  })

  it('names a Redis that keeps nothing on disk', async ({ onTestFinished }) => {
    const redis = await startRedis()
    onTestFinished(() => redis.stop())
    expectOneFault(
      await doctorOf(redis.url, onTestFinished),
      /^fail {2}store on disk {3}the append-only file is off/,
      /set appendonly yes/,
    )
  })

  it('names a replica, and its master', async ({ onTestFinished }) => {
    const master = await ownRedis(onTestFinished)
    const replica = await ownRedis(onTestFinished)
    const client = new Redis(urlOf(replica.port))
    onTestFinished(async () => client.disconnect())
    await client.replicaof('127.0.0.1', master.port)
    expectOneFault(
      await doctorOf(urlOf(replica.port), onTestFinished),
      new RegExp(`^fail {2}store role {6}it is a replica of 127\\.0\\.0\\.1:${master.port}`),
      /TOLLGATE_REDIS_URL/,
    )
  })

  it('names a Redis that is too old', async ({ onTestFinished }) => {
    const redis = await ownRedis(onTestFinished)
    const proxy = await proxyTo(redis.port, onTestFinished)
    proxy.rewrite((text) => text.replace(/redis_version:\d/, 'redis_version:6'))
    expectOneFault(
      await doctorOf(urlOf(proxy.port), onTestFinished),
      /^fail {2}store version {3}Redis 6\.\S+ is too old/,
      /use 7\.0 or newer/,
    )
  })

  it.for([
    { seconds: 3_600, way: 'ahead of' },
    { seconds: -4, way: 'behind' },
  ])('names a Redis whose clock is $way ours', async ({ seconds, way }, { onTestFinished }) => {
    const clock = await FakeClock.make()
    onTestFinished(() => clock.remove())
    await clock.set(seconds)
    const redis = await ownRedis(onTestFinished, { env: clock.env })
    expectOneFault(
      await doctorOf(urlOf(redis.port), onTestFinished),
      new RegExp(`^fail {2}store clock {5}its clock is (3600|3599|4|3)\\.\\d s ${way} ours`),
      /set both by NTP/,
    )
  })

  it('names every fault at once', async ({ onTestFinished }) => {
    const redis = await startRedis({ args: ['--maxmemory-policy', 'volatile-ttl'] })
    onTestFinished(() => redis.stop())
    const { code, failed } = await doctorOf(redis.url, onTestFinished)
    expect(failed.map((line) => line.slice(6, 20))).toEqual(['store eviction', 'store on disk '])
    expect(code).toBe(1)
  })

  it('names a Redis that is not there, or does not speak to us, without its password', async ({ onTestFinished }) => {
    const port = await freeTcpPort()
    const absent = await doctorOf(`redis://:hush-hush@127.0.0.1:${port}`, onTestFinished)
    expectOneFault(
      absent,
      /^fail {2}store {11}Redis cannot be asked \(connect ECONNREFUSED/,
      /look at TOLLGATE_REDIS_URL/,
    )
    const redis = await ownRedis(onTestFinished, { args: ['--requirepass', 'another'] })
    const refused = await doctorOf(`redis://:hush-hush@127.0.0.1:${redis.port}`, onTestFinished)
    expectOneFault(refused, /^fail {2}store {11}Redis cannot be asked \(WRONGPASS/, /look at TOLLGATE_REDIS_URL/)
    const proxy = await proxyTo(redis.port, onTestFinished)
    proxy.silence()
    const silent = await doctorOf(urlOf(proxy.port), onTestFinished)
    expectOneFault(silent, /^fail {2}store {11}Redis cannot be asked \(/, /look at TOLLGATE_REDIS_URL/)
    for (const { text } of [absent, refused, silent]) expect(text).not.toContain('hush')
  })

  it('looks at every master of a cluster, and says which is unfit and which is lost', async ({ onTestFinished }) => {
    const cluster = await startCluster({ appendOnly: true })
    onTestFinished(() => cluster.stop())
    const urls = cluster.urls.join(',')
    const fragile = await doctorOf(urls, onTestFinished)
    expect(fragile, fragile.text).toMatchObject({ code: 0, failed: [] })
    expect(fragile.text).toMatch(/^warn {2}store cluster {3}one lost .*: set cluster-require-full-coverage no$/m)
    for (const url of cluster.urls) await configure(url, 'cluster-require-full-coverage', 'no')
    const good = await doctorOf(urls, onTestFinished)
    expect(good, good.text).toMatchObject({ code: 0, failed: [] })
    expect(good.text).toMatch(/^ok {4}store cluster {3}every slot has a master$/m)

    const [, second = ''] = cluster.urls
    await configure(second, 'maxmemory-policy', 'allkeys-lru')
    const [, unfit = '', lost = ''] = cluster.urls.map((url) => new URL(url).host)
    expectOneFault(
      await doctorOf(urls, onTestFinished),
      new RegExp(`^fail {2}store eviction {2}${unfit}: maxmemory-policy is allkeys-lru`),
    )
    await configure(second, 'maxmemory-policy', 'noeviction')
    await cluster.masters[2].kill()
    expectOneFault(
      await doctorOf(urls, onTestFinished),
      new RegExp(`^fail {2}store cluster {3}${lost} does not answer`),
      /start it again, or let a replica take its place/,
    )
  })
})
