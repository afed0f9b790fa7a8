import { describe, expect, it } from 'vitest'
import { allowed, codeOf, usd } from '../support/a-call.ts'
import { type ACall, forms, type OpenAccount, useWorld } from '../support/desk.ts'

describe.each(forms)('the clock of calls, on $name', (form) => {
  const world = useWorld(form)

  async function answered(account: OpenAccount = { credit: usd('10') }, mode?: 'edge' | 'whole'): Promise<ACall> {
    await world.account('acme', account)
    const call = world.call('c1')
    allowed(await call.authorize(mode === undefined ? {} : { mode }))
    await call.start()
    return call
  }

  const reserved = async (account = 'acme') => (await world.standing(account)).reserved

  describe('a call that is not answered', () => {
    it('is given up when its setup is over, and is gone then', async () => {
      await world.account('acme', { credit: usd('10'), trunks: { inbound: 0, outbound: 0, twoWay: 1 } })
      const call = world.call('c1')
      allowed(await call.authorize())
      await world.play(179)
      expect(await world.standing('acme')).toMatchObject({ calls: 1, channels: { twoWay: 1 } })
      await world.play(1)
      expect(await world.standing('acme')).toMatchObject({ calls: 0, channels: { twoWay: 0 }, credit: usd('10') })
      expect(codeOf(await call.authorize())).toBe('gone')
      expect(await world.cdrs()).toEqual([])
    })

    it('is charged all the same when it was answered and that came late', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = world.call('c1')
      allowed(await call.authorize())
      const answeredAtMs = world.nowMs + 10_000
      await world.play(200)
      await call.start({ answeredAtMs })
      expect((await call.record())?.state).toBe('answered')
      await world.play(10)
      expect(await call.stop()).toMatchObject({ seconds: 200, charge: usd('0.2') })
    })
  })

  describe('a call that was ended while it rang, given up, and answered all the same', () => {
    async function revived(): Promise<ACall> {
      await world.account('acme', { credit: usd('10') })
      const call = world.call('c1')
      const { call: id } = allowed(await call.authorize())
      await world.desk.end(id)
      await world.play(30)
      expect((await call.record())?.state).toBe('failed')
      await call.start()
      return call
    }

    it('is presumed to have talked what it was granted then, should nothing more be heard', async () => {
      const call = await revived()
      expect(await call.record()).toMatchObject({ state: 'answered', failOpen: true })
      await world.play(400)
      expect(await call.record()).toMatchObject({ state: 'ended', end: { presumed: true, seconds: 60 } })
    })

    it('is extended by every daemon, also by one that remembers its end', async () => {
      const call = await revived()
      for (const _daemon of [1, 2]) {
        const answer = await world.desk.extend({ leg: call.said.leg, usedSeconds: 60 })
        expect(allowed(answer).reservedSeconds).toBeGreaterThanOrEqual(120)
      }
      await call.stop()
    })
  })

  describe('a slice', () => {
    it('replaces the one before and is never added to it', async () => {
      const call = await answered()
      expect(await reserved()).toBe(usd('0.06'))
      await world.play(49)
      expect(await reserved()).toBe(usd('0.06'))
      await world.play(1)
      expect(await reserved()).toBe(usd('0.12'))
      await call.tell('alive')
      await world.play(60)
      expect(await reserved()).toBe(usd('0.18'))
      await call.stop()
      expect(await world.standing('acme')).toMatchObject({ credit: usd('9.89'), reserved: 0n })
    })

    it('is as long as the money, and the call is cut when that ends', async () => {
      const call = await answered({ credit: usd('0.1') })
      await call.talk(99)
      expect(await call.record()).toMatchObject({ grantedSeconds: 100, finalReason: 'no_credit' })
      expect(world.control.ended).toEqual([])
      await world.play(1)
      expect(world.control.ended).toEqual([{ callId: 'c1', reason: 'credit_exhausted', ref: undefined }])
      expect((await call.record())?.endingSinceMs).toBe((call.answeredAtMs ?? 0) + 99_500)
      expect(await call.stop()).toMatchObject({ state: 'ended', charge: usd('0.1'), seconds: 100 })
      expect(await world.standing('acme')).toMatchObject({ credit: 0n, reserved: 0n })
    })

    it('goes on when money comes in before the last one ends (rule E6)', async () => {
      const call = await answered({ credit: usd('0.1') })
      await call.talk(98)
      await world.credit('acme', usd('1'))
      await call.talk(122)
      expect(world.control.ended).toEqual([])
      expect(await call.record()).toMatchObject({ state: 'answered', grantedSeconds: 280 })
      expect(world.control.raised.at(-1)).toEqual({ callId: 'c1', seconds: 810 })
      expect(await call.stop()).toMatchObject({ seconds: 220, charge: usd('0.22') })
    })

    it('is cut when money comes in too late', async () => {
      const call = await answered({ credit: usd('0.1') })
      await call.talk(100)
      await world.credit('acme', usd('1'))
      await world.play(2)
      expect((await call.record())?.state).toBe('ending')
      await call.stop()
    })

    it('ends for other calls that took the money', async () => {
      const call = await answered({ credit: usd('0.15') })
      allowed(await world.call('c2').authorize())
      await call.talk(90)
      expect(world.control.ended).toMatchObject([{ callId: 'c1', reason: 'credit_exhausted' }])
      expect((await call.record())?.grantedSeconds).toBe(90)
    })

    it('is cut by the spending cap of the day, and says so', async () => {
      const call = await answered({ credit: usd('10'), spendCaps: { day: usd('0.1') } })
      await call.talk(100)
      expect(world.control.ended).toMatchObject([{ reason: 'spend_cap' }])
      await call.stop()
      expect(codeOf(await world.call('c2').authorize())).toBe('spend_cap')
      await world.elapse(86_400)
      expect(codeOf(await world.call('c2').authorize())).toBe('ok')
    })

    it('is cut at the length that no call exceeds', async () => {
      world.policy = { ...world.policy, maxCallSeconds: 150 }
      const call = await answered()
      await call.talk(149)
      expect(await call.record()).toMatchObject({ grantedSeconds: 150, finalReason: 'max_call' })
      await world.play(1)
      expect(world.control.ended).toMatchObject([{ reason: 'max_call' }])
      expect(await call.stop()).toMatchObject({ seconds: 150 })
    })

    it('is granted no more to a call that nothing is heard of', async () => {
      const call = await answered()
      await world.play(180)
      expect(world.control.ended).toMatchObject([{ callId: 'c1', reason: 'no_sign_of_life' }])
      await world.settleDown()
      expect(await call.record()).toMatchObject({ state: 'ended', end: { presumed: true } })
    })

    it('is granted again to a call that was heard of in time', async () => {
      const call = await answered()
      await world.play(175)
      await call.tell('alive')
      await world.play(60)
      expect(world.control.ended).toEqual([])
      expect((await call.record())?.state).toBe('answered')
    })

    it('keeps the tariff version of its start, also at another price since', async () => {
      const call = await answered()
      await world.activate([{ prefix: '44', perMinute: '6', firstIncrement: 1, nextIncrement: 1 }], { name: 'retail' })
      await call.talk(120)
      expect(await call.stop()).toMatchObject({ charge: usd('0.12') })
    })

    it('keeps its price when the account allows only cheaper calls since', async () => {
      const call = await answered()
      await world.office().patch('acme', { maxPricePerMinute: '0.01' })
      world.clock.advance(30_000)
      expect(await call.stop()).toMatchObject({ charge: usd('0.03') })
      expect((await world.cdrs())[0]?.flags).toEqual([])
    })

    it('keeps the edge informed how long it may last', async () => {
      const call = await answered({ credit: usd('0.7') })
      await call.talk(120)
      expect(world.control.raised).toEqual([
        { callId: 'c1', seconds: 650 },
        { callId: 'c1', seconds: 700 },
      ])
    })

    it('goes on although the edge cannot be told', async () => {
      const call = await answered()
      world.control.isDead = true
      await call.talk(120)
      expect(world.observer.happenings).toContain('raise_failed')
      expect((await call.record())?.state).toBe('answered')
      world.control.isDead = false
    })
  })

  describe('an edge that extends itself', () => {
    const extend = (call: ACall, changes: { usedSeconds?: number; requestSeconds?: number } = {}) =>
      world.desk.extend({ leg: call.said.leg, ...changes })

    it('gets the new total, and the slice before is replaced', async () => {
      const call = await answered({ credit: usd('10') }, 'edge')
      await world.play(50)
      const answer = await extend(call, { usedSeconds: 50 })
      expect(answer).toMatchObject({
        kind: 'allowed',
        maxDurationSeconds: 110,
        reservedSeconds: 110,
        reserved: usd('0.11'),
        final: false,
      })
      expect(await extend(call, { usedSeconds: 50 })).toEqual(answer)
      expect(await reserved()).toBe(usd('0.11'))
      expect(await extend(call, { usedSeconds: 110, requestSeconds: 10 })).toMatchObject({ maxDurationSeconds: 120 })
    })

    it('is not told that there is no more when it asks for less than it has', async () => {
      const call = await answered({ credit: usd('10') }, 'edge')
      expect(await extend(call, { usedSeconds: 10, requestSeconds: 20 })).toMatchObject({
        maxDurationSeconds: 60,
        final: false,
      })
    })

    it('is told when there is no more', async () => {
      const call = await answered({ credit: usd('0.1') }, 'edge')
      expect(await extend(call, { usedSeconds: 60 })).toMatchObject({ maxDurationSeconds: 100, final: true })
      expect(await extend(call, { usedSeconds: 100 })).toMatchObject({ maxDurationSeconds: 100, final: true })
    })

    it('is told when no call may last longer', async () => {
      world.policy = { ...world.policy, maxCallSeconds: 100 }
      const call = await answered({ credit: usd('10') }, 'edge')
      expect(await extend(call, { usedSeconds: 60 })).toMatchObject({ maxDurationSeconds: 100, final: true })
    })

    it('is told that a call is gone when it is, and nothing of one that was never here', async () => {
      const call = await answered({ credit: usd('10') }, 'edge')
      await call.stop()
      expect(codeOf(await extend(call))).toBe('gone')
      expect(await extend(world.call('c2'))).toBeUndefined()
    })

    it('gets no more for a call that is being ended', async () => {
      const call = await answered({ credit: usd('10') }, 'edge')
      await world.desk.end((await call.record())?.call ?? '')
      expect(codeOf(await extend(call, { usedSeconds: 60 }))).toBe('gone')
    })

    it('has its call cut when it does not ask in time', async () => {
      await answered({ credit: usd('10') }, 'edge')
      await world.play(60)
      expect(world.control.ended).toMatchObject([{ callId: 'c1', reason: 'credit_exhausted' }])
    })

    it('is taken to be alive when it asks', async () => {
      const call = await answered({ credit: usd('10') }, 'edge')
      for (let used = 60; used <= 240; used += 60) {
        await world.play(59)
        await extend(call, { usedSeconds: used })
      }
      world.control.canEnd = false
      await world.settleDown()
      expect((await call.record())?.end).toMatchObject({ presumed: true, seconds: 300 })
    })
  })

  describe('a call that nobody extends', () => {
    it('holds all at once, and is over for us when that is', async () => {
      world.control.canEnd = false
      const call = await answered({ credit: usd('10') }, 'whole')
      expect(await reserved()).toBe(usd('0.6'))
      await world.play(599)
      expect((await call.record())?.state).toBe('answered')
      await world.play(1)
      expect(await call.record()).toMatchObject({ state: 'ended', end: { presumed: true, seconds: 600 } })
      expect((await world.standing('acme')).credit).toBe(usd('9.4'))
    })

    it('holds what there is when that is less', async () => {
      const call = await answered({ credit: usd('0.25') }, 'whole')
      expect(await reserved()).toBe(usd('0.25'))
      world.clock.advance(100_000)
      await call.stop()
      expect((await world.standing('acme')).credit).toBe(usd('0.15'))
    })
  })

  describe('a call that is being ended', () => {
    it('is asked for again and again, and then presumed over when it was to end', async () => {
      const call = await answered({ credit: usd('0.03') })
      world.control.isDead = true
      await world.play(30)
      expect(world.control.ended).toHaveLength(1)
      for (const [seconds, times] of [
        [2, 1],
        [1, 2],
        [3, 3],
        [3, 4],
        [3, 5],
        [2, 5],
      ] as const) {
        await world.play(seconds)
        expect(world.control.ended).toHaveLength(times)
      }
      expect((await call.record())?.state).toBe('ending')
      await world.play(1)
      expect(await call.record()).toMatchObject({
        state: 'ended',
        end: { presumed: true, cause: 'credit_exhausted', seconds: 30 },
      })
      expect(world.observer.happenings).toContain('end_failed')
    })

    it('is charged to the instant it was to end, not to when that was given up', async () => {
      const call = await answered()
      await call.talk(40)
      await world.desk.end((await call.record())?.call ?? '')
      await world.settleDown()
      expect((await call.record())?.end).toMatchObject({ presumed: true, seconds: 40 })
    })

    it('ends by its stop, and is not asked for again', async () => {
      const call = await answered({ credit: usd('0.03') })
      await world.play(30)
      await call.stop()
      await world.play(60)
      expect(world.control.ended).toHaveLength(1)
    })
  })

  describe('a call that was last heard of long ago', () => {
    it('is taken to have lasted as long as it was granted when it was last known alive', async () => {
      const call = await answered()
      await call.talk(130)
      await world.settleDown()
      const record = await call.record()
      expect(record).toMatchObject({ state: 'ended', end: { presumed: true, seconds: 180 } })
      expect((await world.standing('acme')).credit).toBe(usd('9.82'))
      expect((await world.cdrs('acme'))[0]?.flags).toEqual(['presumed'])
    })

    it('is not charged for what was granted while nothing was heard', async () => {
      const call = await answered()
      await world.settleDown()
      expect((await call.record())?.end).toMatchObject({ presumed: true, seconds: 60 })
    })
  })

  it('looks after every call that is due, though one of them is broken', async () => {
    await world.account('acme', { credit: usd('100') })
    const calls = Array.from({ length: 130 }, (_none, n) => world.call(`c${n}`))
    for (const call of calls) {
      allowed(await call.authorize())
      await call.start()
    }
    const broken = calls[0]?.legKey
    const ledger = world.ledger()
    const daemon = world.daemon({
      ledger: new Proxy(ledger, {
        get: (target, name) => {
          const method = Reflect.get(target, name) as (...args: unknown[]) => unknown
          if (name !== 'readCall') return method.bind(target)
          return (ref: { legKey: string }) =>
            ref.legKey === broken ? Promise.reject(new Error('unreadable')) : target.readCall(ref as never)
        },
      }),
    })
    world.clock.advance(55_000)
    await expect(daemon.clockwork.tick()).rejects.toThrow('unreadable')
    const granted = await Promise.all(calls.slice(1).map(async (call) => (await call.record())?.grantedSeconds))
    expect(new Set(granted)).toEqual(new Set([120]))
  })

  it('gives a call to one daemon at a time, and to another when the first one dies', async () => {
    const call = await answered()
    await world.play(49)
    world.clock.advance(1_000)
    const partition = (await call.record())?.partition ?? -1
    const ledger = world.ledger()
    const claim = () => ledger.claimDue({ partition, nowMs: world.nowMs, leaseMs: 3_000, limit: 10 })
    expect(await claim()).toEqual([{ partition, legKey: call.legKey }])
    expect(await claim()).toEqual([])
    expect(await world.tick()).toBe(0)
    world.clock.advance(2_999)
    expect(await world.tick()).toBe(0)
    world.clock.advance(1)
    expect(await world.tick()).toBe(1)
    expect((await call.record())?.grantedSeconds).toBe(120)
  })
})
