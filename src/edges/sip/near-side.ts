/** The answer to the caller, once the called side has answered. */
import { type Far, isOffer } from './dial.ts'
import type { DrachtioClient, Headers, SipDialog, SipRequest, SipResponse } from './drachtio.ts'
import { LEAST_SESSION_SECONDS } from './far-side.ts'
import { bodyType, copied, type Copying, supports } from './headers.ts'
import { inTime, LATE } from './in-time.ts'
import { fits } from './size.ts'
import { sessionSecondsOf } from './within-dialog.ts'

const ANSWER_MS = 5_000

export interface Answering {
  readonly client: DrachtioClient
  /** Aborts when the connection to the server breaks. */
  readonly lost: AbortSignal
  readonly request: SipRequest
  readonly response: SipResponse
  readonly copying: Copying
  readonly sessionSeconds: number
}

/** Undefined where the server did not send the 200, LATE where it did not say whether it did. */
export type NearAnswer = SipDialog | typeof LATE | undefined

export async function answerNear(answering: Answering, far: Far): Promise<NearAnswer> {
  const { client, request, response, lost, copying, sessionSeconds } = answering
  const localSdp = isOffer(far) ? far.sdp : (far.remote.sdp ?? '')
  const wanted = sessionSecondsOf(request.get('session-expires')) ?? sessionSeconds
  const seconds = Math.max(LEAST_SESSION_SECONDS, Math.min(wanted, sessionSeconds))
  const timer: Headers = supports(request, 'timer')
    ? { 'Session-Expires': `${seconds};refresher=uac`, Require: 'timer' }
    : {}
  const headers = { ...copied(far.res, copying), ...bodyType(far.res), ...timer }
  const answered = client.createUAS(request, response, { headers, localSdp })
  return inTime(answered, ANSWER_MS, lost).catch(() => undefined)
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
