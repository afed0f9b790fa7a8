/**
 * Calls of trunk groups that are only looked at: the server proxies them, and when they end one line of the log says what
 * would have been decided and charged. Nothing is held, charged, or refused for want of anything, and nothing here may be
 * the base of a charge: an end is told once, to one worker, and anybody can forge it.
 *
 *   ringing ──2xx──▶ up ──BYE──▶ over             logged
 *   ringing ──any other final answer──▶ over      not logged
 *   ringing, up ──there are too many──▶ dropped   its end will not be heard
 */
import type { RefusalCode } from '../../base/outcome.ts'
import { formatAmount } from '../../base/money.ts'
import { maskNumber } from '../../base/e164.ts'
import type { Caller } from './caller.ts'
import type { CdrMessage, DrachtioClient, SipRequest, SipResponse } from './drachtio.ts'
import { uriOver } from './far-side.ts'
import type { Routed, SipParts } from './parts.ts'
import { refuse } from './replies.ts'

const MOST_CALLS = 10_000
/** An event that comes twice comes within this. */
const TWICE_WITHIN_MS = 35_000

interface Verdict {
  readonly code: RefusalCode | 'ok' | 'emergency'
  readonly perMinute?: string
}

interface ObservedCall {
  readonly caller: Caller
  readonly routed: Routed
  readonly verdict: Promise<Verdict>
  answeredAtMs?: number
  isOver: boolean
}

export interface Invited {
  readonly client: DrachtioClient
  readonly request: SipRequest
  readonly response: SipResponse
}

export class Observer {
  readonly #parts: SipParts
  /** By Call-ID, the oldest first. */
  readonly #calls = new Map<string, ObservedCall>()

  constructor(parts: SipParts) {
    this.#parts = parts
  }

  /** Has the INVITE proxied over the hops of its group. A caller that no rule knows is refused, unless it needs help. */
  proxy({ client, request, response }: Invited, caller: Caller, routed: Routed): void {
    const { account, group, isEmergency } = routed
    if (account === undefined && !isEmergency) {
      return refuse(response, this.#parts.replies('account_unknown'), { code: 'account_unknown' })
    }
    const call: ObservedCall = { caller, routed, verdict: this.#verdict(caller, routed), isOver: false }
    this.#remember(call)
    const hops = group.hops.map((hop) => uriOver(hop, caller.to))
    client.proxyRequest(request, hops, { recordRoute: true, provisionalTimeout: `${group.tryMs}ms` }).then(
      ({ connected }) => {
        if (connected) call.answeredAtMs = this.#parts.clock.nowMs()
      },
      // The server knows the INVITE no more: it was cancelled, or answered by itself.
      () => this.#unanswered(call),
    )
  }

  /** Takes a cdr:stop; false where the call is none that is or just was observed here. */
  heard(source: string, message: CdrMessage): boolean {
    const call = this.#calls.get(message.get('call-id') ?? '')
    if (!call) return false
    // What a hop answered is `network`; only what the caller is answered ends the call.
    if (message.method !== 'BYE' && source === 'application') this.#unanswered(call)
    if (message.method === 'BYE' && source === 'network') void this.#hungUp(call)
    return true
  }

  /** A BYE was heard of a call that is nobody's here. */
  heardOfOther(): void {
    if (this.#parts.observes) this.#parts.metrics.observedEnd('unheard')
  }

  async #verdict({ from, to }: Caller, { account, direction, isEmergency }: Routed): Promise<Verdict> {
    const verdict = isEmergency ? EMERGENCY : await this.#quoted({ account: account ?? '', direction, from, to })
    this.#parts.metrics.observedCall(verdict.code)
    return verdict
  }

  async #quoted(request: { account: string; direction: Routed['direction']; from: string; to: string }) {
    const quote = await this.#parts.desk.quote(request).catch((error: unknown) => this.#cannotQuote(error))
    if (!quote) return UNKNOWN
    if (quote.kind === 'refused') return { code: quote.code }
    const { lacks, rate } = quote
    return { code: lacks ?? 'ok', ...(rate ? { perMinute: rate.perMinute } : {}) } as const
  }

  async #hungUp(call: ObservedCall): Promise<void> {
    if (call.isOver) return
    this.#over(call, 'heard')
    const { caller, routed, answeredAtMs } = call
    const { account, trunk, isEmergency } = routed
    const seconds = answeredAtMs === undefined ? undefined : this.#secondsSince(answeredAtMs)
    const { code, perMinute } = await call.verdict
    const paid = seconds === undefined || isEmergency ? undefined : await this.#price(call, seconds)
    const who = { callId: caller.leg.callId, account, trunk, from: maskNumber(caller.from), to: maskNumber(caller.to) }
    this.#parts.log.info({ ...who, code, perMinute, seconds, ...paid }, 'observed call')
  }

  async #price(
    { caller: { from, to }, routed: { account = '', direction }, answeredAtMs }: ObservedCall,
    seconds: number,
  ) {
    const asked = {
      account,
      direction,
      from,
      to,
      seconds,
      ...(answeredAtMs === undefined ? {} : { atMs: answeredAtMs }),
    }
    const quote = await this.#parts.desk.quote(asked).catch((error: unknown) => this.#cannotQuote(error))
    return quote?.kind === 'quoted' ? { price: formatAmount(quote.price), currency: quote.currency } : undefined
  }

  #secondsSince(answeredAtMs: number): number {
    return Math.max(1, Math.ceil((this.#parts.clock.nowMs() - answeredAtMs) / 1000))
  }

  #unanswered(call: ObservedCall): void {
    if (!call.isOver) this.#over(call, 'unanswered')
  }

  #over(call: ObservedCall, end: 'heard' | 'unanswered'): void {
    call.isOver = true
    this.#parts.metrics.observedEnd(end)
    const { callId } = call.caller.leg
    setTimeout(() => {
      if (this.#calls.get(callId) === call) this.#calls.delete(callId)
    }, TWICE_WITHIN_MS).unref()
  }

  #remember(call: ObservedCall): void {
    const { callId } = call.caller.leg
    this.#calls.delete(callId)
    this.#calls.set(callId, call)
    const [oldest] = this.#calls
    if (this.#calls.size <= MOST_CALLS || !oldest) return
    this.#calls.delete(oldest[0])
    if (!oldest[1].isOver) this.#parts.metrics.observedEnd('dropped')
  }

  #cannotQuote(error: unknown): undefined {
    this.#parts.log.warn({ err: error }, 'an observed call could not be quoted')
  }
}

const EMERGENCY: Verdict = { code: 'emergency' }
/** Nobody could say; a call that is decided on would meet the same. */
const UNKNOWN: Verdict = { code: 'engine_unavailable' }
