import { describe, expect, it } from 'vitest'
import { allowed, codeOf, usd } from '../support/a-call.ts'
import { type ACall, twoForms, useWorld } from '../support/desk.ts'

const MINUTE = 60

/** Minutes as the document has them: free up to 30 s, counted in whole minutes, and the call goes on without them. */
function minutes(name: string, count: number) {
  return { name, seconds: count * MINUTE, freeSeconds: 30, increment: MINUTE, onExhausted: 'finish_call' as const }
}

describe.each(twoForms)('real-time enforcement, on $name', (form) => {
  const world = useWorld(form)

  async function up(callId: string): Promise<ACall> {
    const call = world.call(callId)
    allowed(await call.authorize())
    await call.start()
    return call
  }

  it('E1: no per-minute call before money is deposited', async () => {
    await world.account('acme')
    expect(codeOf(await world.call('c1').authorize())).toBe('no_credit')
    await world.credit('acme', usd('5'))
    expect(codeOf(await world.call('c1').authorize())).toBe('ok')
  })

  it('E1: with trunks that are all busy the reason is trunk_limit', async () => {
    await world.account('acme', { trunks: { inbound: 0, outbound: 1, twoWay: 0 } })
    await up('c1')
    expect(codeOf(await world.call('c2').authorize())).toBe('trunk_limit')
  })

  it('E2: credit for one hold admits one of many that ask at once', async () => {
    await world.account('acme', { credit: usd('0.06') })
    const calls = Array.from({ length: 30 }, (_none, n) => world.call(`c${n}`))
    const answers = await Promise.all(calls.map((call) => call.authorize()))
    expect(answers.filter(({ kind }) => kind === 'allowed')).toHaveLength(1)
  })

  it('E3: a call that finds a trunk is not charged by the minute, although there is credit', async () => {
    await world.account('acme', { credit: usd('10'), trunks: { inbound: 0, outbound: 1, twoWay: 0 } })
    const call = await up('c1')
    await call.talk(600)
    expect(await call.stop()).toMatchObject({ charge: 0n, seconds: 600 })
    expect((await world.standing('acme')).credit).toBe(usd('10'))
    expect((await world.cdrs())[0]).toMatchObject({ fundedBy: 'trunk', charge: '0.000000' })
  })

  it('E4: only calls beyond the trunks use credit', async () => {
    await world.account('acme', { credit: usd('10'), trunks: { inbound: 0, outbound: 2, twoWay: 0 } })
    const calls = [await up('c1'), await up('c2'), await up('c3')]
    world.clock.advance(50_000)
    for (const call of calls) await call.stop()
    expect((await world.cdrs()).map(({ fundedBy, charge }) => [fundedBy, charge])).toEqual([
      ['trunk', '0.000000'],
      ['trunk', '0.000000'],
      ['credit', '0.050000'],
    ])
    expect((await world.standing('acme')).credit).toBe(usd('9.95'))
  })

  it('E5: per-minute billing goes on until the credit runs out, and the call is ended by us then', async () => {
    await world.account('acme', { credit: usd('0.15') })
    const call = await up('c1')
    await call.talk(149)
    expect(world.control.ended).toEqual([])
    await world.play(1)
    expect(world.control.ended).toMatchObject([{ callId: 'c1', reason: 'credit_exhausted' }])
    const endedMs = (await call.record())?.endingSinceMs ?? 0
    expect(endedMs - (call.answeredAtMs ?? 0)).toBe(149_500)
    expect(await call.stop()).toMatchObject({ seconds: 150, charge: usd('0.15') })
  })

  it('E5: not later than one slice after the last paid second, when other calls take the rest', async () => {
    await world.account('acme', { credit: usd('0.2') })
    const call = await up('c1')
    await world.play(10)
    const others = [world.call('c2'), world.call('c3')]
    for (const other of others) allowed(await other.authorize())
    await call.talk(70)
    expect(world.control.ended).toMatchObject([{ callId: 'c1' }])
    await call.stop({ seconds: 80 })
    for (const other of others) await other.tell('failed')
    expect((await world.standing('acme')).credit).toBe(usd('0.12'))
  })

  it('E6: a recharge that is paid in time keeps the call up, and was asked for once', async () => {
    const recharge = { enabled: true, threshold: usd('0.08'), amount: usd('5') }
    await world.account('acme', { credit: usd('0.2') })
    await world.office().patch('acme', { recharge })
    const call = await up('c1')
    await call.talk(190)
    const { partitions } = await world.snapshot()
    const asked = Object.values(partitions).flatMap(({ outbox }) => outbox)
    expect(asked).toMatchObject([{ type: 'recharge.due', account: 'acme', available: '20000', arming: '1' }])
    await world.credit('acme', usd('5'))
    await call.talk(110)
    expect(world.control.ended).toEqual([])
    expect(await call.stop()).toMatchObject({ seconds: 300, charge: usd('0.3') })
  })

  it('E6: its parties are warned once before the money ends, and again before another end', async () => {
    world.policy = { ...world.policy, warnSeconds: 20 }
    await world.account('acme', { credit: usd('0.15') })
    const call = await up('c1')
    await call.talk(129)
    expect(world.control.warned).toEqual([])
    await call.talk(11)
    expect(world.control.warned).toEqual([{ callId: 'c1', secondsLeft: 20 }])
    await world.credit('acme', usd('0.1'))
    await call.talk(89)
    expect(world.control.warned).toHaveLength(1)
    await call.talk(1)
    expect(world.control.warned[1]).toEqual({ callId: 'c1', secondsLeft: 20 })
    expect(world.control.ended).toEqual([])
    await call.talk(20)
    expect(world.control.ended).toMatchObject([{ callId: 'c1', reason: 'credit_exhausted' }])
    expect(world.control.warned).toHaveLength(2)
    expect(await call.stop()).toMatchObject({ seconds: 250, charge: usd('0.25') })
  })

  it('E6: they are warned in time also where the money ends with a slice', async () => {
    world.policy = { ...world.policy, warnSeconds: 20 }
    await world.account('acme', { credit: usd('0.12') })
    const call = await up('c1')
    await call.talk(99)
    expect(world.control.warned).toEqual([])
    await call.talk(1)
    expect(world.control.warned).toEqual([{ callId: 'c1', secondsLeft: 20 }])
    await call.talk(20)
    expect(world.control.ended).toMatchObject([{ callId: 'c1', reason: 'credit_exhausted' }])
    expect(await call.stop()).toMatchObject({ seconds: 120, charge: usd('0.12') })
  })

  it('E6: no warning comes to a call that money goes on for, nor where its edge does not take one', async () => {
    world.policy = { ...world.policy, warnSeconds: 20 }
    await world.account('acme', { credit: usd('10') })
    await (await up('c1')).talk(300)
    expect(world.control.warned).toEqual([])
    await world.account('other', { credit: usd('0.05') })
    world.control.isDead = true
    const call = world.call('c2', { account: 'other' })
    allowed(await call.authorize())
    await call.start()
    await call.talk(35)
    expect(world.control.warned).toEqual([{ callId: 'c2', secondsLeft: 20 }])
    expect(world.observer.happenings).toEqual(['warn_failed'])
  })

  it('E7: minutes that run out never end the call, however long it lasts, and cost nothing more', async () => {
    await world.account('acme', { credit: usd('10'), pools: [minutes('plan', 2)] })
    const call = await up('c1')
    await call.talk(3600)
    expect(world.control.ended).toEqual([])
    expect(await call.stop()).toMatchObject({ state: 'ended', seconds: 3600, charge: 0n })
    expect((await world.standing('acme')).credit).toBe(usd('10'))
  })

  it.each([
    ['a bundle', async () => world.office().addPool('acme', { id: 'bundle', ...minutes('bundle', 100) })],
    ['an upgrade', async () => world.office().patchPool('acme', 'plan', { seconds: 200 * MINUTE })],
    ['the turn of the cycle', async () => world.clock.set('2026-12-01T00:00:01Z')],
  ])('E8: after that call nobody can call until minutes come by %s', async (_what, add) => {
    await world.account('acme', { pools: [{ ...minutes('plan', 2), resets: 'cycle' }] })
    const call = await up('c1')
    await call.talk(200)
    await call.stop()
    expect(codeOf(await world.call('c2').authorize())).toBe('no_minutes')
    await add()
    expect(codeOf(await world.call('c2').authorize())).toBe('ok')
  })

  it('E9: at zero new calls are refused, and those that are up go on', async () => {
    await world.account('acme', { pools: [minutes('plan', 2)] })
    const calls = [await up('c1'), await up('c2')]
    expect(codeOf(await world.call('c3').authorize())).toBe('no_minutes')
    for (let minute = 0; minute < 10; minute += 1) {
      await world.play(60)
      for (const call of calls) await call.tell('alive')
      expect(codeOf(await world.call('c3').authorize())).toBe('no_minutes')
    }
    expect(world.control.ended).toEqual([])
    for (const call of calls) expect(await call.stop()).toMatchObject({ seconds: 600, charge: 0n })
  })

  it('E10: voice and video use the same minutes', async () => {
    await world.account('acme', { pools: [minutes('plan', 10)] })
    for (const media of ['voice', 'video'] as const) {
      const call = world.call(media)
      allowed(await call.authorize({ media }))
      await call.start()
      world.clock.advance(100_000)
      await call.stop()
    }
    expect((await world.standing('acme')).pools['plan']).toEqual([6 * MINUTE, 0])
    expect((await world.cdrs()).map(({ media }) => media)).toEqual(['voice', 'video'])
  })

  it('E11: money ends a call, minutes let it finish, unless they are of a kind that ends it too', async () => {
    const outcomes: unknown[] = []
    const accounts = {
      money: { credit: usd('0.12') },
      finish: { pools: [minutes('a', 2)] },
      cut: { pools: [{ ...minutes('a', 2), onExhausted: 'cut' as const }] },
    }
    for (const [name, account] of Object.entries(accounts)) {
      await world.account(name, account)
      const call = world.call(name, { account: name })
      allowed(await call.authorize())
      await call.start()
      await call.talk(180)
      outcomes.push([name, (await call.record())?.endingReason])
      await call.stop()
    }
    expect(outcomes).toEqual([
      ['money', 'credit_exhausted'],
      ['finish', undefined],
      ['cut', 'no_minutes'],
    ])
  })

  it('E15: a refusal has a machine reason and is told, and leaves no hold, no counter and no charge', async () => {
    await world.account('acme', { credit: 999n })
    const before = await world.dump()
    const answer = await world.call('c1').authorize()
    expect(answer).toMatchObject({
      kind: 'denied',
      refusal: { code: 'no_credit', detail: expect.stringContaining('0.000999') },
    })
    expect(world.observer.decisions).toMatchObject([{ operation: 'authorize', account: 'acme', code: 'no_credit' }])
    expect(await world.dump()).toEqual(before)
  })

  it('E16: two devices that dial at once on a pool of one minute are granted no more than it has', async () => {
    await world.account('acme', { credit: usd('10'), pools: [minutes('plan', 1)] })
    const calls = [world.call('desk'), world.call('mobile')]
    const answers = await Promise.all(calls.map((call, n) => call.authorize({ user: `device-${n}` })))
    expect(answers.map(codeOf).toSorted()).toEqual(['no_minutes', 'ok'])
    const granted = answers.flatMap((answer) => (answer.kind === 'allowed' ? [answer.reservedSeconds] : []))
    expect(granted).toEqual([60])
  })

  it('C10: credit does not end with the cycle', async () => {
    await world.account('acme', { credit: usd('5'), pools: [{ ...minutes('plan', 1), resets: 'cycle' }] })
    world.clock.set('2027-06-01T00:00:00Z')
    expect((await world.standing('acme')).credit).toBe(usd('5'))
    expect(codeOf(await world.call('c1').authorize())).toBe('ok')
  })

  it('O9: what is said of a call in the name of another account changes nothing of either', async () => {
    await world.account('acme', { credit: usd('10') })
    await world.account('other', { credit: usd('10') })
    const call = await up('c1')
    expect(codeOf(await call.authorize({ account: 'other' }))).toBe('conflict')
    world.clock.advance(30_000)
    expect(await call.stop({ account: 'other' })).toMatchObject({ state: 'ended', charge: 30_000n })
    expect((await world.standing('acme')).credit).toBe(usd('9.97'))
    expect(await world.standing('other')).toMatchObject({ credit: usd('10'), calls: 0 })
    expect(await world.cdrs('other')).toEqual([])
  })

  it('O9: a list of calls by account has its own and those below it, no others', async () => {
    await world.account('house', { credit: usd('10') })
    await world.account('acme', { credit: usd('10'), parent: 'house' })
    await world.account('other', { credit: usd('10'), parent: 'house' })
    await world.call('a').authorize()
    await world.call('b', { account: 'other' }).authorize()
    const listed = async (account: string) => {
      const { items } = await world.desk.list({ account, limit: 10 })
      return items.map(({ leg }) => leg.callId).toSorted()
    }
    expect(await listed('acme')).toEqual(['a'])
    expect(await listed('house')).toEqual(['a', 'b'])
    expect(await listed('nobody')).toEqual([])
  })
})
