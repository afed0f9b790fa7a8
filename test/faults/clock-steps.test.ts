/** The clock of a machine is set forward or back by an hour while calls are up: the daemon's, and that of Redis. */
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type AtEnd, type Daemon, Home } from '../app/bench.ts'
import { json, standIn } from '../edges/control/edges.ts'
import { until } from '../edges/sip/process.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { ownRedis, urlOf } from './ground.ts'

const NODE = 'pbx'
const SETUP_SECONDS = 10
const BRIEF_SECONDS = 6
const HOUR_SECONDS = 3_600

function settings(url: string): string {
  return [
    'defaults: { tariff: bench, currency: USD, timezone: UTC }',
    'log: { decisions: false }',
    `calls: { setupSeconds: ${SETUP_SECONDS}, sliceSeconds: 4, extendAheadSeconds: 2 }`,
    `edges: { ${NODE}: { kind: webhook, url: '${url}', secret: 'a secret of the bench', listSeconds: 5 } }`,
    '',
  ].join('\n')
}

/** An edge that says which calls it has, and ends those that it is told to end. */
class Pbx {
  url = ''
  /** By Call-ID: when it was told so. */
  readonly toldToEnd = new Map<string, number>()
  readonly listedAtMs: number[] = []
  readonly #upSinceMs = new Map<string, number>()

  static async open(atEnd: AtEnd): Promise<Pbx> {
    const pbx = new Pbx()
    const server = await standIn((response, { body }) => json(response, pbx.hear(body)))
    atEnd(() => server.close())
    pbx.url = server.url
    return pbx
  }

  hear(text: string): unknown {
    const { type, callId = '' } = JSON.parse(text) as { readonly type: string; readonly callId?: string }
    if (type === 'call.end') this.toldToEnd.set(callId, performance.now())
    if (type === 'call.list') this.listedAtMs.push(performance.now())
    return { calls: [...this.#upSinceMs.keys()].map((each) => ({ callId: each })) }
  }

  async ring(daemon: Daemon, account: string, callId: string): Promise<void> {
    this.#upSinceMs.set(callId, performance.now())
    expect(await daemon.authorize(account, callId, { node: NODE })).toMatchObject({ allow: true })
  }

  async talk(daemon: Daemon, account: string, callId: string): Promise<void> {
    await this.ring(daemon, account, callId)
    await daemon.event('start', callId, { node: NODE })
    this.#upSinceMs.set(callId, performance.now())
  }

  secondsOf(callId: string): number {
    return ((this.toldToEnd.get(callId) ?? performance.now()) - (this.#upSinceMs.get(callId) ?? 0)) / 1000
  }

  /** Says how long the call was, and what was charged. */
  async end(daemon: Daemon, callId: string): Promise<readonly [seconds: number, charge: number]> {
    const seconds = Math.ceil(this.secondsOf(callId))
    this.#upSinceMs.delete(callId)
    const { charge } = await daemon.event('stop', callId, { node: NODE, seconds })
    return [seconds, Number(charge)]
  }
}

interface Ground {
  readonly daemon: Daemon
  readonly pbx: Pbx
  readonly clock: FakeClock
}

async function ground(whose: 'daemon' | 'Redis', atEnd: AtEnd): Promise<Ground> {
  const clock = await FakeClock.make()
  atEnd(() => clock.remove())
  const pbx = await Pbx.open(atEnd)
  const redis = await ownRedis(atEnd, { env: whose === 'Redis' ? clock.env : {} })
  const home = await Home.make(atEnd, { 'tollgate.yaml': settings(pbx.url) })
  const daemon = await home.daemon({ redisUrl: urlOf(redis.port), env: whose === 'daemon' ? clock.env : {} })
  return { daemon, pbx, clock }
}

async function holds(daemon: Daemon, account: string): Promise<boolean> {
  return Number((await daemon.balance(account)).reserved) > 0
}

const steps = (['daemon', 'Redis'] as const).flatMap((whose) => [
  { whose, way: 'forward', seconds: HOUR_SECONDS },
  { whose, way: 'back', seconds: -HOUR_SECONDS },
])

describe('a clock that is set while calls are up', { timeout: 60_000 }, () => {
  it.concurrent.for(steps)(
    '$way, that of $whose: each call ends when its money does, what is not answered is given up in time, the books are right',
    async ({ whose, seconds }, { expect: expected, onTestFinished }) => {
      const { daemon, pbx, clock } = await ground(whose, onTestFinished)
      await daemon.account('rich', { credit: '1000.00' })
      await daemon.account('brief', { credit: `${BRIEF_SECONDS}.00` })
      await daemon.account('caller', { credit: '1000.00' })
      await pbx.ring(daemon, 'caller', 'ringing')
      const ringsSinceMs = performance.now()
      await pbx.talk(daemon, 'rich', 'long')
      await pbx.talk(daemon, 'brief', 'brief')
      await pause(1_500)

      await clock.set(seconds)
      const setAtMs = performance.now()
      if (whose === 'daemon') await daemon.says("the machine's clock was set")
      await pbx.talk(daemon, 'rich', 'later')
      await pause(1_500)
      // Nothing has happened to anybody yet.
      expected([...pbx.toldToEnd]).toEqual([])
      expected(await holds(daemon, 'caller')).toBe(true)
      expected((await daemon.balance('rich')).calls).toBe(2)

      await until('the call is cut', () => pbx.toldToEnd.has('brief'), { withinMs: 8_000 })
      expected(pbx.secondsOf('brief')).toBeGreaterThan(BRIEF_SECONDS - 1)
      expected(pbx.secondsOf('brief')).toBeLessThan(BRIEF_SECONDS + 2)
      const [talked, charged] = await pbx.end(daemon, 'brief')
      expected(charged).toBe(talked)
      await until('what was not answered is given up', async () => !(await holds(daemon, 'caller')), {
        withinMs: 15_000,
      })
      const rang = (performance.now() - ringsSinceMs) / 1000
      expected(rang).toBeGreaterThan(SETUP_SECONDS - 1)
      expected(rang).toBeLessThan(SETUP_SECONDS + 3)

      // Ten seconds and more: both were extended again and again, on what their edge says.
      expected([...pbx.toldToEnd.keys()]).toEqual(['brief'])
      expected(pbx.listedAtMs.filter((atMs) => atMs > setAtMs).length).toBeGreaterThan(0)
      for (const callId of ['long', 'later']) {
        const [length, charge] = await pbx.end(daemon, callId)
        expected(charge).toBe(length)
      }
      for (const account of ['rich', 'brief', 'caller']) await daemon.heldNothing(account)
      const cdrs = [...(await daemon.cdrs('rich')), ...(await daemon.cdrs('brief'))]
      expected(cdrs.map(({ callId, flags }) => [callId, ...flags])).toEqual([['later'], ['long'], ['brief']])
      expected(await daemon.drifts()).toEqual([])
    },
  )
})
