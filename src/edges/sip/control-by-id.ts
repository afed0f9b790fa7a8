/** Ends and warns calls by the ids of their dialogs, whoever set them up: as long as their server is connected. */
import { Fault } from '../../base/fault.ts'
import type { EdgeCall } from '../../calls/edge-control.ts'
import type { CallEvent } from '../../calls/requests.ts'
import { byeById, dialogId, infoById } from './by-id.ts'
import type { DrachtioClient } from './drachtio.ts'
import { reasonHeader } from './headers.ts'
import type { DrachtioLink } from './link.ts'
import type { SipParts } from './parts.ts'
import { type SipRef, sipRefOf } from './sip-ref.ts'

/** A phone that does not answer within this is over all the same. */
const ANSWER_MS = 2_000

export interface ControlByIdParts {
  readonly parts: Pick<SipParts, 'clock' | 'instance' | 'warning'>
  readonly linkOf: (ref: SipRef) => DrachtioLink | undefined
  readonly report: (event: CallEvent) => Promise<void>
}

export class ControlById {
  readonly #parts: ControlByIdParts

  constructor(parts: ControlByIdParts) {
    this.#parts = parts
  }

  /** Both sides are told, and the end is reported. Throws `edge_unreachable` where the server says nothing of either. */
  async end(call: EdgeCall, reason: string): Promise<void> {
    const { parts, report } = this.#parts
    const { client, ref } = this.#reach(call)
    const headers = { Reason: reasonHeader(ref.cutStatus, reason) }
    const endedAtMs = parts.clock.nowMs()
    const ids = [dialogId(call.callId, call.legId), ref.far]
    const ended = await Promise.all(ids.map((id) => byeById(client, { id, headers, withinMs: ANSWER_MS })))
    if (ended.every((side) => side === 'unknown')) throw outOfReach('drachtio-server did not answer in time')
    const { node, callId, legId } = call
    const leg = { node, callId, legId }
    await report({ type: 'stop', leg, instance: parts.instance, tsMs: endedAtMs, endedAtMs, cause: reason })
  }

  /** Throws `edge_unreachable` where the caller's phone does not answer. */
  async warn(call: EdgeCall, secondsLeft: number): Promise<void> {
    const { client } = this.#reach(call)
    const { headers, body } = this.#parts.parts.warning
    const said = (text: string): string => text.replaceAll('{seconds}', String(secondsLeft))
    const info = {
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, said(value)])),
      ...(body === undefined ? {} : { body: said(body) }),
    }
    const found = await infoById(client, { id: dialogId(call.callId, call.legId), withinMs: ANSWER_MS, ...info })
    if (found === 'unknown') throw outOfReach('the phone or its drachtio-server did not answer in time')
  }

  /** The server that has a call. */
  #reach({ ref: kept }: EdgeCall): { readonly client: DrachtioClient; readonly ref: SipRef } {
    const ref = sipRefOf(kept)
    const link = ref && this.#parts.linkOf(ref)
    if (!link) throw outOfReach('the call is with a drachtio-server that is out of reach')
    return { client: link.client, ref }
  }
}

function outOfReach(why: string): Fault {
  return new Fault('edge_unreachable', why, { retryable: true })
}
