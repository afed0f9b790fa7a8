/** Real Redis servers for tests: one alone, or three masters as a cluster. Each ends with the test that started it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Redis } from 'ioredis'
import { freeTcpPort } from './free-port.ts'

export interface TestRedis {
  readonly url: string
  readonly pid: number
  stop(): Promise<void>
  /** Empties it. */
  flush(): Promise<void>
}

export interface TestCluster {
  readonly urls: readonly string[]
  stop(): Promise<void>
  flush(): Promise<void>
}

export interface RedisServerOptions {
  /** Writes an append-only file, synced as a careful operator would. */
  readonly appendOnly?: boolean
  /** Kept when the server stops; without it the folder is new and goes away. */
  readonly dataDir?: string
  /** For a start on the port that a server before it had. */
  readonly port?: number
  readonly args?: readonly string[]
}

const STARTS = 5
const STOP_MS = 5_000
const CLUSTER_MS = 20_000
const SLOTS = 16_384

/** Servers that still run; the process ends them when it ends. */
const running = new Set<ChildProcess>()
let watchesExit = false

function endWithProcess(child: ChildProcess): void {
  running.add(child)
  child.once('exit', () => running.delete(child))
  if (watchesExit) return
  watchesExit = true
  process.once('exit', () => {
    for (const server of running) server.kill('SIGKILL')
  })
}

/** Resolves once the server says that it takes connections; rejects with its log when it ends before. */
async function ready(child: ChildProcess): Promise<void> {
  const log: string[] = []
  await new Promise<void>((resolve, reject) => {
    if (!child.stdout) throw new Error('redis-server has no output')
    createInterface(child.stdout).on('line', (line) => {
      if (log.length < 200) log.push(line)
      if (line.includes('Ready to accept connections')) resolve()
    })
    child.once('error', reject)
    child.once('exit', (code) => {
      reject(new Error(`redis-server ended with ${String(code)}:\n${log.join('\n')}`))
    })
  })
}

async function ended(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    child.once('exit', () => {
      clearTimeout(timer)
      resolve()
    })
    child.kill(signal)
  })
}

interface Server {
  readonly port: number
  readonly child: ChildProcess
  readonly dataDir: string
}

async function startServer(options: RedisServerOptions): Promise<Server> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'tollgate-redis-'))
  const durable = options.appendOnly ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no']
  for (let start = 1; ; start += 1) {
    const port = options.port ?? (await freeTcpPort())
    const fixed = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dataDir, '--save', '', '--daemonize', 'no']
    const child = spawn(
      process.env['TOLLGATE_REDIS_SERVER'] ?? 'redis-server',
      [...fixed, ...durable, ...(options.args ?? [])],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    )
    endWithProcess(child)
    try {
      await ready(child)
      return { port, child, dataDir }
    } catch (error) {
      if (start === STARTS) throw error
    }
  }
}

async function withClient<T>(port: number, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis({ host: '127.0.0.1', port, lazyConnect: true })
  try {
    await client.connect()
    return await work(client)
  } finally {
    client.disconnect()
  }
}

/** One server on a free loopback port, empty, without a file of its own unless asked. */
export async function startRedis(options: RedisServerOptions = {}): Promise<TestRedis> {
  const { port, child, dataDir } = await startServer(options)
  return {
    url: `redis://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    stop: async () => {
      await ended(child, 'SIGTERM')
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true })
    },
    flush: async () => {
      await withClient(port, (client) => client.flushall())
    },
  }
}

/** Three masters that share the slots; it takes Redis two seconds to trust a new cluster. */
export async function startCluster(): Promise<TestCluster> {
  const clustered = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000']
  const servers = await Promise.all(
    [1, 2, 3].map(async () => startServer({ args: [...clustered, '--cluster-port', String(await freeTcpPort())] })),
  )
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map(({ child }) => ended(child, 'SIGKILL')))
    for (const { dataDir } of servers) rmSync(dataDir, { recursive: true, force: true })
  }
  try {
    await joinCluster(servers.map(({ port }) => port))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    urls: servers.map(({ port }) => `redis://127.0.0.1:${port}`),
    stop,
    flush: async () => {
      await Promise.all(servers.map(({ port }) => withClient(port, (client) => client.flushall())))
    },
  }
}

async function joinCluster(ports: readonly number[]): Promise<void> {
  const buses = await Promise.all(
    ports.map((port, master) => withClient(port, (client) => giveSlots(client, master, ports.length))),
  )
  const [first = 0, ...others] = ports
  await withClient(first, async (client) => {
    for (const [index, port] of others.entries()) {
      await client.call('CLUSTER', 'MEET', '127.0.0.1', port, buses[index + 1] ?? 0)
    }
  })
  await Promise.all(ports.map((port) => withClient(port, (client) => untilWhole(client, ports.length))))
}

/** Gives a master its share of the slots and an epoch of its own; answers with the port of its bus. */
async function giveSlots(client: Redis, master: number, masters: number): Promise<string> {
  const from = Math.ceil((SLOTS * master) / masters)
  const to = Math.ceil((SLOTS * (master + 1)) / masters) - 1
  await client.call('CLUSTER', 'SET-CONFIG-EPOCH', master + 1)
  await client.call('CLUSTER', 'ADDSLOTSRANGE', from, to)
  const nodes = String(await client.call('CLUSTER', 'NODES'))
  return /@(\d+)/.exec(nodes)?.[1] ?? ''
}

async function untilWhole(client: Redis, masters: number): Promise<void> {
  const deadline = Date.now() + CLUSTER_MS
  for (;;) {
    const info = String(await client.call('CLUSTER', 'INFO'))
    const whole = info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${masters}`)
    if (whole && info.includes(`cluster_size:${masters}`)) return
    if (Date.now() > deadline) throw new Error(`the cluster is not whole:\n${info}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
