/** kill -9 of a daemon with calls up: the next one on the same folders has all of it. */
import { describe, expect, it } from 'vitest'
import { until } from '../edges/sip/process.ts'
import { Home } from './bench.ts'
import { Edge } from './edge.ts'

describe('a daemon that is killed', { timeout: 40_000 }, () => {
  it('with calls up is followed by one that adopts the Redis, keeps the holds and settles each call once', async ({
    onTestFinished,
  }) => {
    const home = await Home.make(onTestFinished)
    const first = await home.daemon()
    const account = await first.account('caller', { credit: '500.00' })
    const over = await first.authorize(account, 'over')
    await first.event('start', 'over')
    const stop = { seconds: 11, cause: 'normal' }
    const settled = await first.event('stop', 'over', stop)
    expect(settled).toMatchObject({ call: over.call, state: 'ended', seconds: 11, charge: '11.000000' })
    const up = await first.authorize(account, 'up')
    await first.event('start', 'up')
    const ringing = await first.authorize(account, 'ringing')
    const before = await first.balance(account)
    expect(before).toMatchObject({ credit: '489.000000', reserved: '120.000000', calls: 2 })
    const redis = await home.redisPids()
    await first.kill()

    expect(await home.redisPids()).toEqual(redis)
    const second = await home.daemon()
    expect(await second.says('the embedded Redis runs')).toMatchObject([{ pid: redis[0], adopted: true }])
    expect(await home.redisPids()).toEqual(redis)
    expect(await second.balance(account)).toEqual(before)
    expect(await second.authorize(account, 'ringing')).toEqual(ringing)
    expect(await second.event('stop', 'up', { seconds: 7 })).toMatchObject({ call: up.call, charge: '7.000000' })
    await second.event('failed', 'ringing', { cause: 'busy' })
    await second.heldNothing(account)

    // The answer of the first daemon may have been lost; its edge says it all again.
    expect(await second.event('stop', 'over', stop)).toEqual({ ...settled, ignored: true })
    expect(await second.event('stop', 'up', { seconds: 7 })).toMatchObject({ charge: '7.000000', ignored: true })
    expect(await second.event('stop', 'up', { seconds: 30 })).toMatchObject({ charge: '7.000000', ignored: true })
    expect(await second.authorize(account, 'up')).toMatchObject({ allow: false, code: 'gone', sipCode: 410 })
    const cdrs = await second.cdrs(account)
    expect(cdrs.map(({ callId, charge, revision }) => [callId, charge, revision]).toSorted()).toEqual([
      ['over', '11.000000', 0],
      ['up', '7.000000', 0],
    ])
    expect((await second.balance(account)).credit).toBe('482.000000')
    expect(await second.drifts()).toEqual([])
  })

  it('in the middle of requests loses no call of an edge that says again what got no answer', async ({
    onTestFinished,
  }) => {
    const home = await Home.make(onTestFinished, {
      'tollgate.yaml': 'defaults: { tariff: bench, currency: USD, timezone: UTC }\nlog: { decisions: false }\n',
    })
    let daemon = await home.daemon()
    const { port } = daemon
    const account = await daemon.account('busy', { credit: '100000.00' })
    const edge = new Edge({ account, daemon: () => daemon, parallel: 12, repeats: true })
    for (let kill = 0; kill < 2; kill += 1) {
      const { size } = edge.stopped
      await until('calls are made', () => edge.stopped.size >= size + 40)
      await daemon.kill()
      daemon = await home.daemon({ port })
    }
    const { size } = edge.stopped
    await until('calls are made', () => edge.stopped.size >= size + 40)
    await edge.stop()

    expect(edge.broken).toEqual([])
    expect([...edge.denied.keys()]).toEqual([])
    const cdrs = await daemon.cdrs(account)
    const kept = cdrs.map(({ callId, call, seconds, charge }) => [callId, { call, seconds, charge }] as const)
    expect(new Map(kept)).toEqual(edge.stopped)
    expect(cdrs).toHaveLength(edge.stopped.size)
    await daemon.heldNothing(account)
    expect(await daemon.drifts()).toEqual([])
  })

  it('at its very first start leaves nothing half made of the config folder', async ({ onTestFinished }) => {
    const ids = Array.from({ length: 40 }, (_, account) => `account-${account}`)
    const accounts = ids.map(
      (id) => `  - { id: ${id}, name: One, credit: 5.00, pools: [{ name: gift, seconds: 60, resets: never }] }`,
    )
    const home = await Home.make(onTestFinished, { 'accounts.yaml': ['accounts:', ...accounts, ''].join('\n') })
    await home.daemon({ untilItSays: 'account from the config folder' }).then((daemon) => daemon.kill())
    const next = await home.daemon()
    const balances = await Promise.all(ids.map((id) => next.balance(id)))
    for (const { credit, pools } of balances) {
      expect(credit).toBe('5.000000')
      expect(pools).toMatchObject([{ name: 'gift', remaining: 60 }])
    }
    expect(await next.drifts()).toEqual([])
  })
})
