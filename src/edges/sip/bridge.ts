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
  #isOver = false

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

  /** Ends both sides; resolves when both have been told. */
  async hangUp(cause: string): Promise<void> {
    const { near, far, cutStatus } = this.parts
    const headers = { Reason: reasonHeader(cutStatus, cause) }
    this.#over(cause)
    await Promise.all([bye(near, headers), bye(far, headers)])
  }

  #heard(message: SipRequest | undefined, cause: string, other: SipDialog): void {
    if (this.#isOver) return
    this.#over(cause)
    void bye(other, reasonOf(message))
  }

  #over(cause: string): void {
    this.#isOver = true
    this.#end.resolve({ endedAtMs: this.parts.nowMs(), cause })
  }
}

function causeOf(side: 'caller' | 'callee', why: string): string {
  return /session timer/i.test(why) ? 'session_expired' : `${side}_hung_up`
}

async function bye(dialog: SipDialog, headers: Headers): Promise<void> {
  const told = new Promise<void>((resolve) => dialog.destroy({ headers }, () => resolve()))
  await inTime(told, BYE_MS)
}
