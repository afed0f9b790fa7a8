/** Daemons and proxies that die in the middle of calls. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { apiKey, Daemon, Home } from './daemon.ts'
import { Bench } from './harness.ts'
import { Kamailio, kamailioPorts } from './kamailio.ts'
import { freePort, Process, until } from './process.ts'
import { talkedMs } from './sipp.ts'

const ends: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
}, 30_000)

const answers = { scenario: 'uas-answers' }

describe('a daemon that is killed in mid call', () => {
  it('is followed by one on the same folder that cuts on time and settles once', async () => {
    const bench = await Bench.start({ example: 'http' })
    ends.push(() => bench.end())
    const account = await bench.account('survivor', { credit: '7.00' })
    const seen = await bench.talkWhile(answers, { scenario: 'uac-waits', account }, async () => {
      await bench.answered(account)
      await bench.restartDaemon()
    })
    for (const [talked] of [talkedMs(seen.caller.notes), talkedMs(seen.callee)]) {
      expect(talked).toBeGreaterThan(6_200)
      expect(talked).toBeLessThan(7_500)
    }
    const cdrs = await bench.settled(account, 1)
    expect(cdrs).toMatchObject([{ seconds: 7, charge: '7.000000', flags: [] }])
    expect((await bench.balance(account)).credit).toBe('0.000000')
  }, 60_000)

  it('is followed by another that shares its store', async () => {
    const bench = await twoDaemons()
    const account = await bench.account('shared', { credit: '4.00' })
    const seen = await bench.talkWhile(answers, { scenario: 'uac-waits', account }, async () => {
      await bench.answered(account)
      await bench.first.killAlone()
    })
    expect(talkedMs(seen.callee)[0]).toBeGreaterThan(3_200)
    expect(talkedMs(seen.callee)[0]).toBeLessThan(4_900)
    const cdrs = await bench.settled(account, 1)
    expect(cdrs).toHaveLength(1)
    expect(cdrs[0]?.charge).toBe('4.000000')
    const next = await bench.account('next', { credit: '20.00' })
    await bench.talk(answers, { scenario: 'uac-hangs-up', talkMs: 500, account: next })
    expect((await bench.settled(next, 1)).map(({ charge }) => charge)).toEqual(['1.000000'])
  }, 60_000)
})

describe('a Kamailio that is killed in mid call', () => {
  it('and comes back without the call leaves it settled once, held by nobody', async () => {
    const bench = await Bench.start({ example: 'http' })
    ends.push(() => bench.end())
    const account = await bench.account('orphan', { credit: '60.00' })
    const seen = await bench.talkWhile(answers, { scenario: 'uac-hangs-up', talkMs: 4_000, account }, async () => {
      await bench.answered(account)
      await bench.restartKamailio()
    })
    expect(seen.caller.exitCode).toBe(0)
    // The BYE is relayed although its dialog is forgotten, and reported all the same.
    const cdrs = await bench.settled(account, 1, 20_000)
    expect(cdrs.map(({ charge }) => charge)).toEqual(['5.000000'])
  }, 60_000)

  it('with both ends gone too, leaves a call that is presumed over at its last sign of life', async () => {
    const bench = await Bench.start({ example: 'http' })
    ends.push(() => bench.end())
    const account = await bench.account('nobody-left', { credit: '90.00' })
    const callee = await bench.called(answers)
    await bench.calls({ scenario: 'uac-vanishes', account })
    await bench.answered(account)
    await callee.stop()
    await bench.restartKamailio()
    const [cdr] = await bench.settled(account, 1, 30_000)
    expect(cdr?.flags).toContain('presumed')
    expect(cdr?.seconds).toBeLessThan(12)
    expect(Number(cdr?.charge)).toBe(cdr?.seconds)
    expect(Number((await bench.balance(account)).credit)).toBe(90 - Number(cdr?.charge))
  }, 60_000)
})

interface Pair {
  readonly first: Daemon
}

/** Two daemons on one Redis of their own; Kamailio asks the first, and the second when the first is away. */
async function twoDaemons(): Promise<Bench & Pair> {
  const folder = await mkdtemp(join(tmpdir(), 'tollgate-redis-'))
  ends.push(() => rm(folder, { recursive: true, force: true }))
  const redisPort = await freePort()
  const args = [
    '--port',
    String(redisPort),
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    '--appendonly',
    'yes',
    '--save',
    '',
  ]
  const redis = new Process({ name: 'redis', file: 'redis-server', args })
  ends.push(() => redis.end())
  await until('redis listens', () => redis.output.includes('Ready to accept connections'), {
    explain: () => redis.output,
  })
  const redisUrl = `redis://127.0.0.1:${redisPort}`
  const ports = await kamailioPorts()
  const [home, other] = [await Home.make({ rpcPort: ports.rpc }), await Home.make({ rpcPort: ports.rpc })]
  ends.push(
    () => home.remove(),
    () => other.remove(),
  )
  const first = await Daemon.start({ home, redisUrl })
  ends.push(() => first.end())
  const second = await Daemon.start({ home: other, redisUrl })
  ends.push(() => second.end())
  const failover = [`TOLLGATE_SECOND="second=>${second.url};timeout=1"`]
  const kamailio = await Kamailio.start({
    example: 'http',
    ports,
    daemonUrl: `${first.url};failover=second`,
    apiKey,
    defines: failover,
  })
  ends.push(() => kamailio.end())
  return Object.assign(Bench.of(other, { kamailio, daemon: second }), { first })
}
