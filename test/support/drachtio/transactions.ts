/** The transactions of RFC 3261, section 17: what is sent again, and until when. */
import { randomUUID } from 'node:crypto'
import { responseTo, SipMessage, type Address } from './sip-message.ts'
import type { Timers } from './timers.ts'
import type { Wire } from './wire.ts'

/** Times timer B, after which a transaction is forgotten however it went: longer than any call of a test rings. */
const KEPT = 4

export type ResponseHandler = (response: SipMessage, source: Address) => void

/** A request that came in. */
export class ServerTransaction {
  readonly request: SipMessage
  readonly source: Address
  readonly #wire: Wire
  readonly #timers: Timers
  #last: SipMessage | undefined
  #stop = (): void => undefined
  #awaitsAck = false

  constructor(request: SipMessage, source: Address, { wire, timers }: { wire: Wire; timers: Timers }) {
    this.request = request
    this.source = source
    this.#wire = wire
    this.#timers = timers
  }

  get status(): number {
    return this.#last?.status ?? 0
  }

  /** Whether it is an INVITE that was answered finally, and whose ACK has not come. */
  get awaitsAck(): boolean {
    return this.#awaitsAck
  }

  /** A final response to an INVITE is sent again until its ACK, which `onNoAck` then waits for in vain. */
  respond(response: SipMessage, onNoAck: () => void = () => undefined): void {
    this.pass(response)
    if (response.status < 200 || this.request.method !== 'INVITE') return
    this.#awaitsAck = true
    const stop =
      this.source.transport === 'tcp' ? () => undefined : this.#timers.repeat(() => this.repeat(), this.#timers.t2Ms)
    const stopWaiting = this.#timers.after(this.#timers.giveUpMs, () => {
      stop()
      this.#awaitsAck = false
      onNoAck()
    })
    this.#stop = () => {
      stop()
      stopWaiting()
    }
  }

  /** Once: whoever made it sends it again. */
  pass(response: SipMessage): void {
    this.#last = response
    this.#wire.send(response, this.source)
  }

  repeat(): void {
    if (this.#last) this.#wire.send(this.#last, this.source)
  }

  acknowledged(): void {
    this.#awaitsAck = false
    this.#stop()
  }
}

/** A request that went out. */
export class ClientTransaction {
  readonly request: SipMessage
  readonly to: Address
  status = 0
  readonly #wire: Wire
  readonly #onResponse: ResponseHandler
  readonly #timers: Timers
  #stopSending = (): void => undefined
  #stopWaiting = (): void => undefined
  #cancel: (() => void) | undefined

  constructor(request: SipMessage, to: Address, settings: { wire: Wire; timers: Timers; onResponse: ResponseHandler }) {
    this.request = request
    this.to = to
    this.#wire = settings.wire
    this.#timers = settings.timers
    this.#onResponse = settings.onResponse
  }

