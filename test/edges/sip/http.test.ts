/** The example config/kamailio/http, as it is: sipp → Kamailio → the daemon. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Bench } from './harness.ts'
import { until } from './process.ts'
import { talkedMs } from './sipp.ts'

let bench: Bench

beforeAll(async () => {
  bench = await Bench.start({ example: 'http', payers: { '+44208': 'by-number' } })
}, 60_000)

afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await bench.keepLogs()
})

afterAll(async () => {
  await bench.end()
}, 30_000)

const answers = { scenario: 'uas-answers' }
const free3 = '+447712345678'

describe('a call over Kamailio and HTTP', () => {
  it('is charged to the second when the caller hangs up', async () => {
    const account = await bench.account('caller-ends', { credit: '20.00' })
    const seen = await bench.talk(answers, { scenario: 'uac-hangs-up', talkMs: 1_500, account })
    expect(talkedMs(seen.callee)).toHaveLength(1)
    const [cdr] = await bench.settled(account, 1)
    expect(cdr).toMatchObject({ seconds: 2, billedSeconds: 2, charge: '2.000000', cause: 'caller_bye', flags: [] })
    expect(await bench.balance(account)).toMatchObject({ credit: '18.000000', reserved: '0.000000' })
  })

  it('is charged to the second when the called side hangs up', async () => {
    const account = await bench.account('callee-ends', { credit: '20.00' })
    await bench.talk({ scenario: 'uas-hangs-up', talkMs: 1_500 }, { scenario: 'uac-waits', account })
    const [cdr] = await bench.settled(account, 1)
    expect(cdr).toMatchObject({ seconds: 2, charge: '2.000000', cause: 'callee_bye' })
  })

  it('is charged once when its Call-ID holds quotes, slashes and braces', async () => {
    const account = await bench.account('odd-id', { credit: '20.00' })
    const callId = 'a"\\/<{$ci}-%u@x'
    await bench.talk(answers, { scenario: 'uac-hangs-up', talkMs: 500, account, callId })
    const [cdr] = await bench.settled(account, 1)
    expect(cdr?.callId).toMatch(/^a"\\\/<\{\$ci\}-1@x$/)
    expect(cdr?.charge).toBe('1.000000')
  })

  it.each([
    ['no credit', 'poor', { credit: '0.50' }, '+44300', 402, 'no_credit'],
    ['every trunk busy and no credit', 'full', { outbound: 1 }, '+44300', 486, 'trunk_limit'],
    ['no price for the number', 'lost', { credit: '5.00' }, '+99955', 404, 'no_rate'],
  ] as const)('is refused with %s', async (_, id, wish, dialled, status, code) => {
    const account = await bench.account(id, wish)
    if (id === 'full') {
      const busy = await bench.talkWhile(answers, { scenario: 'uac-hangs-up', talkMs: 1_500, account }, async () => {
        await bench.answered(account)
        const { notes } = await bench.calls({ scenario: 'uac-hangs-up', account, dialled })
        expect(notes).toMatchObject([{ what: 'refused', status, code }])
      })
      expect(busy.caller.exitCode).toBe(0)
      return
    }
    const { notes } = await bench.calls({ scenario: 'uac-hangs-up', account, dialled })
    expect(notes).toMatchObject([{ what: 'refused', status, code }])
    expect(await bench.heldNothing(account)).toBe(true)
  })

  it('is charged to the account that the rules find by its number when the edge names none', async () => {
    const account = await bench.account('by-number', { credit: '20.00' })
    await bench.talk(answers, { scenario: 'uac-hangs-up', talkMs: 500, account: '', caller: '+442080000001' })
    expect(await bench.settled(account, 1)).toMatchObject([{ charge: '1.000000' }])
  })

  it('is refused when nobody knows who pays', async () => {
    const { notes } = await bench.calls({ scenario: 'uac-hangs-up', account: 'stranger' })
    expect(notes).toMatchObject([{ what: 'refused', status: 403, code: 'account_unknown' }])
  })
})

describe('a call that outlives its money', () => {
  it('is cut at the second the credit ends, with a BYE to both ends', async () => {
    const account = await bench.account('runs-out', { credit: '3.00' })
    const seen = await bench.talk(answers, { scenario: 'uac-waits', account })
    for (const side of [talkedMs(seen.caller.notes), talkedMs(seen.callee)]) {
      expect(side).toHaveLength(1)
      expect(side[0]).toBeGreaterThan(2_200)
      expect(side[0]).toBeLessThan(3_500)
    }
    const [cdr] = await bench.settled(account, 1)
    expect(cdr).toMatchObject({ seconds: 3, charge: '3.000000', flags: [] })
    expect((await bench.balance(account)).credit).toBe('0.000000')
  })

  it('is not given more by a re-INVITE', async () => {
    const account = await bench.account('refreshes', { credit: '3.00' })
    const seen = await bench.talk(
      { scenario: 'uas-answers-twice' },
      { scenario: 'uac-reinvites', talkMs: 1_500, account },
    )
    expect(talkedMs(seen.callee)[0]).toBeLessThan(3_500)
  })

  it('goes on when credit is added in time', async () => {
    const account = await bench.account('tops-up', { credit: '3.00' })
    const seen = await bench.talkWhile(answers, { scenario: 'uac-waits', account }, async () => {
      await bench.answered(account)
      await bench.credit(account, '2.00')
    })
    expect(talkedMs(seen.callee)[0]).toBeGreaterThan(4_000)
    expect(talkedMs(seen.callee)[0]).toBeLessThan(5_500)
    const [cdr] = await bench.settled(account, 1)
    expect(cdr?.charge).toBe('5.000000')
  })

  it('may finish when a pool of minutes runs out, and the next call is refused', async () => {
    const account = await bench.account('minutes', { minutes: { seconds: 2 } })
    const seen = await bench.talk(answers, { scenario: 'uac-hangs-up', talkMs: 4_000, account })
    expect(talkedMs(seen.caller.notes)[0]).toBeGreaterThan(3_900)
    await bench.settled(account, 1)
    expect((await bench.balance(account)).pools[0]?.remaining).toBe(0)
    const { notes } = await bench.calls({ scenario: 'uac-hangs-up', account })
    expect(notes).toMatchObject([{ what: 'refused', status: 402, code: 'no_minutes' }])
  })
})

describe('a short call', () => {
  it('is free up to the threshold and charged from the first second beyond it', async () => {
    const account = await bench.account('short', { credit: '20.00' })
    await bench.talk(answers, { scenario: 'uac-hangs-up', talkMs: 2_500, account, dialled: free3 })
    const [free] = await bench.settled(account, 1)
    expect(free).toMatchObject({ seconds: 3, charge: '0.000000' })
    await bench.talk(answers, { scenario: 'uac-hangs-up', talkMs: 3_500, account, dialled: free3 })
    const charged = (await bench.settled(account, 2)).find(({ callId }) => callId !== free?.callId)
    expect(charged).toMatchObject({ seconds: 4, charge: '4.000000' })
  })

  it('of 30 seconds is free and of 31 is not, as the switch counted them', async () => {
    const account = await bench.account('thirty', { credit: '100.00' })
    for (const seconds of [30, 31]) {
      const leg = { node: 'elsewhere', callId: `thirty-${seconds}`, legId: 'a' }
      const numbers = { direction: 'outbound', from: '+442079460100', to: '+443055555555' }
      await bench.daemon.call('POST', '/v1/calls/authorize', { ...leg, account, ...numbers })
      await bench.daemon.call('POST', '/v1/calls/events', [{ type: 'stop', ...leg, ...numbers, account, seconds }])
    }
    const charges = (await bench.settled(account, 2)).map(({ seconds, charge }) => `${seconds} s ${charge}`)
    expect(charges.toSorted()).toEqual(['30 s 0.000000', '31 s 31.000000'])
  })
})

describe('a call that is never answered', () => {
  it.each([
    ['cancelled', 'uas-rings', 'uac-cancels', 'cancelled'],
    ['busy', 'uas-busy', 'uac-hangs-up', 'refused'],
    ['left ringing', 'uas-rings', 'uac-hangs-up', 'refused'],
  ] as const)('costs and holds nothing when it is %s', async (what, callee, scenario, outcome) => {
    const account = await bench.account(`unanswered-${what.split(' ')[0]}`, { credit: '5.00', outbound: 1 })
    const { caller } = await bench.talk({ scenario: callee }, { scenario, talkMs: 300, account })
    expect(caller.notes).toMatchObject([{ what: outcome }])
    await until('nothing is held', () => bench.heldNothing(account))
    expect((await bench.balance(account)).credit).toBe('5.000000')
    expect((await bench.cdrs(account)).filter(({ charge }) => Number(charge) !== 0)).toEqual([])
  })
})

describe('a call whose end nobody tells', () => {
  it('is cut and settled within its credit when the caller vanishes', async () => {
    const account = await bench.account('vanishes', { credit: '3.00' })
    const { callee } = await bench.talk(answers, { scenario: 'uac-vanishes', account })
    expect(talkedMs(callee)[0]).toBeLessThan(3_500)
    const [cdr] = await bench.settled(account, 1)
    expect(cdr?.charge).toBe('3.000000')
  })
})

describe('thirty calls at once', () => {
  it('get through once when the credit pays for one', async () => {
    const account = await bench.account('thirty-at-once', { credit: '3.00' })
    const seen = await bench.talk(answers, { scenario: 'uac-hangs-up', talkMs: 1_500, account, calls: 30, rate: 300 })
    expect(seen.caller.notes.filter(({ what }) => what === 'answered')).toHaveLength(1)
    const refused = seen.caller.notes.filter(({ what }) => what === 'refused')
    expect(refused).toHaveLength(29)
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([402]))
    const charged = (await bench.settled(account, 1)).filter(({ charge }) => Number(charge) > 0)
    expect(charged.map(({ charge }) => charge)).toEqual(['2.000000'])
    expect((await bench.balance(account)).credit).toBe('1.000000')
  })

  it('end with a BYE to both ends each, when they are ended together', async () => {
    const account = await bench.account('together', { outbound: 30 })
    const seen = await bench.talkWhile(answers, { scenario: 'uac-waits', account, calls: 30, rate: 100 }, async () => {
      const calls = await bench.answered(account, 30)
      await Promise.all(calls.map((call) => bench.daemon.call('POST', `/v1/calls/${call}/end`, { reason: 'admin' })))
    })
    expect(seen.caller.notes.filter(({ what }) => what === 'bye')).toHaveLength(30)
    expect(seen.callee.filter(({ what }) => what === 'bye')).toHaveLength(30)
    expect(await bench.settled(account, 30)).toHaveLength(30)
  })
})

describe('a hundred INVITEs at once', () => {
  it('on a trunk of ten get through ten times, and the rest are busy', async () => {
    const account = await bench.account('hundred-at-once', { outbound: 10 })
    const seen = await bench.talk(answers, { scenario: 'uac-hangs-up', talkMs: 2_500, account, calls: 100, rate: 500 })
    expect(seen.caller.notes.filter(({ what }) => what === 'answered')).toHaveLength(10)
    const refused = seen.caller.notes.filter(({ what }) => what === 'refused')
    expect(refused).toHaveLength(90)
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([486]))
    await until('nothing is held', () => bench.heldNothing(account))
    expect((await bench.cdrs(account)).filter(({ seconds }) => seconds > 0)).toHaveLength(10)
  })
})
