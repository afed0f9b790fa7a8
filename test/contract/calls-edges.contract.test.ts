import { describe, expect, it } from 'vitest'
import type { EdgeEvent } from '../../src/calls/requests.ts'
import { allowed, legOf, usd } from '../support/a-call.ts'
import { type ACall, forms, useWorld } from '../support/desk.ts'

describe.each(forms)('what an edge tells of itself, on $name', (form) => {
  const world = useWorld(form)

  const tell = (event: Omit<EdgeEvent, 'node'> & { node?: string }) =>
    world.desk.edgeEvent({ node: 'edge-1', tsMs: world.nowMs, ...event })

  async function answered(callId: string, instance = '1000', legId = ''): Promise<ACall> {
    const call = world.call(callId, { instance, leg: legOf(callId, { legId }) })
    allowed(await call.authorize())
    await call.start()
    return call
  }

  const state = async (call: ACall) => (await call.record())?.state

  describe('that it came up', () => {
    it('closes the calls of its older boots, at that instant, and releases those that rang', async () => {
      await world.account('acme', { credit: usd('10') })
      const old = await answered('old')
      const ringing = world.call('ringing')
      allowed(await ringing.authorize())
      world.clock.advance(20_000)
      const young = await answered('young', '2000')
      expect(await tell({ type: 'edge_up', instance: '2000' })).toMatchObject({ state: 'noted', ignored: false })
      expect(await old.record()).toMatchObject({
        state: 'ended',
        end: { presumed: true, seconds: 20, cause: 'edge restarted' },
      })
      expect(await state(ringing)).toBe('failed')
      expect(await state(young)).toBe('answered')
      expect(await world.standing('acme')).toMatchObject({ credit: usd('9.98'), reserved: 60_000n, calls: 1 })
    })

    it('is corrected by the stop that the edge kept', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = await answered('c1')
      world.clock.advance(20_000)
      await tell({ type: 'edge_up', instance: '2000' })
      const endedAtMs = (call.answeredAtMs ?? 0) + 12_000
      expect(await call.stop({ endedAtMs, instance: '2000' })).toMatchObject({ ignored: false, charge: 12_000n })
    })

    it('says nothing of calls at other edges, of the same boot, or of a boot that nobody knows', async () => {
      await world.account('acme', { credit: usd('10') })
      const same = await answered('same')
      const unnamed = world.call('unnamed', { instance: undefined })
      allowed(await unnamed.authorize())
      await unnamed.start()
      const other = world.call('other', { leg: legOf('other', { node: 'edge-2' }) })
      allowed(await other.authorize())
      await tell({ type: 'edge_up', instance: '1000' })
      await tell({ type: 'edge_up', instance: '999' })
      expect(await Promise.all([same, unnamed].map(state))).toEqual(['answered', 'answered'])
      await tell({ type: 'edge_up', instance: '2000' })
      expect(await Promise.all([same, unnamed, other].map(state))).toEqual(['ended', 'answered', 'authorized'])
    })

    it.each([
      ['2026-11-23T10:00:00Z', '2026-11-23T11:00:00Z', 'ended'],
      ['2026-11-23T11:00:00Z', '2026-11-23T10:00:00Z', 'answered'],
      ['1795380011.5', '1795380011.25', 'answered'],
      ['999', '1000', 'ended'],
      ['boot-a', 'boot-b', 'ended'],
    ])('goes by the time of its boots where they tell it: %s, then %s', async (before, after, then) => {
      await world.account('acme', { credit: usd('10') })
      const call = await answered('c1', before)
      await tell({ type: 'edge_up', instance: after })
      expect(await state(call)).toBe(then)
    })

    it('closes nothing where the edge can be asked for its calls', async () => {
      await world.account('acme', { credit: usd('10') })
      world.control.canList = true
      const call = await answered('c1')
      await tell({ type: 'edge_up', instance: '2000' })
      expect(await state(call)).toBe('answered')
    })

    it('closes a call once, however often it is told', async () => {
      await world.account('acme', { credit: usd('10') })
      await answered('c1')
      world.clock.advance(20_000)
      await tell({ type: 'edge_up', instance: '2000' })
      const before = await world.dump()
      await tell({ type: 'edge_up', instance: '2000' })
      expect(await world.dump()).toEqual(before)
    })
  })

  describe('which calls it has', () => {
    const listed = (...calls: readonly { callId: string; legId: string }[]) => calls

    it('keeps those alive that it names', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = await answered('c1')
      for (let minute = 0; minute < 5; minute += 1) {
        await world.play(60)
        await tell({ type: 'edge_list', instance: '1000', calls: listed({ callId: 'c1', legId: '' }) })
      }
      expect(await state(call)).toBe('answered')
    })

    it('closes those that are absent twice in a row, when they were last seen', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = await answered('c1')
      world.clock.advance(15_000)
      await call.tell('alive')
      for (const [seconds, after] of [
        [15, 'answered'],
        [10, 'ended'],
      ] as const) {
        world.clock.advance(seconds * 1000)
        await tell({ type: 'edge_list', instance: '1000', calls: [] })
        expect(await state(call)).toBe(after)
      }
      expect((await call.record())?.end).toMatchObject({ presumed: true, seconds: 15, cause: 'absent from its edge' })
      expect((await world.standing('acme')).credit).toBe(usd('9.985'))
    })

    it('counts a list once that comes twice', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = await answered('c1')
      world.clock.advance(30_000)
      const list = { type: 'edge_list', instance: '1000', calls: [], tsMs: world.nowMs } as const
      await tell(list)
      world.clock.advance(1_000)
      await tell(list)
      expect(await state(call)).toBe('answered')
      world.clock.advance(9_000)
      await tell({ ...list, tsMs: world.nowMs })
      expect(await state(call)).toBe('ended')
    })

    it('forgets an absence when the call is heard of again', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = await answered('c1')
      for (let round = 0; round < 4; round += 1) {
        world.clock.advance(10_000)
        await tell({ type: 'edge_list', instance: '1000', calls: [] })
        world.clock.advance(1_000)
        if (round % 2 === 0) await call.tell('alive')
        else await tell({ type: 'edge_list', instance: '1000', calls: listed({ callId: 'c1', legId: '' }) })
      }
      expect(await state(call)).toBe('answered')
    })

    it('says nothing of calls that ring, that just began, or that a newer boot has', async () => {
      await world.account('acme', { credit: usd('10') })
      const ringing = world.call('ringing')
      allowed(await ringing.authorize())
      const newer = await answered('newer', '2000')
      world.clock.advance(30_000)
      const young = await answered('young')
      for (let round = 0; round < 3; round += 1) await tell({ type: 'edge_list', instance: '1000', calls: [] })
      expect(await Promise.all([ringing, newer, young].map(state))).toEqual(['authorized', 'answered', 'answered'])
    })

    it('means all legs of a call when it names none', async () => {
      await world.account('acme', { credit: usd('10') })
      const legs = [
        await answered('c1', '1000', 'a'),
        await answered('c1', '1000', 'b'),
        await answered('c2', '1000', ''),
      ]
      const calls = listed({ callId: 'c1', legId: '' }, { callId: 'c2', legId: 'tag-1' })
      for (let round = 0; round < 3; round += 1) {
        world.clock.advance(10_000)
        await tell({ type: 'edge_list', instance: '1000', calls })
      }
      expect(await Promise.all(legs.map(state))).toEqual(['answered', 'answered', 'answered'])
    })

    it('tells the legs of a call apart when it names them', async () => {
      await world.account('acme', { credit: usd('10') })
      const legs = [await answered('c1', '1000', 'a'), await answered('c1', '1000', 'b')]
      for (let round = 0; round < 2; round += 1) {
        world.clock.advance(10_000)
        await tell({ type: 'edge_list', instance: '1000', calls: listed({ callId: 'c1', legId: 'a' }) })
      }
      expect(await Promise.all(legs.map(state))).toEqual(['answered', 'ended'])
    })

    it('closes a call that was being ended when that began', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = await answered('c1')
      world.clock.advance(20_000)
      await world.desk.end((await call.record())?.call ?? '')
      for (let round = 0; round < 2; round += 1) {
        world.clock.advance(1_000)
        await tell({ type: 'edge_list', instance: '1000', calls: [] })
      }
      expect(await call.record()).toMatchObject({
        state: 'ended',
        end: { presumed: true, seconds: 20, cause: 'absent from its edge' },
      })
    })

    it('goes through all calls of an edge, however many', async () => {
      await world.account('acme', { credit: usd('100') })
      const calls: ACall[] = []
      for (let n = 0; n < 230; n += 1) calls.push(await answered(`c${n}`))
      world.clock.advance(20_000)
      await tell({ type: 'edge_up', instance: '2000' })
      expect(await world.standing('acme')).toMatchObject({ credit: usd('95.4'), reserved: 0n, calls: 0 })
    })
  })
})
