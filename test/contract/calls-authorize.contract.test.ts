import { describe, expect, it } from 'vitest'
import type { AuthorizeAnswer, AuthorizeRequest } from '../../src/calls/requests.ts'
import { allowed, codeOf, LONDON, usd } from '../support/a-call.ts'
import { type ACall, forms, type OpenAccount, useWorld, type World } from '../support/desk.ts'

interface Refusal {
  readonly code: string
  readonly when: string
  readonly account?: OpenAccount
  /** More of what there is before the call. */
  readonly before?: (world: World) => Promise<unknown>
  readonly asks?: Partial<AuthorizeRequest>
}

const rich: OpenAccount = { credit: usd('10') }
const pool = { name: 'minutes', seconds: 60, freeSeconds: 0, increment: 1 }

async function below(world: World, parent: OpenAccount, child: OpenAccount): Promise<void> {
  await world.account('house', parent)
  await world.account('acme', { parent: 'house', ...child })
}

/** Calls that are up already. */
function withCalls(count: number) {
  return async (world: World): Promise<void> => {
    for (let n = 0; n < count; n += 1) allowed(await world.call(`other-${n}`).authorize())
  }
}

/** The first call that a cap refuses is told of, the next is not. */
function toldOnce(before: (world: World) => Promise<void>) {
  return async (world: World): Promise<void> => {
    await before(world)
    expect(codeOf(await world.call('told').authorize())).toBe('spend_cap')
  }
}

const refusals: readonly Refusal[] = [
  { code: 'account_unknown', when: 'nobody has the account', asks: { account: 'nobody' } },
  { code: 'account_unknown', when: 'no rule identifies the payer', asks: { account: undefined, source: '192.0.2.1' } },
  { code: 'account_suspended', when: 'the account is suspended', account: { ...rich, status: 'suspended' } },
  { code: 'account_suspended', when: 'the account is closed', account: { ...rich, status: 'closed' } },
  {
    code: 'account_suspended',
    when: 'its parent is suspended',
    before: (world) => below(world, { ...rich, status: 'suspended' }, rich),
  },
  { code: 'destination_blocked', when: 'the account blocks it', account: { ...rich, blockedPrefixes: ['4420'] } },
  {
    code: 'destination_blocked',
    when: 'its parent blocks it',
    before: (world) => below(world, { ...rich, blockedPrefixes: ['4420'] }, rich),
  },
  { code: 'destination_blocked', when: 'the tariff blocks it', account: rich, asks: { to: '+9001234' } },
  {
    code: 'destination_blocked',
    when: 'the tariff blocks it though a trunk would carry it',
    account: { trunks: { inbound: 0, outbound: 1, twoWay: 0 } },
    asks: { to: '+9001234' },
  },
  { code: 'no_rate', when: 'nothing prices the number', account: rich, asks: { to: '+33123456789' } },
  { code: 'no_rate', when: 'no tariff is in force', account: { ...rich, tariff: 'none' } },
  {
    code: 'no_rate',
    when: 'its parent has no price',
    before: (world) => below(world, { ...rich, tariff: 'none' }, rich),
  },
  {
    code: 'price_cap',
    when: 'it is dearer than the account allows',
    account: { ...rich, maxPricePerMinute: '0.059999' },
  },
  {
    code: 'call_limit',
    when: 'the account has all the calls it may',
    account: { ...rich, maxCalls: 2 },
    before: withCalls(2),
  },
  {
    code: 'call_limit',
    when: 'its parent has all the calls it may',
    before: async (world) => {
      await below(world, { ...rich, maxCalls: 1 }, rich)
      await withCalls(1)(world)
    },
  },
  {
    code: 'trunk_limit',
    when: 'all trunks are busy and there is no credit',
    account: { trunks: { inbound: 9, outbound: 1, twoWay: 1 } },
    before: withCalls(2),
  },
  {
    code: 'trunk_limit',
    when: 'all trunks are busy and the minutes are used up',
    account: { trunks: { inbound: 0, outbound: 1, twoWay: 0 }, pools: [{ ...pool, seconds: 0 }] },
    before: withCalls(1),
  },
  {
    code: 'no_minutes',
    when: 'the minutes are used up, whatever the credit',
    account: { ...rich, pools: [{ ...pool, seconds: 0 }] },
  },
  {
    code: 'no_minutes',
    when: 'the minutes are put aside for another call',
    account: { pools: [pool] },
    before: withCalls(1),
  },
  {
    code: 'no_credit',
    when: 'minutes that spill are used up and so is the credit',
    account: { pools: [{ ...pool, seconds: 0, onExhausted: 'spill' }] },
  },
  { code: 'no_credit', when: 'there is none' },
  {
    code: 'no_credit',
    when: 'the trunks are of the other direction',
    account: { trunks: { inbound: 5, outbound: 0, twoWay: 0 } },
  },
  {
    code: 'no_credit',
    when: 'all of it is put aside for other calls',
    account: { credit: usd('0.12') },
    before: withCalls(2),
  },
  { code: 'no_credit', when: 'it does not pay the first second', account: { credit: 999n } },
  { code: 'no_credit', when: 'its parent has none', before: (world) => below(world, {}, rich) },
  {
    code: 'no_credit',
    when: 'its root has none',
    before: async (world) => {
      await world.account('root', {})
      await world.account('house', { ...rich, parent: 'root' })
      await world.account('acme', { ...rich, parent: 'house' })
    },
  },
  {
    code: 'spend_cap',
    when: 'the cap of the day is promised to other calls',
    account: { ...rich, spendCaps: { day: usd('0.12') } },
    before: toldOnce(withCalls(2)),
  },
  {
    code: 'spend_cap',
    when: 'the cap of the month is promised to other calls',
    account: { ...rich, spendCaps: { month: usd('0.06') } },
    before: toldOnce(withCalls(1)),
  },
]

