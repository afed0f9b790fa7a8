/**
 * Calls that were answered by a worker that died before it could say so: their dialogs are at a server, and nothing is charged
 * for them. The server has one with the caller only from the 200 on, and all ids follow from the call's.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { CallRecord } from '../../calls/call.ts'
import type { CallEvent } from '../../calls/requests.ts'
import { byeById, dialogId, findById } from './by-id.ts'
import { legOf, MOST_HOPS } from './far-side.ts'
import type { DrachtioLink } from './link.ts'
import type { SipParts } from './parts.ts'

const ASK_MS = 3_000
/** A worker that lives says so within this. */
const SAYS_SO_MS = 1_000

export interface UnsaidParts {
  readonly parts: Pick<SipParts, 'clock' | 'desk' | 'instance'>
  /** Those that are connected. */
  readonly links: () => readonly DrachtioLink[]
  readonly report: (event: CallEvent) => Promise<void>
}

export class Unsaid {
  readonly #parts: UnsaidParts

  constructor(parts: UnsaidParts) {
    this.#parts = parts
  }

  /** Of a call that no answer is known of, and that rings nowhere that we know of. */
  async look({ call, leg }: CallRecord): Promise<void> {
    const near = dialogId(leg.callId, leg.legId)
    for (const link of this.#parts.links()) {
      if ((await findById(link.client, near, ASK_MS)) !== 'there') continue
      await pause(SAYS_SO_MS, undefined, { ref: false })
      const record = await this.#parts.parts.desk.find(call)
      if (record?.state === 'authorized') await this.#adopt(record, link, near)
      return
    }
  }

  /** Charged from now on: since when it has been up nobody knows. Without a called side it is no call. */
  async #adopt(
    { call, leg, attempt }: CallRecord,
    { client, name: server }: DrachtioLink,
    near: string,
  ): Promise<void> {
    const { parts, report } = this.#parts
    const ids = Array.from({ length: MOST_HOPS }, (_, nth) => farId(call, nth))
    const found = await Promise.all(ids.map((id) => findById(client, id, ASK_MS)))
    const far = ids[found.indexOf('there')]
    const nowMs = parts.clock.nowMs()
    const about = { leg, instance: parts.instance, tsMs: nowMs, ...(attempt === undefined ? {} : { attempt }) }
    if (far !== undefined) return report({ type: 'start', ...about, answeredAtMs: nowMs, ref: { server, far } })
    if (found.includes('unknown')) return
    const headers = { Reason: 'SIP;cause=481;text="the other side is gone"' }
    await byeById(client, { id: near, headers, withinMs: ASK_MS })
    await report({ type: 'failed', ...about, cause: 'dialog_gone' })
  }
}

function farId(call: string, nth: number): string {
  const { callId, fromTag } = legOf(call, nth)
  return dialogId(callId, fromTag)
}