  async start(): Promise<void> {
    if (!(await this.#wire.isListening(this.to))) return this.#answerLocally(503, 'Service Unavailable')
    this.#wire.send(this.request, this.to)
    this.#stopWaiting = this.#timers.after(this.#timers.giveUpMs, () => this.#answerLocally(408, 'Request Timeout'))
    // What goes over TCP arrives.
    if (this.to.transport === 'tcp') return
    const longestMs = this.request.method === 'INVITE' ? this.#timers.giveUpMs : this.#timers.t2Ms
    this.#stopSending = this.#timers.repeat(() => this.#wire.send(this.request, this.to), longestMs)
  }

  receive(response: SipMessage, source: Address): void {
    const invite = this.request.method === 'INVITE'
    if (response.status >= 300 && invite && source !== this.#wire.address) this.#acknowledge(response)
    // Of the final responses only an INVITE's 2xx is shown again: it may be lacking its ACK.
    if (this.status >= 300 || (this.status >= 200 && !invite)) return
    if (response.status >= 200 || invite) this.#stopSending()
    if (response.status >= 200 || (invite && !this.#cancel)) this.#stopWaiting()
    this.status = Math.max(this.status, response.status)
    this.#cancel?.()
    this.#onResponse(response, source)
  }

  /** The CANCEL waits for a first response (RFC 3261, 9.1); without a final one the INVITE ends after timer B. */
  cancel(send: () => void): void {
    if (this.status >= 200) return
    this.#stopWaiting()
    this.#stopWaiting = this.#timers.after(this.#timers.giveUpMs, () => this.#answerLocally(408, 'Request Timeout'))
    const once = (): void => {
      this.#cancel = () => undefined
      if (this.status < 200) send()
    }
    if (this.status >= 100) once()
    else this.#cancel = once
  }

  #answerLocally(status: number, reason: string): void {
    const response = responseTo(this.request, status, reason)
    if (response.toTag === '') response.set('To', `${response.get('To')};tag=${newTag()}`)
    this.receive(response, this.#wire.address)
  }

  #acknowledge(response: SipMessage): void {
    const ack = SipMessage.request('ACK', this.request.uri)
    ack.add('Via', this.request.get('Via'))
    for (const route of this.request.all('Route')) ack.add('Route', route)
    ack.add('Max-Forwards', '70')
    ack.add('From', this.request.get('From'))
    ack.add('To', response.get('To'))
    ack.add('Call-ID', this.request.get('Call-ID'))
    ack.add('CSeq', `${this.request.cseq} ACK`)
    this.#wire.send(ack, this.to)
  }
}

/** All transactions of a double by branch and method. */
export class Transactions {
  readonly #wire: Wire
  readonly #timers: Timers
  readonly #servers = new Map<string, ServerTransaction>()
  readonly #clients = new Map<string, ClientTransaction>()

  constructor(wire: Wire, timers: Timers) {
    this.#wire = wire
    this.#timers = timers
  }

  accept(request: SipMessage, source: Address): ServerTransaction {
    const transaction = new ServerTransaction(request, source, { wire: this.#wire, timers: this.#timers })
    const held = key(request, request.method)
    this.#servers.set(held, transaction)
    this.#timers.after(KEPT * this.#timers.giveUpMs, () => this.#servers.delete(held))
    return transaction
  }

  /** The one of the same request, or of another method that an ACK or CANCEL belongs to. */
  of(request: SipMessage, method = request.method): ServerTransaction | undefined {
    return this.#servers.get(key(request, method))
  }

  /** Puts a Via on top. */
  stamp(request: SipMessage, { transport }: Address, branch = newBranch()): void {
    const via = `SIP/2.0/${transport === 'tcp' ? 'TCP' : 'UDP'} 127.0.0.1:${this.#wire.port};rport;branch=${branch}`
    request.set('Via', via, ...request.all('Via'))
  }

  send(request: SipMessage, to: Address, onResponse: ResponseHandler): ClientTransaction {
    this.stamp(request, to)
    return this.sendStamped(request, to, onResponse)
  }

  /** With the Via that it has: a CANCEL has that of its INVITE. */
  sendStamped(request: SipMessage, to: Address, onResponse: ResponseHandler): ClientTransaction {
    const settings = { wire: this.#wire, timers: this.#timers, onResponse }
    const transaction = new ClientTransaction(request, to, settings)
    const held = key(request, request.method)
    this.#clients.set(held, transaction)
    this.#timers.after(KEPT * this.#timers.giveUpMs, () => this.#clients.delete(held))
    void transaction.start()
    return transaction
  }

  /** Whether it answers something that went out. */
  receive(response: SipMessage, source: Address): boolean {
    const transaction = this.#clients.get(key(response, response.cseqMethod))
    transaction?.receive(response, source)
    return transaction !== undefined
  }
}

function newBranch(): string {
  return `z9hG4bK${randomUUID()}`
}

export function newTag(): string {
  return randomUUID().replaceAll('-', '').slice(0, 13)
}

function key(message: SipMessage, method: string): string {
  return `${message.branch} ${method}`
}
