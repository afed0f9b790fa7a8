/** Called sides that answer what no phone should, and callers that say what cannot be read: no crash, no call for nothing. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { describeIf } from '../../support/drachtio/describe-if.ts'
import { isDouble, isOurs } from '../../support/drachtio/drachtio-server.ts'
import { RawPhone } from '../../support/drachtio/raw-phone.ts'
import type { SipMessage } from '../../support/drachtio/sip-message.ts'
import { type Payer, SipBench } from './drachtio-bench.ts'
import { ANSWER, Phones, SDP } from './phones.ts'

const LEFT = 'an INVITE is left without an answer'

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
    '%i has taken no call: the server lets it find that out, and the caller is refused',
    async (status, { onTestFinished }) => {
      phones.caller.say(phones.invite())
      const far = await phones.heard(callee, 'INVITE')
      phones.reply(far, status, { body: ANSWER })
      expect((await phones.final()).status).toBe(502)
      await bench.legsOver()
      await bench.daemon.heldNothing(payer.id)
      await phones.another(onTestFinished)
    },
  )
})

/** Header value, and whether the caller offers SDP. */
const unreachable: readonly (readonly [string, string, boolean])[] = [
  ['no Contact', '', true],
  ['no Contact, and an offer of its own', '', false],
  ['a Contact that nobody can read', '"', true],
  ['a Contact that nobody can read, and an offer of its own', '"', false],
]

describeIf(isOurs)(
  'a called side that cannot be reached again, at a server that the test restarts',
  { timeout: 30_000 },
  () => {
    it.for(unreachable)('as it answers with %s, is no call: the caller is refused', async (answer, context) => {
      const [, contact, offers] = answer
      phones.caller.say(phones.invite(offers ? {} : { body: '' }))
      const far = await phones.heard(callee, 'INVITE')
      phones.reply(far, 200, { body: ANSWER, headers: { Contact: contact } })
      expect([502, 503]).toContain((await phones.final()).status)
      await bench.daemon.heldNothing(payer.id)
      // The server cannot reach it either, not even for the ACK: no BYE ends its dialog.
      await bench.drachtio.restart()
      await bench.connected(1)
      await phones.another(context.onTestFinished)
    })
  },
)

describe('a caller that cannot be reached again', { timeout: 20_000 }, () => {
  it.for([
    ['', 'malformed'],
    ['"', ''],
    ['<>', ''],
  ])('as it calls with the Contact %j, is refused with 400', async ([contact, code], context) => {
    const invite = phones.invite()
    invite.set('Contact', ...(contact ? [contact] : []))
    phones.caller.say(invite)
    const answer = await phones.final()
    expect([answer.status, answer.get('X-Tollgate-Code')]).toEqual([400, code])
    expect(callee.got).toEqual([])
    await phones.another(context.onTestFinished)
  })

  it.for(['*', '<tel:+442079460100>', '<phone>'])(
    'as it calls with the Contact %j, gets no answer: the server would not survive it',
    async (contact, context) => {
      const invite = phones.invite()
      invite.set('Contact', contact)
      phones.caller.say(invite)
      await bench.daemon.says(LEFT)
      await phones.another(context.onTestFinished)
      expect(phones.caller.statuses('INVITE')).toEqual([100])
      // Once a minute at most, as whoever can reach the server can have it said.
      expect(bench.daemon.lines().filter(({ msg }) => msg === LEFT)).toHaveLength(1)
    },
  )
})

