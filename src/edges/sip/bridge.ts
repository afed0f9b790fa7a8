/**
 * A call that is up: two dialogs, of which one ends with the other.
 *
 *   up ──BYE or session timer of one side──▶ over   the other side is hung up on, with the Reason
 *   up ──cut, end───────────────────────────▶ over   both are
 *   up ──the server's socket breaks─────────▶ lost   nothing is heard any more; the sweep ends or adopts it
 */
import type { CallEvent } from '../../calls/requests.ts'
import type { Headers, SipDialog, SipRequest } from './drachtio.ts'
import { reasonHeader, reasonOf } from './headers.ts'
import { inTime } from './in-time.ts'
import { elapsedMs } from './server-time.ts'

/** A side that does not answer a BYE is over all the same. */
const BYE_MS = 2_000

export type CallWords = Pick<CallEvent, 'leg' | 'account' | 'from' | 'to' | 'direction'>

export interface BridgeParts {
  readonly call: string
  /** Said with every event of it. */
  readonly about: CallWords
  /** The caller's side. */
  readonly near: SipDialog
  readonly far: SipDialog
  readonly answeredAtMs: number
  /** Aborts when nothing more is heard of its dialogs. */
  readonly lost: AbortSignal
  /** How long it may last, where the edge alone looks to that. */
  readonly capSeconds: number | undefined
  readonly cutStatus: number
  readonly nowMs: () => number
}

export interface BridgeEnd {
  readonly endedAtMs: number
  readonly cause: string
}

export class Bridge {
  readonly parts: BridgeParts
  readonly #end = Promise.withResolvers<BridgeEnd>()
  #endedAtMs: number | undefined

  constructor(parts: BridgeParts) {
    this.parts = parts
    const { near, far } = parts
    near.once('destroy', (bye: SipRequest, why: string) => this.#heard(bye, causeOf('caller', why), far))
    far.once('destroy', (bye: SipRequest, why: string) => this.#heard(bye, causeOf('callee', why), near))
    // A BYE that came in one piece with the answer was heard before there was a bridge.
    if (!near.connected) this.#heard(undefined, 'caller_hung_up', far)
    if (!far.connected) this.#heard(undefined, 'callee_hung_up', near)
  }

  /** Comes once; never where the bridge was lost. */
  get end(): Promise<BridgeEnd> {
    return this.#end.promise
  }

  /** Told of an end before the one that was told: a phone had hung up already when we did, and we heard of it later. */
  onEarlier: (end: BridgeEnd) => void = () => undefined

  /** Ends both sides; resolves when both have been told. */
  async hangUp(cause: string): Promise<void> {
    const { near, far, cutStatus } = this.parts
    const headers = { Reason: reasonHeader(cutStatus, cause) }
    this.#over(cause, this.parts.nowMs())
    await Promise.all([bye(near, headers), bye(far, headers)])
  }

  #heard(message: SipRequest | undefined, cause: string, other: SipDialog): void {
    const endedAtMs = this.#cameAtMs(message)
    if (this.#endedAtMs === undefined) void bye(other, reasonOf(message))
    this.#over(cause, endedAtMs)
  }

  /** By the server's clock: a worker that hung hears of a BYE when it wakes. */
  #cameAtMs(message: SipRequest | undefined): number {
    const { near, answeredAtMs } = this.parts
    const nowMs = this.parts.nowMs()
    const talkedMs = elapsedMs(near.res.stackTime, message?.stackTime, nowMs - answeredAtMs)
    return talkedMs === undefined ? nowMs : Math.min(nowMs, answeredAtMs + talkedMs)
  }

  #over(cause: string, endedAtMs: number): void {
    const before = this.#endedAtMs
    this.#endedAtMs = Math.min(before ?? endedAtMs, endedAtMs)
    if (before === undefined) this.#end.resolve({ endedAtMs, cause })
    else if (endedAtMs < before) this.onEarlier({ endedAtMs, cause })
  }
}

function causeOf(side: 'caller' | 'callee', why: string): string {
  return /session timer/i.test(why) ? 'session_expired' : `${side}_hung_up`
}

async function bye(dialog: SipDialog, headers: Headers): Promise<void> {
  const told = new Promise<void>((resolve) => dialog.destroy({ headers }, () => resolve()))
  await inTime(told, BYE_MS)
}
