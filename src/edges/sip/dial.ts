/** One try to reach the called side over one hop. */
import { isReachable } from './addresses.ts'
import { byeById } from './by-id.ts'
import { cancelInvite } from './call-off.ts'
import {
  type DrachtioClient,
  type Headers,
  type OfferFromFar,
  refusalOf,
  type SipDialog,
  type SipRequest,
  type SipResponse,
} from './drachtio.ts'
import { notYet } from './replies.ts'
import { fits } from './size.ts'

export interface DialSettings {
  readonly uri: string
  readonly headers: Headers
  /** The id that the server gives the dialog. */
  readonly dialog: string
  /** Absent where the caller offers nothing: then the called side does. */
  readonly sdp?: string
  readonly tryMs: number
  readonly ringMs: number
  readonly onProgress: (response: SipResponse) => void
}

export type Far = SipDialog | OfferFromFar

export type Dialled =
  | { readonly kind: 'answered'; readonly far: Far }
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string; readonly response?: SipResponse }
  /** Nothing came from the hop, or the hop could not be asked. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'unanswered' }
  | { readonly kind: 'cancelled' }

/** It was answered so that no dialog can be made of it: to the caller the hop failed. */
const UNUSABLE: Dialled = { kind: 'refused', status: 502, reason: 'Bad Gateway' }
const SILENT: Dialled = { kind: 'silent' }
const BYE_MS = 2_000

export class Dial {
  readonly #client: DrachtioClient
  readonly #settings: DialSettings
  readonly #outcome = Promise.withResolvers<Dialled>()
  #sent: SipRequest | undefined
  #isOver = false
  #try: NodeJS.Timeout | undefined
  #ring: NodeJS.Timeout | undefined

  constructor(client: DrachtioClient, settings: DialSettings) {
    this.#client = client
    this.#settings = settings
    this.#try = setTimeout(() => this.#giveUp(SILENT), settings.tryMs)
    this.#ring = setTimeout(() => this.#giveUp({ kind: 'unanswered' }), settings.ringMs)
    const { uri, headers, sdp } = settings
    const content = { uri, headers, ...(sdp ? { localSdp: sdp } : { noAck: true }) }
    const progress = {
      cbRequest: (_error: unknown, request?: SipRequest) => this.#wasSent(request),
      cbProvisional: (response: SipResponse) => this.#progress(response),
    }
    client.createUAC(content, progress).then(
      (far) => this.#answered(far),
      (error: unknown) => this.#failed(error),
    )
  }

  get outcome(): Promise<Dialled> {
    return this.#outcome.promise
  }

  /** The called side is told; an answer that comes all the same is hung up on. */
  cancel(headers: Headers): void {
    this.#giveUp({ kind: 'cancelled' }, headers)
  }

  #wasSent(request: SipRequest | undefined): void {
    this.#sent = request
    // drachtio-srf, which listens next, would answer with our offer, whatever is asked.
    queueMicrotask(() => request?.removeAllListeners('update').on('update', notYet))
    if (request && this.#isOver) cancelInvite(this.#client, request, {})
  }

  #progress(response: SipResponse): void {
    clearTimeout(this.#try)
    if (!this.#isOver) this.#settings.onProgress(response)
  }

  #answered(far: Far): void {
    if (this.#isOver) return hangUpOn(far)
    if (isReachable(far.res) && fits(far.res)) return this.#end({ kind: 'answered', far })
    // The library acknowledges an offer without a Contact, and can do no more.
    if (isOffer(far)) void far.destroy().finally(() => this.#hangUpById())
    else hangUpOn(far)
    this.#end(UNUSABLE)
  }

  #failed(error: unknown): void {
    const outcome = this.#sent ? outcomeOf(error) : SILENT
    if (outcome === UNUSABLE) this.#hangUpById()
    this.#end(outcome)
  }

  #hangUpById(): void {
    const { dialog: id } = this.#settings
    void byeById(this.#client, { id, headers: {}, withinMs: BYE_MS })
  }

  #giveUp(outcome: Dialled, headers: Headers = {}): void {
    if (this.#isOver) return
    this.#end(outcome)
    if (this.#sent) cancelInvite(this.#client, this.#sent, headers)
  }

  #end(outcome: Dialled): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#try)
    clearTimeout(this.#ring)
    this.#outcome.resolve(outcome)
  }
}

/** The library has acknowledged every 2xx; one that is not 200, or says not where to be reached, it calls an error. */
function outcomeOf(error: unknown): Dialled {
  const refusal = refusalOf(error)
  if (!refusal) return UNUSABLE
  const { status, reason, res } = refusal
  if ((res?.status ?? status) < 300) return UNUSABLE
  return { kind: 'refused', status, reason, ...(res === undefined ? {} : { response: res }) }
}

export function isOffer(far: Far): far is OfferFromFar {
  return 'sdp' in far
}

/** What it says is kept until somebody can hear it. */
export function hold(far: Far): void {
  if (!isOffer(far)) far.queueRequests = true
}

/** It may have hung up in the moment of its answer, or since. */
export function isUp(far: Far): boolean {
  return isOffer(far) || (far.connected && !hasHungUp(far))
}

/** Its BYE is among what is kept. */
function hasHungUp({ queuedRequests }: SipDialog): boolean {
  return queuedRequests.some(({ req }) => req.method === 'BYE')
}

/** Nobody waits for whether it worked: what is not there any more is ended. */
export function hangUpOn(far: Far, headers: Headers = {}): void {
  if (isOffer(far)) far.destroy().catch(() => undefined)
  else if (hasHungUp(far)) far.queueRequests = false
  else far.destroy({ headers }, () => undefined)
}
