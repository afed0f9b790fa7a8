/** The daemon's own Redis dies or hangs under load, and the daemon comes back by itself. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tryLock } from '../../src/store/file-lock.ts'
import { until } from '../edges/sip/process.ts'
import { type Daemon, Home } from './bench.ts'
import { Edge } from './edge.ts'

/** Calls that were held before an answer was lost are released when nobody has answered them for so long. */
const SETUP_SECONDS = 10

const settings = (appendFsync: string): string =>
  [
    'defaults: { tariff: bench, currency: USD, timezone: UTC }',
    `redis: { appendFsync: ${appendFsync} }`,
    `calls: { setupSeconds: ${SETUP_SECONDS} }`,
    'log: { decisions: false }',
    '',
  ].join('\n')

/** Waits until calls are denied and events put off; each answer comes in time. */
async function away(daemon: Daemon, account: string): Promise<void> {
  const probe = `probe-${crypto.randomUUID()}`
  await until('calls are denied', async () => {
    const { code, sipCode } = await daemon.authorize(account, `${probe}-${Math.random()}`)
    return code === 'engine_unavailable' && sipCode === 503
  })
  const { status, headers } = await daemon.ask('POST', '/v1/calls/events', { body: { type: 'failed', callId: probe } })
  expect([status, headers.get('retry-after')]).toEqual([503, '1'])
}

async function working(edge: Edge, calls: number): Promise<void> {
  const { size } = edge.stopped
  await until(`${calls} calls are made`, () => edge.stopped.size >= size + calls, { withinMs: 15_000 })
}

async function oneRedis(daemon: Daemon): Promise<number> {
  const pids = await daemon.home.redisPids()
  expect(pids).toHaveLength(1)
  return pids[0]!
}

/** kill -9; another runs as soon as the daemon may start one. */
async function killed(daemon: Daemon, account: string, edge: Edge): Promise<void> {
  const before = await oneRedis(daemon)
  const lock = tryLock(join(daemon.home.redisFolder, 'lock'))
  try {
    process.kill(before, 'SIGKILL')
    await away(daemon, account)
  } finally {
    lock?.release()
  }
  await working(edge, 60)
  expect(await oneRedis(daemon)).not.toBe(before)
}

/** It takes requests, and answers them when nobody waits any more. */
async function hanging(daemon: Daemon, account: string, edge: Edge): Promise<void> {
  const pid = await oneRedis(daemon)
  process.kill(pid, 'SIGSTOP')
  try {
    await away(daemon, account)
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  await working(edge, 60)
  expect(await oneRedis(daemon)).toBe(pid)
}

describe.concurrent('a Redis that is killed under load', () => {
  it.each(['everysec', 'always'])(
    'loses nothing that was answered, with appendFsync %s',
    async (appendFsync) => {
      const ends: (() => Promise<void>)[] = []
      try {
        const home = await Home.make((end) => ends.unshift(end), { 'tollgate.yaml': settings(appendFsync) })
        const daemon = await home.daemon()
        expect(await readFile(join(home.redisFolder, 'redis.conf'), 'utf8')).toContain(`appendfsync ${appendFsync}\n`)
        const account = await daemon.account('busy', { credit: '1000000.00' })
        const edge = new Edge({ account, daemon: () => daemon, parallel: 16 })
        await working(edge, 60)
        await killed(daemon, account, edge)
        await hanging(daemon, account, edge)
        await killed(daemon, account, edge)
        await edge.stop()

        expect(edge.broken).toEqual([])
        for (const code of edge.denied.keys()) expect(code).toBe('engine_unavailable 503')
        for (const code of edge.putOff.keys()) expect(code).toMatch(/^503 store_(unavailable|timeout)$/)
        expect(edge.slowestMs).toBeLessThan(4_000)
        expect(daemon.lines().filter(({ level }) => level === 'fatal')).toEqual([])
        await expectBooks(daemon, account, edge)
      } finally {
        for (const end of ends) await end()
      }
    },
    60_000,
  )
})

async function expectBooks(daemon: Daemon, account: string, edge: Edge): Promise<void> {
  await daemon.heldNothing(account, (SETUP_SECONDS + 5) * 1_000)
  const cdrs = await daemon.cdrs(account)
  const kept = Object.fromEntries(cdrs.map(({ callId, call, seconds, charge }) => [callId, { call, seconds, charge }]))
  expect([...edge.allowed.keys()].filter((callId) => !edge.stopped.has(callId))).toEqual([])
  expect(kept).toEqual(Object.fromEntries(edge.stopped))
  expect(cdrs).toHaveLength(edge.stopped.size)
  const talked = [...edge.stopped.values()].reduce((all, { seconds }) => all + seconds, 0)
  expect((await daemon.balance(account)).credit).toBe(`${1_000_000 - talked}.000000`)
  expect(await daemon.drifts()).toEqual([])
}
