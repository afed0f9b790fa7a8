/** A phone without a mind: it notes what it gets, and says what it is told to. */
import { randomUUID } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { freePort } from '../../edges/sip/process.ts'
import { SipMessage } from './sip-message.ts'

export class RawPhone {
  readonly got: SipMessage[] = []
  readonly port: number
  readonly #socket: Socket
  readonly #to: number
  /** Another phone may have had its port before: what that one is still answered is none of its own. */
  readonly #name = randomUUID().slice(0, 8)
  readonly #asked = new Set<string>()

  private constructor(socket: Socket, to: number) {
    this.#socket = socket
    this.#to = to
    this.port = socket.address().port
    socket.on('message', (bytes) => {
      const message = SipMessage.parse(bytes.toString())
      if (message && (message.status === 0 || this.#asked.has(message.branch))) this.got.push(message)
    })
  }

  static async open(to: number, port?: number): Promise<RawPhone> {
    const socket = createSocket('udp4')
    socket.bind(port ?? (await freePort()), '127.0.0.1')
    await once(socket, 'listening')
    return new RawPhone(socket, to)
  }

  say(message: SipMessage, to = this.#to): void {
    if (message.status === 0) this.#asked.add(message.branch)
    this.#socket.send(message.toString(), to, '127.0.0.1')
  }

  request(method: string, settings: { toTag?: string; cseq?: number } = {}): SipMessage {
    const message = SipMessage.request(method, `sip:called@127.0.0.1:${this.#to}`)
    const branch = `z9hG4bK-${this.#name}-${method}-${settings.cseq ?? 1}`
    message.add('Via', `SIP/2.0/UDP 127.0.0.1:${this.port};branch=${branch}`)
    message.add('From', `<sip:caller@127.0.0.1:${this.port}>;tag=1`)
    message.add('To', `<sip:called@127.0.0.1>${settings.toTag === undefined ? '' : `;tag=${settings.toTag}`}`)
    message.add('Call-ID', `raw-${this.#name}`)
    message.add('CSeq', `${settings.cseq ?? 1} ${method}`)
    message.add('Contact', `<sip:caller@127.0.0.1:${this.port}>`)
    message.add('Max-Forwards', '70')
    return message
  }

  /** The ACK that a refused INVITE is owed. */
  acknowledge(invite: SipMessage, refusal: SipMessage): void {
    const ack = SipMessage.request('ACK', invite.uri)
    for (const name of ['Via', 'From', 'Call-ID', 'Max-Forwards']) ack.add(name, invite.get(name))
    ack.add('To', refusal.get('To'))
    ack.add('CSeq', `${invite.cseq} ACK`)
    this.say(ack)
  }

  statuses(method: string): number[] {
    return this.got.filter(({ status, cseqMethod }) => status > 0 && cseqMethod === method).map(({ status }) => status)
  }

  requests(method: string): SipMessage[] {
    return this.got.filter((message) => message.method === method)
  }

  close(): void {
    this.#socket.close()
  }
}
