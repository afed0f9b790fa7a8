/** What passes from one phone to the other through the daemon, message by message: phones that say just what they are told. */
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { RawPhone } from '../../support/drachtio/raw-phone.ts'
import { SipMessage } from '../../support/drachtio/sip-message.ts'
import { type Payer, SipBench } from './drachtio-bench.ts'
import { freePort, until } from './process.ts'

const SDP = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 8\r\n'
const ANSWER = SDP.replace('6000', '7000')
const TAG = 'callee'
const CALLED = '+442079460999'

let bench: SipBench
let callee: RawPhone
let payer: Payer
let caller: RawPhone
let calls = 0
const ends: (() => Promise<void>)[] = []

beforeAll(async () => {
  callee = await RawPhone.open(0)
  const closed = await freePort()
  bench = await SipBench.start((end) => ends.unshift(end), { hops: [closed, callee.port] })
  payer = await bench.account('passes', { credit: '1000.00' })
}, 60_000)

afterAll(async () => {
  callee.close()
  for (const end of ends) await end()
})

beforeEach(async () => {
  callee.got.length = 0
  calls += 1
  caller = await RawPhone.open(bench.drachtio.sipPort)
  return () => caller.close()
})

function invite(headers: Readonly<Record<string, string>> = {}, body = SDP, cseq = 1): SipMessage {
  const message = SipMessage.request('INVITE', `sip:${CALLED}@127.0.0.1:${bench.drachtio.sipPort}`)
  for (const [name, value] of caller.request('INVITE', { cseq }).headers) message.add(name, value)
  message.set('From', `"Anna" <sip:${payer.number}@10.0.0.1>;tag=near${calls}`)
  message.set('Call-ID', `pass-${calls}@phones`)
  for (const [name, value] of Object.entries(headers)) message.set(name, value)
  return withBody(message, body)
}

function withBody(message: SipMessage, body: string): SipMessage {
  message.body = body
  if (body !== '') message.set('Content-Type', 'application/sdp')
  return message
}

function within(method: string, cseq: number, to: SipMessage, body = ''): SipMessage {
  const message = caller.request(method, { cseq })
  message.set('From', to.get('From'))
  message.set('To', to.get('To'))
  message.set('Call-ID', to.get('Call-ID'))
  return withBody(message, body)
}

/** The n-th request of its kind that came to a phone. */
async function heard(phone: RawPhone, method: string, nth = 1): Promise<SipMessage> {
  await until(`${method} ${nth} comes`, () => distinct(phone, method).length >= nth, {
    explain: () => bench.daemon.output.slice(-3_000),
  })
  return distinct(phone, method)[nth - 1]!
}

/** Without what was sent again. */
function distinct(phone: RawPhone, method: string): readonly SipMessage[] {
  return phone.requests(method).filter((one, at, all) => all.findIndex(({ branch }) => branch === one.branch) === at)
}

/** A final or provisional answer to the caller. */
async function answered(method: string, status: number, cseq = 1): Promise<SipMessage> {
  const find = (): SipMessage | undefined =>
    caller.got.find((each) => each.status === status && each.cseqMethod === method && each.cseq === cseq)
  await until(`${status} to ${method}`, () => find() !== undefined, {
    explain: () => caller.got.map(String).join('\n'),
  })
  return find()!
}

function reply(
  phone: RawPhone,
  request: SipMessage,
  status: number,
  body = '',
  headers: Readonly<Record<string, string>> = {},
): void {
  const message = SipMessage.response(status, 'As it is')
  for (const name of ['Via', 'From', 'Call-ID', 'CSeq']) for (const value of request.all(name)) message.add(name, value)
  message.add('To', request.toTag === '' ? `${request.get('To')};tag=${TAG}` : request.get('To'))
  message.add('Contact', `<sip:callee@127.0.0.1:${phone.port}>`)
  for (const [name, value] of Object.entries(headers)) message.set(name, value)
  phone.say(withBody(message, body), portOf(request))
}

function portOf(request: SipMessage): number {
  return Number(/:(\d+)/.exec(request.get('Via'))?.[1])
}

