import { describe, expect, it } from 'vitest'
import { allowed, codeOf, usd } from '../support/a-call.ts'
import { forms, useWorld } from '../support/desk.ts'

const minutes = { name: 'minutes', seconds: 600, freeSeconds: 0, increment: 1, lowAt: ['50%', 120] } as const

describe.each(forms)('what calls use up, on $name', (form) => {
  const world = useWorld(form)

  async function told(): Promise<readonly string[]> {
    const { partitions } = await world.snapshot()
    return Object.values(partitions)
      .flatMap(({ outbox }) => outbox)
      .map(({ type, account: _account, currency: _currency, at: _at, ...more }) =>
        [
          type,
          ...Object.keys(more)
            .toSorted()
            .map((name) => `${name}=${more[name] ?? ''}`),
        ].join(' '),
      )
  }

  async function talk(id: string, seconds: number): Promise<void> {
    const call = world.call(id)
    allowed(await call.authorize())
    await call.start()
    await call.stop({ seconds })
  }

  it('tells once that the balance falls below a threshold, however often holds come and go', async () => {
    await world.account('acme', { credit: usd('0.1'), lowBalance: { threshold: usd('0.06') } })
    for (let n = 0; n < 5; n += 1) await talk(`c${n}`, 1)
    expect(await told()).toEqual(['balance.low arming=1 available=40000 threshold=60000'])
  })

  it('tells that the credit is all used or promised', async () => {
    await world.account('acme', { credit: usd('0.1'), lowBalance: { threshold: 0n } })
    await talk('c1', 60)
    allowed(await world.call('c2').authorize())
    expect(await told()).toEqual(['balance.exhausted arming=1 available=0'])
  })

  it('says nothing of credit that calls do not touch', async () => {
    await world.account('acme', { lowBalance: { threshold: usd('5') }, pools: [{ ...minutes, lowAt: [0] }] })
    await talk('c1', 60)
    expect(await told()).toEqual([])
  })

  it('tells once each that minutes are few, by number and by share, and that there are none', async () => {
    await world.account('acme', { pools: [minutes] })
    await talk('c1', 200)
    expect(await told()).toEqual([])
    await talk('c2', 120)
    for (let n = 0; n < 3; n += 1) await talk(`short-${n}`, 1)
    expect(await told()).toEqual(['minutes.low cycle=1 pool=minutes remaining=280 threshold=300 total=600'])
    await talk('c3', 180)
    expect((await told()).slice(1)).toEqual(['minutes.low cycle=1 pool=minutes remaining=97 threshold=120 total=600'])
    await talk('c4', 120)
    expect((await told()).slice(2)).toEqual(['minutes.exhausted cycle=1 pool=minutes remaining=0 total=600'])
    expect(codeOf(await world.call('c5').authorize())).toBe('no_minutes')
    expect(await told()).toHaveLength(3)
  })

  it('tells again after minutes came in, but not after some were taken away', async () => {
    await world.account('acme', { pools: [{ ...minutes, lowAt: [100] }] })
    await talk('c1', 480)
    await talk('c2', 1)
    await world.office().patchPool('acme', 'minutes', { seconds: 590 })
    await talk('c3', 1)
    expect(await told()).toEqual(['minutes.low cycle=1 pool=minutes remaining=60 threshold=100 total=600'])
    await world.office().patchPool('acme', 'minutes', { seconds: 600 })
    await talk('c4', 1)
    expect((await told()).slice(1)).toEqual(['minutes.low cycle=1 pool=minutes remaining=58 threshold=100 total=600'])
  })

  it('tells anew in the next cycle, and a late word of the last says nothing in it', async () => {
    await world.account('acme', { pools: [{ ...minutes, resets: 'cycle', lowAt: [400] }] })
    await talk('c1', 300)
    const late = world.call('late')
    allowed(await late.authorize())
    await late.start()
    await world.settleDown()
    world.clock.advance(31 * 86_400_000)
    await world.office().get('acme')
    await talk('c2', 300)
    await late.stop({ seconds: 250 })
    await talk('c3', 10)
    const all = (await told()).filter((event) => event.startsWith('minutes.low'))
    const low = all.map((event) => event.replace(/ pool.*/, ''))
    expect(low).toEqual(['minutes.low cycle=1', 'minutes.low cycle=2'])
  })

  it('tells once a day and once a month that a cap refuses, by whichever daemon', async () => {
    const spendCaps = { day: usd('0.06'), month: usd('0.1') }
    await world.account('acme', { credit: usd('10'), spendCaps })
    await talk('c1', 60)
    const refused = async (id: string) => {
      for (const daemon of [world.daemon(), world.daemon()]) {
        expect(codeOf(await world.call(id).authorize({}, daemon))).toBe('spend_cap')
        expect(codeOf(await world.call(id).authorize({}, daemon))).toBe('spend_cap')
      }
    }
    await refused('c2')
    expect(await told()).toEqual(['spend.capped cap=60000 of=2026-11-23 period=day spent=60000'])
    world.clock.advance(86_400_000)
    await talk('c3', 40)
    await refused('c4')
    expect((await told()).slice(1)).toEqual(['spend.capped cap=100000 of=2026-11 period=month spent=60000'])
  })

  it('tells of a cap that cuts a call short', async () => {
    await world.account('acme', { credit: usd('10'), spendCaps: { day: usd('0.1') } })
    const call = world.call('c1')
    allowed(await call.authorize())
    await call.start()
    await call.talk(100)
    expect(world.control.ended).toMatchObject([{ reason: 'spend_cap' }])
    expect(await told()).toEqual(['spend.capped cap=100000 of=2026-11-23 period=day spent=0'])
  })
})
