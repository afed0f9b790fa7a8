/** The dialogs of a double: one for each leg of a call, from its 200 to its BYE. */
import type { Client } from './admin.ts'
import { addressOf, SipMessage, uriOf, withTag, type Address } from './sip-message.ts'
import type { Timers } from './timers.ts'

/** The ACK that is awaited from the network. */
export interface AwaitedAck {
  readonly cseq: number
  readonly transactionId: string
  readonly arrived: () => void
}

export interface DialogStart {
  readonly id: string
  readonly callId: string
  /** From and To as this side writes them, with their tags. */
  readonly local: string
  readonly remote: string
  readonly localTag: string
  readonly target: string
  readonly routes: readonly string[]
  readonly contact: string
  readonly sdp: string
  readonly cseq: number
}

export class Dialog {
  readonly id: string
  readonly callId: string
  readonly localTag: string
  readonly contact: string
  sdp: string
  target: string
  connection: Address | undefined
  /** The app that set it up; the phone's requests go there. */
  owner: Client | undefined
  awaitedAck: AwaitedAck | undefined
  /** Sent for the last 2xx, and again for each that comes after it. */
  sentAck: SipMessage | undefined
  /** Of the last INVITE that went out; its ACK has the same. */
  inviteCseq: number
  refresher: 'us' | 'them' | 'nobody' = 'nobody'
  readonly #local: string
  readonly #remote: string
  readonly #routes: readonly string[]
  #cseq: number
  #stopTimer = (): void => undefined

  constructor(start: DialogStart, owner: Client | undefined) {
    this.id = start.id
    this.callId = start.callId
    this.localTag = start.localTag
    this.contact = start.contact
    this.sdp = start.sdp
    this.target = start.target
    this.owner = owner
    this.inviteCseq = start.cseq
    this.#local = start.local
    this.#remote = start.remote
    this.#routes = start.routes
    this.#cseq = start.cseq
  }

  /** Where a request to that URI goes: over the connection that the dialog was set up on, where it was one. */
  nextHop(uri: string): Address | undefined {
    const [first] = this.#routes
    return this.connection ?? addressOf(first === undefined ? uri : uriOf(first))
  }

  request(method: string, uri = this.target): SipMessage {
    const request = SipMessage.request(method, uri)
    if (method !== 'ACK') this.#cseq += 1
    if (method === 'INVITE') this.inviteCseq = this.#cseq
    for (const route of this.#routes) request.add('Route', route)
    request.add('Max-Forwards', '70')
    request.add('From', this.#local)
    request.add('To', this.#remote)
    request.add('Call-ID', this.callId)
    request.add('CSeq', `${method === 'ACK' ? this.inviteCseq : this.#cseq} ${method}`)
    if (method === 'INVITE' || method === 'REFER' || method === 'SUBSCRIBE') request.add('Contact', this.contact)
    return request
  }

  /** When we refresh, the timer ends half way. */
  startTimer(timers: Timers, seconds: number, timer: { refresher: 'us' | 'them'; expired: () => void }): void {
    this.stopTimer()
    this.refresher = timer.refresher
    this.#stopTimer = timers.after((seconds * 1_000) / (timer.refresher === 'us' ? 2 : 1), () => {
      this.refresher = 'nobody'
      timer.expired()
    })
  }

  stopTimer(): void {
    this.#stopTimer()
    this.refresher = 'nobody'
  }
}

/** `<Call-ID>;from-tag=<From tag of the INVITE>`, whoever sent that. */
export function dialogId(invite: SipMessage): string {
  return `${invite.get('Call-ID')};from-tag=${invite.fromTag}`
}

/** The called side of an INVITE that came in. */
export function calledDialog(invite: SipMessage, answer: SipMessage, owner: Client | undefined): Dialog {
  const start = {
    id: dialogId(invite),
    callId: invite.get('Call-ID'),
    local: answer.get('To'),
    remote: invite.get('From'),
    localTag: answer.toTag,
    target: uriOf(invite.get('Contact') || invite.get('From')),
    routes: invite.all('Record-Route'),
    contact: answer.get('Contact'),
    sdp: answer.body,
    cseq: 0,
  }
  return new Dialog(start, owner)
}

/** The calling side of an INVITE that went out. */
export function callingDialog(invite: SipMessage, answer: SipMessage, owner: Client | undefined): Dialog {
  const start = {
    id: dialogId(invite),
    callId: invite.get('Call-ID'),
    local: invite.get('From'),
    remote: withTag(invite.get('To'), answer.toTag),
    localTag: invite.fromTag,
    // Without it the server finds no way to the called side, not even for the ACK.
    target: uriOf(answer.get('Contact')),
    routes: answer.all('Record-Route').reverse(),
    contact: invite.get('Contact'),
    sdp: invite.body,
    cseq: invite.cseq,
  }
  return new Dialog(start, owner)
}

export class Dialogs {
  readonly #byId = new Map<string, Dialog>()

  get size(): number {
    return this.#byId.size
  }

  add(dialog: Dialog): void {
    this.#byId.set(dialog.id, dialog)
  }

  find(id: string): Dialog | undefined {
    return this.#byId.get(id)
  }

  /** The one that a request from the network is in. */
  of(request: SipMessage): Dialog | undefined {
    const callId = request.get('Call-ID')
    return [request.toTag, request.fromTag]
      .map((tag) => this.#byId.get(`${callId};from-tag=${tag}`))
      .find((dialog) => dialog?.localTag === request.toTag)
  }

  end(dialog: Dialog): void {
    dialog.stopTimer()
    dialog.awaitedAck?.arrived()
    this.#byId.delete(dialog.id)
  }
}