function cancelOf(asked: SipMessage): SipMessage {
  const cancel = caller.request('CANCEL')
  for (const name of ['Via', 'From', 'To', 'Call-ID']) cancel.set(name, asked.get(name))
  return cancel
}

/** Up to the caller's ACK. */
async function connect(headers: Readonly<Record<string, string>> = {}): Promise<{ near: SipMessage; far: SipMessage }> {
  caller.say(invite(headers))
  const far = await heard(callee, 'INVITE')
  reply(callee, far, 200, ANSWER)
  const near = await answered('INVITE', 200)
  caller.say(within('ACK', 1, near))
  await heard(callee, 'ACK')
  return { near, far }
}

async function hangUp(near: SipMessage, cseq = 9): Promise<void> {
  caller.say(within('BYE', cseq, near))
  const bye = await heard(callee, 'BYE')
  reply(callee, bye, 200)
  await answered('BYE', 200, cseq)
  await bench.legsOver()
}

describe('a call', { timeout: 20_000 }, () => {
  it('goes to the next hop where the first is closed, with number, name, SDP and headers as they came', async () => {
    const { near, far } = await connect({ 'X-Customer': 'Ä 42', 'User-Agent': 'phone/1', 'X-Tollgate-Call': 'forged' })
    expect(far.uri).toBe(`sip:${CALLED}@127.0.0.1:${callee.port}`)
    expect(far.get('From')).toMatch(new RegExp(`^"?Anna"? <sip:\\${payer.number}@127.0.0.1`))
    expect(far.body).toBe(SDP)
    expect([far.get('X-Customer'), far.get('User-Agent')]).toEqual(['Ä 42', 'phone/1'])
    expect(far.get('X-Tollgate-Call')).toBe('')
    expect(far.get('Max-Forwards')).toBe('69')
    expect(far.get('Call-ID')).not.toBe(near.get('Call-ID'))
    expect(near.body).toBe(ANSWER)
    await hangUp(near)
  })

  it('has ringing, early media and the status and Reason of a refusal passed back', async () => {
    caller.say(invite())
    const far = await heard(callee, 'INVITE')
    reply(callee, far, 180)
    await answered('INVITE', 180)
    reply(callee, far, 183, ANSWER)
    expect((await answered('INVITE', 183)).body).toBe(ANSWER)
    reply(callee, far, 486, '', { Reason: 'Q.850;cause=17;text="busy"' })
    const refused = await answered('INVITE', 486)
    expect(refused.get('Reason')).toBe('Q.850;cause=17;text="busy"')
    await bench.daemon.heldNothing(payer.id)
  })

  it('is refused by the called side as it says, and goes nowhere else after 486 or 603', async () => {
    caller.say(invite())
    reply(callee, await heard(callee, 'INVITE'), 603)
    await answered('INVITE', 603)
    expect(distinct(callee, 'INVITE')).toHaveLength(1)
  })

  it('has a CANCEL passed on, with its Reason', async () => {
    const asked = invite()
    caller.say(asked)
    const far = await heard(callee, 'INVITE')
    reply(callee, far, 180)
    await answered('INVITE', 180)
    const cancel = cancelOf(asked)
    cancel.set('Reason', 'SIP;cause=200;text="Call completed elsewhere"')
    caller.say(cancel)
    await answered('INVITE', 487)
    const passed = await heard(callee, 'CANCEL')
    expect(passed.get('Reason')).toBe('SIP;cause=200;text="Call completed elsewhere"')
    reply(callee, passed, 200)
    reply(callee, far, 487)
    await bench.daemon.heldNothing(payer.id)
  })

  it('that is cancelled while it is decided rings nobody, holds nothing and is charged nothing', async () => {
    const decided = bench.daemon.lines().filter(({ msg }) => msg === 'decision').length
    const redis = new Redis({ path: join(bench.home.redisFolder, 'redis.sock') })
    await redis.call('CLIENT', 'PAUSE', '300', 'ALL')
    redis.disconnect()
    const asked = invite()
    caller.say(asked)
    await answered('INVITE', 100)
    caller.say(cancelOf(asked))
    await answered('INVITE', 487)
    // What was asked during the pause is decided after it.
    await bench.daemon.says('decision', decided + 1)
    await bench.daemon.heldNothing(payer.id)
    expect(callee.got).toEqual([])
  })

  it('has the Reason of a BYE passed to the other side', async () => {
    const { near } = await connect()
    const bye = within('BYE', 2, near)
    bye.set('Reason', 'Q.850;cause=16')
    caller.say(bye)
    const passed = await heard(callee, 'BYE')
    expect(passed.get('Reason')).toBe('Q.850;cause=16')
    reply(callee, passed, 200)
    await bench.legsOver()
  })

  it('without an offer gets that of the called side, which gets the answer with the ACK', async () => {
    caller.say(invite({}, ''))
    const far = await heard(callee, 'INVITE')
    expect(far.body).toBe('')
    reply(callee, far, 200, SDP)
    const near = await answered('INVITE', 200)
    expect(near.body).toBe(SDP)
    caller.say(within('ACK', 1, near, ANSWER))
    expect((await heard(callee, 'ACK')).body).toBe(ANSWER)
    await bench.up(payer)
    await hangUp(near)
  })
})

