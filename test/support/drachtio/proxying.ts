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
  readonly finalMs: number
  readonly targets: string[]
  downstream: ClientTransaction | undefined
  cancelled: boolean
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
    const [, , recordRoute, , , order, provisional = '', final = '', ...targets] = frame.words
    if (!incoming) return client.reply(frame, ['NOK', 'Failed sending request: transaction id not found'])
    if (order === 'simultaneous') return client.reply(frame, ['NOK', 'the double proxies serially only'])
    const call = {
      ask,
      upstream: incoming.transaction,
      recordRoute: recordRoute === 'remainInDialog',
      provisionalMs: milliseconds(provisional),
      finalMs: milliseconds(final),
      targets,
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
    if (!call || invite.status >= 200) return call !== undefined
    call.cancelled = true
    this.#cancelDownstream(call)
    return true
  }

  /** Passes a request on by its Route, whether or not there is a call that it belongs to. */
  relay(request: SipMessage): void {
    const [, ...routes] = request.all('Route')
    const onward = request.copy()
    const to = addressOf(uriOf(routes[0] ?? request.uri))
    if (!to) return
    onward.set('Route', ...routes)
    onward.set('Max-Forwards', String(Number(request.get('Max-Forwards') || '70') - 1))
    // The same for a request that comes again, so that the far end knows it.
    this.#core.transactions.stamp(onward, `z9hG4bK${createHash('sha1').update(request.branch).digest('hex')}`)
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
    if (target === undefined || !to)
      return this.#refuse(call, responseTo(call.upstream.request, 503, 'Service Unavailable'))
    const request = this.#onward(call, target)
    const transaction = this.#core.transactions.send(request, to, (response, source) => {
      if (response.status >= 200) stop()
      stopProvisional()
      this.#answered(call, { transaction, response, source })
    })
    const giveUp = (): void => {
      if (transaction.status >= 200 || call.downstream !== transaction) return
      stop()
      this.#cancelDownstream(call)
      if (call.targets.length > 0 && !call.cancelled) this.#tryNext(call)
      else this.#refuse(call, responseTo(call.upstream.request, 408, 'Request Timeout'))
    }
    const stopProvisional =
      call.provisionalMs > 0 ? this.#core.timers.after(call.provisionalMs, giveUp) : () => undefined
    const stopFinal = call.finalMs > 0 ? this.#core.timers.after(call.finalMs, giveUp) : () => undefined
    const stop = (): void => {
      stopProvisional()
      stopFinal()
    }
    call.downstream = transaction
    if (request.method === 'INVITE') this.#core.cdrs.attempt('application', request)
  }

  #onward(call: Call, target: string): SipMessage {
    const { request } = call.upstream
    const onward = request.copy(target)
    onward.set('Route', ...request.all('Route').filter((route) => !this.#isOurs(route)))
    onward.set('Max-Forwards', String(Number(request.get('Max-Forwards') || '70') - 1))
    const own = call.recordRoute ? [`<sip:127.0.0.1:${this.#core.wire.port};lr>`] : []
    onward.set('Record-Route', ...own, ...request.all('Record-Route'))
    for (const [name, value] of call.ask.given.headers) if (name !== 'Content-Length') onward.set(name, value)
    return onward
  }

  #answered(call: Call, got: { transaction: ClientTransaction; response: SipMessage; source: Address }): void {
    const { transaction, response, source } = got
    const isInvite = call.upstream.request.method === 'INVITE'
    const upward = withoutTopVia(response)
    if (response.status === 100 || call.downstream !== transaction) return
    if (response.status < 200) return call.upstream.pass(upward)
    if (call.done) {
      if (response.status < 300) call.upstream.pass(upward)
      return
    }
    this.#tell(call, response, source)
    if (response.status >= 300) {
      const reason = response.status === 487 ? 'call-canceled' : 'call-rejected'
      if (isInvite) this.#core.cdrs.stop('network', reason, response)
      if (call.targets.length > 0 && !call.cancelled && response.status < 600) return this.#tryNext(call)
      return this.#refuse(call, upward)
    }
    call.done = true
    if (isInvite) this.#core.cdrs.start('network', 'proxy-uac', response)
    call.upstream.pass(upward)
    if (isInvite) this.#core.cdrs.start('application', 'proxy-uas', upward)
    call.ask.client.reply(call.ask.frame, ['OK', 'done'])
  }

  #refuse(call: Call, response: SipMessage): void {
    call.done = true
    if (response.toTag === '') response.set('To', `${response.get('To')};tag=${newTag()}`)
    call.upstream.respond(response)
    if (call.upstream.request.method === 'INVITE') this.#core.cdrs.stop('application', 'call-rejected', response)
    call.ask.client.reply(call.ask.frame, ['OK', 'done'])
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
