/** Real calls by sipp through a drachtio-server and the daemon as a back-to-back user agent. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ended, SipBench } from './drachtio-bench.ts'
import { until } from './process.ts'
import { talkedMs } from './sipp.ts'

const answers = { scenario: 'uas-answers' }

let bench: SipBench
const ends: (() => Promise<void>)[] = []

beforeAll(async () => {
  bench = await SipBench.start((end) => ends.unshift(end))
}, 60_000)

afterAll(async () => {
  await bench.hangUp()
  for (const end of ends) await end()
})

describe('a call over drachtio', { timeout: 40_000 }, () => {
  it('is charged to the second when the caller hangs up', async () => {
    const payer = await bench.account('caller-ends', { credit: '100.00' })
    const { callee } = await bench.talk(payer, answers, { scenario: 'uac-hangs-up', talkMs: 2_500 })
    expect(ended(callee)).toHaveLength(1)
    const [cdr] = await bench.settled(payer, 1)
    expect(cdr).toMatchObject({ seconds: 3, charge: '3.000000', cause: 'caller_hung_up', flags: [] })
    await bench.legsOver()
  })

  it('is charged to the second when the called side hangs up', async () => {
    const payer = await bench.account('callee-ends', { credit: '100.00' })
    const { caller } = await bench.talk(payer, { scenario: 'uas-hangs-up', talkMs: 1_500 }, { scenario: 'uac-waits' })
    expect(ended(caller)).toHaveLength(1)
    const [cdr] = await bench.settled(payer, 1)
    expect(cdr).toMatchObject({ seconds: 2, charge: '2.000000', cause: 'callee_hung_up' })
    await bench.legsOver()
  })

  it('is refused with 402 and the code without credit, and rings nobody', async () => {
    const payer = await bench.account('poor', {})
    const callee = await bench.called(answers)
    const notes = await bench.call(payer, { scenario: 'uac-hangs-up' })
    expect(notes).toMatchObject([{ what: 'refused', status: 402, code: 'no_credit' }])
    expect(await callee.notes()).toEqual([])
  })

  it('is refused with 403 when nobody knows who pays', async () => {
    const notes = await bench.call({ id: '', number: '+999' }, { scenario: 'uac-hangs-up' })
    expect(notes).toMatchObject([{ what: 'refused', status: 403, code: 'account_unknown' }])
  })

  it('is cut at the second the credit ends, with a BYE to both ends', async () => {
    const payer = await bench.account('short', { credit: '3.00' })
    const { caller, callee } = await bench.talk(payer, answers, { scenario: 'uac-waits' })
    expect(ended(caller)).toHaveLength(1)
    expect(ended(callee)).toHaveLength(1)
    expect(talkedMs(caller)[0]).toBeGreaterThan(2_500)
    expect(talkedMs(caller)[0]).toBeLessThan(3_000)
    const [cdr] = await bench.settled(payer, 1)
    expect(cdr).toMatchObject({ seconds: 3, charge: '3.000000', cause: 'credit_exhausted' })
    await bench.legsOver()
  })

  it('is ended by an operator', async () => {
    const payer = await bench.account('ended', { credit: '100.00' })
    const callee = await bench.called(answers)
    const caller = await bench.ring(payer, { scenario: 'uac-waits' })
    const call = await bench.up(payer)
    const figures = async (): Promise<boolean> => {
      const text = await bench.daemon.metrics()
      return /^tollgate_sip_calls 1$/m.test(text) && /^tollgate_sip_servers 1$/m.test(text)
    }
    await until('the metrics show the call', figures)
    await bench.daemon.must('POST', `/v1/calls/${call}/end`, { reason: 'fraud' })
    expect(await bench.settled(payer, 1)).toMatchObject([{ cause: 'fraud' }])
    expect(ended((await caller.finished(5_000)).notes)).toHaveLength(1)
    expect(ended(await callee.notes())).toHaveLength(1)
  })

  it.each([
    ['cancelled', 'uas-rings', 'uac-cancels', 'cancelled'],
    ['busy', 'uas-busy', 'uac-hangs-up', 'refused'],
  ])('costs and holds nothing when it is %s', async (what, scenario, caller, noted) => {
    const payer = await bench.account(`unanswered-${what.replaceAll(' ', '-')}`, { credit: '5.00', outbound: 1 })
    await bench.called({ scenario })
    expect(await bench.call(payer, { scenario: caller, talkMs: 300 })).toMatchObject([{ what: noted }])
    await bench.daemon.heldNothing(payer.id)
    expect((await bench.daemon.balance(payer.id)).credit).toBe('5.000000')
    expect((await bench.cdrs(payer.id)).filter(({ charge }) => Number(charge) > 0)).toEqual([])
    await bench.legsOver()
  })

  it('gets through once of thirty when the credit pays for one', async () => {
    const payer = await bench.account('thirty', { credit: '2.00' })
    const seen = await bench.talk(payer, answers, { scenario: 'uac-hangs-up', talkMs: 1_500, calls: 30, rate: 300 })
    expect(seen.caller.filter(({ what }) => what === 'answered')).toHaveLength(1)
    const refused = seen.caller.filter(({ what }) => what === 'refused')
    expect(refused.map(({ status }) => status)).toEqual(Array(29).fill(402))
    expect((await bench.settled(payer, 1)).map(({ charge }) => charge)).toEqual(['2.000000'])
  })

  it('of a hundred at once gets through ten times on a trunk of ten', async () => {
    const payer = await bench.account('hundred', { outbound: 10 })
    const seen = await bench.talk(payer, answers, { scenario: 'uac-hangs-up', talkMs: 2_500, calls: 100, rate: 500 })
    expect(seen.caller.filter(({ what }) => what === 'answered')).toHaveLength(10)
    const refused = seen.caller.filter(({ what }) => what === 'refused')
    expect(refused.map(({ status }) => status)).toEqual(Array(90).fill(486))
    await bench.settled(payer, 10)
  })
})

describe('nothing is lost', { timeout: 60_000 }, () => {
  it('when the worker is killed: the next one cuts the call on time, at both ends', async () => {
    const payer = await bench.account('killed', { credit: '16.00' })
    const callee = await bench.called(answers)
    const caller = await bench.ring(payer, { scenario: 'uac-waits' })
    await bench.up(payer)
    await bench.restartWorker()
    const { notes } = await caller.finished(30_000)
    expect(talkedMs(notes)[0]).toBeLessThan(17_500)
    await until('the called side is hung up on', async () => ended(await callee.notes()).length === 1)
    const [cdr, ...more] = await bench.settled(payer, 1)
    expect(cdr).toMatchObject({ seconds: 16, charge: '16.000000' })
    expect(more).toEqual([])
    await bench.legsOver()
  })

  it('when the connection breaks: a phone that hangs up is heard of all the same', async () => {
    const payer = await bench.account('broken', { credit: '100.00' })
    const callee = await bench.called(answers)
    const caller = await bench.ring(payer, { scenario: 'uac-hangs-up', talkMs: 4_000 })
    await bench.up(payer)
    bench.drachtio.dropSockets()
    await bench.connected(1)
    await until('the called side is hung up on', async () => ended(await callee.notes()).length === 1, {
      withinMs: 15_000,
    })
    const [cdr] = await bench.settled(payer, 1)
    expect(cdr).toMatchObject({ cause: 'hung_up', flags: [] })
    expect(cdr?.seconds).toBeGreaterThanOrEqual(4)
    expect(cdr?.seconds).toBeLessThanOrEqual(5)
    await caller.stop()
    await bench.legsOver()
  })

  it('when the server is restarted: its calls are settled to where they were last known to be up', async () => {
    const payer = await bench.account('restarted', { credit: '100.00' })
    await bench.called(answers)
    const caller = await bench.ring(payer, { scenario: 'uac-waits' })
    await bench.up(payer)
    await bench.drachtio.restart()
    await bench.connected(1)
    const [cdr] = await bench.settled(payer, 1, 20_000)
    expect(cdr).toMatchObject({ cause: 'dialog_gone' })
    expect(cdr?.flags).toContain('presumed')
    await caller.stop()
  })

  it('when another worker ends the call than the one that set it up', async () => {
    const payer = await bench.account('shared', { credit: '100.00' })
    const callee = await bench.called(answers)
    const caller = await bench.ring(payer, { scenario: 'uac-waits' })
    const call = await bench.up(payer)
    const second = await bench.secondWorker()
    await second.must('POST', `/v1/calls/${call}/end`, { reason: 'moved' })
    expect(ended((await caller.finished(8_000)).notes)).toHaveLength(1)
    await until('the called side is hung up on', async () => ended(await callee.notes()).length === 1)
    expect(await bench.settled(payer, 1)).toMatchObject([{ cause: 'moved' }])
    await second.stop()
  })

  it('and the books are right afterwards', async () => {
    expect(await bench.daemon.drifts()).toEqual([])
  })
})
