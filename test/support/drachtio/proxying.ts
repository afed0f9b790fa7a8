/** Requests that an app has proxied, one target after the other, and what passes by a Route header afterwards. */
import { createHash } from 'node:crypto'
import type { Client } from './admin.ts'
import { cancelOf, meta, type Core } from './core.ts'
import type { Frame } from './frames.ts'
import type { Incoming } from './from-network.ts'
import { addressOf, responseTo, uriOf, viaAddress, type Address, type SipMessage } from './sip-message.ts'
import { newTag, type ClientTransaction, type ServerTransaction } from './transactions.ts'

interface Ask {
  readonly client: Client
  readonly frame: Frame
  readonly given: SipMessage
}

interface Call {
  readonly ask: Ask
  readonly upstream: ServerTransaction
  readonly recordRoute: boolean
  readonly provisionalMs: number
  readonly targets: string[]
  /** What the targets refused with. */
  readonly refusals: SipMessage[]
  downstream: ClientTransaction | undefined
  /** By the caller, or since a target said nothing: the app is then told that all is done as soon as none is being asked. */
  cancelled: boolean
  /** The caller was answered, or is being cancelled. */
  done: boolean
}

export class Proxying {
  readonly #core: Core
  readonly #calls = new Map<ServerTransaction, Call>()

  constructor(core: Core) {
    this.#core = core
  }

  start(ask: Ask, incoming: Incoming | undefined): void {
    const { client, frame } = ask
    const [, , recordRoute, , , order, provisional = '', , ...targets] = frame.words
    if (!incoming) return client.reply(frame, ['NOK', 'Failed sending request: transaction id not found'])
    if (order === 'simultaneous') return client.reply(frame, ['NOK', 'the double proxies serially only'])
    const call = {
      ask,
      upstream: incoming.transaction,
      recordRoute: recordRoute === 'remainInDialog',
      provisionalMs: milliseconds(provisional),
      targets,
      refusals: [],
      downstream: undefined,
      cancelled: false,
      done: false,
    }
    this.#calls.set(incoming.transaction, call)
    this.#tryNext(call)
  }

  /** Whether the INVITE was proxied; its caller's CANCEL then follows it. */
  cancel(invite: ServerTransaction): boolean {
    const call = this.#calls.get(invite)
    if (!call || call.done) return call !== undefined
    call.cancelled = true
    call.done = true
    this.#answerCaller(call, responseTo(invite.request, 487, 'Request Terminated'))
    this.#cancelDownstream(call)
    return true
  }

  /** Passes a request on by its Route, whether or not there is a call that it belongs to. */
  relay(request: SipMessage): void {
    const [, ...routes] = request.all('Route')
    const onward = request.copy()
    const to = addressOf(routes[0] === undefined ? request.uri : uriOf(routes[0]))
    if (!to) return
    onward.set('Route', ...routes)
    onward.set('Max-Forwards', String(Number(request.get('Max-Forwards') || '70') - 1))
    // The same for a request that comes again, so that the far end knows it.
    const branch = `z9hG4bK${createHash('sha1').update(request.branch).digest('hex')}`
    this.#core.transactions.stamp(onward, to, branch)
    if (request.method === 'BYE') this.#core.cdrs.stop('network', 'normal-release', request)
    this.#core.wire.send(onward, to)
    if (request.method === 'BYE') this.#core.cdrs.stop('application', 'normal-release', onward)
  }

  /** A response to what was relayed. */
  passBack(response: SipMessage): void {
    const [, next] = response.all('Via')
    if (next !== undefined) this.#core.wire.send(withoutTopVia(response), viaAddress(next))
  }

