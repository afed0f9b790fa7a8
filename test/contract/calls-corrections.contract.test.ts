import { describe, expect, it } from 'vitest'
import type { PoolInput } from '../../src/accounts/office.ts'
import type { CallEvent } from '../../src/calls/requests.ts'
import { allowed, usd } from '../support/a-call.ts'
import { type ACall, forms, type OpenAccount, useWorld } from '../support/desk.ts'

/** Counted by the second, from the first one. */
function pool(name: string, seconds: number, changes: Partial<PoolInput> = {}): PoolInput {
  return { name, seconds, freeSeconds: 0, increment: 1, ...changes }
}

describe.each(forms)('a charge that is corrected, on $name', (form) => {
  const world = useWorld(form)

  /** A call whose stop was lost: it is presumed to have lasted for its first slice. */
  async function presumed(account: OpenAccount): Promise<ACall> {
    await world.account('acme', account)
    const call = world.call('c1')
    allowed(await call.authorize())
    await call.start()
    await world.settleDown()
    expect((await call.record())?.end).toMatchObject({ presumed: true, seconds: 60 })
    return call
  }

  const late = (call: ACall, seconds: number, changes: Partial<CallEvent> = {}) =>
    call.stop({ endedAtMs: (call.answeredAtMs ?? 0) + seconds * 1000, ...changes })

  const charges = async (account = 'acme') =>
    (await world.cdrs(account)).map(({ revision, seconds, charge }) => [revision, seconds, charge])

  it.each([
    [90, '0.090000', usd('9.91')],
    [20, '0.020000', usd('9.98')],
    [0, '0.000000', usd('10')],
  ])('is the real one after a presumed one: %i s', async (seconds, charge, credit) => {
    const call = await presumed({ credit: usd('10') })
    expect(await late(call, seconds)).toMatchObject({ state: 'ended', ignored: false, seconds })
    expect((await world.standing('acme')).credit).toBe(credit)
    expect(await charges()).toEqual([
      [0, 60, '0.060000'],
      [1, seconds, charge],
    ])
    const [, corrected] = await world.cdrs()
    expect(corrected?.flags).toContain('late_settlement')
    expect(corrected?.flags).not.toContain('presumed')
  })

  it('is corrected once', async () => {
    const call = await presumed({ credit: usd('10') })
    await late(call, 90)
    expect(await late(call, 90)).toMatchObject({ ignored: true, charge: usd('0.09') })
    expect(await late(call, 120)).toMatchObject({ ignored: true, charge: usd('0.09') })
    expect((await world.standing('acme')).credit).toBe(usd('9.91'))
  })

  it('posts the difference only, in an entry of its own', async () => {
    const call = await presumed({ credit: usd('10') })
    await late(call, 90)
    const moves = (await world.entries()).map(({ kind, moves }) => [
      kind,
      moves.map(([, counter, change]) => [counter, change]),
    ])
    expect(moves.slice(-2)).toEqual([
      ['settle', expect.arrayContaining([['dp', 60_000]])],
      ['correct', [['dp', 30_000]]],
    ])
  })

  it('stays when the late stop says no time', async () => {
    const call = await presumed({ credit: usd('10') })
    await world.elapse(3_600)
    const nothing = { tsMs: undefined, endedAtMs: undefined, answeredAtMs: undefined }
    expect(await call.stop(nothing)).toMatchObject({ ignored: true, seconds: 60 })
    expect((await world.standing('acme')).credit).toBe(usd('9.94'))
  })

  it('takes what the call really used though nothing is left', async () => {
    const call = await presumed({ credit: usd('0.06') })
    await late(call, 100)
    expect((await world.standing('acme')).credit).toBe(usd('-0.04'))
    expect((await world.cdrs()).at(-1)?.flags).toEqual(['late_settlement', 'overrun'])
  })

  it.each(['day', 'month'])('gives no %s more than its cap when money of an earlier one comes back', async (period) => {
    world.clock.set('2026-11-30T23:50:00Z')
    const call = await presumed({ credit: usd('10'), spendCaps: { [period]: usd('0.06') } })
    await world.elapse(3_600)
    await late(call, 0)
    const next = world.call('c2')
    expect(allowed(await next.authorize({ requestSeconds: 300 }))).toMatchObject({ reservedSeconds: 60, final: true })
  })

  it('is corrected at every level by its own tariff', async () => {
    await world.account('house', { credit: usd('10'), tariff: 'wholesale' })
    const call = await presumed({ parent: 'house', credit: usd('10') })
    await late(call, 90)
    expect((await world.standing('house')).credit).toBe(usd('9.955'))
    expect((await world.standing('acme')).credit).toBe(usd('9.91'))
  })

  it('stays nothing for a call on a trunk', async () => {
    const call = await presumed({ trunks: { inbound: 0, outbound: 1, twoWay: 0 } })
    await late(call, 90)
    expect(await charges()).toEqual([
      [0, 60, '0.000000'],
      [1, 90, '0.000000'],
    ])
    expect((await world.cdrs()).at(-1)).toMatchObject({ fundedBy: 'trunk', trunk: 'outbound' })
  })

  describe('with minutes', () => {
    const left = async () => (await world.standing('acme')).pools

    it('takes more of them, or gives some back', async () => {
      const call = await presumed({ pools: [pool('a', 300)] })
      expect(await left()).toEqual({ a: [240, 0] })
      await late(call, 100)
      expect(await left()).toEqual({ a: [200, 0] })
      expect((await world.cdrs()).at(-1)).toMatchObject({ fundedBy: 'pool', parts: [{ id: 'a', seconds: 100 }] })
    })

    it('gives back what the call did not use', async () => {
      const call = await presumed({ pools: [pool('a', 300)] })
      await late(call, 25)
      expect(await left()).toEqual({ a: [275, 0] })
    })

    it('takes from every pool in its order', async () => {
      const call = await presumed({ pools: [pool('a', 70), pool('b', 20), pool('c', 300)] })
      await late(call, 100)
      expect(await left()).toEqual({ a: [0, 0], b: [0, 0], c: [290, 0] })
      const parts = [
        { id: 'a', seconds: 70 },
        { id: 'b', seconds: 20 },
        { id: 'c', seconds: 10 },
      ]
      expect((await world.cdrs()).at(-1)).toMatchObject({ parts, overrunSeconds: 0 })
    })

    it('takes them from the pools of now, whatever a daemon remembers', async () => {
      const call = await presumed({ pools: [pool('a', 200)] })
      await world.office().addPool('acme', { id: 'b', ...pool('b', 300, { priority: 1 }) })
      await late(call, 100)
      expect(await left()).toEqual({ a: [200, 0], b: [200, 0] })
    })

    it('takes what is left, and the rest is an overrun that nobody pays', async () => {
      const call = await presumed({ credit: usd('10'), pools: [pool('a', 70), pool('b', 20)] })
      await late(call, 100)
      expect(await left()).toEqual({ a: [0, 0], b: [0, 0] })
      expect((await world.cdrs()).at(-1)).toMatchObject({ overrunSeconds: 10, charge: '0.000000' })
      expect((await world.standing('acme')).credit).toBe(usd('10'))
    })

    it('takes the rest from credit where they spill', async () => {
      const call = await presumed({ credit: usd('10'), pools: [pool('a', 70, { onExhausted: 'spill' })] })
      await late(call, 100)
      expect(await left()).toEqual({ a: [0, 0] })
      expect((await world.standing('acme')).credit).toBe(usd('9.97'))
      await world.elapse(1)
    })

    it('gives back credit before minutes where they spill', async () => {
      const call = await presumed({ credit: usd('10'), pools: [pool('a', 45, { onExhausted: 'spill' })] })
      expect((await world.standing('acme')).credit).toBe(usd('9.985'))
      await late(call, 40)
      expect((await world.standing('acme')).credit).toBe(usd('10'))
      expect(await left()).toEqual({ a: [5, 0] })
    })

    it('takes them also when the call seemed short enough to be free', async () => {
      await world.account('acme', { credit: usd('10'), pools: [pool('a', 300, { freeSeconds: 30, increment: 60 })] })
      const call = world.call('c1')
      allowed(await call.authorize())
      await call.start()
      await world.play(20)
      await world.desk.end((await call.record())?.call ?? '')
      await world.settleDown()
      expect((await call.record())?.end).toMatchObject({ presumed: true, seconds: 20 })
      expect(await left()).toEqual({ a: [300, 0] })
      await late(call, 61)
      expect(await left()).toEqual({ a: [180, 0] })
      expect((await world.standing('acme')).credit).toBe(usd('10'))
      expect((await world.cdrs()).at(-1)).toMatchObject({
        fundedBy: 'pool',
        billedSeconds: 120,
        flags: ['late_settlement', 'overrun'],
      })
    })

    it('does not give back those of a cycle that is over, and says so', async () => {
      world.clock.set('2026-11-30T23:50:00Z')
      const call = await presumed({ pools: [pool('a', 300, { resets: 'cycle' })] })
      await world.elapse(1_200)
      expect(await left()).toEqual({ a: [300, 0] })
      await late(call, 20)
      expect(await left()).toEqual({ a: [300, 0] })
      expect((await world.cdrs()).at(-1)).toMatchObject({
        seconds: 20,
        parts: [{ id: 'a', seconds: 60 }],
        flags: ['late_settlement', 'minutes_not_returned'],
      })
      const used = Object.entries((await world.snapshot()).accounts['acme']?.counters ?? {})
      expect(used.filter(([counter]) => counter.endsWith(':u'))).toEqual([['p:a:1:u', '60']])
    })

    it('is not flagged so when nothing was to be given back', async () => {
      const call = await presumed({ pools: [pool('a', 300)] })
      await late(call, 20)
      expect((await world.cdrs()).at(-1)?.flags).toEqual(['late_settlement'])
    })
  })
})
