/** Edges are slow, or hang: what they are asked is never waited for while calls are looked after. */
import { describe, expect, it } from 'vitest'
import { EdgeAsks } from '../../src/calls/edge-asks.ts'
import type { EdgeCall, EdgeControl } from '../../src/calls/edge-control.ts'
import { allowed, usd } from '../support/a-call.ts'
import { twoForms, useWorld } from '../support/desk.ts'

/** Answers nothing until it is told to. */
class HangingEdge implements EdgeControl {
  readonly canEnd = true
  readonly canRaise = true
  readonly canList = false
  readonly asked: string[] = []
  readonly #woken = Promise.withResolvers<undefined>()

  end({ callId }: EdgeCall): Promise<void> {
    this.asked.push(callId)
    return this.#woken.promise
  }

  raise({ callId }: EdgeCall): Promise<void> {
    this.asked.push(callId)
    return this.#woken.promise
  }

  list(): Promise<never> {
    return Promise.reject(new Error('it cannot'))
  }

  wake(): void {
    this.#woken.resolve(undefined)
  }
}

describe.each(twoForms)('an edge that hangs, on $name', (form) => {
  const world = useWorld(form)

  it('keeps no call of another edge from being cut when its money ends', async () => {
    const hanging = new HangingEdge()
    const daemon = world.daemon({ controlOf: (node) => (node === 'hangs' ? hanging : world.control) })
    await world.account('acme', { credit: usd('4.26') })
    const stuck = Array.from({ length: 70 }, (_, index) =>
      world.call(`stuck-${index}`, { leg: { node: 'hangs', callId: `stuck-${index}`, legId: '' } }),
    )
    const other = world.call('other')
    for (const call of [...stuck, other]) {
      allowed(await call.authorize({}, daemon))
      await call.start({}, daemon)
    }
    world.clock.advance(50_000)
    await daemon.clockwork.tick()
    world.clock.advance(9_500)
    await daemon.clockwork.tick()
    expect(world.control.ended.map(({ callId }) => callId)).toEqual(['other'])
    expect((await stuck[69]!.record())?.state).toBe('ending')
    expect(hanging.asked).toHaveLength(64)

    hanging.wake()
    await daemon.clockwork.idle()
    expect(hanging.asked.toSorted()).toEqual(stuck.map((call) => call.said.leg.callId).toSorted())
  })

  it('keeps no call of another edge from its next slice', async () => {
    const hanging = new HangingEdge()
    const daemon = world.daemon({ controlOf: (node) => (node === 'hangs' ? hanging : world.control) })
    await world.account('acme', { credit: usd('100') })
    const stuck = world.call('stuck', { leg: { node: 'hangs', callId: 'stuck', legId: '' } })
    const other = world.call('other')
    for (const call of [stuck, other]) {
      allowed(await call.authorize({}, daemon))
      await call.start({}, daemon)
    }
    for (let slice = 2; slice <= 3; slice += 1) {
      world.clock.advance(60_000)
      await daemon.clockwork.tick()
      for (const call of [stuck, other]) expect((await call.record())?.grantedSeconds).toBe(60 * slice)
    }
    expect(hanging.asked).toEqual(['stuck', 'stuck'])
    hanging.wake()
    await daemon.clockwork.idle()
  })
})

describe('what an edge is to be asked', () => {
  it('waits in its turn while much is under way, once for each call and the newest', async () => {
    const asks = new EdgeAsks()
    const woken = Promise.withResolvers<undefined>()
    const ran: string[] = []
    const ask = (call: string, what: string): void => {
      asks.put({
        node: 'edge-1',
        call,
        run: async () => {
          ran.push(what)
          await woken.promise
        },
      })
    }
    for (let index = 0; index < 64; index += 1) ask(`call-${index}`, `first ${index}`)
    ask('late', 'older')
    ask('late', 'newer')
    ask('later', 'last')
    expect(ran).toHaveLength(64)
    woken.resolve(undefined)
    await asks.idle()
    expect(ran.slice(64)).toEqual(['newer', 'last'])
  })
})
