/** A daemon that cannot start says why in a sentence, ends with 1, and leaves nothing running behind. */
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { startRedis } from '../support/redis.ts'
import { freePort } from '../edges/sip/process.ts'
import { Home, tariffYaml, tollgate } from './bench.ts'

interface Ended {
  readonly code: number | null
  readonly stderr: string
}

/** Runs a daemon that ends by itself, in time. */
async function run(home: Home, env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const child = spawn(tollgate, ['serve'], {
    env: home.environment({ TOLLGATE_HTTP_PORT: String(await freePort()), ...env }),
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 30_000,
    killSignal: 'SIGKILL',
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const [code, stderr] = await Promise.all([ended, text(child.stderr)])
  return { code, stderr }
}

/** One sentence for people, and no stack. */
function expectRefusal({ code, stderr }: Ended): void {
  expect(stderr).toMatch(/^tollgate cannot start: /)
  expect(stderr).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m)
  expect(code).toBe(1)
}

describe.concurrent('a start', { timeout: 40_000 }, () => {
  it('is refused on a bad config, with every file, line and column', async ({ onTestFinished }) => {
    const home = await Home.make(onTestFinished, {
      'tollgate.yaml': 'defaults: { tariff: bench }\ncalls:\n  sliceSeconds: many\n',
      'tariffs/bench.yaml': tariffYaml().replace('perMinute: 60', 'perMinute: cheap'),
    })
    const ended = await run(home)
    expectRefusal(ended)
    expect(ended.stderr).toMatch(/^tollgate\.yaml:3:17: calls\.sliceSeconds: /m)
    expect(ended.stderr).toMatch(/^tariffs\/bench\.yaml:5:\d+: rates\[0\]\.perMinute: /m)
    expect(await home.redisPids()).toEqual([])
  })

  it('is refused when the named config folder is not there', async ({ onTestFinished }) => {
    const home = await Home.make(onTestFinished)
    const ended = await run(home, { TOLLGATE_CONFIG_DIR: join(home.folder, 'nowhere') })
    expectRefusal(ended)
    expect(ended.stderr).toContain('TOLLGATE_CONFIG_DIR')
    expect(ended.stderr).toContain(join(home.folder, 'nowhere'))
  })

  it('is refused on a port in use, and ends the Redis it had started', async ({ onTestFinished }) => {
    const home = await Home.make(onTestFinished)
    const taken = createServer()
    const port = await new Promise<number>((resolve) => {
      taken.listen(0, '127.0.0.1', () => resolve((taken.address() as { readonly port: number }).port))
    })
    onTestFinished(() => void taken.close())
    const ended = await run(home, { TOLLGATE_HTTP_PORT: String(port) })
    expectRefusal(ended)
    expect(ended.stderr).toContain(`port ${port} of 127.0.0.1 is in use`)
    expect(ended.stderr).toContain('TOLLGATE_HTTP_PORT')
    expect(await home.redisPids()).toEqual([])
  })

  it('is refused on an address that is not of this machine', async ({ onTestFinished }) => {
    const home = await Home.make(onTestFinished)
    const ended = await run(home, { TOLLGATE__HTTP__HOST: '192.0.2.1' })
    expectRefusal(ended)
    expect(ended.stderr).toContain('192.0.2.1')
    expect(await home.redisPids()).toEqual([])
  })

  it('is refused on a Redis that evicts, with the setting', async ({ onTestFinished }) => {
    const home = await Home.make(onTestFinished)
    const redis = await startRedis({ appendOnly: true, args: ['--maxmemory-policy', 'allkeys-lru'] })
    onTestFinished(() => redis.stop())
    const ended = await run(home, { TOLLGATE_REDIS_URL: redis.url })
    expectRefusal(ended)
    expect(ended.stderr).toContain('this Redis cannot keep money')
    expect(ended.stderr).toContain('maxmemory-policy is allkeys-lru')
    expect(ended.stderr).toContain('set it to noeviction')
  })

  it('on a Redis of the operator that keeps nothing on disk is warned of, with the setting', async ({
    onTestFinished,
  }) => {
    const home = await Home.make(onTestFinished)
    const redis = await startRedis({ appendOnly: false })
    onTestFinished(() => redis.stop())
    const daemon = await home.daemon({ redisUrl: redis.url })
    const [line] = await daemon.says('the store')
    expect(line).toMatchObject({ level: 'warn', what: 'append_only' })
    expect(line?.['detail']).toContain('set appendonly yes')
  })

  it('is refused without an answer from Redis, whose password is not told', async ({ onTestFinished }) => {
    const home = await Home.make(onTestFinished)
    const port = await freePort()
    const ended = await run(home, { TOLLGATE_REDIS_URL: `redis://:hush-hush@127.0.0.1:${port}` })
    expectRefusal(ended)
    expect(ended.stderr).toContain(`Redis at redis://127.0.0.1:${port} cannot be used: connect ECONNREFUSED`)
    expect(ended.stderr).not.toContain('hush')
  })

  it('is refused without a redis-server, and where the data folder cannot be made', async ({ onTestFinished }) => {
    const home = await Home.make(onTestFinished)
    const without = await run(home, { TOLLGATE_REDIS_SERVER: join(home.folder, 'redis-server') })
    expectRefusal(without)
    expect(without.stderr).toContain('TOLLGATE_REDIS_SERVER')
    await writeFile(join(home.folder, 'file'), '')
    const ended = await run(home, { TOLLGATE_DATA_DIR: join(home.folder, 'file', 'data') })
    expectRefusal(ended)
    expect(ended.stderr).toContain(join(home.folder, 'file'))
  })
})
