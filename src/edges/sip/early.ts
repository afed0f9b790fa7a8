/**
 * What the two sides say before the call is answered. Provisional answers are reliable (RFC 3262) leg by leg: each is
 * acknowledged as it comes, by the server to the called side and by the caller to the server, and the 200 waits for the
 * caller's. A request of the caller passes once the called side has answered reliably, as the server has a dialog with it
 * from then on; with the caller it has one only from the 200 on, so what the called side asks before has to wait.
 */
import { earlyDialog } from './by-id.ts'
import { type Far, isOffer } from './dial.ts'
import type { DrachtioClient, SipRequest, SipResponse } from './drachtio.ts'
import { bodyType, copied, type Copying, requires, supports } from './headers.ts'
import { inTime } from './in-time.ts'
import { relay } from './relay.ts'
import { notYet } from './replies.ts'
import { forward, withAlways } from './within-dialog.ts'

const PRACK_MS = 1_000

export interface EarlyParts {
  readonly client: DrachtioClient
  /** The caller's INVITE, and its answers. */
  readonly request: SipRequest
  readonly response: SipResponse
  readonly copying: Copying
}

export class Early {
  readonly #parts: EarlyParts
  #far: string | undefined
  #sdp: string | undefined
  #unpracked = 0
  #pracked: (() => void) | undefined

  constructor(parts: EarlyParts) {
    this.#parts = parts
    parts.request.on('update', (request: SipRequest, response: SipResponse) => this.heard(request, response))
  }

  /** The dialog of the leg that is being dialled. */
  dialling(far: string): void {
    this.#far = far
    this.#sdp = undefined
  }

  /** A 200 does not have to repeat the SDP of a reliable answer. */
  complete(far: Far): void {
    if (!isOffer(far)) far.remote.sdp ||= this.#sdp
  }

  /** Ringing and early media, as they come; reliable where the called side or the caller wants it and the caller can. */
  progress(progress: SipResponse): void {
    const { request, response, copying } = this.#parts
    const fromReliable = progress.has('rseq')
    const isReliable = supports(request, '100rel') && (fromReliable || requires(request, '100rel'))
    if (fromReliable && progress.body) this.#sdp = progress.body
    if (isReliable) this.#unpracked += 1
    const headers = {
      ...copied(progress, copying),
      ...bodyType(progress),
      ...(isReliable ? { Require: '100rel' } : {}),
    }
    const { status, reason, body } = progress
    relay(response, { status, reason, headers, body })
  }

  /** Takes what the caller says. */
  heard(request: SipRequest, response: SipResponse): void {
    if (request.method === 'PRACK') return this.#acknowledged(request, response)
    if (request.method === 'UPDATE' && !request.body) return notYet(request, response)
    const { client, copying } = this.#parts
    forward({
      request,
      response,
      copying: withAlways(copying),
      to: earlyDialog(client, this.#far ?? ''),
      instead: () => notYet(request, response),
    })
  }

  /** A 2xx may not overtake a provisional answer that is still to be acknowledged. */
  async allPracked(): Promise<void> {
    if (this.#unpracked === 0) return
    await inTime(new Promise<void>((resolve) => (this.#pracked = resolve)), PRACK_MS)
  }

  /** An offer in it cannot go on: the server has acknowledged the called side already. */
  #acknowledged(prack: SipRequest, response: SipResponse): void {
    response.send(prack.body ? 488 : 200, undefined)
    this.#unpracked -= 1
    if (this.#unpracked <= 0) this.#pracked?.()
  }
}
