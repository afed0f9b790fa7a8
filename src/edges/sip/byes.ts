/**
 * BYEs that went over a server, by its cdr:stop. Of a dialog whose worker is gone nothing else is heard: its phone was
 * answered 481, and the other side is still up. Anybody may send a BYE, so each is only a reason to look.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { CallRecord } from '../../calls/call.ts'
import type { SipMessage } from './drachtio.ts'
import { callOfFarLeg } from './far-side.ts'
import type { DrachtioLink } from './link.ts'
import type { SipDesk } from './parts.ts'

/** Its own worker hears of a BYE first, and settles. */
const OTHERS_FIRST_MS = 1_000
/** Strangers may send any number; a call that is passed over is found by the sweep. */
const MOST_LOOKS = 500

export interface ByesParts {
  readonly desk: Pick<SipDesk, 'find' | 'callOf'>
  readonly node: string
  readonly nowMs: () => number
  /** Of a leg of a call that is, or just was, up here: its bridge has heard the BYE itself. */
  readonly isOurs: (callId: string) => boolean
  readonly found: (record: CallRecord, link: DrachtioLink, heardAtMs: number) => Promise<void>
  readonly unheard: () => void
  readonly failed: (error: unknown) => void
}

export class Byes {
  readonly #parts: ByesParts
  /** Call-IDs that are looked for now: a BYE is told of by both sides of the server, and again when it is repeated. */
  readonly #looking = new Set<string>()

  constructor(parts: ByesParts) {
    this.#parts = parts
  }

  async seen(link: DrachtioLink, source: string, bye: SipMessage): Promise<void> {
    const callId = bye.get('call-id') ?? ''
    const { isOurs, nowMs, failed } = this.#parts
    if (isOurs(callId) || this.#looking.has(callId) || this.#looking.size >= MOST_LOOKS) return
    const heardAtMs = nowMs()
    this.#looking.add(callId)
    try {
      await pause(OTHERS_FIRST_MS, undefined, { ref: false })
      const record = await this.#recordOf(callId, bye)
      if (record) await this.#parts.found(record, link, heardAtMs)
      else if (source === 'network') this.#parts.unheard()
    } catch (error) {
      failed(error)
    } finally {
      this.#looking.delete(callId)
    }
  }

  async #recordOf(callId: string, bye: SipMessage): Promise<CallRecord | undefined> {
    const { desk, node } = this.#parts
    const call = callOfFarLeg(callId)
    if (call !== undefined) return desk.find(call)
    for (const name of ['from', 'to']) {
      const legId = /;tag=([^;]+)/.exec(bye.get(name) ?? '')?.[1]
      const record = legId && (await desk.callOf({ node, callId, legId }))
      if (record) return record
    }
    return undefined
  }
}
