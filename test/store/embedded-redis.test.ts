import { type ChildProcess, spawn } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type EmbeddedRedis, embeddedRedisUrl, startEmbeddedRedis } from '../../src/store/embedded-redis.ts'
import { isRunning, serversIn } from '../../src/store/redis-process.ts'
import type { DaemonWord } from './embedded-redis-daemon.ts'

const DAEMON = join(import.meta.dirname, 'embedded-redis-daemon.ts')
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }

let dataDir = ''
const daemons = new Set<ChildProcess>()
const folders = new Set<string>()

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'tg-embedded-'))
  folders.add(dataDir)
})

afterEach(async () => {
  for (const daemon of daemons) daemon.kill('SIGKILL')
  daemons.clear()
  for (const folder of folders) for (const pid of await servers(folder)) process.kill(pid, 'SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  folders.clear()
})

function start(options: Partial<Parameters<typeof startEmbeddedRedis>[0]> = {}): Promise<EmbeddedRedis> {
  const binary = process.env['TOLLGATE_REDIS_SERVER'] ?? 'redis-server'
  return startEmbeddedRedis({ dataDir, binary, appendFsync: 'everysec', log: quiet, ...options })
}

interface Daemon {
  readonly process: ChildProcess
  readonly said: DaemonWord
}

/** A daemon in a process of its own; resolves with the first it says. */
async function startDaemon(folder = dataDir): Promise<Daemon> {
  const child = spawn(process.execPath, [DAEMON, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  daemons.add(child)
  const said = await new Promise<DaemonWord>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => {
      resolve(JSON.parse(line) as DaemonWord)
    })
    child.once('exit', (code) => {
      reject(new Error(`the daemon ended with ${String(code)}`))
    })
  })
  return { process: child, said }
}

async function end(daemon: Daemon, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const ended = new Promise((resolve) => daemon.process.once('exit', resolve))
  daemon.process.kill(signal)
  await ended
  daemons.delete(daemon.process)
}

async function servers(folder = dataDir): Promise<readonly number[]> {
  return existsSync(join(folder, 'redis')) ? serversIn(join(folder, 'redis')) : []
}

async function withClient<T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = url.startsWith('/')
    ? new Redis({ path: url, lazyConnect: true })
    : new Redis(url, { lazyConnect: true })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await work(client)
  } finally {
    client.disconnect()
  }
}

