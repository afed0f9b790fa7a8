/** The connection between a worker and its server breaks while a call is set up: nobody can be told, and nothing goes on. */
import { setTimeout as pause } from 'node:timers/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import { RawPhone } from '../../support/drachtio/raw-phone.ts'
import { type Payer, SipBench } from './drachtio-bench.ts'
import { Phones } from './phones.ts'

const TRY_MS = 1_000

let first: RawPhone
let second: RawPhone
let bench: SipBench
let payer: Payer
let phones: Phones

beforeEach(async ({ onTestFinished }) => {
  first = await RawPhone.open(0)
  second = await RawPhone.open(0)
  for (const phone of [first, second]) onTestFinished(() => phone.close())
  const hops = [first.port, second.port]
  bench = await SipBench.start(onTestFinished, { hops, more: `tryMs: ${TRY_MS}` })
  payer = await bench.account('lost', { credit: '100.00' })
  phones = await Phones.open(bench, { payer, callee: first }, onTestFinished)
}, 60_000)

describe('an INVITE whose connection broke', { timeout: 30_000 }, () => {
  it('calls no other hop over the next one, and holds nothing', async () => {
    phones.caller.say(phones.invite())
    await phones.heard(first, 'INVITE')
    bench.drachtio.dropSockets()
    await bench.connected(1)
    await bench.daemon.heldNothing(payer.id)
    await pause(2 * TRY_MS)
    expect(second.got).toEqual([])
    expect(bench.daemon.running).toBe(true)
  })

  it('rings on only until the next one is there', async () => {
    phones.caller.say(phones.invite())
    const far = await phones.heard(first, 'INVITE')
    phones.reply(far, 180)
    await phones.answered('INVITE', 180)
    bench.drachtio.dropSockets()
    phones.reply(await phones.heard(first, 'CANCEL'), 200)
    phones.reply(far, 487)
    await bench.daemon.heldNothing(payer.id)
    expect(await bench.cdrs(payer.id)).toEqual([])
  })

  it('and that is given up while there is none does not end the worker', async () => {
    phones.caller.say(phones.invite())
    await phones.heard(first, 'INVITE')
    const goneUntilMs = Date.now() + 2 * TRY_MS
    while (Date.now() < goneUntilMs) {
      bench.drachtio.dropSockets()
      await pause(20)
    }
    await bench.connected(1)
    await bench.daemon.heldNothing(payer.id)
    expect(second.got).toEqual([])
  })
})
