/** Requests that an app sends: new ones, those inside a dialog, and CANCEL. */
import { randomInt, randomUUID } from 'node:crypto'
import type { Client } from './admin.ts'
import { addFromApp, cancelOf, localised, meta, ownContact, repeatAck, sendAck, sendInside, type Core } from './core.ts'
import { callingDialog, dialogId, type Dialog } from './dialogs.ts'
import type { Frame } from './frames.ts'
import type { FromNetwork } from './from-network.ts'
import type { Proxying } from './proxying.ts'
import { startTimerOfAnswer, terminate } from './session-timers.ts'
import { addressOf, SipMessage, uriOf, withTag, type Address } from './sip-message.ts'
import { newTag, type ClientTransaction } from './transactions.ts'

interface Ask {
  readonly client: Client
  readonly frame: Frame
  readonly given: SipMessage
}

/** An INVITE without a final response. */
interface Outgoing {
  readonly transaction: ClientTransaction
  cancelled: boolean
}

const METHODS = new Set(
  'INVITE ACK PRACK CANCEL BYE OPTIONS REGISTER INFO UPDATE MESSAGE SUBSCRIBE NOTIFY REFER PUBLISH'.split(' '),
)

export class FromApp {
  readonly #core: Core
  readonly #network: FromNetwork
  readonly #proxying: Proxying
  readonly #outgoing = new Map<string, Outgoing>()
  /** Answered although cancelled: ended as soon as the app has acknowledged it. */
  readonly #unwanted = new Set<Dialog>()

  constructor(core: Core, network: FromNetwork, proxying: Proxying) {
    this.#core = core
    this.#network = network
    this.#proxying = proxying
  }

  receive(client: Client, frame: Frame): void {
    const [word, transactionId = '', dialog = ''] = frame.words
    const given = SipMessage.parse(frame.sip)
    if (!given) return client.reply(frame, ['NOK', 'invalid message'])
    const ask = { client, frame, given }
    if (word === 'proxy') return this.#proxying.start(ask, this.#network.take(transactionId))
    if (given.status > 0) return this.#network.respond(client, frame, given)
    if (given.method === 'CANCEL') return this.#cancel(ask)
    if (dialog === '') return this.#outside(ask)
    const found = this.#core.dialogs.find(dialog)
    if (given.method === 'ACK') return this.#acknowledge(ask, found)
    if (found) return this.#inside(ask, found)
    client.reply(frame, ['NOK', 'Server error: unable to find dialog for dialog id provided'])
  }

