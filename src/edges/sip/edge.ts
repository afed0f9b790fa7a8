/**
 * The SIP edge: INVITEs of every drachtio-server that it is connected to become calls, and calls end with their dialogs.
 * What it holds in memory is the calls whose dialogs it set up; of all others the store and the servers know.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { Fault } from '../../base/fault.ts'
import { inTurns } from '../../base/in-turns.ts'
import type { EdgeCall, EdgeControl } from '../../calls/edge-control.ts'
import type { CallEvent } from '../../calls/requests.ts'
import { Repeater } from '../repeater.ts'
import { isDeadly } from './addresses.ts'
import { Admission } from './admission.ts'
import type { Bridge, BridgeEnd } from './bridge.ts'
import { Byes } from './byes.ts'
import { Cap } from './cap.ts'
import { ControlById } from './control-by-id.ts'
import { type CdrStop, forgetInvite, type SipRequest, type SipResponse } from './drachtio.ts'
import { callOfFarLeg } from './far-side.ts'
import { DRAINING, Invitation } from './invite.ts'
import { DrachtioLink } from './link.ts'
import { Observer } from './observer.ts'
import { Orphans } from './orphans.ts'
import type { SipParts } from './parts.ts'
import { notYet, ownReplies, refuse } from './replies.ts'
import { Seldom } from './seldom.ts'
import type { SipRef } from './sip-ref.ts'

/** INVITEs under way; a server has more patience than memory. */
const MAX_SETUPS = 2_000
/** Together less than a daemon drains. */
const RINGS_ON_MS = 1_000
const GIVES_UP_MS = 2_000
const AT_ONCE = 32
/** A BYE that is sent again, or is told of twice, comes within this. */
const BYES_WITHIN_MS = 35_000

interface Held {
  readonly bridge: Bridge
  readonly link: DrachtioLink
}

export class SipEdge {
  readonly #parts: SipParts
  readonly #links: readonly DrachtioLink[]
  /** By Call-ID. */
  readonly #setups = new Map<string, Invitation>()
  /** Of these, the calls that were let in, by their ids. */
  readonly #letIn = new Map<string, Invitation>()
  readonly #held = new Map<string, Held>()
  /** Call-IDs of both legs of each call that is or was just up here. */
  readonly #legs = new Set<string>()
  readonly #repeater: Repeater<CallEvent>
  readonly #byId: ControlById
  readonly #orphans: Orphans
  readonly #byes: Byes
  readonly #admission: Admission
  readonly #observer: Observer
  readonly #leftAlone: Seldom<{ readonly source: string; readonly contact: string | undefined }>
  #isDraining = false

