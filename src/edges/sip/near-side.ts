/** The caller's side of an INVITE: what it hears while the called side is asked, and the answer. */
import { type Far, isOffer } from './dial.ts'
import type { DrachtioClient, Headers, SipDialog, SipRequest, SipResponse } from './drachtio.ts'
import { LEAST_SESSION_SECONDS } from './far-side.ts'
import { bodyType, copied, type Copying, supports } from './headers.ts'
import { inTime, LATE } from './in-time.ts'
import { relay } from './relay.ts'
import { fits } from './size.ts'
import { sessionSecondsOf } from './within-dialog.ts'

const ANSWER_MS = 5_000
const PRACK_MS = 1_000

export interface NearSideParts {
  readonly client: DrachtioClient
  /** Resolves when the connection to the server breaks. */
  readonly lost: Promise<unknown>
  readonly request: SipRequest
  readonly response: SipResponse
}

export interface Answering {
  readonly copying: Copying
  readonly sessionSeconds: number
}

export class NearSide {
  readonly #parts: NearSideParts
  #unpracked = 0
  #pracked: (() => void) | undefined

  constructor(parts: NearSideParts) {
    this.#parts = parts
  }

  /** Ringing and early media, as they come; reliable where the called side made them so and the caller can. */
  progress(theirs: SipResponse, copying: Copying): void {
    const { request, response } = this.#parts
    if (theirs.status <= 100 || response.finalResponseSent) return
    const isReliable = theirs.has('rseq') && supports(request, '100rel')
    const headers = { ...copied(theirs, copying), ...bodyType(theirs), ...(isReliable ? { Require: '100rel' } : {}) }
    if (isReliable) this.#unpracked += 1
    const { status, reason, body } = theirs
    relay(response, { status, reason, headers, body }, isReliable ? () => this.#hadPrack() : undefined)
  }

  /** A 2xx may not overtake a provisional answer that is still to be acknowledged (RFC 3262). */
  async pracked(): Promise<void> {
    if (this.#unpracked === 0) return
    await inTime(new Promise<void>((resolve) => (this.#pracked = resolve)), PRACK_MS)
  }

  /** Sends the 200; undefined where the server did not, LATE where it did not say whether it did. */
  async answer(far: Far, { copying, sessionSeconds }: Answering): Promise<SipDialog | typeof LATE | undefined> {
    const { client, request, response, lost } = this.#parts
    const localSdp = isOffer(far) ? far.sdp : (far.remote.sdp ?? '')
    const wanted = sessionSecondsOf(request.get('session-expires')) ?? sessionSeconds
    const seconds = Math.max(LEAST_SESSION_SECONDS, Math.min(wanted, sessionSeconds))
    const timer: Headers = supports(request, 'timer')
      ? { 'Session-Expires': `${seconds};refresher=uac`, Require: 'timer' }
      : {}
    const headers = { ...copied(far.res, copying), ...bodyType(far.res), ...timer }
    if (!isOffer(far)) far.queueRequests = true
    const answered = client.createUAS(request, response, { headers, localSdp })
    const heard = inTime(answered, ANSWER_MS).catch(() => undefined)
    return Promise.race([heard, lost.then((): typeof LATE => LATE)])
  }

  #hadPrack(): void {
    this.#unpracked -= 1
    if (this.#unpracked === 0) this.#pracked?.()
  }
}

/** The dialog of the called side, once the caller has said what it was waiting for. */
export async function settledFar(near: SipDialog, far: Far): Promise<SipDialog | undefined> {
  const acknowledged = new Promise<SipRequest>((resolve) => near.once('ack', resolve))
  if (!isOffer(far)) {
    void acknowledged.then(() => (far.queueRequests = false))
    return far
  }
  const ack = await inTime(acknowledged, ANSWER_MS)
  if (ack === LATE || !fits(ack)) return undefined
  const dialog = await inTime(far.ack(ack.body ?? ''), ANSWER_MS).catch((): typeof LATE => LATE)
  return dialog === LATE ? undefined : dialog
}