  #outside(ask: Ask): void {
    const { client, frame, given } = ask
    const [, , , proxy = ''] = frame.words
    const to = addressOf(proxy || given.uri)
    if (!to) return client.reply(frame, ['NOK', `invalid request-uri: ${given.uri}`])
    if (this.#core.wire.isOurs(to)) return client.reply(frame, ['NOK', 'can not send request to myself'])
    const request = this.#newRequest(given, to)
    const id = randomUUID()
    const transaction = this.#core.transactions.send(request, to, (response, source) => {
      const isInvite = request.method === 'INVITE'
      if (isInvite) this.#inviteAnswered({ id, client, request, response, source })
      else this.#pass(client, { id, dialogName: '', response, source })
    })
    this.#echo(ask, { id, request, to })
    if (request.method !== 'INVITE') return
    this.#outgoing.set(id, { transaction, cancelled: false })
    this.#core.cdrs.invited(request.get('Call-ID'), client)
    this.#core.cdrs.attempt('application', request)
  }

  #newRequest(given: SipMessage, to: Address): SipMessage {
    const { method, uri } = given
    const request = SipMessage.request(method, uri)
    const contact = localised(this.#core, given.get('Contact') || ownContact(this.#core, to))
    request.add('Max-Forwards', '70')
    request.add('From', withTag(localised(this.#core, given.get('From') || ownContact(this.#core, to)), newTag()))
    request.add('To', given.get('To') || `<${uri}>`)
    request.add('Call-ID', given.get('Call-ID') || randomUUID())
    // Not from 1: who answers with a number of its own making is found out.
    request.add('CSeq', `${randomInt(1, 2 ** 27)} ${method}`)
    if (given.get('Contact') !== '' || method === 'INVITE' || method === 'SUBSCRIBE') request.add('Contact', contact)
    addFromApp(request, given)
    return request
  }

  #inviteAnswered(got: {
    id: string
    client: Client
    request: SipMessage
    response: SipMessage
    source: Address
  }): void {
    const { id, client, request, response, source } = got
    if (response.status === 100) return
    const known = this.#core.dialogs.find(dialogId(request))
    const outgoing = this.#outgoing.get(id)
    if (!outgoing) {
      if (known) repeatAck(this.#core, { dialog: known, response })
      return
    }
    if (response.status >= 200) this.#outgoing.delete(id)
    if (response.status === 200) {
      startTimerOfAnswer(this.#core, this.#dialogOf(outgoing, response, client), response)
    } else if (response.status >= 300 && known) this.#core.dialogs.end(known)
    else if (response.get('RSeq') !== '') this.#dialogOf(outgoing, response, client)
    this.#pass(client, { id, dialogName: dialogId(request), response, source })
    if (response.status >= 300)
      this.#core.cdrs.stop('network', response.status === 487 ? 'call-canceled' : 'call-rejected', response)
    else if (response.status >= 200) this.#core.cdrs.start('network', 'uac', response)
  }

  /** It begins with the first reliable answer, and goes on with the 200. */
  #dialogOf({ transaction, cancelled }: Outgoing, response: SipMessage, client: Client): Dialog {
    const { request, to } = transaction
    const early = this.#core.dialogs.find(dialogId(request))
    const dialog = early ?? callingDialog(request, response, client)
    if (response.get('Contact') !== '') dialog.target = uriOf(response.get('Contact'))
    if (to.transport === 'tcp') dialog.connection = to
    this.#core.dialogs.add(dialog)
    if (cancelled && response.status >= 200) this.#unwanted.add(dialog)
    return dialog
  }

  #acknowledge(ask: Ask, dialog: Dialog | undefined): void {
    if (!dialog) {
      const why = 'Server error: ACK for non-success final response is automatically generated by server'
      return ask.client.reply(ask.frame, ['NOK', why])
    }
    if (dialog.target === '') return ask.client.reply(ask.frame, ['NOK', noRoute(dialog)])
    const ack = dialog.request('ACK')
    addFromApp(ack, ask.given)
    const to = sendAck(this.#core, { dialog, ack })
    this.#echo(ask, { id: randomUUID(), request: ack, to })
    const text = 'ACK-BYE due to cancel race condition'
    // The real server's table of reasons lacks this one, and names the next.
    if (this.#unwanted.delete(dialog)) terminate(this.#core, dialog, { text, reason: 'system-initiated-termination' })
  }

  #inside(ask: Ask, dialog: Dialog): void {
    const { client, frame, given } = ask
    const { method } = given
    // The server looks for the dialog first, and then at the method.
    if (!METHODS.has(method)) {
      return client.reply(frame, ['NOK', `Server error: invalid or missing method supplied on start line: ${method}`])
    }
    const toTarget = given.uri.includes('placeholder')
    if (toTarget && dialog.target === '') return client.reply(frame, ['NOK', noRoute(dialog)])
    const request = dialog.request(method, toTarget ? dialog.target : given.uri)
    const contact = given.get('Contact')
    if (contact !== '') request.set('Contact', localised(this.#core, contact))
    addFromApp(request, given)
    // The real server has no place for what an app puts into a PRACK.
    if (method === 'PRACK') request.body = ''
    if (method === 'INVITE' && given.body !== '') dialog.sdp = given.body
    const id = randomUUID()
    const sent = sendInside(this.#core, { dialog, request }, (response, source) => {
      if (response.status === 100) return
      if (method === 'INVITE' && response.status === 200 && !this.#reanswered(dialog, response)) return
      this.#pass(client, { id, dialogName: dialog.id, response, source })
      const ends = method === 'BYE' && response.status >= 200 && response.status !== 401 && response.status !== 407
      if (ends) this.#core.dialogs.end(dialog)
    })
    if (!sent) return client.reply(frame, ['NOK', 'Server error: Error creating sip transaction for request'])
    this.#echo(ask, { id, request, to: sent.to })
    if (method === 'BYE') this.#core.cdrs.stop('application', 'normal-release', request)
  }

  /** False when the app has seen this 200 before. */
  #reanswered(dialog: Dialog, response: SipMessage): boolean {
    if (dialog.sentAck?.cseq === response.cseq) {
      repeatAck(this.#core, { dialog, response })
      return false
    }
    if (response.get('Contact') !== '') dialog.target = uriOf(response.get('Contact'))
    startTimerOfAnswer(this.#core, dialog, response)
    return true
  }

  #cancel(ask: Ask): void {
    const { client, frame, given } = ask
    const outgoing = this.#outgoing.get(frame.words[1] ?? '')
    if (!outgoing)
      return client.reply(frame, ['NOK', `unable to cancel unknown transaction id: ${frame.words[1] ?? ''}`])
    const { request, to } = outgoing.transaction
    outgoing.cancelled = true
    const cancel = cancelOf(request)
    addFromApp(cancel, given)
    outgoing.transaction.cancel(() => this.#core.transactions.sendStamped(cancel, to, () => undefined))
    this.#echo(ask, { id: randomUUID(), request: cancel, to })
  }

  #echo({ client, frame }: Ask, { id, request, to }: { id: string; request: SipMessage; to: Address }): void {
    client.reply(frame, ['OK', ...meta('application', request, to), id, 'Msg sent:', ''], request.toString())
  }

  #pass(
    client: Client,
    { id, dialogName, response, source }: { id: string; dialogName: string; response: SipMessage; source: Address },
  ): void {
    client.send(['sip', ...meta('network', response, source), id, dialogName, ''], response.toString())
  }
}

function noRoute(dialog: Dialog): string {
  return `Server error: unable to find route when sending request inside dialog for dialog id ${dialog.id}`
}