  constructor(parts: SipParts) {
    this.#parts = parts
    this.#admission = new Admission(parts, () => this.#setups.size > MAX_SETUPS)
    this.#observer = new Observer(parts)
    this.#leftAlone = new Seldom((of, times) => parts.log.warn({ ...of, times }, 'an INVITE is left without an answer'))
    this.#repeater = new Repeater((event) => parts.desk.event(event), parts.undelivered)
    const reach = {
      parts,
      linkOf: (ref: SipRef) => this.#linkOf(ref),
      report: (event: CallEvent) => this.#report(event),
    }
    this.#byId = new ControlById(reach)
    this.#orphans = new Orphans({
      ...reach,
      links: () => this.#links.filter(({ isConnected }) => isConnected),
      isHeld: (call) => this.#held.has(call) || this.#letIn.has(call),
      stop: (call, reason) => this.#letIn.get(call)?.stop(reason),
    })
    this.#byes = new Byes({
      desk: parts.desk,
      node: parts.node,
      nowMs: () => parts.clock.nowMs(),
      isOurs: (callId) => this.#legs.has(callId),
      found: async (record, link, heardAtMs) => {
        if (!this.#held.has(record.call)) await this.#orphans.heardBye(record, link, heardAtMs)
      },
      unheard: () => this.#observer.heardOfOther(),
      failed: (error) => this.#cannotSweep(error),
    })
    const events = {
      onInvite: (link: DrachtioLink, request: SipRequest, response: SipResponse) =>
        void this.#invited(link, request, response),
      onOptions: (request: SipRequest, response: SipResponse) => this.#options(request, response),
      onEarly: (request: SipRequest, response: SipResponse) => this.#early(request, response),
      onStop: (link: DrachtioLink, stop: CdrStop) => this.#stopped(link, stop),
      onConnected: () => void this.#orphans.sweep(0).catch((error: unknown) => this.#cannotSweep(error)),
      onLost: (link: DrachtioLink) => this.#lost(link),
    }
    this.#links = parts.servers.map((server) => new DrachtioLink(server, events, parts.log))
  }

  start(): void {
    for (const link of this.#links) link.open()
  }

  /** How calls of this edge are ended, whoever set them up. */
  readonly control: EdgeControl = {
    canEnd: true,
    canRaise: false,
    canList: false,
    end: (call, reason) => this.#endCall(call, reason),
    raise: () => Promise.resolve(),
    warn: (call, secondsLeft) => this.#byId.warn(call, secondsLeft),
    list: () => Promise.resolve([]),
  }

  /** Says of the calls that are up here that they are, and looks after those whose worker is gone. */
  async tick(): Promise<void> {
    await inTurns([...this.#held.values()], AT_ONCE, (held) => this.#alive(held))
    await this.#orphans.sweep()
  }

  get figures(): { readonly calls: number; readonly servers: number } {
    return { calls: this.#held.size, servers: this.#links.filter(({ isConnected }) => isConnected).length }
  }

  /**
   * Takes no INVITE any more. What rings is waited for a moment, then its callers are told to try elsewhere; calls that are
   * up are left to whoever comes next.
   */
  async stop(): Promise<void> {
    this.#isDraining = true
    for (const link of this.#links) link.drain()
    await this.#quiet(RINGS_ON_MS)
    for (const invitation of this.#setups.values()) invitation.stop(DRAINING)
    await this.#quiet(GIVES_UP_MS)
    for (const link of this.#links) link.close()
    this.#repeater.stop()
  }

  /** Until no INVITE is under way. */
  async #quiet(withinMs: number): Promise<void> {
    const untilMs = performance.now() + withinMs
    while (this.#setups.size > 0 && performance.now() < untilMs) await pause(20)
  }

  async #invited(link: DrachtioLink, request: SipRequest, response: SipResponse): Promise<void> {
    const callId = request.get('call-id') ?? ''
    const ringing = this.#setups.get(callId)
    if (isDeadly(request)) {
      forgetInvite(request)
      ringing?.heedCancel()
      return this.#leftAlone.happened({ source: request.source_address, contact: request.get('contact') })
    }
    if (ringing) {
      refuse(response, ownReplies.request_conflict, { code: 'request_conflict' })
      return ringing.heedCancel()
    }
    if (this.#isDraining) return refuse(response, ownReplies.draining, { code: 'draining' })
    const invitation = this.#invitation(link, request, response)
    this.#setups.set(callId, invitation)
    try {
      const bridge = await invitation.run()
      if (bridge) this.#hold(bridge, link)
    } catch (error) {
      if (!(error instanceof Fault)) this.#parts.log.error({ err: error, call: invitation.call }, 'an INVITE broke')
      refuse(response, ownReplies.no_decision, { code: 'engine_unavailable' })
    } finally {
      this.#setups.delete(callId)
      this.#letIn.delete(invitation.call ?? '')
    }
  }

  #invitation(link: DrachtioLink, request: SipRequest, response: SipResponse): Invitation {
    const { client, name: server, lost } = link
    const context = {
      client,
      server,
      lost,
      parts: this.#parts,
      admission: this.#admission,
      observer: this.#observer,
      letIn: (call: string, invitation: Invitation) => this.#letIn.set(call, invitation),
      report: (event: CallEvent) => this.#report(event),
    }
    return new Invitation(context, request, response)
  }

  #hold(bridge: Bridge, link: DrachtioLink): void {
    const { call } = bridge.parts
    this.#held.set(call, { bridge, link })
    for (const callId of callIdsOf(bridge)) this.#legs.add(callId)
    bridge.onEarlier = (end) => this.#over(bridge, end)
    const cap = this.#cap(bridge, link)
    void bridge.end.then((end) => {
      cap?.lift()
      this.#held.delete(call)
      setTimeout(() => this.#forgetLegs(bridge), BYES_WITHIN_MS).unref()
      this.#over(bridge, end)
    })
    // The connection broke while the call was being answered.
    if (bridge.parts.lost.aborted) this.#letGo({ bridge, link })
  }

  /** Also where the connection breaks meanwhile. */
  #cap({ parts }: Bridge, { name: server }: DrachtioLink): Cap | undefined {
    const { call, about, far, answeredAtMs, capSeconds, cutStatus } = parts
    if (capSeconds === undefined) return undefined
    return new Cap(answeredAtMs + capSeconds * 1000 - this.#parts.clock.nowMs(), {
      end: () => this.#endCall({ call, ...about.leg, ref: { server, far: far.id, cutStatus } }, 'max_duration'),
      failed: (error) => this.#parts.log.error({ err: error, call }, 'a call goes on beyond its cap'),
    })
  }

  #forgetLegs(bridge: Bridge): void {
    for (const callId of callIdsOf(bridge)) this.#legs.delete(callId)
  }

  #over({ parts: { about, answeredAtMs } }: Bridge, { endedAtMs, cause }: BridgeEnd): void {
    const { instance } = this.#parts
    void this.#report({ type: 'stop', ...about, instance, tsMs: endedAtMs, answeredAtMs, endedAtMs, cause })
  }

  async #alive({ bridge }: Held): Promise<void> {
    const { about } = bridge.parts
    const { state } = await this.#parts.desk.event({ type: 'alive', ...about, instance: this.#parts.instance })
    if (state === 'ended' || state === 'failed') await bridge.hangUp('call_is_over')
  }

  /** The dialogs are still at the server, but the phones' words do not reach us any more. */
  #lost(link: DrachtioLink): void {
    for (const held of this.#held.values()) if (held.link === link) this.#letGo(held)
  }

  #letGo({ bridge, link: { client } }: Held): void {
    const { call, near, far } = bridge.parts
    this.#held.delete(call)
    this.#forgetLegs(bridge)
    for (const dialog of [near, far]) client.removeDialog(dialog)
  }

  async #endCall(call: EdgeCall, reason: string): Promise<void> {
    const held = this.#held.get(call.call)
    if (held) return held.bridge.hangUp(reason)
    const ringing = this.#letIn.get(call.call)
    if (ringing) return ringing.stop(reason)
    await this.#byId.end(call, reason)
  }

  #early(request: SipRequest, response: SipResponse): void {
    const callId = request.get('call-id') ?? ''
    const calling = this.#setups.get(callId)
    if (calling) return calling.heard(request, response)
    if (this.#letIn.has(callOfFarLeg(callId) ?? '')) return notYet(request, response)
    response.send(481, undefined)
  }

  #stopped(link: DrachtioLink, [source, , , message]: CdrStop): void {
    if (this.#observer.heard(source, message)) return
    if (message.method === 'BYE') void this.#byes.seen(link, source, message)
  }

  #options(_request: SipRequest, response: SipResponse): void {
    if (this.#isDraining || !this.#parts.ready()) return refuse(response, ownReplies.draining, { code: 'draining' })
    response.send(200, undefined, {
      headers: { Allow: ALLOWED, Accept: 'application/sdp', Supported: '100rel, timer' },
    })
  }

  #linkOf({ server }: SipRef): DrachtioLink | undefined {
    return this.#links.find(({ name, isConnected }) => name === server && isConnected)
  }

  async #report(event: CallEvent): Promise<void> {
    // What the store cannot take now is repeated from there.
    await this.#repeater.deliver(event).catch(() => undefined)
  }

  #cannotSweep(error: unknown): void {
    this.#parts.log.error({ err: error }, 'calls whose worker is gone could not be looked after')
  }
}

const ALLOWED = 'INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, MESSAGE, NOTIFY'

function callIdsOf({ parts: { about, far } }: Bridge): readonly string[] {
  return [about.leg.callId, far.sip.callId]
}
