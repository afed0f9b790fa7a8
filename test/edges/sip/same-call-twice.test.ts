/** INVITEs that say they are of a call that there is already: one call is let in for one price. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { RawPhone } from '../../support/drachtio/raw-phone.ts'
import { type Payer, SipBench } from './drachtio-bench.ts'
import { ANSWER, Phones } from './phones.ts'
import { until } from './process.ts'

let bench: SipBench
let callee: RawPhone
let payer: Payer
let phones: Phones
const ends: (() => Promise<void>)[] = []

beforeAll(async () => {
  callee = await RawPhone.open(0)
  bench = await SipBench.start((end) => ends.unshift(end), { hops: [callee.port] })
  payer = await bench.account('twice', { credit: '1000.00', outbound: 1 })
}, 60_000)

afterAll(async () => {
  callee.close()
  for (const end of ends) await end()
})

beforeEach(async ({ onTestFinished }) => {
  phones = await Phones.open(bench, { payer, callee }, onTestFinished)
})

/** The same leg, and how the second INVITE differs. */
const again = [
  ['over another way', { branch: 'z9hG4bK-spiral' }],
  ['with the next CSeq', { cseq: 2 }],
] as const

describe.for(again)('an INVITE of a call that rings, %s,', { timeout: 20_000 }, ([, wish]) => {
  it('is refused with 482, and rings nobody', async ({ onTestFinished }) => {
    const callId = crypto.randomUUID()
    phones.caller.say(phones.invite({ callId }))
    const far = await phones.heard(callee, 'INVITE')
    phones.reply(far, 180)
    await phones.answered('INVITE', 180)
    phones.caller.say(phones.invite({ callId, ...wish }))
    await phones.answered('INVITE', 482, 'cseq' in wish ? wish.cseq : 1)
    phones.reply(far, 200, { body: ANSWER })
    const near = await phones.answered('INVITE', 200)
    phones.caller.say(phones.within('ACK', 1, near))
    await phones.heard(callee, 'ACK')
    await phones.hangUp(near)
    expect(new Set(callee.requests('INVITE').map(({ branch }) => branch)).size).toBe(1)
    await phones.another(onTestFinished)
  })

  it('at another worker, too', async ({ onTestFinished }) => {
    const second = await bench.secondWorker()
    const callId = crypto.randomUUID()
    const invites = [phones.invite({ callId }), phones.invite({ callId, ...wish }), phones.invite({ callId, cseq: 3 })]
    for (const invite of invites) phones.caller.say(invite)
    await until(
      'two are refused',
      () => phones.caller.statuses('INVITE').filter((status) => status === 482).length >= 2,
    )
    const far = await phones.heard(callee, 'INVITE')
    phones.reply(far, 486)
    await until('the last is refused', () => phones.caller.statuses('INVITE').includes(486))
    expect(new Set(callee.requests('INVITE').map(({ branch }) => branch)).size).toBe(1)
    await bench.daemon.heldNothing(payer.id)
    await second.stop()
    await bench.connected(1)
    await phones.another(onTestFinished)
  })

  it('leaves the first its CANCEL', async ({ onTestFinished }) => {
    const callId = crypto.randomUUID()
    const first = phones.invite({ callId })
    phones.caller.say(first)
    const far = await phones.heard(callee, 'INVITE')
    phones.reply(far, 180)
    await phones.answered('INVITE', 180)
    phones.caller.say(phones.invite({ callId, ...wish }))
    await phones.answered('INVITE', 482, 'cseq' in wish ? wish.cseq : 1)
    phones.caller.say(phones.cancelOf(first))
    await phones.answered('INVITE', 487)
    phones.reply(await phones.heard(callee, 'CANCEL'), 200)
    phones.reply(far, 487)
    await bench.daemon.heldNothing(payer.id)
    await phones.another(onTestFinished)
  })
})

it(
  'the next INVITE after a refusal is another attempt, however soon it comes',
  { timeout: 30_000 },
  async ({ onTestFinished }) => {
    const callId = crypto.randomUUID()
    for (let cseq = 1; cseq <= 20; cseq += 1) {
      phones.caller.say(phones.invite({ callId, cseq }))
      phones.reply(await phones.heard(callee, 'INVITE', cseq), 486)
      expect((await phones.final('INVITE', cseq)).status).toBe(486)
    }
    await phones.another(onTestFinished)
  },
)
