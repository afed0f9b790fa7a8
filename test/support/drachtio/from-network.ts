/** Requests that come in by SIP, and what an app answers to them. */
import { randomUUID } from 'node:crypto'
import type { Client } from './admin.ts'
import { Early } from './early.ts'
import { addFromApp, localised, meta, ownContact, type Core } from './core.ts'
import { calledDialog, dialogId, type Dialog } from './dialogs.ts'
import type { Frame } from './frames.ts'
import type { Proxying } from './proxying.ts'
import { Reliable, wantsReliable } from './reliable.ts'
import { refresherOf, sessionSeconds, startTimer, terminate, type Refresher } from './session-timers.ts'
import { addressOf, responseTo, uriOf, withTag, type Address, type SipMessage } from './sip-message.ts'
import { newTag, type ServerTransaction } from './transactions.ts'

/** A request that its app has not answered finally. */
export interface Incoming {
  readonly transaction: ServerTransaction
  readonly client: Client
  readonly localTag: string
  /** Absent outside of dialogs. */
  readonly dialog?: Dialog
  /** Of an INVITE that begins a call. */
  readonly reliable?: Reliable
  /** Forgets it when the app says nothing at all. */
  readonly stopWaiting: () => void
}

/** A Contact that the server answers by itself. */
const UNREADABLE = /^[^"]*"[^"]*$|<\s*>|<sips?:([^@>]*@)?>/

export class FromNetwork {
  /** Final responses to INVITEs are refused and not sent while this holds. */
  refusesFinalResponses = false
  /** The connection of their app breaks instead while this holds. */
  losesFinalResponses = false
  /** What their app is told after a 2xx to an INVITE is held back while this holds. */
  holdsBackFromAnswer = false
  readonly #core: Core
  readonly #proxying: Proxying
  readonly #incoming = new Map<string, Incoming>()
  readonly #early: Early

  /** By an app; the last of each leg. */
  readonly #refused = new Map<string, ServerTransaction>()

  constructor(core: Core, proxying: Proxying) {
    this.#core = core
    this.#proxying = proxying
    this.#early = new Early(core, this.#incoming)
  }

  receive(request: SipMessage, source: Address): void {
    if (request.method === 'ACK') return this.#acknowledged(request, source)
    const known = this.#core.transactions.of(request)
    if (known) return known.repeat()
    if (request.method === 'CANCEL') return this.#cancel(request, source)
    if (request.toTag === '') return this.#outside(request, source)
    if (this.#isForUs(request.get('Route'))) return this.#proxying.relay(request)
    this.#inside(request, source)
  }

  /** What an app answers. */
  respond(client: Client, frame: Frame, given: SipMessage): void {
    const id = this.#early.idOf(frame.words[1] ?? '', given)
    const incoming = this.#incoming.get(id)
    const invite = incoming?.transaction.request.method === 'INVITE'
    if (invite && given.status >= 200 && this.losesFinalResponses) return client.drop()
    if (!incoming || (this.refusesFinalResponses && invite && given.status >= 200))
      return client.reply(frame, ['NOK', 'Response not sent due to unknown transaction'])
    const { transaction, dialog, reliable } = incoming
    const isReliable = invite && given.status < 200 && wantsReliable(given, 'Require')
    const mustBe = invite && given.status > 100 && given.status < 200 && wantsReliable(transaction.request, 'Require')
    if (isReliable && !wantsReliable(transaction.request, 'Supported', 'Require'))
      return client.reply(frame, ['NOK', 'Remote endpoint does not support 100rel'])
    const answer = this.#answer(incoming, given)
    incoming.stopWaiting()
    if (given.status >= 200) this.#incoming.delete(id)
    const isNewCall = invite && !dialog
    if (isNewCall && this.holdsBackFromAnswer && given.status >= 200 && given.status < 300) client.hold(true)
    if (isReliable || mustBe) reliable?.send(answer)
    else if (invite && answer.status >= 200 && answer.status < 300) this.#answered({ id, incoming, answer })
    else {
      if (answer.status >= 300) reliable?.stop()
      transaction.respond(answer)
    }
    const dialogName = dialog?.id ?? (isNewCall ? dialogId(transaction.request) : '')
    const sent = meta('application', answer, transaction.source)
    client.reply(frame, ['OK', ...sent, id, dialogName, '', 'Msg sent:', ''], answer.toString())
    if (isNewCall && answer.status >= 300) {
      this.#refused.set(dialogId(transaction.request), transaction)
      this.#core.cdrs.stop('application', 'call-rejected', answer)
    }
    if (isNewCall && answer.status === 200) this.#core.cdrs.start('application', 'uas', answer)
  }

  /** Hands a request over to whoever answers it from now on. */
  take(id: string): Incoming | undefined {
    const incoming = this.#incoming.get(id)
    incoming?.stopWaiting()
    this.#incoming.delete(id)
    return incoming
  }

  #outside(request: SipMessage, source: Address): void {
    const isTooEarly = request.method === 'INVITE' && this.#isUp(request)
    const transaction = this.#core.transactions.accept(request, source)
    if (isTooEarly) return this.#reply(transaction, [491, 'Request Pending'])
    if (UNREADABLE.test(request.get('Contact'))) return this.#reply(transaction, [400, 'Bad Contact Header'])
    const client = this.#core.admin().next(request.method.toLowerCase())
    if (!client) return this.#reply(transaction, [503, 'Service Unavailable'])
    const id = randomUUID()
    const stopWaiting = this.#core.timers.after(2 * this.#core.timers.giveUpMs, () => this.#incoming.delete(id))
    const reliable = new Reliable(transaction, this.#core.timers)
    this.#incoming.set(id, { transaction, client, localTag: newTag(), stopWaiting, reliable })
    if (request.method === 'INVITE') transaction.pass(responseTo(request, 100, 'Trying'))
    const to = ['127.0.0.1', String(this.#core.wire.port), '']
    client.send(['sip', ...meta('network', request, source), id, '', ...to], request.toString())
    if (request.method !== 'INVITE') return
    this.#core.cdrs.invited(request.get('Call-ID'), client)
    this.#core.cdrs.attempt('network', request)
  }

  /** The same leg was answered, and its ACK has not come or its call is up. */
  #isUp(invite: SipMessage): boolean {
    const leg = dialogId(invite)
    return this.#refused.get(leg)?.awaitsAck === true || this.#core.dialogs.find(leg) !== undefined
  }

  #inside(request: SipMessage, source: Address): void {
    const transaction = this.#core.transactions.accept(request, source)
    const dialog = this.#core.dialogs.of(request)
    if (!dialog) return this.#early.receive(transaction)
    if (request.method === 'INVITE') transaction.pass(responseTo(request, 100, 'Trying'))
    const refreshes = request.method === 'INVITE' || request.method === 'UPDATE'
    if (refreshes && !this.#refreshed(dialog, transaction)) return
    if (request.method === 'BYE') this.#core.dialogs.end(dialog)
    const client = dialog.owner
    if (client?.connected) {
      const id = randomUUID()
      const incoming = { transaction, client, localTag: dialog.localTag, dialog, stopWaiting: () => undefined }
      this.#incoming.set(id, incoming)
      client.send(['sip', ...meta('network', request, source), id, dialog.id, ''], request.toString())
    } else this.#reply(transaction, [481, 'Call/Transaction Does Not Exist'])
    if (request.method === 'BYE') this.#core.cdrs.stop('network', 'normal-release', request)
  }

  /** A refresh stops the timer, and starts it again only when it says for how long; false when that is too short. */
  #refreshed(dialog: Dialog, transaction: ServerTransaction): boolean {
    const { request } = transaction
    const wereRefresher = dialog.refresher === 'us'
    dialog.stopTimer()
    const contact = request.get('Contact')
    if (contact !== '') dialog.target = uriOf(contact)
    const seconds = sessionSeconds(request)
    if (seconds === 0) return true
    if (seconds < this.#core.leastSessionSeconds) {
      const refusal = responseTo(request, 422, 'Session Interval Too Small')
      refusal.add('Min-SE', String(this.#core.leastSessionSeconds))
      transaction.respond(refusal)
      return false
    }
    const named = refresherOf(request)
    const theirs = named === '' ? wereRefresher : named === 'uac'
    startTimer(this.#core, dialog, { seconds, refresher: theirs ? 'them' : 'us' })
    return true
  }

  #cancel(cancel: SipMessage, source: Address): void {
    const transaction = this.#core.transactions.accept(cancel, source)
    const invite = this.#core.transactions.of(cancel, 'INVITE')
    if (invite && this.#proxying.cancel(invite)) return this.#reply(transaction, [200, 'OK'])
    const [id, incoming] = [...this.#incoming].find(([, held]) => held.transaction === invite) ?? []
    if (id === undefined || !incoming) return this.#reply(transaction, [481, 'Call/Transaction Does Not Exist'])
    const progressed = incoming.transaction.status > 100
    incoming.reliable?.stop()
    this.take(id)
    this.#reply(transaction, [200, 'OK'], incoming.localTag)
    this.#reply(incoming.transaction, [487, 'Request Terminated'], incoming.localTag)
    const dialogName = incoming.dialog?.id ?? (progressed ? dialogId(incoming.transaction.request) : '')
    incoming.client.send(['sip', ...meta('network', cancel, source), id, dialogName, ''], cancel.toString())
    // The real server shows the INVITE here, and tells nobody of a call that its app had not yet answered.
    if (progressed && !incoming.dialog) this.#core.cdrs.stop('network', 'call-canceled', incoming.transaction.request)
  }

  #acknowledged(ack: SipMessage, source: Address): void {
    const refused = this.#core.transactions.of(ack, 'INVITE')
    if (refused && refused.status >= 300) return refused.acknowledged()
    if (this.#isForUs(ack.get('Route'))) return this.#proxying.relay(ack)
    const dialog = this.#core.dialogs.of(ack)
    const awaited = dialog?.awaitedAck
    if (!dialog || awaited?.cseq !== ack.cseq) return
    awaited.arrived()
    dialog.awaitedAck = undefined
    const words = ['sip', ...meta('network', ack, source), awaited.transactionId, dialog.id, '']
    dialog.owner?.send(words, ack.toString())
  }

  #answer({ transaction, localTag, dialog }: Incoming, given: SipMessage): SipMessage {
    const { request, source } = transaction
    const answer = responseTo(request, given.status, given.reason)
    answer.set('To', withTag(answer.get('To'), localTag))
    const contact = given.get('Contact')
    const isReliable = given.status < 200 && wantsReliable(given, 'Require')
    const needed =
      request.method === 'INVITE' && (dialog !== undefined || isReliable || (given.status >= 200 && given.status < 300))
    if (contact !== '') answer.add('Contact', localised(this.#core, contact))
    else if (needed) answer.add('Contact', ownContact(this.#core, source))
    addFromApp(answer, given)
    return answer
  }

  #answered({ id, incoming, answer }: { id: string; incoming: Incoming; answer: SipMessage }): void {
    const { transaction, client } = incoming
    const { request } = transaction
    const dialog = incoming.dialog ?? calledDialog(request, answer, client)
    if (!incoming.dialog) {
      if (transaction.source.transport === 'tcp') dialog.connection = transaction.source
      this.#core.dialogs.add(dialog)
      this.#startTimer(dialog, request, answer)
    } else if (answer.body !== '') dialog.sdp = answer.body
    dialog.awaitedAck = { cseq: request.cseq, transactionId: id, arrived: () => transaction.acknowledged() }
    const send = (): void =>
      transaction.respond(answer, () => {
        if (!incoming.dialog) terminate(this.#core, dialog, { text: 'ACK timeout' })
      })
    if (incoming.reliable) incoming.reliable.whenAllAre(send)
    else send()
  }

  /** The app's header comes first; that of the caller counts when it names who refreshes. */
  #startTimer(dialog: Dialog, request: SipMessage, answer: SipMessage): void {
    const ofApp = sessionSeconds(answer)
    const ofCaller = refresherOf(request) === '' ? 0 : sessionSeconds(request)
    if (ofApp === 0 && ofCaller === 0) return
    const seconds = Math.max(this.#core.leastSessionSeconds, ofApp || ofCaller)
    const named = refresherOf(ofApp > 0 ? answer : request)
    if (ofApp === 0) answer.add('Session-Expires', `${seconds};refresher=${named}`)
    const refresher: Refresher = named === 'uas' ? 'us' : 'them'
    startTimer(this.#core, dialog, { seconds, refresher })
  }

  #reply(transaction: ServerTransaction, [status, reason]: readonly [number, string], tag = newTag()): void {
    const response = responseTo(transaction.request, status, reason)
    response.set('To', withTag(response.get('To'), tag))
    transaction.respond(response)
  }

  #isForUs(route: string): boolean {
    const address = addressOf(uriOf(route))
    return address !== undefined && this.#core.wire.isOurs(address)
  }
}