describe('a caller that writes', { timeout: 20_000 }, () => {
  it.for([
    ['%2B442079460999', '+442079460999'],
    ['+44%32079460999', '+442079460999'],
    ['+44-20-7946-0999', '+44-20-7946-0999'],
  ])('the number as %s is charged for what is called', async ([written, called], context) => {
    const { near, far } = await phones.connect({ user: written ?? '' })
    expect(far.uri).toBe(`sip:${called}@127.0.0.1:${callee.port}`)
    await phones.hangUp(near)
    await bench.settled(payer, 1)
    const [cdr] = await bench.cdrs(payer.id)
    expect(cdr).toMatchObject({ to: called })
    await phones.another(context.onTestFinished)
  })

  it('a number that costs as one that does not is refused for want of a price', async () => {
    // The tariff of the bench knows numbers that begin with 44.
    phones.caller.say(phones.invite({ user: '%39%39442079460999' }))
    expect((await phones.final()).get('X-Tollgate-Code')).toBe('no_rate')
  })

  it('an emergency number in escapes is connected all the same', async () => {
    await bench.account('poor', {})
    const { near, far } = await phones.connect({ user: '%31%31%32', headers: { From: '<sip:nobody@phone>;tag=sos' } })
    expect(far.uri).toBe(`sip:112@127.0.0.1:${callee.port}`)
    await phones.hangUp(near)
  })

  it('its own number in escapes is known by it', async () => {
    const number = payer.number.replace('+', '%2B')
    const { near } = await phones.connect({ headers: { From: `<sip:${number}@phone>;tag=escaped` } })
    await phones.hangUp(near)
  })

  it.for(['%0D%0AX-Evil:1', '%00112', 'a%40b', '%', '%E0%A4%A', '%EF%BC%91'])(
    'the number as %s is refused with 400',
    async (user, context) => {
      phones.caller.say(phones.invite({ user }))
      const answer = await phones.final()
      expect([answer.status, answer.get('X-Tollgate-Code')]).toEqual([400, 'malformed'])
      await phones.another(context.onTestFinished)
    },
  )

  it.for(['a|b', 'victim;from-tag=1|x', `${'x'.repeat(300)}@phone`, 'a b', 'a,b'])(
    'the Call-ID %s is refused with 400',
    async (callId, context) => {
      phones.caller.say(phones.invite({ callId }))
      const answer = await phones.final()
      expect([answer.status, answer.get('X-Tollgate-Code')]).toEqual([400, 'malformed'])
      await phones.another(context.onTestFinished)
    },
  )
})

/** What a parser that takes a bare line end for one would read as a header of its own. */
const SMUGGLED = 'a\nX-Smuggled: b'

describe('line ends and NULs that stand where none may', { timeout: 20_000 }, () => {
  it.for(['\n', '\r', '\0'])('do not reach the called side: %j', async (end, context) => {
    const headers = {
      'X-Odd': `a${end}X-Smuggled: b`,
      'X-Even': 'good',
      From: `"An${end}X-Smuggled: b" <sip:${payer.number}@phone>;tag=smuggled`,
    }
    const { near, far } = await phones.connect({ headers })
    expect(withoutLineEnds(far)).not.toMatch(/[\r\n\0]/)
    expect(far.get('X-Even')).toBe('good')
    await phones.hangUp(near)
    await phones.another(context.onTestFinished)
  })

  it('do not come back to the caller, or in what ends the call', async ({ onTestFinished }) => {
    phones.caller.say(phones.invite())
    const far = await phones.heard(callee, 'INVITE')
    phones.reply(far, 180, { headers: { 'X-Odd': SMUGGLED } })
    phones.reply(far, 200, {
      body: ANSWER,
      headers: { 'X-Odd': SMUGGLED, 'Content-Type': `application/sdp;${SMUGGLED}` },
    })
    const near = await phones.answered('INVITE', 200)
    for (const answer of phones.caller.got) expect(withoutLineEnds(answer)).not.toMatch(/[\r\n\0]/)
    phones.caller.say(phones.within('ACK', 1, near))
    await phones.heard(callee, 'ACK')
    const bye = phones.within('BYE', 2, near)
    bye.set('Reason', SMUGGLED)
    phones.caller.say(bye)
    const passed = await phones.heard(callee, 'BYE')
    expect(withoutLineEnds(passed)).not.toMatch(/[\r\n\0]/)
    phones.reply(passed, 200)
    await phones.another(onTestFinished)
  })
})

/** The message without the ends of its lines. */
function withoutLineEnds(message: SipMessage): string {
  const text = message.toString()
  return text.slice(0, text.indexOf('\r\n\r\n')).replaceAll('\r\n', '|')
}

