import { describe, expect, it } from 'vitest'
import type { EventResult } from '../../src/calls/requests.ts'
import { type CallWords, event, legOf, request, usd, words } from '../support/a-call.ts'
import { forms, type OpenAccount, useWorld, type World } from '../support/desk.ts'

/** What is sent of one call, told apart by a letter; times are those of the edge, whenever it arrives. */
interface Call {
  readonly said: CallWords
  readonly answeredAtMs: number
  readonly endedAtMs: number
}

type Sent = (world: World, call: Call) => Promise<unknown>

const tell =
  (type: 'start' | 'stop' | 'failed' | 'alive', times: (call: Call) => Parameters<typeof event>[2]): Sent =>
  (world, call) =>
    world.desk.event(event(type, call.said, times(call)))

const stop = tell('stop', ({ answeredAtMs, endedAtMs }) => ({ answeredAtMs, endedAtMs, tsMs: endedAtMs }))

const sent: Readonly<Record<string, Sent>> = {
  authorize: (world, { said }) => world.desk.authorize(request(said)),
  'one attempt': (world, { said }) => world.desk.authorize(request(said, { attempt: '1' })),
  'another attempt': (world, { said }) => world.desk.authorize(request(said, { attempt: '2' })),
  start: tell('start', ({ answeredAtMs }) => ({ answeredAtMs, tsMs: answeredAtMs })),
  alive: tell('alive', ({ answeredAtMs }) => ({ tsMs: answeredAtMs + 20_000 })),
  stop,
  'stop again': stop,
  'stop unanswered': tell('stop', ({ endedAtMs }) => ({ endedAtMs, tsMs: endedAtMs })),
  failed: tell('failed', ({ answeredAtMs }) => ({ tsMs: answeredAtMs })),
  'failed again': tell('failed', ({ answeredAtMs }) => ({ tsMs: answeredAtMs })),
  clock: (world) => world.tick(),
}

function permutations<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length <= 1) return [items]
  return items.flatMap((item, at) => permutations(items.toSpliced(at, 1)).map((rest) => [item, ...rest]))
}

/** Sends the same in every order, each order to a leg of its own. */
async function everyOrder(
  world: World,
  names: readonly string[],
  check: (call: Call, order: string) => Promise<void>,
): Promise<number> {
  const orders = permutations(names)
  for (const [n, order] of orders.entries()) {
    const answeredAtMs = world.nowMs - 50_000
    const call = { said: words('', { leg: legOf(`order-${n}`) }), answeredAtMs, endedAtMs: answeredAtMs + 42_000 }
    for (const name of order) {
      await sent[name]?.(world, call)
      world.clock.advance(500)
    }
    await check(call, order.join(', '))
  }
  return orders.length
}

const accounts: readonly (readonly [string, OpenAccount, { charge: bigint; fundedBy: string; seconds: number }])[] = [
  ['credit', { credit: usd('100') }, { charge: 42_000n, fundedBy: 'credit', seconds: 0 }],
  ['whole minutes', { credit: usd('100'), tariff: 'minutes' }, { charge: 60_000n, fundedBy: 'credit', seconds: 0 }],
  ['a trunk', { trunks: { inbound: 0, outbound: 1, twoWay: 0 } }, { charge: 0n, fundedBy: 'trunk', seconds: 0 }],
  ['minutes', { pools: [{ name: 'a', seconds: 600_000 }] }, { charge: 0n, fundedBy: 'pool', seconds: 60 }],
  ['nothing', {}, { charge: 42_000n, fundedBy: 'credit', seconds: 0 }],
]

describe.each(forms)('the words of a call in every order, on $name', (form) => {
  const world = useWorld(form)

  const state = async (call: Call) => (await world.record(call.said))?.state

  const answeredCall = ['authorize', 'start', 'stop', 'stop again', 'failed']
  const withLife = [...answeredCall, 'alive']

  it.each(accounts)(
    'charge it once and alike, paid by %s',
    async (what, account, expected) => {
      await world.account('acme', account)
      const orders = await everyOrder(
        world,
        form === forms[0] && what === 'credit' ? withLife : answeredCall,
        async (call, order) => {
          const last = (await stop(world, call)) as EventResult
          expect({ order, ...last }).toMatchObject({
            order,
            state: 'ended',
            charge: expected.charge,
            seconds: 42,
            ignored: true,
          })
        },
      )
      const { credit, reserved, calls } = await world.standing('acme')
      expect({ credit, reserved, calls }).toEqual({
        credit: (account.credit ?? 0n) - BigInt(orders) * expected.charge,
        reserved: 0n,
        calls: 0,
      })
      const cdrs = await world.cdrs('acme')
      expect(cdrs).toHaveLength(orders)
      expect(new Set(cdrs.map(({ revision, fundedBy, parts }) => `${revision} ${fundedBy} ${parts.length}`)).size).toBe(
        1,
      )
      expect(cdrs[0]?.fundedBy).toBe(expected.fundedBy)
      const pool = (await world.balance('acme')).pools[0]
      if (pool) expect(pool.total - pool.remaining).toBe(orders * expected.seconds)
    },
    20_000,
  )

  it('charge it once at every level of its chain', async () => {
    await world.account('root', { credit: usd('100'), tariff: 'wholesale' })
    await world.account('acme', { credit: usd('100'), parent: 'root' })
    const orders = await everyOrder(world, ['authorize', 'start', 'stop', 'failed'], async (call, order) => {
      expect({ order, state: await state(call) }).toEqual({ order, state: 'ended' })
    })
    expect((await world.standing('acme')).credit).toBe(usd('100') - BigInt(orders) * 42_000n)
    expect((await world.standing('root')).credit).toBe(usd('100') - BigInt(orders) * 21_000n)
  })

  it('charge it once though the clock looks at it in between', async () => {
    await world.account('acme', { credit: usd('100') })
    const orders = await everyOrder(world, ['authorize', 'start', 'stop', 'clock', 'clock'], async (call) => {
      expect(await state(call)).toBe('ended')
    })
    expect((await world.standing('acme')).credit).toBe(usd('100') - BigInt(orders) * 42_000n)
  })

  it('leave nothing of a call that nobody answered', async () => {
    await world.account('acme', { credit: usd('100') })
    const before = await world.standing('acme')
    await everyOrder(world, ['authorize', 'failed', 'failed again', 'stop unanswered'], async (call, order) => {
      expect({ order, state: await state(call) }).toEqual({ order, state: 'failed' })
    })
    expect(await world.standing('acme')).toEqual(before)
    expect(await world.cdrs()).toEqual([])
  })

  it('leave a call up that was answered, whatever was said of its failure', async () => {
    await world.account('acme', { credit: usd('100') })
    const orders = await everyOrder(world, ['authorize', 'start', 'failed', 'failed again'], async (call, order) => {
      expect({ order, state: await state(call) }).toEqual({ order, state: 'answered' })
    })
    expect((await world.standing('acme')).calls).toBe(orders)
  })

  it('never hold two slices for one leg', async () => {
    await world.account('acme', { credit: usd('100') })
    let live = 0
    await everyOrder(world, ['one attempt', 'another attempt', 'failed', 'one attempt'], async (call) => {
      const isLive = (await state(call)) === 'authorized'
      live += isLive ? 1 : 0
      const { calls, reserved } = await world.standing('acme')
      expect({ calls, reserved }).toEqual({ calls: live, reserved: BigInt(live) * 60_000n })
    })
    expect(live).toBeGreaterThan(0)
  })
})
