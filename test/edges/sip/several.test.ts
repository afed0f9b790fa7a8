/** Several workers on one store, and several servers for each: whoever set a call up, and over whichever server it goes. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { Daemon } from '../../app/bench.ts'
import { RawPhone } from '../../support/drachtio/raw-phone.ts'
import { ended, type Payer, SipBench } from './drachtio-bench.ts'
import { Phones } from './phones.ts'
import { until } from './process.ts'

let bench: SipBench
let payer: Payer
let phones: Phones
let callee: RawPhone

/** Both hear of each call of the other at the latest by then. */
const ROUND_MS = 20_000

async function start(atEnd: (end: () => Promise<void>) => void, hops?: readonly number[]): Promise<void> {
  bench = await SipBench.start(atEnd, { servers: 2, ...(hops ? { hops } : {}) })
  payer = await bench.account('several', { credit: '1000.00' })
  atEnd(() => bench.hangUp())
}

describe('one worker with two servers', { timeout: 60_000 }, () => {
  it('charges the calls of both, and loses only those of the one that is restarted', async ({ onTestFinished }) => {
    await start(onTestFinished)
    const callees = await bench.called({ scenario: 'uas-answers' })
    const [first, second] = bench.servers
    const [lost] = [await bench.ring(payer, { scenario: 'uac-waits' }, first), await bench.allUp(payer, 1)]
    const caller = await bench.ring(payer, { scenario: 'uac-waits' }, second)
    await bench.allUp(payer, 2)
    await first?.restart()
    await bench.connected(1)
    await until('the call of the first is settled', async () => (await bench.cdrs(payer.id)).length === 1, {
      withinMs: ROUND_MS,
    })
    const call = await bench.up(payer)
    await bench.daemon.must('POST', `/v1/calls/${call}/end`, { reason: 'moved' })
    expect(ended((await caller.finished(8_000)).notes)).toHaveLength(1)
    await until('the called side is hung up on', async () => ended(await callees.notes()).length === 1)
    const cdrs = await bench.settled(payer, 2)
    expect(cdrs.map(({ cause }) => cause).toSorted()).toEqual(['dialog_gone', 'moved'])
    await lost.stop()
    await bench.legsOver()
    expect(await bench.daemon.drifts()).toEqual([])
  })
})

describe('two workers with two servers', { timeout: 90_000 }, () => {
  it('end the calls of one that is killed, over whichever server they go', async ({ onTestFinished }) => {
    await start(onTestFinished)
    const second = await bench.secondWorker()
    const callees = await bench.called({ scenario: 'uas-answers' })
    const callers = []
    for (const server of [...bench.servers, ...bench.servers]) {
      callers.push(await bench.ring(payer, { scenario: 'uac-waits' }, server))
    }
    const calls = await bench.allUp(payer, 4)
    await bench.daemon.kill()
    bench.daemon = second
    await bench.connected(1)
    for (const call of calls) await second.must('POST', `/v1/calls/${call}/end`, { reason: 'moved' })
    for (const caller of callers) expect(ended((await caller.finished(8_000)).notes)).toHaveLength(1)
    await until('the called sides are hung up on', async () => ended(await callees.notes()).length === 4)
    const cdrs = await bench.settled(payer, 4, ROUND_MS)
    expect(cdrs.map(({ cause }) => cause)).toEqual(Array(4).fill('moved'))
    await bench.legsOver()
    expect(await second.drifts()).toEqual([])
  })

  describe('and a call that rings', () => {
    beforeEach(async ({ onTestFinished }) => {
      callee = await RawPhone.open(0)
      onTestFinished(() => callee.close())
      await start(onTestFinished, [callee.port])
      phones = await Phones.open(bench, { payer, callee }, onTestFinished)
    })

    it('let it be ended through the one that does not have it', async () => {
      const workers = [bench.daemon, await bench.secondWorker()]
      phones.caller.say(phones.invite())
      const far = await phones.heard(callee, 'INVITE')
      phones.reply(far, 180)
      await phones.answered('INVITE', 180)
      const [call = ''] = await bench.live(payer, 'authorized')
      const decided = (worker: Daemon): boolean =>
        worker.lines().some((line) => line.msg === 'decision' && line['call'] === call)
      await until('one of them says that it decided', () => workers.some(decided))
      const other = workers.find((worker) => !decided(worker))
      await other?.must('POST', `/v1/calls/${call}/end`, { reason: 'fraud' })
      const refused = (): boolean => phones.caller.statuses('INVITE').includes(402)
      await until('the caller is refused', refused, { withinMs: ROUND_MS })
      expect(phones.caller.got.find(({ status }) => status === 402)?.get('X-Tollgate-Code')).toBe('fraud')
      phones.reply(await phones.heard(callee, 'CANCEL'), 200)
      phones.reply(far, 487)
      await bench.daemon.heldNothing(payer.id)
      expect(await bench.cdrs(payer.id)).toEqual([])
    })

    it('let it ring once, also where it comes over both servers', async () => {
      await bench.secondWorker()
      const [, second] = bench.servers
      const invite = phones.invite()
      phones.caller.say(invite)
      phones.caller.say(invite, second?.sipPort)
      await until('one is refused', () => phones.caller.statuses('INVITE').includes(482))
      const far = await phones.heard(callee, 'INVITE')
      phones.reply(far, 486)
      await until('so is the other', () => phones.caller.statuses('INVITE').includes(486))
      expect(new Set(callee.requests('INVITE').map(({ branch }) => branch)).size).toBe(1)
      await bench.daemon.heldNothing(payer.id)
    })
  })
})
