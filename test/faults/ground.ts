/** What the tests of faults stand on: a Redis of the operator's own that can die, a proxy before it, daemons behind that. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { AtEnd, Daemon } from '../app/bench.ts'
import type { Edge } from '../app/edge.ts'
import { Proxy } from '../support/proxy.ts'
import { type RedisServerOptions, startRedis, type TestRedis } from '../support/redis.ts'

export interface OwnRedis {
  readonly server: TestRedis
  readonly port: number
  readonly dataDir: string
  /** With the same files on the same port. */
  restart(): Promise<void>
  kill(): void
}

type OwnRedisOptions = Pick<RedisServerOptions, 'args' | 'env'>

export async function ownRedis(atEnd: AtEnd, options: OwnRedisOptions = {}): Promise<OwnRedis> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tollgate-fault-redis-'))
  atEnd(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }))
  let server = await startRedis({ appendOnly: true, dataDir, ...options })
  atEnd(() => server.stop())
  const port = Number(new URL(server.url).port)
  return {
    get server() {
      return server
    },
    port,
    dataDir,
    restart: async () => {
      server = await startRedis({ appendOnly: true, dataDir, port, ...options })
    },
    kill: () => process.kill(server.pid, 'SIGKILL'),
  }
}

export async function proxyTo(port: number, atEnd: AtEnd): Promise<Proxy> {
  const proxy = await Proxy.open(port)
  atEnd(() => proxy.close())
  return proxy
}

export function urlOf(port: number): string {
  return `redis://127.0.0.1:${port}`
}

/** Every call that was let in was settled once, for what its edge was told, and the books replay. */
export async function expectBooks(daemon: Daemon, account: string, edge: Edge): Promise<void> {
  const cdrs = await daemon.cdrs(account)
  const kept = cdrs.map(({ callId, call, seconds, charge }) => [callId, { call, seconds, charge }] as const)
  expect(cdrs).toHaveLength(edge.stopped.size)
  expect(new Map(kept)).toEqual(edge.stopped)
  expect([...edge.allowed.keys()].filter((callId) => !edge.stopped.has(callId))).toEqual([])
  expect(await daemon.drifts()).toEqual([])
}
