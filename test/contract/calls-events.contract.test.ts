import { describe, expect, it } from 'vitest'
import { formatInstant } from '../../src/base/time.ts'
import type { EventResult } from '../../src/calls/requests.ts'
import { allowed, codeOf, usd } from '../support/a-call.ts'
import { type ACall, forms, useWorld } from '../support/desk.ts'

describe.each(forms)('what is told of a call, on $name', (form) => {
  const world = useWorld(form)

  /** Answered after five seconds of ringing. */
  async function answered(callId = 'c1'): Promise<ACall> {
    await world.account('acme', { credit: usd('10') })
    const call = world.call(callId)
    allowed(await call.authorize())
    world.clock.advance(5_000)
    expect(await call.start()).toMatchObject({ state: 'answered', ignored: false })
    return call
  }

  /** Nothing moves, though something is told. */
  async function ignored(work: () => Promise<EventResult>): Promise<EventResult> {
    const before = await world.dump()
    const result = await work()
    expect(result.ignored).toBe(true)
    expect(await world.dump()).toEqual(before)
    return result
  }

  const spent = async (account = 'acme') => usd('10') - (await world.standing(account)).credit

  describe('a stop', () => {
    it('is charged from answer to end, and gives back the rest', async () => {
      const call = await answered()
      world.clock.advance(42_000)
      const result = await call.stop()
      expect(result).toMatchObject({ state: 'ended', seconds: 42, billedSeconds: 42, charge: 42_000n, currency: 'USD' })
      expect(await world.standing('acme')).toMatchObject({ credit: usd('9.958'), reserved: 0n, calls: 0 })
      const [cdr] = await world.cdrs('acme')
      expect(cdr).toMatchObject({
        seconds: 42,
        charge: '0.042000',
        fundedBy: 'credit',
        flags: [],
        revision: 0,
        cause: 'caller_bye',
      })
    })

    it('is charged by the count of the switch, when it gives one', async () => {
      const call = await answered()
      world.clock.advance(42_000)
      expect(await call.stop({ seconds: 40 })).toMatchObject({ seconds: 40, charge: 40_000n })
    })

    it('counts a begun second as a whole one', async () => {
      const call = await answered()
      world.clock.advance(41_001)
      expect(await call.stop()).toMatchObject({ seconds: 42 })
    })

    it('goes by the clock of the edge, however wrong that is', async () => {
      const call = await answered()
      world.clock.advance(30_000)
      const hourAgo = world.nowMs - 3_600_000
      const result = await call.stop({ answeredAtMs: hourAgo - 30_000, endedAtMs: hourAgo, tsMs: hourAgo })
      expect(result).toMatchObject({ seconds: 30, charge: 30_000n })
    })

    it('is counted to the day on which it came, when the edge says one that cannot be', async () => {
      const YEAR_MS = 365 * 86_400_000
      for (const [callId, aheadMs] of [
        ['behind', -YEAR_MS],
        ['ahead', YEAR_MS],
      ] as const) {
        const call = await answered(callId)
        world.clock.advance(30_000)
        const endedAtMs = world.nowMs + aheadMs
        expect(await call.stop({ answeredAtMs: endedAtMs - 12_000, endedAtMs })).toMatchObject({ seconds: 12 })
      }
      const bare = { account: 'acme', to: '+13105550123', direction: 'outbound' } as const
      await world.call('unheard').stop({ ...bare, seconds: 12, endedAtMs: world.nowMs + YEAR_MS })
      const silent = world.call('silent')
      allowed(await silent.authorize())
      await silent.start({ answeredAtMs: world.nowMs + YEAR_MS })
      await world.settleDown()
      const days = (await world.cdrs()).map(({ endedAt }) => endedAt.slice(0, 10))
      expect(days).toEqual(Array(4).fill(formatInstant(world.nowMs).slice(0, 10)))
    })

    it('that ends before the answer is charged nothing', async () => {
      const call = await answered()
      world.clock.advance(30_000)
      expect(await call.stop({ endedAtMs: (call.answeredAtMs ?? 0) - 9_000 })).toMatchObject({ seconds: 0, charge: 0n })
    })

    it('that says no time at all ends now', async () => {
      const call = await answered()
      world.clock.advance(30_000)
      const nothing = { tsMs: undefined, endedAtMs: undefined, answeredAtMs: undefined }
      expect(await call.stop(nothing)).toMatchObject({ seconds: 30, charge: 30_000n })
    })

    it('that comes without a start says itself when the call was answered', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = world.call('c1')
      allowed(await call.authorize())
      world.clock.advance(50_000)
      const result = await call.stop({ answeredAtMs: world.nowMs - 45_000 })
      expect(result).toMatchObject({ state: 'ended', seconds: 45, charge: 45_000n })
    })

    it('that gives only a length was answered that long before', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = world.call('c1')
      allowed(await call.authorize())
      world.clock.advance(50_000)
      const nothing = { tsMs: undefined, endedAtMs: undefined }
      expect(await call.stop({ ...nothing, seconds: 45 })).toMatchObject({ state: 'ended', charge: 45_000n })
      const [cdr] = await world.cdrs('acme')
      expect(Date.parse(cdr?.answeredAt ?? '')).toBe(world.nowMs - 45_000)
      expect(Date.parse(cdr?.endedAt ?? '')).toBe(world.nowMs)
    })

    it('of a call that nobody answered releases it, and writes no CDR', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = world.call('c1')
      allowed(await call.authorize())
      expect(await call.stop()).toMatchObject({ state: 'failed' })
      expect(await world.standing('acme')).toMatchObject({ credit: usd('10'), reserved: 0n, calls: 0 })
      expect(await world.cdrs()).toEqual([])
    })

    it('of an answered call without any talk is a CDR of nothing', async () => {
      const call = await answered()
      expect(await call.stop()).toMatchObject({ state: 'ended', seconds: 0, charge: 0n })
      expect(await world.cdrs('acme')).toMatchObject([
        { seconds: 0, billedSeconds: 0, charge: '0.000000', fundedBy: 'free' },
      ])
    })

    it('beyond what was granted is charged in full, and flagged', async () => {
      await world.account('acme', { credit: usd('0.06') })
      const call = world.call('c1')
      allowed(await call.authorize())
      await call.start()
      world.clock.advance(90_000)
      expect(await call.stop()).toMatchObject({ seconds: 90, charge: usd('0.09') })
      expect((await world.standing('acme')).credit).toBe(usd('-0.03'))
      expect((await world.cdrs('acme'))[0]?.flags).toEqual(['overrun'])
      expect(codeOf(await world.call('c2').authorize())).toBe('no_credit')
    })
  })

  describe('the first stop', () => {
    const ended = async (): Promise<ACall> => {
      const call = await answered()
      world.clock.advance(60_000)
      await call.stop({ seconds: 50 })
      return call
    }

    it.each([
      ['the same again', { seconds: 50 }],
      ['a longer one', { seconds: 60 }],
      ['a shorter one of another boot', { seconds: 40, instance: '2000' }],
      ['a shorter one of nobody', { seconds: 40, instance: undefined }],
    ])('wins over %s', async (_what, changes) => {
      const call = await ended()
      const result = await ignored(() => call.stop(changes))
      expect(result).toMatchObject({ state: 'ended', seconds: 50, charge: 50_000n })
    })

    it.each(['start', 'alive', 'failed'] as const)('wins over a late %s', async (type) => {
      const call = await ended()
      expect(await ignored(() => call.tell(type))).toMatchObject({ state: 'ended', charge: 50_000n })
    })

    it('is shortened by the same boot of the edge soon after, and the difference given back', async () => {
      const call = await ended()
      world.clock.advance(10_000)
      expect(await call.stop({ seconds: 40 })).toMatchObject({ ignored: false, seconds: 40, charge: 40_000n })
      expect(await spent()).toBe(40_000n)
      expect((await world.cdrs('acme')).map(({ revision, charge }) => [revision, charge])).toEqual([
        [0, '0.050000'],
        [1, '0.040000'],
      ])
      await ignored(() => call.stop({ seconds: 40 }))
      await ignored(() => call.stop({ seconds: 50 }))
    })

    it('is not shortened later, also not step by step', async () => {
      const call = await ended()
      world.clock.advance(6_000)
      await call.stop({ seconds: 45 })
      world.clock.advance(6_000)
      await ignored(() => call.stop({ seconds: 40 }))
    })
  })

  describe('a repeated word', () => {
    it('changes a call once', async () => {
      const call = await answered()
      world.clock.advance(20_000)
      const start = { answeredAtMs: call.answeredAtMs, tsMs: call.answeredAtMs }
      const before = await call.record()
      await call.start(start)
      await call.start(start)
      const { revision: _a, lastAliveAtMs: _b, ...after } = (await call.record()) ?? {}
      expect(before).toMatchObject(after)
      const results = [
        await call.stop({ seconds: 20 }),
        await call.stop({ seconds: 20 }),
        await call.stop({ seconds: 20 }),
      ]
      expect(results.map(({ ignored }) => ignored)).toEqual([false, true, true])
      expect(results.map(({ charge }) => charge)).toEqual([20_000n, 20_000n, 20_000n])
      expect(await spent()).toBe(20_000n)
      expect(await world.cdrs()).toHaveLength(1)
    })

    it('of a failure leaves one tombstone', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = world.call('c1')
      allowed(await call.authorize())
      expect(await call.tell('failed')).toMatchObject({ state: 'failed', ignored: false })
      expect(await ignored(() => call.tell('failed'))).toMatchObject({ state: 'failed' })
    })
  })

  describe('a failure', () => {
    it('of an answered call is not believed', async () => {
      const call = await answered()
      expect(await ignored(() => call.tell('failed'))).toMatchObject({ state: 'answered' })
    })

    it('that was not true is taken back by a start, and what was held is held again', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = world.call('c1')
      const { call: id } = allowed(await call.authorize())
      await call.tell('failed')
      expect((await world.standing('acme')).reserved).toBe(0n)
      world.clock.advance(2_000)
      expect(await call.start()).toMatchObject({ call: id, state: 'answered', ignored: false })
      expect(await world.standing('acme')).toMatchObject({ reserved: 60_000n, calls: 1 })
      await call.talk(90)
      expect(await call.stop()).toMatchObject({ seconds: 90, charge: 90_000n })
      expect(await world.cdrs('acme')).toMatchObject([{ flags: ['failopen'], charge: '0.090000' }])
    })

    it('that was not true is taken back by a stop that says when it was answered', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = world.call('c1')
      allowed(await call.authorize())
      await call.tell('failed')
      world.clock.advance(60_000)
      expect(await call.stop({ answeredAtMs: world.nowMs - 30_000 })).toMatchObject({ state: 'ended', charge: 30_000n })
      expect(await spent()).toBe(30_000n)
    })

    it('that overtook everything and knew no account is taken back by who does', async () => {
      await world.account('acme', { credit: usd('10') })
      for (let n = 0; n < 8; n += 1) {
        await world.call(`n${n}`, { account: undefined }).tell('failed', { direction: undefined, to: undefined })
        world.clock.advance(2_000)
        const call = world.call(`n${n}`)
        expect(await call.start()).toMatchObject({ state: 'answered', ignored: false })
        world.clock.advance(10_000)
        expect(await call.stop()).toMatchObject({ state: 'ended', charge: 10_000n })
      }
      expect(world.parked).toEqual([])
    })

    it('is forgotten when the call went on under another account, also for who asks under the first', async () => {
      await world.account('acme', { credit: usd('10') })
      await world.account('far', { credit: usd('10') })
      const [one, other] = [world.call('c1'), world.call('c1', { account: 'far' })]
      await one.tell('failed')
      await other.start()
      expect(allowed(await one.authorize())).toMatchObject({ account: 'far', reserved: usd('0.06') })
      world.clock.advance(10_000)
      expect(await one.stop()).toMatchObject({ state: 'ended', charge: 10_000n })
      expect((await world.standing('far')).credit).toBe(usd('9.99'))
    })

    it('is kept where its payer is, when only the rules know who that is', async () => {
      await world.account('acme', { credit: usd('10') })
      world.identify = ({ trunk }) => (trunk === 't1' ? { account: 'acme', trunk: 't1' } : undefined)
      const call = world.call('c1', { account: undefined })
      await call.tell('failed', { trunk: 't1' })
      expect(codeOf(await call.authorize({ trunk: 't1' }))).toBe('gone')
      expect(await call.start({ trunk: 't1' })).toMatchObject({ state: 'answered' })
      world.clock.advance(10_000)
      expect(await call.stop({ trunk: 't1' })).toMatchObject({ charge: 10_000n })
    })
  })

  describe('a call that was never authorized', () => {
    it('is held by its start, extended, and charged by its stop', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = world.call('c1')
      expect(await call.start({ failOpen: true })).toMatchObject({ state: 'answered', ignored: false })
      expect(await world.standing('acme')).toMatchObject({ reserved: 60_000n, calls: 1 })
      await call.talk(100)
      expect(await call.stop()).toMatchObject({ state: 'ended', charge: 100_000n })
      expect((await world.cdrs('acme'))[0]?.flags).toEqual(['failopen'])
      expect(world.observer.happenings).toContain('fail_open')
    })

    it('is charged by its stop alone, though nothing is left', async () => {
      await world.account('acme', { credit: usd('0.01') })
      const call = world.call('c1')
      const result = await call.stop({ answeredAtMs: world.nowMs - 30_000 })
      expect(result).toMatchObject({ state: 'ended', seconds: 30, charge: 30_000n })
      expect(await world.standing('acme')).toMatchObject({ credit: -20_000n, reserved: 0n, calls: 0 })
      expect((await world.cdrs('acme'))[0]?.flags).toContain('failopen')
    })

    it('is held as soon as it is known to be alive', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = world.call('c1')
      expect(await call.tell('alive')).toMatchObject({ state: 'answered' })
      expect((await world.standing('acme')).calls).toBe(1)
    })

    it('counts from the answer, also when it was first known to be alive', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = world.call('c1')
      const answeredAtMs = world.nowMs
      world.clock.advance(30_000)
      await call.tell('alive')
      await call.start({ answeredAtMs })
      world.clock.advance(10_000)
      expect(await call.stop({ answeredAtMs: undefined })).toMatchObject({ seconds: 40, charge: 40_000n })
    })

    it('is cut at once when nothing pays for it', async () => {
      await world.account('acme')
      const call = world.call('c1')
      expect(await call.start()).toMatchObject({ state: 'answered' })
      await world.play(1)
      expect(world.control.ended).toEqual([{ callId: 'c1', reason: 'credit_exhausted', ref: undefined }])
      await call.stop()
      expect((await world.standing('acme')).credit).toBe(-1_000n)
    })

    it('is cut at once and flagged when nothing prices it', async () => {
      await world.account('acme', { credit: usd('10'), tariff: 'none' })
      const call = world.call('c1')
      await call.start()
      await world.play(120)
      expect(world.control.ended).toMatchObject([{ callId: 'c1' }, {}, {}, {}, {}])
      expect((await world.cdrs('acme'))[0]).toMatchObject({
        charge: '0.000000',
        flags: ['presumed', 'failopen', 'unrated'],
      })
    })

    it('is charged although it was dearer than the account allows', async () => {
      await world.account('acme', { credit: usd('10'), maxPricePerMinute: '0.01' })
      const call = world.call('c1')
      expect(await call.stop({ answeredAtMs: world.nowMs - 30_000 })).toMatchObject({ charge: 30_000n })
    })

    it('is waiting for a person when its stop does not say who pays, or who was called', async () => {
      await world.account('acme', { credit: usd('10') })
      for (const changes of [{ account: undefined }, { account: 'nobody' }, { to: undefined }]) {
        const call = world.call(`c-${Object.keys(changes).join('')}`)
        expect(await call.stop({ seconds: 30, ...changes })).toMatchObject({ state: 'unknown', ignored: true })
      }
      expect(world.parked).toMatchObject([{ type: 'stop' }, { type: 'stop' }, { type: 'stop' }])
    })

    it('is waiting for a person when its stop is older than calls are remembered', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = world.call('c1')
      allowed(await call.authorize())
      await call.start()
      world.clock.advance(30_000)
      const endedAtMs = world.nowMs
      await call.stop({ endedAtMs })
      await world.elapse(7 * 86_400 + 1)
      expect(await call.stop({ endedAtMs, tsMs: world.nowMs })).toMatchObject({ state: 'unknown', ignored: true })
      expect(await call.stop({ endedAtMs: undefined, seconds: 30, tsMs: endedAtMs })).toMatchObject({
        state: 'unknown',
      })
      expect(await spent()).toBe(30_000n)
      expect(world.parked).toHaveLength(2)
    })

    it('is remembered as long as it may be told of again', async () => {
      const call = await answered()
      world.clock.advance(30_000)
      await call.stop()
      await world.elapse(7 * 86_400 - 60)
      expect(await call.stop()).toMatchObject({ state: 'ended', ignored: true, charge: 30_000n })
    })

    it('meets an authorize that came late as if it had come in time', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = world.call('c1')
      await call.start()
      expect(allowed(await call.authorize())).toMatchObject({
        fundedBy: 'credit',
        reservedSeconds: 60,
        reserved: 60_000n,
      })
      expect(await world.standing('acme')).toMatchObject({ reserved: 60_000n, calls: 1 })
    })
  })

  describe('what an edge says of the answer', () => {
    it('cannot put it before the call was authorized', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = world.call('c1')
      allowed(await call.authorize())
      world.clock.advance(4_000)
      await call.start({ answeredAtMs: 1_000_000_000_000, tsMs: world.nowMs })
      expect((await call.record())?.connectedAtMs).toBe(world.nowMs - 4_000)
      await world.play(20)
      expect(world.control.ended).toEqual([])
    })

    it('is taken over when it is late but right', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = world.call('c1')
      allowed(await call.authorize())
      const answeredAtMs = world.nowMs + 3_000
      world.clock.advance(23_000)
      await call.start({ answeredAtMs, tsMs: answeredAtMs })
      expect((await call.record())?.connectedAtMs).toBe(answeredAtMs)
    })

    it('is now by our clock when the clocks are hours apart', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = world.call('c1')
      allowed(await call.authorize())
      const edgeMs = world.nowMs + 7_200_000
      await call.start({ answeredAtMs: edgeMs, tsMs: edgeMs })
      expect(await call.record()).toMatchObject({ connectedAtMs: world.nowMs, answeredAtMs: edgeMs })
      world.clock.advance(20_000)
      expect(await call.stop({ answeredAtMs: edgeMs, endedAtMs: edgeMs + 20_000 })).toMatchObject({ charge: 20_000n })
    })
  })

  describe('an operator', () => {
    it('ends a call that is up through its edge', async () => {
      const call = await answered()
      world.clock.advance(20_000)
      const id = (await call.record())?.call ?? ''
      expect(await world.desk.end(id)).toMatchObject({ state: 'ending', endingReason: 'operator' })
      expect(world.control.ended).toMatchObject([{ callId: 'c1', reason: 'operator' }])
      world.clock.advance(1_000)
      expect(await call.stop()).toMatchObject({ state: 'ended', seconds: 21, charge: 21_000n })
    })

    it.each(['failed', 'stop'] as const)('ends a call that rings, and its %s releases it', async (type) => {
      await world.account('acme', { credit: usd('10') })
      const call = world.call('c1')
      const { call: id } = allowed(await call.authorize())
      await world.desk.end(id)
      expect(await call.tell(type)).toMatchObject({ state: 'failed' })
      expect(await world.standing('acme')).toMatchObject({ credit: usd('10'), reserved: 0n, calls: 0 })
    })

    it('ends a call that rings, but it was answered before', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = world.call('c1')
      const { call: id } = allowed(await call.authorize())
      await world.desk.end(id)
      await call.start()
      world.clock.advance(2_000)
      expect(await call.stop({ answeredAtMs: undefined })).toMatchObject({ state: 'ended', seconds: 2, charge: 2_000n })
    })

    it('ends a call that rings, and it is released though its edge says nothing', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = world.call('c1')
      const { call: id } = allowed(await call.authorize())
      await world.desk.end(id)
      await world.settleDown()
      expect((await call.record())?.state).toBe('failed')
      expect(await world.cdrs()).toEqual([])
    })

    it('finds calls that are up by account, state and edge, a page at a time', async () => {
      await world.account('house', { credit: usd('10') })
      await world.account('acme', { credit: usd('10'), parent: 'house' })
      await world.account('far', { credit: usd('10') })
      for (let n = 0; n < 5; n += 1) await world.call(`a${n}`).authorize()
      const other = world.call('b', { account: 'far', leg: { node: 'edge-2', callId: 'b', legId: '' } })
      await other.authorize()
      await other.start()
      const named = async (filter: { account?: string; state?: string; node?: string }) => {
        const found: string[] = []
        let cursor: string | undefined
        do {
          const page = await world.desk.list({ ...filter, limit: 2, ...(cursor === undefined ? {} : { cursor }) })
          expect(page.items.length).toBeLessThanOrEqual(2)
          found.push(...page.items.map(({ leg }) => leg.callId))
          cursor = page.nextCursor
        } while (cursor !== undefined)
        return found.toSorted()
      }
      expect(await named({})).toEqual(['a0', 'a1', 'a2', 'a3', 'a4', 'b'])
      expect(await named({ account: 'house' })).toEqual(['a0', 'a1', 'a2', 'a3', 'a4'])
      expect(await named({ state: 'answered' })).toEqual(['b'])
      expect(await named({ node: 'edge-2' })).toEqual(['b'])
    })
  })
})
