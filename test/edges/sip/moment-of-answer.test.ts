/** What happens in the very moment in which a call is answered: nobody is charged for a call that is over, nobody talks for nothing. */
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { DrachtioDouble } from '../../support/drachtio/drachtio-double.ts'
import { describeIf } from '../../support/drachtio/describe-if.ts'
import { isDouble } from '../../support/drachtio/drachtio-server.ts'
import { RawPhone } from '../../support/drachtio/raw-phone.ts'
import type { SipMessage } from '../../support/drachtio/sip-message.ts'
import { type Payer, SipBench } from './drachtio-bench.ts'
import { ANSWER, Phones } from './phones.ts'
import { until } from './process.ts'

let bench: SipBench
let drachtio: DrachtioDouble
let callee: RawPhone
let payer: Payer
let phones: Phones
let payers = 0
const ends: (() => Promise<void>)[] = []

describeIf(isDouble)('in the moment of the answer', () => {
  beforeAll(async () => {
    callee = await RawPhone.open(0)
    bench = await SipBench.start((end) => ends.unshift(end), { hops: [callee.port] })
    if (!(bench.drachtio instanceof DrachtioDouble)) throw new Error('only a double can be told its faults')
    drachtio = bench.drachtio
  }, 60_000)

  afterAll(async () => {
    callee.close()
    for (const end of ends) await end()
  })

  beforeEach(async ({ onTestFinished }) => {
    payers += 1
    payer = await bench.account(`moment-${payers}`, { credit: '1000.00' })
    phones = await Phones.open(bench, { payer, callee }, onTestFinished)
  })

  /** Up to the 200 that the caller has, of which the daemon has heard nothing yet. */
  async function answeredUnheard(): Promise<{ readonly near: SipMessage; readonly far: SipMessage }> {
    phones.caller.say(phones.invite())
    const far = await phones.heard(callee, 'INVITE')
    phones.reply(far, 180)
    await phones.answered('INVITE', 180)
    drachtio.holdBackFromAnswer()
    phones.reply(far, 200, { body: ANSWER })
    await phones.heard(callee, 'ACK')
    const near = await phones.answered('INVITE', 200)
    return { near, far }
  }

  it('the caller hangs up: the called side is told, and a second is charged', async ({ onTestFinished }) => {
    const { near } = await answeredUnheard()
    phones.caller.say(phones.within('ACK', 1, near))
    phones.caller.say(phones.within('BYE', 2, near))
    await until('the server has ended its dialog', () => drachtio.dialogs === 1)
    drachtio.letGo()
    phones.reply(await phones.heard(callee, 'BYE'), 200)
    expect(await bench.settled(payer, 1)).toMatchObject([{ seconds: 1, charge: '1.000000', cause: 'caller_hung_up' }])
    await bench.legsOver()
    await phones.another(onTestFinished)
  })

  it('the called side hangs up: the caller is not answered, and nothing is charged', async ({ onTestFinished }) => {
    phones.caller.say(phones.invite())
    const far = await phones.heard(callee, 'INVITE')
    phones.reply(far, 180)
    await phones.answered('INVITE', 180)
    drachtio.holdBack()
    phones.reply(far, 200, { body: ANSWER })
    await until('it is up', () => drachtio.dialogs === 1)
    phones.caller.got.length = 0
    callee.say(phones.back('BYE', 1, { far }), bench.drachtio.sipPort)
    await until('it is over', () => drachtio.dialogs === 0)
    drachtio.letGo()
    expect((await phones.final()).status).toBe(480)
    await bench.daemon.heldNothing(payer.id)
    expect(await bench.cdrs(payer.id)).toEqual([])
    await phones.another(onTestFinished)
  })

  /** Up to the answer of the called side; the caller has not acknowledged what it rang with. */
  async function answeredUnpracked(): Promise<{ readonly ringing: SipMessage; readonly far: SipMessage }> {
    phones.caller.say(phones.invite({ headers: { Supported: '100rel' } }))
    const far = await phones.heard(callee, 'INVITE')
    phones.reply(far, 183, { headers: { Require: '100rel', RSeq: '1' }, body: ANSWER })
    phones.reply(await phones.heard(callee, 'PRACK'), 200)
    const ringing = await phones.answered('INVITE', 183)
    phones.reply(far, 200, { body: ANSWER })
    await phones.heard(callee, 'ACK')
    return { ringing, far }
  }

  function acknowledge(ringing: SipMessage): void {
    const prack = phones.within('PRACK', 2, ringing)
    prack.set('RAck', `${ringing.get('RSeq')} 1 INVITE`)
    phones.caller.say(prack)
  }

  it('the called side says something: the caller hears it when it is answered', async ({ onTestFinished }) => {
    const { ringing, far } = await answeredUnpracked()
    callee.say(phones.back('INFO', 1, { far }), bench.drachtio.sipPort)
    await pause(100)
    acknowledge(ringing)
    const near = await phones.answered('INVITE', 200)
    phones.caller.say(phones.within('ACK', 1, near))
    phones.reply(await phones.heard(phones.caller, 'INFO'), 200, { from: phones.caller })
    await phones.hangUp(near)
    expect(await bench.settled(payer, 1)).toMatchObject([{ cause: 'caller_hung_up' }])
    await phones.another(onTestFinished)
  })

  it('the called side hangs up before the caller is answered: it is not, and nothing is charged', async (context) => {
    const { far } = await answeredUnpracked()
    callee.say(phones.back('BYE', 1, { far }), bench.drachtio.sipPort)
    expect((await phones.final()).status).toBe(480)
    await until('the called side is answered', () => callee.statuses('BYE').includes(200))
    await bench.daemon.heldNothing(payer.id)
    expect(await bench.cdrs(payer.id)).toEqual([])
    await bench.legsOver()
    await phones.another(context.onTestFinished)
  })

  it('the connection breaks before the caller is answered: the called side is told over the next one', async (context) => {
    await answeredUnpracked()
    drachtio.dropSockets()
    const bye = await phones.heard(callee, 'BYE')
    expect(bye.get('Reason')).toBe('SIP;cause=487;text="connection_lost"')
    phones.reply(bye, 200)
    await bench.connected(1)
    await bench.daemon.heldNothing(payer.id)
    expect(await bench.cdrs(payer.id)).toEqual([])
    await bench.legsOver()
    await phones.another(context.onTestFinished)
  })

  it('an operator ends the call: both sides are told', async ({ onTestFinished }) => {
    const { near } = await answeredUnheard()
    const { items } = await bench.daemon.must('GET', `/v1/calls?account=${payer.id}`)
    const [{ call } = { call: '' }] = items as readonly { readonly call: string }[]
    await bench.daemon.must('POST', `/v1/calls/${call}/end`, { reason: 'fraud' })
    drachtio.letGo()
    phones.caller.say(phones.within('ACK', 1, near))
    phones.reply(await phones.heard(callee, 'BYE'), 200)
    phones.reply(await phones.heard(phones.caller, 'BYE'), 200, { from: phones.caller })
    expect(await bench.settled(payer, 1)).toMatchObject([{ seconds: 1, cause: 'fraud' }])
    await phones.another(onTestFinished)
  })

  it('the connection to the server breaks: the caller talks on, and is charged till it hangs up', async (context) => {
    const { near } = await answeredUnheard()
    phones.caller.say(phones.within('ACK', 1, near))
    drachtio.dropSockets()
    drachtio.letGo()
    await bench.connected(1)
    await bench.up(payer)
    const upAtMs = Date.now()
    await pause(1_500)
    phones.caller.say(phones.within('BYE', 2, near))
    phones.reply(await phones.heard(callee, 'BYE'), 200)
    const [cdr, ...more] = await bench.settled(payer, 1)
    expect(more).toEqual([])
    expect(cdr).toMatchObject({ cause: 'hung_up', flags: [] })
    expect(cdr?.seconds).toBeGreaterThanOrEqual(2)
    expect(cdr?.seconds).toBeLessThanOrEqual(Math.ceil((Date.now() - upAtMs) / 1000) + 2)
    await bench.legsOver()
    await phones.another(context.onTestFinished)
  })

  it('the worker is killed: the next one finds the call at the server, and charges it from then on', async (context) => {
    const { near } = await answeredUnheard()
    phones.caller.say(phones.within('ACK', 1, near))
    await bench.daemon.kill()
    drachtio.letGo()
    await bench.startWorker()
    await bench.up(payer)
    const upAtMs = Date.now()
    await pause(1_500)
    phones.caller.say(phones.within('BYE', 2, near))
    phones.reply(await phones.heard(callee, 'BYE'), 200)
    const [cdr, ...more] = await bench.settled(payer, 1)
    expect(more).toEqual([])
    expect(cdr?.seconds).toBeGreaterThanOrEqual(1)
    expect(cdr?.seconds).toBeLessThanOrEqual(Math.ceil((Date.now() - upAtMs) / 1000) + 2)
    await bench.legsOver()
    await phones.another(context.onTestFinished)
  })

  it('the worker is killed and the called side hangs up: the next one tells the caller, and charges nothing', async (context) => {
    const { near, far } = await answeredUnheard()
    phones.caller.say(phones.within('ACK', 1, near))
    await bench.daemon.kill()
    drachtio.letGo()
    callee.say(phones.back('BYE', 1, { far }), bench.drachtio.sipPort)
    await until('the server has one dialog left', () => drachtio.dialogs === 1)
    await bench.startWorker()
    phones.reply(await phones.heard(phones.caller, 'BYE'), 200, { from: phones.caller })
    await bench.daemon.heldNothing(payer.id)
    expect(await bench.cdrs(payer.id)).toEqual([])
    await bench.legsOver()
    await phones.another(context.onTestFinished)
  })

  it('the connection breaks with the 200 in it: the called side is told, and nobody is charged for talk', async (context) => {
    phones.caller.say(phones.invite())
    const far = await phones.heard(callee, 'INVITE')
    phones.reply(far, 180)
    await phones.answered('INVITE', 180)
    drachtio.loseFinalResponses()
    phones.reply(far, 200, { body: ANSWER })
    await phones.heard(callee, 'ACK')
    await bench.up(payer)
    drachtio.loseFinalResponses(false)
    await bench.connected(1)
    phones.reply(await phones.heard(callee, 'BYE'), 200)
    const [cdr] = await bench.settled(payer, 1)
    expect(cdr).toMatchObject({ cause: 'dialog_gone', flags: ['presumed'] })
    expect(cdr?.seconds).toBeLessThanOrEqual(1)
    await bench.legsOver()
    await phones.another(context.onTestFinished)
  })
})
