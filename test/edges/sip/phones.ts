/** Two phones that say just what a test tells them, with the daemon between them. */
import { expect } from 'vitest'
import { RawPhone } from '../../support/drachtio/raw-phone.ts'
import { SipMessage } from '../../support/drachtio/sip-message.ts'
import type { AtEnd } from '../../app/bench.ts'
import type { Payer, SipBench } from './drachtio-bench.ts'
import { until } from './process.ts'

export const SDP = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 8\r\n'
export const ANSWER = SDP.replace('6000', '7000')
const CALLED = '+442079460999'

export type Headers = Readonly<Record<string, string>>

export interface InviteWish {
  readonly headers?: Headers
  readonly body?: string
  readonly cseq?: number
  readonly callId?: string
  /** The Request-URI without its host. */
  readonly user?: string
  readonly branch?: string
}

export interface Reply {
  readonly body?: string
  readonly headers?: Headers
  /** The phone that says it; the called one where it is not said. */
  readonly from?: RawPhone
}

let calls = 0

/** One call: the phone that calls, and the one that is called. */
export class Phones {
  readonly bench: SipBench
  readonly payer: Payer
  readonly caller: RawPhone
  readonly callee: RawPhone
  readonly #nth: number

  private constructor(bench: SipBench, payer: Payer, phones: { readonly caller: RawPhone; readonly callee: RawPhone }) {
    calls += 1
    this.#nth = calls
    this.bench = bench
    this.payer = payer
    this.caller = phones.caller
    this.callee = phones.callee
  }

  /** The called phone is that of the bench's hops; it is asked to forget what it heard. */
  static async open(
    bench: SipBench,
    { payer, callee }: { payer: Payer; callee: RawPhone },
    atEnd: AtEnd,
  ): Promise<Phones> {
    const caller = await RawPhone.open(bench.drachtio.sipPort)
    atEnd(() => Promise.resolve(caller.close()))
    callee.got.length = 0
    return new Phones(bench, payer, { caller, callee })
  }

  invite(wish: InviteWish = {}): SipMessage {
    const { headers = {}, body = SDP, cseq = 1, user = CALLED } = wish
    const message = SipMessage.request('INVITE', `sip:${user}@127.0.0.1:${this.bench.drachtio.sipPort}`)
    for (const [name, value] of this.caller.request('INVITE', { cseq }).headers) message.add(name, value)
    if (wish.branch !== undefined) message.set('Via', message.get('Via').replace(/branch=.*/, `branch=${wish.branch}`))
    message.set('From', `"Anna" <sip:${this.payer.number}@10.0.0.1>;tag=near${this.#nth}`)
    message.set('Call-ID', wish.callId ?? `raw-${process.pid}-${this.#nth}@phones`)
    for (const [name, value] of Object.entries(headers)) message.set(name, value)
    return withBody(message, body)
  }

  /** A request of the caller in the dialog of an answer. */
  within(method: string, cseq: number, to: SipMessage, body = ''): SipMessage {
    const message = this.caller.request(method, { cseq })
    for (const name of ['From', 'To', 'Call-ID']) message.set(name, to.get(name))
    return withBody(message, body)
  }

  /** A request of the called side in the dialog of its INVITE. */
  back(method: string, cseq: number, { far, tag = 'callee' }: { far: SipMessage; tag?: string }): SipMessage {
    const message = this.callee.request(method, { cseq })
    message.set(
      'Via',
      `SIP/2.0/UDP 127.0.0.1:${this.callee.port};branch=z9hG4bK-${far.get('Call-ID')}-${method}-${cseq}`,
    )
    message.set('From', `${far.get('To')};tag=${tag}`)
    message.set('To', far.get('From'))
    message.set('Call-ID', far.get('Call-ID'))
    return message
  }

  cancelOf(asked: SipMessage): SipMessage {
    return this.#ofTransaction('CANCEL', asked)
  }

  /** Of a refusal: that of a 200 is a request of the dialog. */
  ackOf(asked: SipMessage, refusal: SipMessage): SipMessage {
    const ack = this.#ofTransaction('ACK', asked)
    ack.set('To', refusal.get('To'))
    return ack
  }