/** The answer of a request that must not change anything. */
async function untouched(world: World, work: () => Promise<AuthorizeAnswer>): Promise<AuthorizeAnswer> {
  const before = await world.dump()
  const answer = await work()
  expect(await world.dump()).toEqual(before)
  return answer
}

describe.each(forms)('a call that begins, on $name', (form) => {
  const world = useWorld(form)

  it.each(refusals)('is refused $code when $when, and leaves nothing behind', async (refusal) => {
    const { code, account, before, asks } = refusal
    if (account ?? !before) await world.account('acme', account)
    await before?.(world)
    const call = world.call('c1')
    expect(codeOf(await untouched(world, () => call.authorize(asks)))).toBe(code)
    expect(codeOf(await untouched(world, () => call.authorize(asks)))).toBe(code)
    const first = world.daemon()
    expect(codeOf(await untouched(world, () => call.authorize(asks, first)))).toBe(code)
  })

  it('is granted a slice, and what it may use is put aside', async () => {
    await world.account('acme', { credit: usd('10') })
    expect(await world.call('c1').authorize()).toEqual({
      kind: 'allowed',
      call: expect.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/),
      account: 'acme',
      currency: 'USD',
      reservedSeconds: 60,
      reserved: usd('0.06'),
      final: false,
      fundedBy: 'credit',
      maxDurationSeconds: 600,
    })
    expect(await world.standing('acme')).toMatchObject({ credit: usd('10'), reserved: usd('0.06'), calls: 1 })
  })

  it('is granted what little there is, and told that no more can be had', async () => {
    await world.account('acme', { credit: 25_999n })
    const answer = await world.call('c1').authorize()
    expect(answer).toMatchObject({ reservedSeconds: 25, reserved: 25_000n, final: true, maxDurationSeconds: 25 })
  })

  it('goes below zero only as far as the credit limit', async () => {
    await world.account('acme', { creditLimit: usd('0.1') })
    expect(allowed(await world.call('c1').authorize())).toMatchObject({ reservedSeconds: 60, maxDurationSeconds: 100 })
    expect(allowed(await world.call('c2').authorize())).toMatchObject({ reservedSeconds: 40, final: true })
    expect(codeOf(await world.call('c3').authorize())).toBe('no_credit')
  })

  it('is charged to the account that the rules name', async () => {
    await world.account('acme', { credit: usd('1') })
    world.identify = ({ source }) => (source === '192.0.2.7' ? { account: 'acme', trunk: 't1' } : undefined)
    const answer = await world.call('c1').authorize({ account: undefined, source: '192.0.2.7' })
    expect(allowed(answer)).toMatchObject({ account: 'acme', fundedBy: 'credit' })
  })

  it('takes its place among the calls of every account above it', async () => {
    await world.account('root', { credit: usd('1') })
    await world.account('house', { parent: 'root', credit: usd('1'), tariff: 'wholesale' })
    await world.account('acme', { parent: 'house', credit: usd('1') })
    allowed(await world.call('c1').authorize())
    for (const account of ['acme', 'house', 'root']) expect((await world.standing(account)).calls).toBe(1)
    expect((await world.standing('house')).reserved).toBe(usd('0.03'))
  })

  describe('asked again', () => {
    it('gets the same answer, and changes nothing', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = world.call('c1')
      const first = await call.authorize({ attempt: '1' })
      for (const changes of [{ attempt: '1' }, { instance: '2000' }, { ref: { hId: 7 } }]) {
        expect(await untouched(world, () => call.authorize(changes))).toEqual(first)
      }
      world.clock.advance(5_000)
      expect(await untouched(world, () => call.authorize({}, world.daemon()))).toEqual(first)
    })

    it('gets the same answer when it was answered and extended meanwhile', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = world.call('c1')
      const first = await call.authorize()
      await call.start()
      await call.talk(130)
      expect(await call.authorize()).toEqual(first)
    })

    it('gets the same answer when the credit was gone meanwhile', async () => {
      await world.account('acme', { credit: usd('0.1') })
      const call = world.call('c1')
      const first = await call.authorize()
      await world.credit('acme', -usd('0.04'))
      expect(await call.authorize()).toEqual(first)
      expect(codeOf(await world.call('c2').authorize())).toBe('no_credit')
    })

    it.each<[string, Partial<AuthorizeRequest>]>([
      ['another number', { to: '+442079460959' }],
      ['another caller', { from: '+12125550101' }],
      ['another user', { user: 'bob' }],
      ['another direction', { direction: 'inbound' }],
      ['another medium', { media: 'video' }],
      ['another mode', { mode: 'whole' }],
      ['another length', { requestSeconds: 30 }],
      ['another account', { account: 'other' }],
      ['an account of another tree', { account: 'far' }],
    ])('is a conflict with %s', async (_what, changes) => {
      await world.account('acme', { credit: usd('10') })
      await world.account('other', { credit: usd('10'), parent: 'acme' })
      await world.account('far', { credit: usd('10') })
      const call = world.call('c1')
      allowed(await call.authorize())
      expect(codeOf(await untouched(world, () => call.authorize(changes)))).toBe('conflict')
      expect(codeOf(await untouched(world, () => call.authorize(changes, world.daemon())))).toBe('conflict')
    })

    it('is denied anew once what refused it is gone, and allowed then', async () => {
      await world.account('acme')
      const call = world.call('c1')
      expect(codeOf(await call.authorize())).toBe('no_credit')
      await world.credit('acme', usd('1'))
      expect(codeOf(await call.authorize())).toBe('ok')
    })

    it('may name another payer after it was refused', async () => {
      await world.account('acme')
      await world.account('far', { credit: usd('1') })
      const call = world.call('c1')
      expect(codeOf(await call.authorize())).toBe('no_credit')
      expect(allowed(await call.authorize({ account: 'far' })).account).toBe('far')
    })

    it('meets its past also when nobody is found who would pay', async () => {
      await world.account('acme', { credit: usd('1') })
      const call = world.call('c1')
      allowed(await call.authorize())
      expect(codeOf(await call.authorize({ account: 'nobody' }))).toBe('conflict')
      await call.tell('failed')
      expect(codeOf(await call.authorize({ account: 'nobody' }))).toBe('gone')
    })
  })

  describe('after it failed', () => {
    const failed = async (attempt?: string): Promise<ACall> => {
      await world.account('acme', { credit: usd('10') })
      await world.account('far', { credit: usd('10') })
      const call = world.call('c1')
      allowed(await call.authorize(attempt === undefined ? {} : { attempt }))
      await call.tell('failed', { sipCode: 407 })
      return call
    }

    it('is gone for the same attempt, for a while', async () => {
      const call = await failed('1')
      expect(codeOf(await untouched(world, () => call.authorize({ attempt: '1' })))).toBe('gone')
      expect(codeOf(await untouched(world, () => call.authorize()))).toBe('gone')
      await world.elapse(299)
      expect(codeOf(await call.authorize({ attempt: '1' }))).toBe('gone')
      await world.elapse(2)
      expect(codeOf(await call.authorize({ attempt: '1' }))).toBe('ok')
    })

    it('begins anew with another attempt, also when it says other things', async () => {
      const call = await failed('1')
      const again = allowed(await call.authorize({ attempt: '2', to: '+442079460959' }))
      expect(again.reserved).toBe(usd('0.06'))
      expect(await world.standing('acme')).toMatchObject({ reserved: usd('0.06'), calls: 1 })
    })

    it('begins anew under an account of another tree', async () => {
      const call = await failed('1')
      expect(allowed(await call.authorize({ attempt: '2', account: 'far' })).account).toBe('far')
      expect((await world.standing('acme')).calls).toBe(0)
      world.clock.advance(1000)
      await call.start({ account: 'far' })
      world.clock.advance(20_000)
      expect(await call.stop({ account: 'far' })).toMatchObject({ state: 'ended', charge: 20_000n })
      expect((await world.standing('far')).credit).toBe(usd('9.98'))
    })

    it('begins anew under an account of another tree that a daemon remembers as poor', async () => {
      const call = await failed('1')
      const desk = world.daemon()
      await world.account('poor')
      expect(codeOf(await world.call('c2', { account: 'poor' }).authorize({}, desk))).toBe('no_credit')
      expect(codeOf(await call.authorize({ attempt: '2', account: 'poor' }, desk))).toBe('no_credit')
      await world.credit('poor', usd('1'))
      expect(codeOf(await call.authorize({ attempt: '2', account: 'poor' }, desk))).toBe('ok')
    })

    it('is gone for a request that its failure overtook', async () => {
      await world.account('acme', { credit: usd('10') })
      const call = world.call('c1')
      expect(await call.tell('failed', { sipCode: 487 })).toMatchObject({ state: 'failed', ignored: false })
      expect(codeOf(await untouched(world, () => call.authorize()))).toBe('gone')
      await world.elapse(301)
      expect(codeOf(await call.authorize())).toBe('ok')
    })

    it('is gone for a request that its failure overtook, though that did not say who pays', async () => {
      await world.account('acme', { credit: usd('10') })
      await world.call('c1', { account: undefined }).tell('failed')
      expect(codeOf(await world.call('c1').authorize())).toBe('gone')
    })
  })

  it('is gone once it has ended, for every attempt', async () => {
    await world.account('acme', { credit: usd('10') })
    const call = world.call('c1')
    await call.authorize({ attempt: '1' })
    await call.start()
    world.clock.advance(5_000)
    await call.stop()
    for (const attempt of ['1', '2']) {
      expect(codeOf(await untouched(world, () => call.authorize({ attempt })))).toBe('gone')
    }
  })

  it('tells legs apart by edge, call and leg', async () => {
    await world.account('acme', { credit: usd('10') })
    const legs = [
      { node: 'a', callId: 'bc', legId: '' },
      { node: 'ab', callId: 'c', legId: '' },
      { node: 'a', callId: 'b', legId: 'c' },
      { node: 'a', callId: 'b\u0000c', legId: '' },
      { node: 'a', callId: 'bĉ', legId: '' },
    ]
    const ids = []
    for (const leg of legs) ids.push(allowed(await world.call('', { leg }).authorize()).call)
    expect(new Set(ids).size).toBe(legs.length)
    expect((await world.standing('acme')).calls).toBe(legs.length)
  })

  describe('to an emergency number', () => {
    it.each(['112', '+112', 'sip:911@example.com', 'tel:911'])(
      '(%s) is always connected, and nobody counts it',
      async (to) => {
        await world.account('acme', { status: 'suspended', maxCalls: 0 })
        const call = world.call('c1')
        for (const account of ['acme', 'nobody', undefined]) {
          const answer = await untouched(world, () => call.authorize({ to, account }))
          expect(answer).toMatchObject({ kind: 'allowed', fundedBy: 'free', reserved: 0n, maxDurationSeconds: 14_400 })
        }
        for (const type of ['start', 'alive', 'stop', 'failed'] as const) {
          expect(await call.tell(type, { to, answeredAtMs: world.nowMs })).toMatchObject({ state: 'emergency' })
        }
        expect(await world.snapshot()).toMatchObject({ calls: {} })
        expect(world.parked).toEqual([])
      },
    )

    it('is a whole number, never the beginning of one', async () => {
      await world.account('acme')
      expect(codeOf(await world.call('c1').authorize({ to: '+1125550100' }))).toBe('no_rate')
      expect(codeOf(await world.call('c2').authorize({ to: '00112' }))).toBe('no_rate')
    })

    it('is an ordinary call when it comes in', async () => {
      await world.activate([{ prefix: '112', perMinute: '0.06', firstIncrement: 1, nextIncrement: 1 }], {
        name: 'retail',
      })
      await world.account('acme', { credit: usd('1') })
      const call = world.call('c1', { direction: 'inbound', to: '112' })
      allowed(await call.authorize())
      await call.start()
      world.clock.advance(10_000)
      expect(await call.stop()).toMatchObject({ state: 'ended', charge: 10_000n })
    })
  })

  describe('is told how long it may last', () => {
    const lasts = async (funds: OpenAccount, asks: Partial<AuthorizeRequest> = {}): Promise<number> => {
      await world.account('acme', funds)
      return allowed(await world.call('c1').authorize(asks)).maxDurationSeconds
    }

    it('what the funds pay, when that is little', async () => {
      expect(await lasts({ credit: usd('0.2') })).toBe(200)
    })

    it('no longer than nobody looks after it, where the edge can be told more later', async () => {
      expect(await lasts({ credit: usd('100') })).toBe(600)
    })

    it('no longer than any call, where it cannot', async () => {
      world.control.canRaise = false
      expect(await lasts({ credit: usd('100') })).toBe(14_400)
    })

    it('what the poorest account above it pays', async () => {
      await world.account('house', { tariff: 'wholesale', credit: usd('0.05') })
      expect(await lasts({ credit: usd('100'), parent: 'house' })).toBe(100)
    })

    it('the slice, where the edge extends itself', async () => {
      expect(await lasts({ credit: usd('100') }, { mode: 'edge' })).toBe(60)
    })

    it('all that was put aside, where nobody extends', async () => {
      expect(await lasts({ credit: usd('100') }, { mode: 'whole' })).toBe(600)
    })

    it('what little was put aside, where nobody extends', async () => {
      expect(await lasts({ credit: usd('0.2') }, { mode: 'whole' })).toBe(200)
    })

    it('the same to a daemon that knew the account and to one that did not', async () => {
      await world.account('acme', { credit: usd('0.3') })
      const desk = world.daemon()
      const answers = [await world.call('c1').authorize({}, desk), await world.call('c2').authorize({}, desk)]
      expect(answers.map((answer) => allowed(answer).maxDurationSeconds)).toEqual([300, 240])
      for (const [n, answer] of answers.entries()) {
        expect(await world.call(`c${n + 1}`).authorize({}, world.daemon())).toEqual(answer)
      }
    })
  })

  it('has all of the cap of a new day, whatever a daemon remembers of the last', async () => {
    await world.account('acme', { credit: usd('10'), spendCaps: { day: usd('0.1') } })
    const desk = world.daemon()
    const call = world.call('c1')
    allowed(await call.authorize({}, desk))
    await call.start({}, desk)
    await call.stop({ seconds: 55 }, desk)
    expect(allowed(await world.call('last').authorize({}, desk))).toMatchObject({ reservedSeconds: 45, final: true })
    await world.call('last').tell('failed', {}, desk)
    world.clock.advance(86_400_000)
    expect(allowed(await world.call('c2').authorize({}, desk))).toMatchObject({ reservedSeconds: 60, final: false })
  })

  it('is planned on the profile and the prices that are stored, whatever a daemon remembers', async () => {
    await world.account('acme', { credit: usd('10') })
    const desk = world.daemon()
    allowed(await world.call('c1').authorize({}, desk))
    await world.office().patch('acme', { maxPricePerMinute: '0.05' })
    expect(codeOf(await world.call('c2').authorize({}, desk))).toBe('price_cap')
    await world.office().patch('acme', { maxPricePerMinute: undefined, tariff: 'wholesale' })
    await world.activate([{ prefix: '44', perMinute: '0.012', firstIncrement: 1, nextIncrement: 1 }], {
      name: 'wholesale',
    })
    expect(allowed(await world.call('c3').authorize({ to: LONDON }, desk)).reserved).toBe(12_000n)
  })
})