describe('within a call', { timeout: 20_000 }, () => {
  it('a re-INVITE reaches the other side with its SDP, and its answer comes back; so one that is refused, and the next', async () => {
    const { near } = await connect()
    const hold = SDP.replace('6000', '6002')
    caller.say(within('INVITE', 2, near, hold))
    const again = await heard(callee, 'INVITE', 2)
    expect(again.body).toBe(hold)
    reply(callee, again, 200, ANSWER.replace('7000', '7002'))
    expect((await answered('INVITE', 200, 2)).body).toContain('7002')
    caller.say(within('ACK', 2, near))
    await heard(callee, 'ACK', 2)

    caller.say(within('INVITE', 3, near, SDP))
    reply(callee, await heard(callee, 'INVITE', 3), 488)
    await answered('INVITE', 488, 3)
    caller.say(within('ACK', 3, near))

    caller.say(within('INVITE', 4, near, SDP))
    reply(callee, await heard(callee, 'INVITE', 4), 200, ANSWER)
    await answered('INVITE', 200, 4)
    caller.say(within('ACK', 4, near))
    await hangUp(near)
  })

  it.each(['INFO', 'REFER', 'MESSAGE'])('%s reaches the other side with its headers', async (method) => {
    const { near } = await connect()
    const message = within(method, 2, near)
    message.set('Refer-To', '<sip:+442079460001@elsewhere>')
    message.set('X-Digit', '5')
    caller.say(message)
    const passed = await heard(callee, method)
    expect([passed.get('Refer-To'), passed.get('X-Digit')]).toEqual(['<sip:+442079460001@elsewhere>', '5'])
    reply(callee, passed, 202)
    await answered(method, 202, 2)
    await hangUp(near)
  })
})

describe('session timers', { timeout: 20_000 }, () => {
  it('are asked of both sides, and are refreshed by the phones', async () => {
    const { near, far } = await connect({ Supported: 'timer', 'Session-Expires': '1800' })
    expect(near.get('Session-Expires')).toBe('300;refresher=uac')
    expect(far.get('Session-Expires')).toBe('300;refresher=uas')
    expect(far.get('Supported')).toContain('timer')
    const update = within('UPDATE', 2, near)
    update.set('Session-Expires', '300;refresher=uac')
    caller.say(update)
    expect((await answered('UPDATE', 200, 2)).get('Session-Expires')).toBe('300;refresher=uac')
    await hangUp(near)
  })

  it('are not asked of a phone that has none', async () => {
    const { near } = await connect()
    expect(near.get('Session-Expires')).toBe('')
    await hangUp(near)
  })
})

it('OPTIONS are answered with what the daemon can', async () => {
  caller.say(caller.request('OPTIONS'))
  expect((await answered('OPTIONS', 200)).get('Allow')).toContain('INVITE')
})

it.each([
  ['whose hops are used up', { 'Max-Forwards': '0' }, 483],
  ['without a number to call', { To: '<sip:x>' }, 400],
])('an INVITE %s is refused', async (_, headers, status) => {
  const message = invite(headers)
  if (status === 400) Object.assign(message, { uri: `sip:127.0.0.1:${bench.drachtio.sipPort}` })
  caller.say(message)
  await answered('INVITE', status)
})