  #tryNext(call: Call): void {
    const target = call.targets.shift()
    const to = target === undefined ? undefined : addressOf(target)
    if (target === undefined || !to) return this.#refuse(call)
    const request = this.#onward(call, { target, to })
    const transaction = this.#core.transactions.send(request, to, (response, source) => {
      // Of a closed port the real server hears nothing here.
      if (source === this.#core.wire.address && response.status === 503) return
      stopWaiting()
      this.#answered(call, { transaction, response, source })
    })
    const stopWaiting =
      call.provisionalMs > 0
        ? this.#core.timers.after(call.provisionalMs, () => this.#passOver(call, transaction))
        : () => undefined
    call.downstream = transaction
    if (request.method === 'INVITE') this.#core.cdrs.attempt('application', request)
  }

  #passOver(call: Call, transaction: ClientTransaction): void {
    if (call.done || call.downstream !== transaction) return
    call.cancelled = true
    this.#cancelDownstream(call)
    this.#tryNext(call)
  }

  #onward(call: Call, { target, to }: { target: string; to: Address }): SipMessage {
    const { request } = call.upstream
    const onward = request.copy(target)
    onward.set('Route', ...request.all('Route').filter((route) => !this.#isOurs(route)))
    onward.set('Max-Forwards', String(Number(request.get('Max-Forwards') || '70') - 1))
    const own = call.recordRoute ? [`<${this.#core.wire.uri(to)};lr>`] : []
    onward.set('Record-Route', ...own, ...request.all('Record-Route'))
    for (const [name, value] of call.ask.given.headers) if (name !== 'Content-Length') onward.set(name, value)
    return onward
  }

  #answered(call: Call, got: { transaction: ClientTransaction; response: SipMessage; source: Address }): void {
    const { transaction, response, source } = got
    const isInvite = call.upstream.request.method === 'INVITE'
    if (response.status === 100 || call.downstream !== transaction) return
    if (response.status < 200) {
      if (!call.done) call.upstream.pass(withoutTopVia(response))
      return
    }
    // Of one that says nothing until the end nobody else is asked.
    if (source === this.#core.wire.address) return this.#refuse(call)
    if (call.done && !call.cancelled) {
      if (response.status < 300) call.upstream.pass(withoutTopVia(response))
      return
    }
    this.#tell(call, response, source)
    if (response.status < 300) return this.#connected(call, response)
    if (isInvite) this.#core.cdrs.stop('network', response.status === 487 ? 'call-canceled' : 'call-rejected', response)
    if (call.cancelled) this.#tellDone(call)
    if (call.done) return
    call.refusals.push(withoutTopVia(response))
    const isChallenge = response.status === 401 || response.status === 407
    if (call.targets.length > 0 && !isChallenge) this.#tryNext(call)
    else this.#refuse(call)
  }

  #connected(call: Call, response: SipMessage): void {
    const upward = withoutTopVia(response)
    const isInvite = call.upstream.request.method === 'INVITE'
    call.done = true
    call.cancelled = false
    if (isInvite) this.#core.cdrs.start('network', 'proxy-uac', response)
    call.upstream.pass(upward)
    if (isInvite) this.#core.cdrs.start('application', 'proxy-uas', upward)
    this.#tellDone(call)
  }

  /** The best of the refusals (RFC 3261, 16.7), or 408 where there is none. */
  #refuse(call: Call): void {
    if (call.done) return
    call.done = true
    const [best] = call.refusals.toSorted((one, other) => rank(one) - rank(other))
    this.#answerCaller(call, best ?? responseTo(call.upstream.request, 408, 'Request Timeout'))
    this.#tellDone(call)
  }

  #answerCaller(call: Call, response: SipMessage): void {
    if (response.toTag === '') response.set('To', `${response.get('To')};tag=${newTag()}`)
    call.upstream.respond(response)
    if (call.upstream.request.method === 'INVITE') this.#core.cdrs.stop('application', 'call-rejected', response)
  }

  #tellDone({ ask: { client, frame } }: Call): void {
    client.reply(frame, ['OK', 'done'])
  }

  #tell(call: Call, response: SipMessage, source: Address): void {
    const { client, frame } = call.ask
    client.reply(frame, ['OK', ...meta('network', response, source), '', '', 'continue'], response.toString())
  }

  #cancelDownstream({ downstream }: Call): void {
    downstream?.cancel(() =>
      this.#core.transactions.sendStamped(cancelOf(downstream.request), downstream.to, () => undefined),
    )
  }

  #isOurs(route: string): boolean {
    const address = addressOf(uriOf(route))
    return address !== undefined && this.#core.wire.isOurs(address)
  }
}

/** What a caller is told of several refusals: 6xx, then what it can do something about, then 4xx, then 5xx, then 3xx. */
function rank({ status }: SipMessage): number {
  if (status >= 600) return 0
  if ([401, 407, 415, 420, 484].includes(status)) return 1
  if (status >= 400 && status < 500) return 2
  return status >= 500 ? 3 : 4
}

function withoutTopVia(response: SipMessage): SipMessage {
  const onward = response.copy()
  const [, ...vias] = response.all('Via')
  onward.set('Via', ...vias)
  return onward
}

/** As an app writes them: 2s or 1500ms. */
function milliseconds(text: string): number {
  const [, amount = '0', unit] = /^(\d+)\s*(ms|s)?$/.exec(text) ?? []
  return Number(amount) * (unit === 'ms' ? 1 : 1_000)
}
