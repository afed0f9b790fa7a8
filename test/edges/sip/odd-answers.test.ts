/** Called sides that answer what no phone should, and callers that say what cannot be read: no crash, no call for nothing. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { RawPhone } from '../../support/drachtio/raw-phone.ts'
import { type Payer, SipBench } from './drachtio-bench.ts'
import { ANSWER, Phones } from './phones.ts'

let bench: SipBench
let callee: RawPhone
let payer: Payer
let phones: Phones
const ends: (() => Promise<void>)[] = []

beforeAll(async () => {
  callee = await RawPhone.open(0)
  bench = await SipBench.start((end) => ends.unshift(end), { hops: [callee.port] })
  payer = await bench.account('odd', { credit: '1000.00' })
}, 60_000)

afterAll(async () => {
  callee.close()
  for (const end of ends) await end()
})

beforeEach(async ({ onTestFinished }) => {
  phones = await Phones.open(bench, { payer, callee }, onTestFinished)
})

describe('a called side that answers', { timeout: 20_000 }, () => {
  it.for([
    [199, 199],
    [188, 183],
  ])('%i first has that passed on as %i', async ([said, shown], { onTestFinished }) => {
    phones.caller.say(phones.invite())
    const far = await phones.heard(callee, 'INVITE')
    phones.reply(far, said as number)
    await phones.answered('INVITE', shown as number)
    phones.reply(far, 486)
    expect((await phones.final()).status).toBe(486)
    await phones.another(onTestFinished)
  })

  it.for([
    [399, 300],
    [498, 400],
    [486, 486],
    [699, 600],
    [607, 600],
  ])('%i has refused as %i', async ([said, shown], { onTestFinished }) => {
    phones.caller.say(phones.invite())
    phones.reply(await phones.heard(callee, 'INVITE'), said as number)
    expect((await phones.final()).status).toBe(shown)
    await bench.daemon.heldNothing(payer.id)
    await phones.another(onTestFinished)
  })

  it.for([202, 204, 299])(
    '%i has taken no call: it is hung up on, and the caller is refused',
    async (status, { onTestFinished }) => {
      phones.caller.say(phones.invite())
      const far = await phones.heard(callee, 'INVITE')
      phones.reply(far, status, { body: ANSWER })
      expect((await phones.final()).status).toBe(502)
      phones.reply(await phones.heard(callee, 'BYE'), 200)
      await bench.legsOver()
      await bench.daemon.heldNothing(payer.id)
      await phones.another(onTestFinished)
    },
  )
})

async function forgotten(): Promise<void> {
  await bench.drachtio.restart()
  await bench.connected(1)
}

/** Header value, and whether the caller offers SDP. */
const unreachable: readonly (readonly [string, string, boolean])[] = [
  ['no Contact', '', true],
  ['no Contact, and an offer of its own', '', false],
  ['a Contact that nobody can read', '"', true],
  ['a Contact that nobody can read, and an offer of its own', '"', false],
]

describe('a phone that cannot be reached again', { timeout: 20_000 }, () => {
  it.for(unreachable)('as it answers with %s, is hung up on, and the caller is refused', async (answer, context) => {
    const [, contact, offers] = answer
    phones.caller.say(phones.invite(offers ? {} : { body: '' }))
    const far = await phones.heard(callee, 'INVITE')
    phones.reply(far, 200, { body: ANSWER, headers: { Contact: contact } })
    expect((await phones.final()).status).toBe(502)
    await bench.daemon.heldNothing(payer.id)
    // Where nobody can read it, the server cannot either.
    if (contact === '') phones.reply(await phones.heard(callee, 'BYE'), 200)
    else await forgotten()
    await bench.legsOver()
    await phones.another(context.onTestFinished)
  })

  it.for(['', '*', '"', '<>', '<phone>'])(
    'as it calls with the Contact %j, is refused with 400',
    async (contact, context) => {
      const invite = phones.invite()
      invite.set('Contact', ...(contact === '' ? [] : [contact]))
      phones.caller.say(invite)
      const answer = await phones.final()
      expect([answer.status, answer.get('X-Tollgate-Code')]).toEqual([400, 'malformed'])
      expect(callee.got).toEqual([])
      await phones.another(context.onTestFinished)
    },
  )
})
