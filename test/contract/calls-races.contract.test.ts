import { describe, expect, it } from 'vitest'
import { allowed, codeOf, usd } from '../support/a-call.ts'
import { type ACall, forms, useWorld } from '../support/desk.ts'

function times<T>(count: number, make: (n: number) => T): readonly T[] {
  return Array.from({ length: count }, (_none, n) => make(n))
}

function counted(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

describe.each(forms)('calls that meet, on $name', (form) => {
  const world = useWorld(form)

  it('E2: 30 at once on credit for one are granted once', async () => {
    await world.account('acme', { credit: usd('0.06') })
    const answers = await Promise.all(times(30, (n) => world.call(`c${n}`).authorize()))
    expect(counted(answers.map(codeOf))).toEqual({ ok: 1, no_credit: 29 })
    expect(await world.standing('acme')).toMatchObject({ reserved: usd('0.06'), calls: 1 })
  })

  it('share what little there is to the second, and are never granted more', async () => {
    await world.account('acme', { credit: usd('0.5') })
    const answers = await Promise.all(times(20, (n) => world.call(`c${n}`).authorize()))
    const granted = answers.flatMap((answer) => (answer.kind === 'allowed' ? [answer.reservedSeconds] : []))
    expect(granted.toSorted((a, b) => b - a)).toEqual([60, 60, 60, 60, 60, 60, 60, 60, 20])
  })

  it('100 at once on a trunk of 10 get 10 channels, and never one more', async () => {
    await world.account('acme', { trunks: { inbound: 0, outbound: 10, twoWay: 0 } })
    const done = new AbortController()
    const watched = (async () => {
      let most = 0
      while (!done.signal.aborted) most = Math.max(most, (await world.standing('acme')).channels.outbound)
      return most
    })()
    const answers = await Promise.all(times(100, (n) => world.call(`c${n}`).authorize()))
    done.abort()
    expect(counted(answers.map(codeOf))).toEqual({ ok: 10, trunk_limit: 90 })
    expect(await watched).toBeLessThanOrEqual(10)
    expect((await world.standing('acme')).channels.outbound).toBe(10)
  })

  it('50 at once through a house of 7 calls are 7', async () => {
    await world.account('house', { credit: usd('10'), maxCalls: 7 })
    await world.account('acme', { credit: usd('10'), parent: 'house' })
    const answers = await Promise.all(times(50, (n) => world.call(`c${n}`).authorize()))
    expect(counted(answers.map(codeOf))).toEqual({ ok: 7, call_limit: 43 })
  })

  it('20 at once on a pool of three minutes get three', async () => {
    await world.account('acme', { credit: usd('10'), pools: [{ name: 'a', seconds: 180 }] })
    const answers = await Promise.all(times(20, (n) => world.call(`c${n}`).authorize()))
    expect(counted(answers.map(codeOf))).toEqual({ ok: 3, no_minutes: 17 })
  })

  it('are one when they are one leg', async () => {
    await world.account('acme', { credit: usd('10') })
    const call = world.call('c1')
    const answers = await Promise.all(times(20, () => call.authorize()))
    expect(
      new Set(answers.map((answer) => JSON.stringify(allowed(answer), (_key, value: unknown) => String(value)))).size,
    ).toBe(1)
    expect(await world.standing('acme')).toMatchObject({ reserved: usd('0.06'), calls: 1 })
  })

  it('are one when they are one leg under accounts of two trees', async () => {
    await world.account('acme', { credit: usd('100') })
    await world.account('far', { credit: usd('100') })
    const rounds = times(25, (n) => [world.call(`c${n}`), world.call(`c${n}`, { account: 'far' })] as const)
    for (const [one, other] of rounds) {
      const answers = await Promise.all([one.authorize(), other.authorize(), one.authorize(), other.authorize()])
      expect(counted(answers.map(codeOf))).toEqual({ ok: 2, conflict: 2 })
    }
    const [acme, far] = [await world.standing('acme'), await world.standing('far')]
    expect(acme.calls + far.calls).toBe(25)
  })

  it('of one busy account are all charged, by whatever daemon', async () => {
    await world.account('house', { credit: usd('100'), tariff: 'wholesale' })
    await world.account('acme', { credit: usd('100'), parent: 'house' })
    const talk = async (n: number): Promise<void> => {
      const call = world.call(`c${n}`)
      allowed(await call.authorize())
      await call.start()
      await call.stop({ seconds: n })
    }
    await Promise.all(times(100, talk))
    const seconds = 4950n
    expect(await world.standing('acme')).toMatchObject({ credit: usd('100') - seconds * 1000n, reserved: 0n, calls: 0 })
    expect(await world.standing('house')).toMatchObject({ credit: usd('100') - seconds * 500n, reserved: 0n, calls: 0 })
    expect(await world.cdrs()).toHaveLength(200)
  })

  it('are charged once when stop, cut, expiry, extension and an operator meet', async () => {
    await world.account('acme', { credit: usd('100') })
    for (let round = 0; round < 10; round += 1) {
      const call = world.call(`c${round}`)
      const { call: id } = allowed(await call.authorize())
      await call.start()
      // In turn: when a slice is extended, when a silent call is cut, when its end is given up.
      await world.play([49, 179, 193][round % 3] ?? 0)
      world.clock.advance(1_000)
      const meeting = [
        world.tick(),
        call.stop({ seconds: 30 }),
        world.desk.extend({ leg: call.said.leg }),
        world.tick(),
        call.stop({ seconds: 30 }),
        call.tell('alive'),
        world.desk.end(id),
        call.tell('failed'),
        world.desk.edgeEvent({ type: 'edge_up', node: 'edge-1', instance: '2000' }),
      ]
      await Promise.all(meeting)
      expect(await call.stop({ seconds: 30 })).toMatchObject({ state: 'ended', seconds: 30, charge: 30_000n })
    }
    expect(await world.standing('acme')).toMatchObject({ credit: usd('99.7'), reserved: 0n, calls: 0 })
  })

  it('are released or answered, never both, when setup ends as they are answered', async () => {
    await world.account('acme', { credit: usd('100') })
    const calls: ACall[] = []
    for (let n = 0; n < 10; n += 1) {
      const call = world.call(`c${n}`)
      allowed(await call.authorize())
      calls.push(call)
    }
    world.clock.advance(180_000)
    await Promise.all([world.tick(), ...calls.map((call) => call.start()), world.tick()])
    expect(await Promise.all(calls.map(async (call) => (await call.record())?.state))).toEqual(
      times(10, () => 'answered'),
    )
    expect(await world.standing('acme')).toMatchObject({ reserved: usd('0.6'), calls: 10 })
  })

  it('are refused or granted as one when a failure overtakes them', async () => {
    await world.account('acme', { credit: usd('100') })
    const calls = times(20, (n) => world.call(`c${n}`))
    await Promise.all(calls.flatMap((call) => [call.tell('failed'), call.authorize()]))
    const { calls: live } = await world.standing('acme')
    const states = await Promise.all(calls.map(async (call) => (await call.record())?.state))
    expect(counted(states.map(String))['authorized'] ?? 0).toBe(live)
  })
})
