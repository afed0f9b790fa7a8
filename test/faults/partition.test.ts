/** The network between daemon and Redis goes silent, is cut, or is slow. */
import { describe, expect, it } from 'vitest'
import { Home, type Daemon } from '../app/bench.ts'
import { Edge } from '../app/edge.ts'
import { until } from '../edges/sip/process.ts'
import { expectBooks, ownRedis, proxyTo, urlOf } from './ground.ts'

const COMMAND_MS = 1_000
/** Waits long enough for 128 answers that come 200 ms late to a machine that does other things too; the rest is shed. */
const SLOW = 'commandTimeoutMs: 1500, maxInFlight: 128'
/** What an answer that never came put aside is given back after this. */
const SETUP_SECONDS = 10

function settings(redis = `commandTimeoutMs: ${COMMAND_MS}`): string {
  return [
    'defaults: { tariff: bench, currency: USD, timezone: UTC }',
    'log: { decisions: false }',
    `calls: { setupSeconds: ${SETUP_SECONDS} }`,
    `redis: { ${redis} }`,
    '',
  ].join('\n')
}

async function timed<T>(work: () => Promise<T>): Promise<readonly [T, number]> {
  const beganMs = performance.now()
  const done = await work()
  return [done, performance.now() - beganMs]
}

describe('a network that goes silent', { timeout: 60_000 }, () => {
  it('leaves each decision to the policy of its account in time, and all goes on by itself afterwards', async ({
    onTestFinished,
  }) => {
    const redis = await ownRedis(onTestFinished)
    const proxy = await proxyTo(redis.port, onTestFinished)
    const home = await Home.make(onTestFinished, { 'tollgate.yaml': settings() })
    const daemon = await home.daemon({ redisUrl: urlOf(proxy.port) })
    const capped = await daemon.account('capped', { credit: '1000.00', onEngineError: 'allowCapped' })
    const strict = await daemon.account('strict', { credit: '1000.00' })
    for (const account of [capped, strict]) await daemon.authorize(account, `${account}-before`)
    await daemon.event('start', 'strict-before')

    proxy.silence()
    const [denied, deniedMs] = await timed(() => daemon.authorize(strict, 'strict-meanwhile'))
    expect(denied).toMatchObject({ allow: false, code: 'engine_unavailable', sipCode: 503 })
    const [allowed, allowedMs] = await timed(() => daemon.authorize(capped, 'capped-meanwhile'))
    expect(allowed).toMatchObject({ allow: true })
    const told = await daemon.ask('POST', '/v1/calls/events', {
      body: { type: 'stop', callId: 'strict-before', seconds: 7 },
    })
    expect(told.status).toBe(503)
    expect(told.headers.get('retry-after')).not.toBeNull()
    // One wait for the command, and for the profile where it is asked for again.
    for (const ms of [deniedMs, allowedMs]) expect(ms).toBeLessThan(3 * COMMAND_MS + 1_000)

    proxy.heal()
    await until('the daemon is ready again', async () => (await daemon.ask('GET', '/readyz')).status === 200, {
      withinMs: 10_000,
    })
    expect(await daemon.event('stop', 'strict-before', { seconds: 7 })).toMatchObject({ charge: '7.000000' })
    expect(await daemon.event('stop', 'capped-meanwhile', { seconds: 9 })).toMatchObject({ charge: '9.000000' })
    await daemon.event('failed', 'capped-before')
    for (const account of [capped, strict]) await daemon.heldNothing(account, (SETUP_SECONDS + 10) * 1_000)
    expect(await daemon.drifts()).toEqual([])
  })

  it('and whose connections stay open is noticed: new ones are made without being told', async ({ onTestFinished }) => {
    const redis = await ownRedis(onTestFinished)
    const proxy = await proxyTo(redis.port, onTestFinished)
    const home = await Home.make(onTestFinished, { 'tollgate.yaml': settings() })
    const daemon = await home.daemon({ redisUrl: urlOf(proxy.port) })
    const account = await daemon.account('caller', { credit: '1000.00' })
    await daemon.authorize(account, 'before')
    proxy.silence()
    expect((await daemon.authorize(account, 'meanwhile')).allow).toBe(false)
    // What was open stays dead for ever, as behind a firewall that forgot it; only new connections get through.
    proxy.letNewThrough()
    await until(
      'decisions are made again',
      async () => (await daemon.authorize(account, `again-${crypto.randomUUID()}`)).allow,
      {
        withinMs: 20_000,
        everyMs: 250,
      },
    )
    expect(await daemon.drifts()).toEqual([])
  })
})

describe('a store that answers 200 ms late', { timeout: 60_000 }, () => {
  it('is never waited for without end: what is too much is shed, by policy, and nothing is lost', async ({
    onTestFinished,
  }) => {
    const redis = await ownRedis(onTestFinished)
    const proxy = await proxyTo(redis.port, onTestFinished)
    const home = await Home.make(onTestFinished, { 'tollgate.yaml': settings(SLOW) })
    const daemon = await home.daemon({ redisUrl: urlOf(proxy.port) })
    const account = await daemon.account('busy', { credit: '100000.00' })
    await daemon.authorize(account, 'first')
    await daemon.event('failed', 'first')
    proxy.slow(200)
    const answers = await Promise.all(Array.from({ length: 600 }, (_, n) => timed(() => shedOrNot(daemon, account, n))))
    const outcomes = answers.map(([outcome]) => outcome)
    expect(outcomes.filter((outcome) => outcome === 'ok').length).toBeGreaterThan(0)
    expect(outcomes.filter((outcome) => outcome === 'engine_unavailable').length).toBeGreaterThan(0)
    expect(new Set(outcomes)).toEqual(new Set(['ok', 'engine_unavailable']))
    // Nobody waits for longer than the store may take for the visits of one decision, twice that on a machine that is busy.
    expect(Math.max(...answers.map(([, ms]) => ms))).toBeLessThan(8_000)

    const edge = new Edge({ account, daemon: () => daemon, parallel: 8 })
    await until('calls are made', () => edge.stopped.size >= 10, { withinMs: 30_000 })
    proxy.slow(0)
    await edge.stop()
    for (const code of edge.denied.keys()) expect(code).toBe('engine_unavailable 503')
    expect(edge.broken).toEqual([])
    for (const [n, outcome] of outcomes.entries()) if (outcome === 'ok') await daemon.event('failed', `late-${n}`)
    await daemon.heldNothing(account, (SETUP_SECONDS + 10) * 1_000)
    await expectBooks(daemon, account, edge)
  })
})

async function shedOrNot(daemon: Daemon, account: string, n: number): Promise<string> {
  const { allow, code } = await daemon.authorize(account, `late-${n}`)
  return allow ? 'ok' : code
}
