import { describe, expect, it } from 'vitest'
import type { AuthorizeRequest } from '../../src/calls/requests.ts'
import { allowed, codeOf, usd } from '../support/a-call.ts'
import { type ACall, twoForms, useWorld } from '../support/desk.ts'

const MINUTE = 60

function minutes(name: string, count: number) {
  return { name, seconds: count * MINUTE, freeSeconds: 30, increment: MINUTE, onExhausted: 'finish_call' as const }
}

describe.each(twoForms)('minutes and trunks, on $name', (form) => {
  const world = useWorld(form)

  async function up(callId: string, asks: Partial<AuthorizeRequest> = {}): Promise<ACall> {
    const call = world.call(callId)
    allowed(await call.authorize(asks))
    await call.start()
    return call
  }

  async function talked(callId: string, seconds: number): Promise<ACall> {
    const call = await up(callId)
    await call.talk(seconds)
    await call.stop()
    return call
  }

  const left = async (pool = 'plan') => ((await world.standing('acme')).pools[pool]?.[0] ?? 0) / MINUTE

  describe('rating', () => {
    it.each([
      [0, 0],
      [1, 0],
      [30, 0],
      [31, 1],
      [60, 1],
      [61, 2],
      [120, 2],
      [121, 3],
    ])('R1, R3: a call of %i s counts %i minutes', async (seconds, counted) => {
      await world.account('acme', { pools: [minutes('plan', 10)] })
      await talked('c1', seconds)
      expect(await left()).toBe(10 - counted)
      expect((await world.cdrs())[0]).toMatchObject({ seconds, billedSeconds: counted * MINUTE, overrunSeconds: 0 })
    })

    it('R1: a call longer than 30 s counts, by the clock of the edge', async () => {
      await world.account('acme', { pools: [minutes('plan', 10)] })
      const call = await up('c1')
      await call.stop({ endedAtMs: (call.answeredAtMs ?? 0) + 30_001 })
      expect(await left()).toBe(9)
    })

    it('R2: a call that is not answered, or ended within 30 s, counts nothing', async () => {
      await world.account('acme', { pools: [minutes('plan', 10)] })
      const unanswered = world.call('c1')
      allowed(await unanswered.authorize())
      await unanswered.tell('failed', { sipCode: 486 })
      await talked('c2', 29)
      expect(await left()).toBe(10)
    })

    it('R4: minutes used and call charges are two sums of an account', async () => {
      await world.account('acme', { credit: usd('10'), pools: [{ ...minutes('plan', 2), onExhausted: 'spill' }] })
      for (const [n, seconds] of [45, 90, 100].entries()) await talked(`c${n}`, seconds)
      const cdrs = await world.cdrs('acme')
      const parts = cdrs.flatMap((cdr) => cdr.parts)
      const used = parts.filter(({ source }) => source === 'pool').reduce((sum, { seconds }) => sum + seconds, 0)
      const charges = cdrs.reduce((sum, { charge }) => sum + Math.round(Number(charge) * 1e6), 0)
      expect({ used, charges }).toEqual({ used: 2 * MINUTE, charges: 30_000 + 100_000 })
      expect((await world.standing('acme')).credit).toBe(usd('10') - 130_000n)
    })

    it('R5: a destination has its own fee, minimum, increments and free seconds', async () => {
      const rate = { prefix: '44', perMinute: '0.06', connectFee: '0.01', minimumSeconds: 20, noChargeSeconds: 5 }
      await world.activate([{ ...rate, firstIncrement: 10, nextIncrement: 6 }], { name: 'fees' })
      await world.account('acme', { credit: usd('10'), tariff: 'fees' })
      for (const [n, seconds] of [5, 6, 21, 23].entries()) await talked(`c${n}`, seconds)
      expect((await world.cdrs()).map(({ billedSeconds, charge }) => [billedSeconds, charge])).toEqual([
        [0, '0.000000'],
        [20, '0.030000'],
        [22, '0.032000'],
        [28, '0.038000'],
      ])
    })

    it('R6: a call on a trunk costs nothing and needs no price', async () => {
      await world.account('acme', { tariff: 'none', trunks: { inbound: 0, outbound: 1, twoWay: 0 } })
      const call = await up('c1', { to: '+999123' })
      await call.talk(300)
      expect(await call.stop()).toMatchObject({ charge: 0n, seconds: 300 })
      expect((await world.cdrs())[0]?.flags).toEqual([])
    })

    it('R7: cost and price are both reckoned on each call, at every level', async () => {
      await world.account('platform', { credit: usd('10'), tariff: 'wholesale' })
      await world.account('acme', { credit: usd('10'), parent: 'platform' })
      await talked('c1', 100)
      expect(
        (await world.cdrs()).map(({ account, payer, level, charge, rate }) => [
          account,
          payer,
          level,
          charge,
          rate?.tariff,
        ]),
      ).toEqual([
        ['acme', 'acme', 0, '0.100000', 'retail'],
        ['platform', 'acme', 1, '0.050000', 'wholesale'],
      ])
      expect((await world.standing('platform')).credit).toBe(usd('9.95'))
    })

    it('R8: a charge is rounded once, half up, whatever the slices', async () => {
      await world.activate([{ prefix: '44', perMinute: '0.07', firstIncrement: 1, nextIncrement: 1 }], { name: 'odd' })
      await world.account('acme', { credit: usd('10'), tariff: 'odd' })
      for (const sliceSeconds of [60, 7, 1]) {
        world.policy = { ...world.policy, sliceSeconds, extendAheadSeconds: Math.min(10, sliceSeconds) }
        const call = await up(`c${sliceSeconds}`)
        await call.talk(62)
        await call.stop()
      }
      // 62 × 0.07 ÷ 60 = 0.072333…
      expect((await world.cdrs()).map(({ charge }) => charge)).toEqual(['0.072333', '0.072333', '0.072333'])
    })
  })

  describe('pools', () => {
    it('M1: a plan has its minutes, and calls use them', async () => {
      await world.account('acme', { pools: [{ ...minutes('plan', 300), resets: 'cycle' }] })
      await talked('c1', 600)
      expect(await left()).toBe(290)
    })

    it('M2: one pool serves every device and member of staff', async () => {
      await world.account('acme', { pools: [minutes('plan', 3)] })
      for (const user of ['ann', 'bob', 'cy']) await up(user, { user })
      expect(codeOf(await world.call('dee').authorize({ user: 'dee' }))).toBe('no_minutes')
    })

    it('M5: the first upgrade grants all minutes at once, wherever in the cycle', async () => {
      world.clock.set('2026-11-29T23:00:00Z')
      await world.account('acme', { credit: usd('1') })
      await world.office().addPool('acme', { id: 'plan', ...minutes('plan', 300), resets: 'cycle' })
      expect(await left()).toBe(300)
      expect(allowed(await world.call('c1').authorize()).fundedBy).toBe('pool')
    })

    it('M6: on the cycle date minutes are those of plan and bundles again', async () => {
      const pools = [minutes('plan', 300), minutes('bundle', 100)].map((pool) => ({
        ...pool,
        resets: 'cycle' as const,
      }))
      await world.account('acme', { cycleDay: 15, pools })
      await talked('c1', 305 * MINUTE)
      expect([await left('plan'), await left('bundle')]).toEqual([0, 95])
      world.clock.set('2026-12-14T23:59:59Z')
      expect([await left('plan'), await left('bundle')]).toEqual([0, 95])
      world.clock.set('2026-12-15T00:00:00Z')
      expect([await left('plan'), await left('bundle')]).toEqual([300, 100])
      await talked('c2', 60)
      expect([await left('plan'), await left('bundle')]).toEqual([299, 100])
    })

    it('M7: 80 minutes that are left on the last day make 300, not 380', async () => {
      await world.account('acme', { pools: [{ ...minutes('plan', 300), resets: 'cycle' }] })
      await talked('c1', 220 * MINUTE)
      expect(await left()).toBe(80)
      world.clock.set('2026-12-01T00:00:00Z')
      expect(await left()).toBe(300)
    })

    it('M8, M14: a bundle lifts the block at once', async () => {
      await world.account('acme', { pools: [minutes('plan', 0)] })
      expect(codeOf(await world.call('c1').authorize())).toBe('no_minutes')
      await world.office().addPool('acme', { id: 'bundle', ...minutes('bundle', 100) })
      expect(codeOf(await world.call('c1').authorize())).toBe('ok')
      expect(await left('bundle')).toBe(99)
    })

    it('M13: what remains can be read at any time, also while calls are up', async () => {
      await world.account('acme', { pools: [minutes('plan', 10)] })
      const call = await up('c1')
      expect((await world.standing('acme')).pools['plan']).toEqual([9 * MINUTE, MINUTE])
      await call.talk(70)
      expect((await world.standing('acme')).pools['plan']).toEqual([8 * MINUTE, 2 * MINUTE])
      await call.stop()
      expect((await world.standing('acme')).pools['plan']).toEqual([8 * MINUTE, 0])
    })

    it('M16: an overrun is on the record, is not charged, and is not carried into the next cycle', async () => {
      await world.account('acme', { credit: usd('10'), pools: [{ ...minutes('plan', 2), resets: 'cycle' }] })
      await talked('c1', 300)
      expect((await world.cdrs())[0]).toMatchObject({
        charge: '0.000000',
        billedSeconds: 300,
        overrunSeconds: 180,
        parts: [{ source: 'pool', id: 'plan', seconds: 120 }],
        flags: ['overrun'],
      })
      expect((await world.standing('acme')).credit).toBe(usd('10'))
      world.clock.set('2026-12-01T00:00:00Z')
      expect(await left()).toBe(2)
    })

    it('M16: a call that is up as the cycle turns does not use the new minutes for its overrun', async () => {
      world.clock.set('2026-11-30T23:55:00Z')
      await world.account('acme', { pools: [{ ...minutes('plan', 3), resets: 'cycle' }] })
      const call = await up('c1')
      await call.talk(420)
      expect(await left()).toBe(3)
      await call.stop()
      expect(await left()).toBe(3)
      expect((await world.cdrs())[0]).toMatchObject({ seconds: 420, overrunSeconds: 240 })
    })

    it('M6: a call that has minutes as the cycle turns takes its next ones from the new cycle', async () => {
      world.clock.set('2026-11-30T23:58:00Z')
      await world.account('acme', { pools: [{ ...minutes('plan', 10), resets: 'cycle' }] })
      const call = await up('c1')
      await call.talk(240)
      await call.stop()
      // The slice that was put aside at 23:59:50 is of the old cycle.
      expect(await left()).toBe(9)
      const [cdr] = await world.cdrs()
      expect(cdr).toMatchObject({ billedSeconds: 240, overrunSeconds: 0, parts: [{ seconds: 180 }, { seconds: 60 }] })
    })
  })

  describe('trunks', () => {
    const dial = async (callId: string, direction: 'inbound' | 'outbound') =>
      codeOf(await world.call(callId, { direction }).authorize())

    it('T1: outbound, inbound and two-way trunks carry calls of their kind', async () => {
      await world.account('out', { trunks: { inbound: 0, outbound: 1, twoWay: 0 } })
      await world.account('in', { trunks: { inbound: 1, outbound: 0, twoWay: 0 } })
      await world.account('both', { trunks: { inbound: 0, outbound: 0, twoWay: 1 } })
      const carried: string[] = []
      for (const account of ['out', 'in', 'both']) {
        for (const direction of ['outbound', 'inbound'] as const) {
          const call = world.call(`${account}-${direction}`, { account, direction })
          if (codeOf(await call.authorize()) === 'ok') carried.push(call.said.leg.callId)
          await call.tell('failed')
        }
      }
      expect(carried).toEqual(['out-outbound', 'in-inbound', 'both-outbound', 'both-inbound'])
    })

    it('T2: a call takes its own direction first, then two-way: at most 2 out, 2 in, 3 in all', async () => {
      const trunks = { inbound: 1, outbound: 1, twoWay: 1 }
      await world.account('acme', { trunks })
      const answers: string[] = []
      for (const [n, direction] of (['outbound', 'outbound', 'outbound', 'inbound', 'inbound'] as const).entries()) {
        answers.push(await dial(`c${n}`, direction))
      }
      expect(answers).toEqual(['ok', 'ok', 'trunk_limit', 'ok', 'trunk_limit'])
      expect(await world.standing('acme')).toMatchObject({ calls: 3, channels: { outbound: 1, inbound: 1, twoWay: 1 } })
      await world.call('c1').tell('failed')
      expect(await dial('c5', 'inbound')).toBe('ok')
      expect(await dial('c6', 'outbound')).toBe('trunk_limit')
    })

    it('T3, T5: a trunk is unlimited and flat: long calls post nothing', async () => {
      await world.account('acme', { trunks: { inbound: 0, outbound: 1, twoWay: 0 } })
      const call = await up('c1')
      await call.talk(3 * 3600)
      await call.stop()
      const entries = await world.entries()
      expect(entries.flatMap(({ moves, books }) => [...moves, ...books])).toEqual([])
      expect(entries.flatMap(({ members }) => members.map(([, set, change]) => [set, change]))).toEqual([
        ['live', 1],
        ['outbound', 1],
        ['live', -1],
        ['outbound', -1],
      ])
    })

    it('T4: a raised limit holds for the next call', async () => {
      await world.account('acme', { trunks: { inbound: 0, outbound: 1, twoWay: 0 } })
      expect([await dial('c1', 'outbound'), await dial('c2', 'outbound')]).toEqual(['ok', 'trunk_limit'])
      await world.office().patch('acme', { trunks: { inbound: 0, outbound: 2, twoWay: 0 } })
      expect([await dial('c2', 'outbound'), await dial('c3', 'outbound')]).toEqual(['ok', 'trunk_limit'])
    })

    it('T4: a limit below its use ends nothing and does not block the other direction', async () => {
      await world.account('acme', { trunks: { inbound: 2, outbound: 3, twoWay: 0 } })
      const calls = [await up('c1'), await up('c2'), await up('c3')]
      await world.office().patch('acme', { trunks: { inbound: 2, outbound: 1, twoWay: 0 } })
      expect([await dial('i1', 'inbound'), await dial('i2', 'inbound')]).toEqual(['ok', 'ok'])
      await world.play(60)
      for (const call of calls) await call.tell('alive')
      expect(await Promise.all(calls.map(async (call) => (await call.record())?.state))).toEqual([
        'answered',
        'answered',
        'answered',
      ])
      for (const call of calls.slice(0, 2)) {
        expect(await dial('c4', 'outbound')).toBe('trunk_limit')
        await call.stop()
      }
      expect(await dial('c4', 'outbound')).toBe('trunk_limit')
      await calls[2]?.stop()
      expect(await dial('c4', 'outbound')).toBe('ok')
    })

    it('T6: calls over the trunks go to credit, and are refused without it', async () => {
      await world.account('acme', { credit: usd('0.06'), trunks: { inbound: 0, outbound: 1, twoWay: 0 } })
      const answers = [
        await world.call('c1').authorize(),
        await world.call('c2').authorize(),
        await world.call('c3').authorize(),
      ]
      expect(answers.map(codeOf)).toEqual(['ok', 'ok', 'trunk_limit'])
      expect(answers.slice(0, 2).map((answer) => allowed(answer).fundedBy)).toEqual(['trunk', 'credit'])
    })

    it('T6: a call keeps the trunk it has, and one on credit is not moved to a trunk that becomes free', async () => {
      await world.account('acme', { credit: usd('10'), trunks: { inbound: 0, outbound: 1, twoWay: 0 } })
      const [trunk, credit] = [await up('c1'), await up('c2')]
      await world.play(10)
      await trunk.stop()
      await credit.talk(110)
      expect(await credit.stop()).toMatchObject({ charge: usd('0.12') })
    })
  })
})
