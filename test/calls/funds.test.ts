import { describe, expect, it } from 'vitest'
import type { FundingSource, OnExhausted } from '../../src/accounts/account.ts'
import type { PoolInput } from '../../src/accounts/office.ts'
import { allowed, codeOf, usd } from '../support/a-call.ts'
import { type ACall, type OpenAccount, twoForms, useWorld } from '../support/desk.ts'

/** Counted by the second, from the first one. */
function pool(name: string, seconds: number, changes: Partial<PoolInput> = {}): PoolInput {
  return { name, seconds, freeSeconds: 0, increment: 1, ...changes }
}

describe.each(twoForms)('what pays for a call, on $name', (form) => {
  const world = useWorld(form)

  async function up(callId = 'c1'): Promise<ACall> {
    const call = world.call(callId)
    allowed(await call.authorize())
    await call.start()
    return call
  }

  const partsOf = async (): Promise<readonly (readonly [string, number, string])[]> => {
    const [cdr] = await world.cdrs('acme')
    return (cdr?.parts ?? []).map(({ source, id, seconds, amount }) => [id ?? source, seconds, amount])
  }

  describe('several pools', () => {
    const talked = async (pools: readonly PoolInput[], seconds: number) => {
      await world.account('acme', { credit: usd('10') })
      for (const [n, input] of pools.entries()) {
        world.clock.advance(n === 0 ? 0 : 1_000)
        await world.office().addPool('acme', { id: input.name, ...input })
      }
      const call = await up()
      await call.talk(seconds)
      await call.stop()
      return partsOf()
    }

    it('pay by priority, the lower number first', async () => {
      const pools = [
        pool('late', 100, { priority: 9 }),
        pool('first', 50, { priority: 1 }),
        pool('next', 50, { priority: 5 }),
      ]
      expect(await talked(pools, 130)).toEqual([
        ['first', 50, '0.000000'],
        ['next', 50, '0.000000'],
        ['late', 30, '0.000000'],
      ])
    })

    it('of one priority pay by the earliest end', async () => {
      const soon = Date.parse('2026-12-01T00:00:00Z')
      const pools = [
        pool('never', 100),
        pool('later', 50, { expiresAtMs: soon + 1 }),
        pool('soon', 50, { expiresAtMs: soon }),
      ]
      expect(await talked(pools, 130)).toEqual([
        ['soon', 50, '0.000000'],
        ['later', 50, '0.000000'],
        ['never', 30, '0.000000'],
      ])
    })

    it('of one priority and end pay by their age', async () => {
      const pools = [pool('b', 50), pool('a', 50), pool('c', 50)]
      expect(await talked(pools, 120)).toEqual([
        ['b', 50, '0.000000'],
        ['a', 50, '0.000000'],
        ['c', 20, '0.000000'],
      ])
    })

    it('pay only for calls that they are for', async () => {
      const pools = [
        pool('inbound', 300, { directions: ['inbound'] }),
        pool('france', 300, { prefixes: ['33'] }),
        pool('over', 300, { expiresAtMs: Date.parse('2026-11-23T12:00:01Z') }),
        pool('london', 300, { prefixes: ['1', '4420'] }),
      ]
      expect(await talked(pools, 60)).toEqual([['london', 60, '0.000000']])
    })

    it('go on with a call that one of them lets finish, though another would spill', async () => {
      const pools = [pool('spills', 50, { onExhausted: 'spill' }), pool('finishes', 50, { onExhausted: 'finish_call' })]
      expect(await talked(pools, 130)).toEqual([
        ['spills', 50, '0.000000'],
        ['finishes', 50, '0.000000'],
      ])
      expect((await world.cdrs())[0]).toMatchObject({ overrunSeconds: 30, charge: '0.000000' })
    })

    it('count each by its own increment', async () => {
      const pools = [pool('minutes', 90, { increment: 60 }), pool('seconds', 300)]
      expect(await talked(pools, 100)).toEqual([
        ['minutes', 90, '0.000000'],
        ['seconds', 10, '0.000000'],
      ])
    })

    it('take nothing for a call that is too short for the one that pays first', async () => {
      const pools = [pool('a', 30, { freeSeconds: 30 }), pool('b', 300)]
      expect(await talked(pools, 20)).toEqual([])
    })
  })

  describe('a pool that runs out in a call', () => {
    const talked = async (onExhausted: OnExhausted, account: OpenAccount, seconds: number): Promise<ACall> => {
      await world.account('acme', { pools: [pool('a', 90, { onExhausted })], ...account })
      const call = await up()
      await call.talk(seconds)
      return call
    }

    it('lets it finish, unpaid', async () => {
      const call = await talked('finish_call', { credit: usd('10') }, 200)
      expect(await call.stop()).toMatchObject({ charge: 0n })
      expect((await world.cdrs())[0]).toMatchObject({ fundedBy: 'pool', overrunSeconds: 110, flags: ['overrun'] })
    })

    it('cuts it with its last second', async () => {
      const call = await talked('cut', { credit: usd('10') }, 90)
      expect(world.control.ended).toMatchObject([{ reason: 'no_minutes' }])
      expect(await call.record()).toMatchObject({ grantedSeconds: 90 })
      expect(await call.stop()).toMatchObject({ charge: 0n, seconds: 90 })
      expect((await world.cdrs())[0]).toMatchObject({ overrunSeconds: 0, flags: [] })
    })

    it('does not cut a call that got more minutes in time', async () => {
      const call = await talked('cut', {}, 80)
      await world.office().patchPool('acme', 'a', { seconds: 300 })
      await call.talk(120)
      expect(world.control.ended).toEqual([])
      expect(await call.stop()).toMatchObject({ seconds: 200 })
      expect((await world.standing('acme')).pools).toEqual({ a: [100, 0] })
    })

    it.each(['finish_call', 'cut', 'spill'] as const)(
      'lets a call end whose minutes became fewer than it talked: %s',
      async (onExhausted) => {
        const call = await talked(onExhausted, { credit: usd('10') }, 50)
        await world.office().patchPool('acme', 'a', { seconds: 30 })
        await call.talk(5)
        expect(await call.stop()).toMatchObject({ state: 'ended', seconds: 55 })
        expect(await world.office().balance('acme')).toMatchObject({
          reserved: 0n,
          pools: [{ total: 30, remaining: 0, reserved: 0 }],
        })
      },
    )

    it('spills to credit from there on, without the fee of a call that begins', async () => {
      const fees = { prefix: '44', perMinute: '0.06', connectFee: '1', firstIncrement: 1, nextIncrement: 1 }
      await world.activate([fees], { name: 'fees' })
      const call = await talked('spill', { credit: usd('10'), tariff: 'fees' }, 200)
      expect(await call.stop()).toMatchObject({ charge: usd('0.11') })
      expect(await partsOf()).toEqual([
        ['a', 90, '0.000000'],
        ['credit', 110, '0.110000'],
      ])
      expect((await world.cdrs())[0]).toMatchObject({ fundedBy: 'mixed', billedSeconds: 200, flags: [] })
    })

    it('spills to credit, which cuts it when that ends', async () => {
      const call = await talked('spill', { credit: usd('0.05') }, 140)
      expect(world.control.ended).toMatchObject([{ reason: 'credit_exhausted' }])
      expect(await call.stop()).toMatchObject({ charge: usd('0.05') })
    })

    it('spills to nothing when nothing prices the call, and cuts it', async () => {
      const call = await talked('spill', { credit: usd('10'), tariff: 'none' }, 90)
      expect(world.control.ended).toMatchObject([{ callId: 'c1' }])
      expect((await call.record())?.grantedSeconds).toBe(90)
      expect(await call.stop({ seconds: 90 })).toMatchObject({ charge: 0n })
    })

    it('costs nothing beside the minutes when they paid for all of the talk', async () => {
      await world.account('acme', {
        credit: usd('10'),
        tariff: 'minutes',
        pools: [pool('a', 300, { onExhausted: 'spill' })],
      })
      const call = await up()
      await call.talk(20)
      expect(await call.stop()).toMatchObject({ charge: 0n, billedSeconds: 20 })
      expect((await world.standing('acme')).pools).toEqual({ a: [280, 0] })
    })

    it('is charged whole increments of credit from where the minutes ended', async () => {
      await world.account('acme', {
        credit: usd('10'),
        tariff: 'minutes',
        pools: [pool('a', 30, { onExhausted: 'spill' })],
      })
      const call = await up()
      expect((await world.standing('acme')).reserved).toBe(usd('0.03'))
      await call.talk(31)
      expect(await call.stop()).toMatchObject({ charge: usd('0.03'), billedSeconds: 60 })
    })
  })

  describe('use beyond what was granted', () => {
    it('takes minutes that are left, and is flagged', async () => {
      await world.account('acme', { pools: [pool('a', 300)] })
      const call = await up()
      await call.stop({ seconds: 100 })
      expect((await world.standing('acme')).pools).toEqual({ a: [200, 0] })
      expect((await world.cdrs())[0]).toMatchObject({ overrunSeconds: 0, flags: ['overrun'] })
    })

    it('takes them also from a pool that was changed meanwhile, whatever a daemon remembers', async () => {
      await world.account('acme', { pools: [pool('a', 60)] })
      const desk = world.daemon()
      const call = world.call('c1')
      allowed(await call.authorize({}, desk))
      await call.start({}, desk)
      await world.office().patchPool('acme', 'a', { seconds: 300 })
      expect(await call.stop({ seconds: 100 }, desk)).toMatchObject({ state: 'ended' })
      expect((await world.standing('acme')).pools).toEqual({ a: [200, 0] })
    })

    it('goes below zero where minutes spill, and is flagged', async () => {
      await world.account('acme', { pools: [pool('a', 90, { onExhausted: 'spill' })] })
      const call = await up()
      expect(await call.stop({ seconds: 100 })).toMatchObject({ charge: 10_000n })
      expect((await world.standing('acme')).credit).toBe(-10_000n)
      expect((await world.cdrs())[0]?.flags).toEqual(['overrun'])
    })

    it('goes below zero at a parent, and is flagged there too', async () => {
      await world.account('house', { credit: usd('0.03'), tariff: 'wholesale' })
      await world.account('acme', { parent: 'house', pools: [pool('a', 300)] })
      const call = await up()
      await call.stop({ seconds: 100 })
      expect((await world.standing('house')).credit).toBe(usd('-0.02'))
      expect((await world.cdrs('house'))[0]).toMatchObject({ charge: '0.050000', flags: ['overrun'] })
    })
  })

  describe('the order of the account', () => {
    const all: OpenAccount = {
      credit: usd('10'),
      trunks: { inbound: 0, outbound: 1, twoWay: 0 },
      pools: [pool('a', 60)],
    }

    it.each<[readonly FundingSource[], readonly string[]]>([
      [
        ['trunk', 'pool', 'credit'],
        ['trunk', 'pool', 'trunk_limit'],
      ],
      [
        ['pool', 'trunk', 'credit'],
        ['pool', 'no_minutes', 'no_minutes'],
      ],
      [
        ['credit', 'pool', 'trunk'],
        ['credit', 'credit', 'credit'],
      ],
      [
        ['trunk', 'credit'],
        ['trunk', 'credit', 'credit'],
      ],
      [['pool'], ['pool', 'no_minutes', 'no_minutes']],
      [['trunk'], ['trunk', 'trunk_limit', 'trunk_limit']],
      [['credit'], ['credit', 'credit', 'credit']],
    ])('%j pays for one call after the other by %j', async (funding, expected) => {
      await world.account('acme', { ...all, funding })
      const paid: string[] = []
      for (let n = 0; n < 3; n += 1) {
        const answer = await world.call(`c${n}`).authorize()
        paid.push(answer.kind === 'allowed' ? answer.fundedBy : codeOf(answer))
      }
      expect(paid).toEqual(expected)
    })

    it('spills from pools to credit only where all of them do', async () => {
      const spill = { onExhausted: 'spill' } as const
      await world.account('acme', {
        ...all,
        trunks: { inbound: 0, outbound: 0, twoWay: 0 },
        pools: [pool('a', 60, spill)],
      })
      const paid: string[] = []
      for (const [n, add] of [
        [0, undefined],
        [1, pool('b', 0)],
        [2, undefined],
      ] as const) {
        const answer = await world.call(`c${n}`).authorize()
        paid.push(answer.kind === 'allowed' ? answer.fundedBy : codeOf(answer))
        if (add) await world.office().addPool('acme', { id: 'b', ...add })
      }
      expect(paid).toEqual(['pool', 'credit', 'no_minutes'])
    })
  })

  describe('a chain', () => {
    const levels = ['root', 'region', 'partner', 'reseller', 'acme'] as const

    /** The last `depth` accounts, each below the one before; every level has its own price, dearer the lower it is. */
    async function chain(
      depth: number,
      changes: Partial<Record<(typeof levels)[number], OpenAccount>> = {},
    ): Promise<readonly string[]> {
      const names = levels.slice(levels.length - depth)
      for (const [n, name] of names.entries()) {
        const rate = { prefix: '44', perMinute: String((n + 1) * 0.06), firstIncrement: 1, nextIncrement: 1 }
        await world.activate([rate], { name: `of-${name}` })
        const parent = names[n - 1]
        const input = { credit: usd('1'), tariff: `of-${name}`, ...(parent === undefined ? {} : { parent }) }
        await world.account(name, { ...input, ...changes[name] })
      }
      return names
    }

    it.each([2, 3, 5])('of %i levels pays at each by its own price', async (depth) => {
      const names = await chain(depth)
      const call = await up()
      await call.talk(100)
      await call.stop()
      for (const [n, name] of names.entries()) {
        expect(await world.standing(name)).toMatchObject({
          credit: usd('1') - BigInt(n + 1) * 100_000n,
          reserved: 0n,
          calls: 0,
        })
      }
      const cdrs = await world.cdrs()
      expect(cdrs.map(({ account, level }) => [account, level])).toEqual(
        names.toReversed().map((name, level) => [name, level]),
      )
      const entries = (await world.entries()).filter(({ kind }) => kind === 'settle')
      expect(entries).toHaveLength(1)
    })

    it.each(levels.slice(0, 4))('is refused as a whole when %s has no credit', async (poor) => {
      await chain(5, { [poor]: { credit: usd('0.000001') } })
      const before = await world.dump()
      expect(codeOf(await world.call('c1').authorize())).toBe('no_credit')
      expect(await world.dump()).toEqual(before)
    })

    it.each([
      ['root', 50],
      ['partner', 16],
      ['acme', 10],
    ] as const)('lasts only as long as %s can pay', async (poor, seconds) => {
      await chain(5, { [poor]: { credit: 50_000n } })
      expect(allowed(await world.call('c1').authorize())).toMatchObject({ reservedSeconds: seconds, final: true })
      const held = await Promise.all(levels.map(async (name) => (await world.standing(name)).reserved))
      expect(held).toEqual(levels.map((_name, n) => BigInt(seconds * (n + 1) * 1000)))
    })

    it('is extended as a whole, and cut when one level has no more', async () => {
      await chain(3, { partner: { credit: usd('0.08') } })
      const call = await up()
      await call.talk(80)
      expect(world.control.ended).toMatchObject([{ reason: 'credit_exhausted' }])
      await call.stop()
      const credits = await Promise.all(
        ['partner', 'reseller', 'acme'].map(async (name) => (await world.standing(name)).credit),
      )
      expect(credits).toEqual([0n, usd('0.84'), usd('0.76')])
    })

    it('may pay differently at each level', async () => {
      await chain(3, {
        partner: { trunks: { inbound: 0, outbound: 1, twoWay: 0 } },
        reseller: { pools: [pool('a', 600)] },
      })
      const call = await up()
      expect(await world.standing('partner')).toMatchObject({ reserved: 0n, channels: { outbound: 1 } })
      await call.talk(100)
      await call.stop()
      expect((await world.cdrs()).map(({ account, fundedBy, charge }) => [account, fundedBy, charge])).toEqual([
        ['acme', 'credit', '0.300000'],
        ['reseller', 'pool', '0.000000'],
        ['partner', 'trunk', '0.000000'],
      ])
    })

    it('leaves out the money of a parent that has no price', async () => {
      await world.account('house', { tariff: undefined })
      await world.office().patch('house', { tariff: undefined })
      await world.account('acme', { parent: 'house', credit: usd('1') })
      const call = await up()
      await call.talk(100)
      await call.stop()
      expect((await world.cdrs()).map(({ account, charge, flags }) => [account, charge, flags])).toEqual([
        ['acme', '0.100000', []],
        ['house', '0.000000', []],
      ])
      expect(await world.standing('house')).toMatchObject({ credit: 0n, calls: 0 })
    })

    it('goes on at no cost to a parent that has a price only since', async () => {
      await world.office().put('house', {})
      await world.account('acme', { parent: 'house', credit: usd('1') })
      const call = await up()
      await world.office().patch('house', { tariff: 'wholesale' })
      await call.talk(100)
      expect(world.control.ended).toEqual([])
      await call.stop()
      expect((await world.cdrs('house'))[0]).toMatchObject({ charge: '0.000000', flags: [] })
    })

    it('takes the tariff of its nearest parent where the payer has none', async () => {
      await world.account('house', { tariff: 'wholesale', credit: usd('1') })
      await world.office().put('acme', { parent: 'house' })
      await world.credit('acme', usd('1'))
      const call = await up()
      await call.stop({ seconds: 60 })
      expect((await world.standing('acme')).credit).toBe(usd('0.97'))
    })
  })
})
