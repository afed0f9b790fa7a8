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

export interface RedisServerOptions {
  /** Writes an append-only file, synced as a careful operator would. */
  readonly appendOnly?: boolean
  /** Kept when the server stops; without it the folder is new and goes away. */
  readonly dataDir?: string
  /** For a start on the port that a server before it had. */
  readonly port?: number
  readonly args?: readonly string[]
  /** Beside the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>
}

const STARTS = 5
const STOP_MS = 5_000
const CLUSTER_MS = 20_000
const SLOTS = 16_384
const MASTERS = 3

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
      { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, ...options.env } },
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

export interface ClusterOptions {
  /** Of every node, beside those that make it one. */
  readonly args?: readonly string[]
  /** Writes append-only files, synced as a careful operator would. */
  readonly appendOnly?: boolean
  /** Of the first master. */
  readonly replica?: boolean
}

interface ClusterNode {
  readonly port: number
  /** As `kill -9` does. */
  kill(): Promise<void>
  /** With the same files on the same port. */
  restart(): Promise<void>
}

export interface TestCluster {
  readonly urls: readonly string[]
  readonly masters: readonly [ClusterNode, ClusterNode, ClusterNode]
  /** Resolves when the replica has all that its master has. */
  replicated(): Promise<void>
  stop(): Promise<void>
  flush(): Promise<void>
}

/** Three masters that share the slots; it takes Redis two seconds to trust a new cluster. */
export async function startCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const started = await Promise.allSettled(
    Array.from({ length: options.replica ? MASTERS + 1 : MASTERS }, () => startNode(options)),
  )
  const nodes = started.flatMap((node) => (node.status === 'fulfilled' ? [node.value] : []))
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.remove()))
  }
  const [first, second, third, replica] = nodes
  try {
    for (const node of started) if (node.status === 'rejected') throw node.reason
    if (!first || !second || !third) throw new Error('a node is missing')
    await joinCluster(nodes.map(({ port }) => port))
    if (replica) await withClient(replica.port, (client) => follow(client, first.port))
    return clusterOf([first, second, third], stop)
  } catch (error) {
    await stop()
    throw error
  }
}

function clusterOf(masters: TestCluster['masters'], stop: () => Promise<void>): TestCluster {
  return {
    urls: masters.map(({ port }) => `redis://127.0.0.1:${port}`),
    masters,
    stop,
    replicated: () =>
      withClient(masters[0].port, async (client) => {
        if ((await client.wait(1, CLUSTER_MS)) < 1) throw new Error('the replica does not follow')
      }),
    flush: async () => {
      await Promise.all(masters.map(({ port }) => withClient(port, (client) => client.flushall())))
    },
  }
}

async function startNode({ args = [], appendOnly = false }: ClusterOptions) {
  const clustered = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000']
  const all = [...clustered, '--cluster-port', String(await freeTcpPort()), ...args]
  let server = await startServer({ appendOnly, args: all })
  const { port, dataDir } = server
  const kill = (): Promise<void> => ended(server.child, 'SIGKILL')
  return {
    port,
    kill,
    restart: async () => {
      server = await startServer({ appendOnly, args: all, dataDir, port })
    },
    remove: async () => {
      await kill()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** The first nodes are the masters; one beside them has no slots yet. */
async function joinCluster(ports: readonly number[]): Promise<void> {
  const buses = await Promise.all(ports.map((port, place) => withClient(port, (client) => giveSlots(client, place))))
  const [first = 0, ...others] = ports
  await withClient(first, async (client) => {
    for (const [index, port] of others.entries()) {
      await client.call('CLUSTER', 'MEET', '127.0.0.1', port, buses[index + 1] ?? 0)
    }
  })
  await Promise.all(ports.map((port) => withClient(port, (client) => untilWhole(client, ports.length))))
}

/** Makes a node the replica of the master on this port, and waits until it has all of it. */
async function follow(client: Redis, masterPort: number): Promise<void> {
  const nodes = String(await client.call('CLUSTER', 'NODES'))
  const master = new RegExp(`^(\\w+) 127\\.0\\.0\\.1:${masterPort}@`, 'm').exec(nodes)?.[1] ?? ''
  await client.call('CLUSTER', 'REPLICATE', master)
  const deadline = Date.now() + CLUSTER_MS
  while (!(await client.info('replication')).includes('master_link_status:up')) {
    if (Date.now() > deadline) throw new Error('the replica does not follow its master')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Gives a master its share of the slots and an epoch of its own; answers with the port of its bus. */
async function giveSlots(client: Redis, place: number): Promise<string> {
  await client.call('CLUSTER', 'SET-CONFIG-EPOCH', place + 1)
  const from = Math.ceil((SLOTS * place) / MASTERS)
  const to = Math.ceil((SLOTS * (place + 1)) / MASTERS) - 1
  if (place < MASTERS) await client.call('CLUSTER', 'ADDSLOTSRANGE', from, to)
  const nodes = String(await client.call('CLUSTER', 'NODES'))
  return /@(\d+)/.exec(nodes)?.[1] ?? ''
}

/** All know all, and every slot has a master. */
async function untilWhole(client: Redis, nodes: number): Promise<void> {
  const deadline = Date.now() + CLUSTER_MS
  for (;;) {
    const info = String(await client.call('CLUSTER', 'INFO'))
    const whole = info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${nodes}`)
    if (whole && info.includes(`cluster_size:${MASTERS}`) && info.includes(`cluster_slots_ok:${SLOTS}`)) return
    if (Date.now() > deadline) throw new Error(`the cluster is not whole:\n${info}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