/** More than drachtio-server takes from a worker in one frame; it hears nothing of that worker afterwards. */
const HUGE = 'x'.repeat(13_000)

// Over UDP the real server answers all of these with 400 by itself, or drops them.
describeIf(isDouble)('more than the server takes at once, where it comes as far as us', { timeout: 30_000 }, () => {
  it.for([
    ['in a header', { headers: { 'X-Huge': HUGE } }],
    [
      'in many headers',
      { headers: Object.fromEntries([...Array(40).keys()].map((n) => [`X-Huge-${n}`, HUGE.slice(0, 400)])) },
    ],
    ['in the SDP', { body: `${SDP}a=${HUGE}\r\n` }],
  ] as const)('%s of an INVITE is refused with 513', async ([, wish], context) => {
    phones.caller.say(phones.invite(wish))
    const answer = await phones.final()
    expect([answer.status, answer.get('X-Tollgate-Code')]).toEqual([513, 'too_large'])
    await phones.another(context.onTestFinished)
  })

  it('in a name or a Call-ID, which every answer repeats, is not answered, and the next call is', async (context) => {
    const from = `"${HUGE}" <sip:${payer.number}@phone>;tag=huge`
    for (const invite of [phones.invite({ headers: { From: from } }), phones.invite({ callId: HUGE })]) {
      phones.caller.say(invite)
      await phones.answered('INVITE', 100)
      phones.caller.got.length = 0
    }
    await phones.another(context.onTestFinished)
  })

  it('in an answer of the called side is as if its hop had failed', async (context) => {
    phones.caller.say(phones.invite())
    const far = await phones.heard(callee, 'INVITE')
    phones.reply(far, 183, { body: `${ANSWER}a=${HUGE}\r\n` })
    expect((await phones.answered('INVITE', 183)).body).toBe('')
    phones.reply(far, 200, { body: `${ANSWER}a=${HUGE}\r\n` })
    expect((await phones.final()).status).toBe(502)
    phones.reply(await phones.heard(callee, 'BYE'), 200)
    await phones.another(context.onTestFinished)
  })

  it('in a refusal of the called side is left out of it', async (context) => {
    phones.caller.say(phones.invite())
    phones.reply(await phones.heard(callee, 'INVITE'), 486, { headers: { 'X-Huge': HUGE } })
    const refused = await phones.final()
    expect([refused.status, refused.get('X-Huge')]).toEqual([486, ''])
    await phones.another(context.onTestFinished)
  })

  it.for(['INVITE', 'INFO', 'MESSAGE'])('in a %s within a call is refused with 513', async (method, context) => {
    const { near } = await phones.connect()
    phones.caller.say(phones.within(method, 2, near, HUGE))
    expect((await phones.final(method, 2)).status).toBe(513)
    if (method === 'INVITE') phones.caller.say(phones.within('ACK', 2, near))
    await phones.hangUp(near)
    await phones.another(context.onTestFinished)
  })

  it('in the answer to a re-INVITE is refused with 513', async (context) => {
    const { near } = await phones.connect()
    phones.caller.say(phones.within('INVITE', 2, near, SDP))
    phones.reply(await phones.heard(callee, 'INVITE', 2), 200, { body: HUGE })
    expect((await phones.final('INVITE', 2)).status).toBe(513)
    phones.caller.say(phones.within('ACK', 2, near))
    await phones.hangUp(near)
    await phones.another(context.onTestFinished)
  })

  it('in the name or the Reason of a BYE ends the call all the same', async (context) => {
    const { near } = await phones.connect()
    const bye = phones.within('BYE', 2, near)
    bye.set('Reason', HUGE)
    bye.set('From', near.get('From').replace(/^"Anna"/, `"${HUGE}"`))
    phones.caller.say(bye)
    const passed = await phones.heard(callee, 'BYE')
    expect(passed.get('Reason')).toBe('')
    phones.reply(passed, 200)
    await bench.daemon.heldNothing(payer.id)
    await phones.another(context.onTestFinished)
  })
})
