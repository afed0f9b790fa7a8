/**
 * The way of an INVITE: who pays, may they, over which hop, and the answer.
 *
 *   deciding ──allow──▶ dialling ──2xx──▶ answering ──ACK'd 2xx──▶ up (a Bridge)
 *   deciding ──deny, late──▶ refused
 *   dialling ──no hop takes it──▶ refused
 *   any of them ──CANCEL──▶ cancelled: nobody is dialled afterwards, nothing is charged
 *   any of them ──the server's socket breaks──▶ lost: likewise, and nobody can be told
 */
import type { AuthorizeAnswer, AuthorizeRequest, CallEvent } from '../../calls/requests.ts'
import type { Admission } from './admission.ts'
import { type AllowedCall, join, UNHEARD } from './answering.ts'
import type { Bridge } from './bridge.ts'
import { endDialog } from './call-off.ts'
import { dialogId } from './by-id.ts'
import { authorizeRequest, type Caller, callerOf } from './caller.ts'
import { Dial, type Dialled, type Far, hangUpOn, hold, isOffer, isUp } from './dial.ts'
import {
  type DrachtioClient,
  type Headers,
  heedCancel,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from './drachtio.ts'
import { Early } from './early.ts'
import { causeOf, goesOn, headersForFar, legHeaders, legOf, uriOver, type Wanted, wantedOf } from './far-side.ts'
import { copied, type Copying, reasonHeader, reasonOf, refusedExtensions } from './headers.ts'
import { inTime, LATE } from './in-time.ts'
import type { Observer } from './observer.ts'
import type { Hop, Routed, SipParts } from './parts.ts'
import { relay } from './relay.ts'
import { type OwnReply, ownReplies, refuse } from './replies.ts'
import { isTooLarge } from './size.ts'

/** Callers give up after 32 s without an answer; a decision takes milliseconds. */
const DECIDE_MS = 5_000
/** The store takes milliseconds; should it be away, callers do not wait for it. */
const TOLD_MS = 1_000
const MAX_FORWARDS = 70
/** Why a worker that ends gives up what still rings. */
export const DRAINING = 'draining'

type Allowed = Extract<AuthorizeAnswer, { readonly kind: 'allowed' }>

export interface InviteContext {
  readonly client: DrachtioClient
  /** Where the server is, for whoever hangs up later. */
  readonly server: string
  /** Aborts when the connection to it breaks. */
  readonly lost: AbortSignal
  readonly parts: SipParts
  readonly admission: Admission
  readonly observer: Observer
  /** Told of the call that the INVITE is, once it is one. */
  readonly letIn: (call: string, invitation: Invitation) => void
  /** Told until it is durable; resolves when it is, or is kept to be told again. */
  readonly report: (event: CallEvent) => Promise<void>
}

interface Setup extends AllowedCall {
  readonly copying: Copying
  readonly early: Early
  readonly maxForwards: number
}

export class Invitation {
  readonly #context: InviteContext
  readonly #request: SipRequest
  readonly #response: SipResponse
  #cancel: SipMessage | undefined
  #stop: string | undefined
  #dial: Dial | undefined
  #setup: Setup | undefined

  constructor(context: InviteContext, request: SipRequest, response: SipResponse) {
    this.#context = context
    this.#request = request
    this.#response = response
    // Before anything is waited for: the server has answered a CANCEL by itself, and tells us once.
    request.on('cancel', (cancel: SipMessage) => {
      this.#cancel = cancel
      this.#dial?.cancel(reasonOf(cancel))
    })
  }

  /** The daemon's id of the call, once it was let in. */
  call: string | undefined

  /** The call that came of it; undefined when none did, and the caller was answered where that is still possible. */
  async run(): Promise<Bridge | undefined> {
    const { lost } = this.#context
    const giveUp = (): void => this.#dial?.cancel({})
    lost.addEventListener('abort', giveUp)
    try {
      return await this.#admitted()
    } finally {
      lost.removeEventListener('abort', giveUp)
    }
  }

  async #admitted(): Promise<Bridge | undefined> {
    const { client, parts, admission, observer } = this.#context
    const maxForwards = Number(this.#request.get('max-forwards') ?? MAX_FORWARDS)
    const trusted = parts.trusts(this.#request.source_address)
    const caller = callerOf(this.#request, { node: parts.node, trusted })
    const unfit = unfitness(this.#request, { maxForwards })
    if (!caller || unfit) return this.#refuse(unfit ?? 'malformed')
    const admitted = admission.admit(this.#request, caller)
    if ('own' in admitted) return this.#refuse(admitted.own, admitted)
    const { routed } = admitted
    if (routed.group.mode === 'observe') {
      observer.proxy({ client, request: this.#request, response: this.#response }, caller, routed)
      return undefined
    }
    const copying = { names: routed.group.copyHeaders, identity: trusted }
    return this.#charged({ caller, routed, copying, maxForwards })
  }

  /** Of the modes that enforce. */
  async #charged(about: Pick<Setup, 'caller' | 'routed' | 'copying' | 'maxForwards'>): Promise<Bridge | undefined> {
    const { caller, routed, copying } = about
    const answer = await this.#decide(authorizeRequest(caller, routed, this.#request))
    if (!answer) return undefined
    const { call, account } = answer
    this.call = call
    this.#context.letIn(call, this)
    const { client } = this.#context
    const early = new Early({ client, request: this.#request, response: this.#response, copying })
    const setup = { ...about, early, call, account, capSeconds: capOf(answer) }
    this.#setup = setup
    try {
      return await (routed.group.mode === 'redirect' ? this.#redirect(setup, answer) : this.#connect(setup, answer))
    } catch (error) {
      await this.#failed(caller, 'fault')
      throw error
    }
  }

  /** Another INVITE of its Call-ID was answered. */
  heedCancel(): void {
    if (!this.#cancel && !this.#response.finalResponseSent) heedCancel(this.#request, this.#response)
  }

  /** Takes what the caller says before the answer. */
  heard(request: SipRequest, response: SipResponse): void {
    if (this.#setup) this.#setup.early.heard(request, response)
    else response.send(481, undefined)
  }

  /** Ends it before it is answered; one that is being answered just now is only left alone by a worker that ends. */
  stop(reason: string): void {
    this.#stop = reason
    this.#dial?.cancel({ Reason: reasonHeader(480, reason) })
  }

  async #decide(request: AuthorizeRequest): Promise<Allowed | undefined> {
    const asked = this.#context.parts.desk.authorize(request)
    const answer = await inTime(asked, DECIDE_MS)
    if (answer === LATE) {
      asked.then(
        (late) => (late.kind === 'allowed' ? this.#failed(request, 'answered_too_late') : undefined),
        () => undefined,
      )
      return this.#refuse('no_decision')
    }
    if (answer.kind === 'conflict') return this.#refuse('request_conflict', { call: answer.call })
    if (answer.kind === 'allowed') return answer
    const { code } = answer.refusal
    refuse(this.#response, this.#context.parts.replies(code), { code, call: answer.call })
    return undefined
  }

  async #redirect({ caller, routed, call }: Setup, answer: Allowed): Promise<undefined> {
    const hops = await this.#hopsOf(routed, answer, caller)
    if (this.#over !== undefined) await this.#failed(caller, this.#over)
    else if (hops.length === 0) {
      await this.#failed(caller, 'no_route')
      this.#refuse('no_route', { call })
    } else {
      const contacts = hops.map((hop, nth) => `<${uriOver(hop, caller.to)}>;q=${(1 - nth / 20).toFixed(2)}`)
      const headers = {
        Contact: contacts.join(', '),
        'X-Tollgate-Call': call,
        'X-Tollgate-Max-Duration': String(answer.maxDurationSeconds),
      }
      this.#response.send(302, undefined, { headers })
    }
    return undefined
  }

  async #connect(setup: Setup, answer: Allowed): Promise<Bridge | undefined> {
    const { caller, routed } = setup
    let last: Dialled = { kind: 'silent' }
    for (const [nth, hop] of (await this.#hopsOf(routed, answer, caller)).entries()) {
      last = this.#over !== undefined ? { kind: 'cancelled' } : await this.#try(setup, hop, nth)
      if (last.kind === 'answered') return this.#answer(setup, last.far)
      if (!goesOn(last)) break
    }
    await this.#failed(caller, this.#over ?? causeOf(last), last)
    if (!this.#cancel) this.#refuseAs(last, setup)
    return undefined
  }

  /** Why nobody is called any more; what is heard over the next connection is not of this call. */
  get #over(): string | undefined {
    if (this.#cancel) return 'cancelled'
    return this.#stop ?? (this.#context.lost.aborted ? 'connection_lost' : undefined)
  }

  /** Once more, where the called side asks for what we can do without the caller. */
  async #try(setup: Setup, hop: Hop, nth: number): Promise<Dialled> {
    const asked = { nth, sessionSeconds: setup.routed.group.sessionSeconds }
    const dialled = await this.#dialled(setup, hop, asked)
    const wanted = this.#over !== undefined ? undefined : wantedOf(dialled, this.#request)
    return wanted ? this.#dialled(setup, hop, { ...asked, ...wanted }) : dialled
  }

  async #dialled(setup: Setup, hop: Hop, { nth, ...wanted }: { readonly nth: number } & Wanted): Promise<Dialled> {
    const { caller, routed, call, early } = setup
    const { tryMs, ringSeconds } = routed.group
    const leg = legOf(call, nth)
    const dialog = dialogId(leg.callId, leg.fromTag)
    early.dialling(dialog)
    const dial = new Dial(this.#context.client, {
      uri: uriOver(hop, caller.to),
      headers: { ...headersForFar(this.#request, { ...setup, ...wanted }), ...legHeaders(caller, leg) },
      dialog,
      ...(this.#request.body ? { sdp: this.#request.body } : {}),
      tryMs,
      ringMs: ringSeconds * 1000,
      onProgress: (response) => this.#progress(response, setup.early),
    })
    this.#dial = dial
    return dial.outcome
  }

  #progress(response: SipResponse, early: Early): void {
    if (response.status <= 100 || this.#over !== undefined || this.#response.finalResponseSent) return
    early.progress(response)
  }

  async #answer(setup: Setup, far: Far): Promise<Bridge | undefined> {
    hold(far)
    await setup.early.allPracked()
    setup.early.complete(far)
    const [request, response] = [this.#request, this.#response]
    const isOff = this.#over !== undefined || !isUp(far)
    const joined = isOff ? undefined : await join({ ...this.#context, ...setup, request, response }, far)
    if (joined === UNHEARD) return undefined
    if (!joined) return this.#unanswered(setup, far)
    // It was to be ended while the caller was being answered.
    if (this.#stop !== undefined && this.#stop !== DRAINING) void joined.hangUp(this.#stop)
    return joined
  }

  async #unanswered({ caller, call }: Setup, far: Far): Promise<undefined> {
    const cause = this.#over ?? 'no_answer'
    const headers = { Reason: reasonHeader(487, cause) }
    hangUpOn(far, headers)
    const { client, lost } = this.#context
    if (lost.aborted && !isOffer(far)) endDialog(client, far.id, headers)
    await this.#failed(caller, cause)
    if (!this.#cancel) this.#refuse('no_answer', { call })
  }

  /** An emergency call brings in nothing, and goes whatever it costs. */
  async #hopsOf(routed: Routed, { account }: Allowed, { to }: Caller): Promise<readonly Hop[]> {
    const { group, direction, isEmergency } = routed
    if (!group.lossless || isEmergency) return group.hops
    return this.#context.parts.affordable(group.hops, { account, direction, to })
  }

  /** The caller is answered afterwards, as its next INVITE may come at once: by then nothing is held for this one. */
  async #failed({ leg, attempt, from, to }: Told, cause: string, last?: Dialled): Promise<void> {
    const { parts, report } = this.#context
    const sipCode = last?.kind === 'refused' ? { sipCode: last.status } : {}
    const { instance, clock } = parts
    const about = { leg, from, to, instance, tsMs: clock.nowMs(), ...(attempt === undefined ? {} : { attempt }) }
    await inTime(report({ type: 'failed', ...about, cause, ...sipCode }), TOLD_MS)
  }

  /** The far end's own refusal goes to the caller as it came. */
  #refuseAs(last: Dialled, { copying, routed, call }: Setup): void {
    if (this.#response.finalResponseSent) return
    if (this.#stop === DRAINING) return this.#refuse(DRAINING, { call })
    if (this.#stop !== undefined) {
      refuse(this.#response, { status: routed.group.cutStatus, reason: 'Call Ended' }, { code: this.#stop, call })
      return
    }
    if (last.kind !== 'refused') return this.#refuse(last.kind === 'unanswered' ? 'no_answer' : 'no_route', { call })
    const { response, status, reason } = last
    const headers = response ? { ...copied(response, copying), ...refusedExtensions(response) } : {}
    relay(this.#response, { status, reason, headers })
  }

  #refuse(own: OwnReply, about: { readonly call?: string; readonly more?: Headers } = {}): undefined {
    refuse(this.#response, ownReplies[own], { ...about, code: own })
  }
}

/** How long we let the call last, where nobody else looks to that. */
function capOf({ isCapped, maxDurationSeconds }: Allowed): number | undefined {
  return isCapped ? maxDurationSeconds : undefined
}

/** Why an INVITE is not looked into any further. */
function unfitness(request: SipRequest, { maxForwards }: { readonly maxForwards: number }): OwnReply | undefined {
  if (isTooLarge(request)) return 'too_large'
  return maxForwards > 0 ? undefined : 'too_many_hops'
}

type Told = Pick<AuthorizeRequest, 'leg' | 'attempt' | 'from' | 'to'>
