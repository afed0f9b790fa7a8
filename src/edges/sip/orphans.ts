/**
 * Calls whose worker is gone: it died, was restarted, or lost its connection. Their dialogs are at the server still, so
 * each is asked for by id. Both there: the call goes on, and the next who looks finds it alive. One gone: the other is
 * hung up on, and the call is settled to the last instant it was known to be up.
 */
import { inTurns } from '../../base/in-turns.ts'
import type { CallRecord } from '../../calls/call.ts'
import { byeById, dialogId, findById } from './by-id.ts'
import type { DrachtioLink } from './link.ts'
import type { SipParts } from './parts.ts'
import { type SipRef, sipRefOf } from './sip-ref.ts'
import { Unsaid, type UnsaidParts } from './unsaid.ts'

/** Whoever holds a call says so three times meanwhile. */
const SILENT_MS = 45_000
const ASK_MS = 3_000
const AT_ONCE = 16
const ENDED = 'ended'

export interface OrphanParts extends UnsaidParts {
  readonly parts: SipParts
  /** Whether it is up here, or rings. */
  readonly isHeld: (call: string) => boolean
  readonly linkOf: (ref: SipRef) => DrachtioLink | undefined
  /** Of a call that was ended through another worker while it rings here, perhaps. */
  readonly stop: (call: string, reason: string) => void
}

interface Orphan {
  readonly record: CallRecord
  readonly link: DrachtioLink
  readonly near: string
  readonly far: string
}

export class Orphans {
  readonly #parts: OrphanParts
  readonly #unsaid: Unsaid

  constructor(parts: OrphanParts) {
    this.#parts = parts
    this.#unsaid = new Unsaid(parts)
  }

  /** Looks after the calls of which nobody has said for so long that they are up. */
  async sweep(silentMs = SILENT_MS): Promise<void> {
    const { parts, isHeld, stop } = this.#parts
    const silent: CallRecord[] = []
    for await (const record of parts.desk.live()) {
      if (record.state === 'ending' && record.connectedAtMs === undefined)
        stop(record.call, record.endingReason ?? ENDED)
      const isSilent = parts.clock.nowMs() - record.lastAliveAtMs >= silentMs
      if (isSilent && !isHeld(record.call)) silent.push(record)
    }
    const looked = await inTurns(silent, AT_ONCE, (record) => this.#lookAfter(record))
    const failed = looked.find((each) => each.status === 'rejected')
    if (failed) throw failed.reason
  }

  /** A BYE was seen of the call; whether its dialog is really over the server says, as anybody may send a BYE. */
  async heardBye(record: CallRecord, link: DrachtioLink, heardAtMs: number): Promise<void> {
    const orphan = this.#orphanOf(record)
    if (orphan?.link === link) await this.#look(orphan, heardAtMs)
    // A sweep that looked meanwhile found it gone, and could only presume since when.
    if (record.end?.presumed && record.end.heardAtMs >= heardAtMs) await this.#over(record, heardAtMs)
  }

  async #lookAfter(record: CallRecord): Promise<void> {
    if (record.state === 'authorized') return this.#unsaid.look(record)
    const orphan = this.#orphanOf(record)
    if (orphan) await this.#look(orphan)
  }

  #orphanOf(record: CallRecord): Orphan | undefined {
    const ref = sipRefOf(record.ref)
    const link = ref && this.#parts.linkOf(ref)
    const isUp = record.state === 'answered' || record.state === 'ending'
    if (!isUp || !ref || !link) return undefined
    return { record, link, near: dialogId(record.leg.callId, record.leg.legId), far: ref.far }
  }

  async #look(orphan: Orphan, byeAtMs?: number): Promise<void> {
    const { record, link, near, far } = orphan
    const { parts, isHeld } = this.#parts
    const found = await Promise.all([near, far].map((id) => findById(link.client, id, ASK_MS)))
    // It was answered while we asked, or is being looked after elsewhere.
    if (isHeld(record.call)) return
    const { leg } = record
    const { instance } = parts
    // Not repeated: what was so once is not so later.
    if (found.every((side) => side === 'there')) {
      await parts.desk.event({ type: 'alive', leg, instance })
      return
    }
    if (!found.includes('gone')) return
    const headers = { Reason: 'SIP;cause=481;text="the other side is gone"' }
    await Promise.all([near, far].map((id) => byeById(link.client, { id, headers, withinMs: ASK_MS })))
    await this.#over(record, byeAtMs)
  }

  async #over({ leg, lastAliveAtMs }: CallRecord, byeAtMs: number | undefined): Promise<void> {
    const { parts, report } = this.#parts
    const { instance } = parts
    const cause = byeAtMs === undefined ? 'dialog_gone' : 'hung_up'
    const when = byeAtMs === undefined ? { presumed: true, endedAtMs: lastAliveAtMs } : { endedAtMs: byeAtMs }
    await report({ type: 'stop', leg, instance, tsMs: parts.clock.nowMs(), cause, ...when })
  }
}