/** Waits for what another process does by itself. */
async function eventually(holds: () => Promise<boolean> | boolean): Promise<void> {
  const giveUpAtMs = performance.now() + 10_000
  while (!(await holds())) {
    if (performance.now() > giveUpAtMs) throw new Error('it did not come to pass')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

describe('a start', () => {
  it('starts a server that keeps all on disk and forgets nothing', async () => {
    const redis = await start({ appendFsync: 'always' })
    expect(redis.adopted).toBe(false)
    expect(redis.url).toBe(join(dataDir, 'redis', 'redis.sock'))
    await withClient(redis.url, async (client) => {
      const settings = ['appendonly', 'appendfsync', 'maxmemory-policy', 'save', 'port', 'dir', 'unixsocketperm']
      const values = await Promise.all(settings.map(async (name) => [name, (await client.config('GET', name))[1]]))
      expect(Object.fromEntries(values)).toEqual({
        appendonly: 'yes',
        appendfsync: 'always',
        'maxmemory-policy': 'noeviction',
        save: '',
        port: '0',
        dir: join(dataDir, 'redis'),
        unixsocketperm: '600',
      })
    })
    expect(statSync(join(dataDir, 'redis')).mode & 0o777).toBe(0o700)
    expect(statSync(redis.url).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(dataDir, 'redis', 'redis.pid'), 'utf8').trim()).toBe(String(redis.pid))
    expect(await embeddedRedisUrl(dataDir)).toBe(redis.url)
    await redis.stop()
  })

  it('gives the server a process group of its own', async () => {
    const redis = await start()
    const group = readFileSync(`/proc/${redis.pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[2]
    expect(group).toBe(String(redis.pid))
    await redis.stop()
  })

  it('uses a loopback port with a password when the path of the socket would be too long', async () => {
    const folder = join(dataDir, 'a'.repeat(90))
    folders.add(folder)
    const redis = await start({ dataDir: folder })
    expect(redis.url).toMatch(/^redis:\/\/:[0-9a-f]{48}@127\.0\.0\.1:\d+$/)
    await withClient(redis.url, async (client) => expect(await client.ping()).toBe('PONG'))
    await expect(withClient(redis.url.replace(/:[0-9a-f]{48}@/, ''), (client) => client.ping())).rejects.toThrow()
    expect(statSync(join(folder, 'redis', 'redis.conf')).mode & 0o777).toBe(0o600)
    const second = await start({ dataDir: folder })
    expect(second.url).toBe(redis.url)
    expect(second.adopted).toBe(true)
    await second.stop()
    await redis.stop()
    expect(await isRunning(redis.pid)).toBe(false)
    const third = await start({ dataDir: folder })
    expect(third.url).toBe(redis.url)
    await third.stop()
  })

  it('works in a folder with blanks, quotes and letters of other alphabets in its name', async () => {
    const folder = join(dataDir, 'a "b" \\ ä')
    folders.add(folder)
    const redis = await start({ dataDir: folder })
    expect(redis.url).toBe(join(folder, 'redis', 'redis.sock'))
    await withClient(redis.url, async (client) => expect(await client.ping()).toBe('PONG'))
    await redis.stop()
  })

  it('is one server when two daemons start at once', async () => {
    const started = await Promise.all([startDaemon(), startDaemon(), startDaemon()])
    const pids = new Set(started.map(({ said }) => said.pid))
    expect(pids.size).toBe(1)
    expect(started.map(({ said }) => said.adopted).sort()).toEqual([false, true, true])
    expect(await servers()).toEqual([...pids])
  })

  it('is not held up by what a daemon and a server left that are dead', async () => {
    const folder = join(dataDir, 'redis')
    mkdirSync(folder)
    const dead = spawn('true')
    await new Promise((resolve) => dead.once('exit', resolve))
    for (const file of ['lock', 'redis.sock']) writeFileSync(join(folder, file), '')
    writeFileSync(join(folder, 'redis.pid'), String(dead.pid))
    const redis = await start()
    expect(redis.adopted).toBe(false)
    await redis.stop()
  })

  it('waits for a daemon that is starting, and not for ever', async () => {
    const { tryLock } = await import('../../src/store/file-lock.ts')
    mkdirSync(join(dataDir, 'redis'))
    const lock = tryLock(join(dataDir, 'redis', 'lock'))
    await expect(start({ deadlines: { lockMs: 100 } })).rejects.toThrow(/another process holds/)
    lock?.release()
    const redis = await start()
    await redis.stop()
  })

  it('says what is missing when there is no redis-server', async () => {
    await expect(start({ binary: '/nowhere/redis-server' })).rejects.toThrow(/TOLLGATE_REDIS_SERVER/)
  })
})

describe('a daemon that is killed', () => {
  it('leaves the server and what was written to the next, which adopts it', async () => {
    const first = await startDaemon()
    await withClient(first.said.url ?? '', (client) => client.set('balance', '5000000'))
    await end(first, 'SIGKILL')
    expect(await isRunning(first.said.pid ?? 0)).toBe(true)

    const second = await startDaemon()
    expect(second.said).toEqual({ ...first.said, adopted: true })
    await withClient(second.said.url ?? '', async (client) => expect(await client.get('balance')).toBe('5000000'))
  })

  it('does not count as one that uses the server', async () => {
    const first = await startDaemon()
    const second = await startDaemon()
    await end(first, 'SIGKILL')
    await end(second, 'SIGTERM')
    expect(await isRunning(second.said.pid ?? 0)).toBe(false)
  })

  it('leaves a server whose socket was deleted, which is ended before another starts', async () => {
    const first = await startDaemon()
    await withClient(first.said.url ?? '', (client) => client.set('balance', '7'))
    await end(first, 'SIGKILL')
    rmSync(first.said.url ?? '')
    const redis = await start({ deadlines: { answerMs: 200 } })
    expect(redis.adopted).toBe(false)
    expect(await servers()).toEqual([redis.pid])
    await withClient(redis.url, async (client) => expect(await client.get('balance')).toBe('7'))
    await redis.stop()
  })

  it('leaves a server that hangs, beside which no other is started', async () => {
    const first = await startDaemon()
    await end(first, 'SIGKILL')
    process.kill(first.said.pid ?? 0, 'SIGSTOP')
    await expect(start({ deadlines: { answerMs: 100 } })).rejects.toThrow(/does not answer/)
    expect(await servers()).toEqual([first.said.pid])
    process.kill(first.said.pid ?? 0, 'SIGCONT')
    const redis = await start()
    expect(redis).toMatchObject({ adopted: true, pid: first.said.pid })
    await redis.stop()
  })
})

describe('a clean stop', () => {
  it('ends the server last, with everything on disk', async () => {
    const redis = await start()
    await withClient(redis.url, (client) => client.set('balance', '5000000'))
    await redis.stop()
    expect(await isRunning(redis.pid)).toBe(false)
    expect(existsSync(redis.url)).toBe(false)

    const again = await start()
    expect(again.adopted).toBe(false)
    await withClient(again.url, async (client) => expect(await client.get('balance')).toBe('5000000'))
    await again.stop()
  })

  it('leaves the server to a daemon that still uses it, and the last one ends it', async () => {
    const first = await startDaemon()
    const second = await startDaemon()
    await end(first, 'SIGTERM')
    expect(await isRunning(second.said.pid ?? 0)).toBe(true)
    await withClient(second.said.url ?? '', async (client) => expect(await client.ping()).toBe('PONG'))
    await end(second, 'SIGTERM')
    expect(await isRunning(second.said.pid ?? 0)).toBe(false)
  })

  it('and a start at the same time end with one server or none, never with a start that fails', async () => {
    for (let round = 0; round < 5; round += 1) {
      const first = await start()
      const [second] = await Promise.all([start(), first.stop()])
      await withClient(second.url, async (client) => expect(await client.ping()).toBe('PONG'))
      expect(await servers()).toEqual([second.pid])
      await second.stop()
      expect(await servers()).toEqual([])
    }
  })

  it('is no matter when the server has ended already', async () => {
    const redis = await start()
    const stopped = redis.stop()
    await stopped
    await redis.stop()
    expect(await servers()).toEqual([])
  })
})

describe('a server that ends by itself', () => {
  it('is started again, with what it had written', async () => {
    const redis = await start({ appendFsync: 'always' })
    const before = redis.pid
    await withClient(redis.url, (client) => client.set('balance', '5000000'))
    process.kill(before, 'SIGKILL')
    await eventually(async () => redis.pid !== before && (await servers()).includes(redis.pid))
    await withClient(redis.url, async (client) => expect(await client.get('balance')).toBe('5000000'))
    await redis.stop()
    expect(await servers()).toEqual([])
  })

  it('is started again once by two daemons', async () => {
    const first = await start()
    const second = await start()
    const before = first.pid
    process.kill(before, 'SIGKILL')
    await eventually(() => first.pid !== before && second.pid === first.pid)
    expect(await servers()).toEqual([first.pid])
    await first.stop()
    expect(await servers()).toEqual([second.pid])
    await second.stop()
    expect(await servers()).toEqual([])
  })
})

describe('the append-only file', () => {
  async function written(): Promise<string> {
    const redis = await start({ appendFsync: 'always' })
    await withClient(redis.url, async (client) => {
      for (let entry = 0; entry < 100; entry += 1) await client.set(`entry-${entry}`, 'x'.repeat(50))
    })
    await redis.stop()
    const folder = join(dataDir, 'redis', 'appendonlydir')
    return join(folder, readdirSync(folder).find((file) => file.endsWith('.incr.aof')) ?? '')
  }

  it('with a torn tail is read up to it', async () => {
    const file = await written()
    truncateSync(file, statSync(file).size - 20)
    const redis = await start()
    await withClient(redis.url, async (client) => {
      expect(await client.exists('entry-98')).toBe(1)
      expect(await client.exists('entry-99')).toBe(0)
    })
    await redis.stop()
  })

  it('that is damaged is refused with what Redis says of it', async () => {
    const file = await written()
    const bytes = readFileSync(file)
    bytes.fill('?', 1000, 1200)
    writeFileSync(file, bytes)
    await expect(start()).rejects.toThrow(/Bad file format reading the append only file/)
    expect(await servers()).toEqual([])
  })

  it('is waited for while it is read', async () => {
    const file = await written()
    const value = 'x'.repeat(1000)
    const entry = (key: string): string =>
      `*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$${value.length}\r\n${value}\r\n`
    for (let batch = 0; batch < 40; batch += 1) {
      appendFileSync(file, Array.from({ length: 1_000 }, (_, at) => entry(`key-${batch}-${at}`)).join(''))
    }
    const redis = await start()
    await withClient(redis.url, async (client) => expect(await client.dbsize()).toBe(40_100))
    await redis.stop()
  })
})
