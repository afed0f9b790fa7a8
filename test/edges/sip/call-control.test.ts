/** The example config/kamailio/call_control, as it is: sipp → Kamailio's own module → the daemon's unix socket. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Bench } from './harness.ts'
import { until } from './process.ts'
import { talkedMs } from './sipp.ts'

let bench: Bench

/** The module names no account: the trunks' rules find the payer by the calling number. */
const callers = {
  rich: '+44207001',
  broke: '+44207002',
  short: '+44207003',
  full: '+44207004',
  silent: '+44207005',
  many: '+44207006',
  killed: '+44207007',
}
const by = (name: keyof typeof callers): { readonly caller: string; readonly account: string } => ({
  caller: `${callers[name]}55`,
  account: 'not-asked',
})

beforeAll(async () => {
  const payers = Object.fromEntries(Object.entries(callers).map(([account, from]) => [from, `cc-${account}`]))
  bench = await Bench.start({ example: 'call_control', payers })
}, 60_000)

afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await bench.keepLogs()
})

afterAll(async () => {
  await bench.end()
}, 30_000)

const answers = { scenario: 'uas-answers' }

describe('a call over the call_control module', () => {
  it('is charged to the second, whoever hangs up', async () => {
    const account = await bench.account('cc-rich', { credit: '20.00' })
    await bench.talk(answers, { scenario: 'uac-hangs-up', talkMs: 1_500, ...by('rich') })
    await bench.talk({ scenario: 'uas-hangs-up', talkMs: 500 }, { scenario: 'uac-waits', ...by('rich') })
    const charges = (await bench.settled(account, 2)).map(({ charge }) => charge)
    expect(charges.toSorted()).toEqual(['1.000000', '2.000000'])
    expect((await bench.balance(account)).credit).toBe('17.000000')
  })

  it('is refused with 402 without credit, and with 486 when every trunk is busy', async () => {
    await bench.account('cc-broke', { credit: '0.50' })
    const poor = await bench.calls({ scenario: 'uac-hangs-up', ...by('broke') })
    expect(poor.notes).toMatchObject([{ what: 'refused', status: 402 }])
    const full = await bench.account('cc-full', { outbound: 1 })
    await bench.talkWhile(answers, { scenario: 'uac-hangs-up', talkMs: 1_500, ...by('full') }, async () => {
      await bench.answered(full)
      const second = await bench.calls({ scenario: 'uac-hangs-up', ...by('full') })
      expect(second.notes).toMatchObject([{ what: 'refused', status: 486 }])
    })
  })

  it('is cut at the second the credit ends, with a BYE to both ends', async () => {
    const account = await bench.account('cc-short', { credit: '3.00' })
    const seen = await bench.talk(answers, { scenario: 'uac-waits', ...by('short') })
    for (const [talked] of [talkedMs(seen.caller.notes), talkedMs(seen.callee)]) {
      expect(talked).toBeGreaterThan(2_200)
      expect(talked).toBeLessThan(3_500)
    }
    expect(await bench.settled(account, 1)).toMatchObject([{ seconds: 3, charge: '3.000000' }])
  })

  it('costs and holds nothing when it is cancelled or busy', async () => {
    const account = await bench.account('cc-silent', { credit: '5.00', outbound: 1 })
    await bench.talk({ scenario: 'uas-rings' }, { scenario: 'uac-cancels', talkMs: 300, ...by('silent') })
    await bench.talk({ scenario: 'uas-busy' }, { scenario: 'uac-hangs-up', ...by('silent') })
    await until('nothing is held', () => bench.heldNothing(account))
    expect((await bench.balance(account)).credit).toBe('5.000000')
  })

  it('gets through once of thirty when the credit pays for one', async () => {
    const account = await bench.account('cc-many', { credit: '3.00' })
    const seen = await bench.talk(answers, {
      scenario: 'uac-hangs-up',
      talkMs: 1_500,
      calls: 30,
      rate: 300,
      ...by('many'),
    })
    expect(seen.caller.notes.filter(({ what }) => what === 'answered')).toHaveLength(1)
    expect(seen.caller.notes.filter(({ status }) => status === 402)).toHaveLength(29)
    expect((await bench.settled(account, 1)).filter(({ charge }) => Number(charge) > 0)).toHaveLength(1)
  })

  it('is cut on time and settled once by the successor of a killed daemon', async () => {
    const account = await bench.account('cc-killed', { credit: '7.00' })
    const seen = await bench.talkWhile(answers, { scenario: 'uac-waits', ...by('killed') }, async () => {
      await bench.answered(account)
      await bench.restartDaemon()
    })
    expect(talkedMs(seen.callee)[0]).toBeLessThan(7_500)
    expect(await bench.settled(account, 1)).toMatchObject([{ seconds: 7, charge: '7.000000' }])
  })
})