  #ofTransaction(method: string, asked: SipMessage): SipMessage {
    const message = this.caller.request(method, { cseq: asked.cseq })
    for (const name of ['Via', 'From', 'To', 'Call-ID']) message.set(name, asked.get(name))
    return message
  }

  reply(request: SipMessage, status: number, { body = '', headers = {}, from = this.callee }: Reply = {}): void {
    const message = SipMessage.response(status, 'As it is')
    for (const name of ['Via', 'From', 'Call-ID', 'CSeq'])
      for (const value of request.all(name)) message.add(name, value)
    message.add('To', request.toTag === '' ? `${request.get('To')};tag=callee` : request.get('To'))
    message.add('Contact', `<sip:callee@127.0.0.1:${from.port}>`)
    for (const [name, value] of Object.entries(headers)) message.set(name, ...(value === '' ? [] : [value]))
    from.say(withBody(message, body), this.bench.drachtio.sipPort)
  }

  /** The n-th request of its kind that came to a phone, without what was sent again. */
  async heard(phone: RawPhone, method: string, nth = 1): Promise<SipMessage> {
    await until(`${method} ${nth} comes`, () => distinct(phone, method).length >= nth, {
      explain: () =>
        `${this.caller.got.map(({ status, cseq }) => `${status} ${cseq}`).join(', ')}\n${phone.got.map(String).join('\n')}\n${this.bench.daemon.output.slice(-3_000)}`,
    })
    const message = distinct(phone, method)[nth - 1]
    if (!message) throw new Error(`no ${method}`)
    return message
  }

  /** A final answer to the caller's INVITE, or another of its requests. */
  async final(method = 'INVITE', cseq = 1): Promise<SipMessage> {
    return this.answered(method, (status) => status >= 200, cseq)
  }

  async answered(method: string, wanted: number | ((status: number) => boolean), cseq = 1): Promise<SipMessage> {
    const fits = typeof wanted === 'number' ? (status: number): boolean => status === wanted : wanted
    const find = (): SipMessage | undefined =>
      this.caller.got.find(
        (each) => each.status > 0 && fits(each.status) && each.cseqMethod === method && each.cseq === cseq,
      )
    await until(`an answer to ${method} ${cseq} (${String(wanted)})`, () => find() !== undefined, {
      explain: () => `${this.caller.got.map(String).join('\n')}\n${this.bench.daemon.output.slice(-3_000)}`,
    })
    const message = find()
    if (!message) throw new Error('no answer')
    return message
  }

  /** Up to the ACK. */
  async connect(wish: InviteWish = {}): Promise<{ readonly near: SipMessage; readonly far: SipMessage }> {
    this.caller.say(this.invite(wish))
    const far = await this.heard(this.callee, 'INVITE')
    this.reply(far, 200, { body: ANSWER })
    const near = await this.answered('INVITE', 200, wish.cseq ?? 1)
    this.caller.say(this.within('ACK', wish.cseq ?? 1, near))
    await this.heard(this.callee, 'ACK')
    return { near, far }
  }

  async hangUp(near: SipMessage, cseq = 9): Promise<void> {
    this.caller.say(this.within('BYE', cseq, near))
    this.reply(await this.heard(this.callee, 'BYE'), 200)
    expect((await this.final('BYE', cseq)).status).toBe(200)
  }

  /** The daemon is well, and another call goes through and is charged by the second. */
  async another(atEnd: AtEnd): Promise<void> {
    const { bench, payer, callee } = this
    const phones = await Phones.open(bench, { payer, callee }, atEnd)
    const { near } = await phones.connect()
    await phones.hangUp(near)
    await bench.legsOver()
    await bench.daemon.heldNothing(payer.id)
    expect(bench.daemon.running).toBe(true)
  }
}

function distinct(phone: RawPhone, method: string): readonly SipMessage[] {
  return phone.requests(method).filter((one, at, all) => all.findIndex(({ branch }) => branch === one.branch) === at)
}

function withBody(message: SipMessage, body: string): SipMessage {
  message.body = body
  if (body !== '') message.set('Content-Type', 'application/sdp')
  return message
}
