/** What a caller is answered that does not get through. */
import type { Headers, SipRequest, SipResponse } from './drachtio.ts'
import { reasonHeader } from './headers.ts'
import type { SipReply } from './parts.ts'
import { relay } from './relay.ts'

const RETRY_AFTER_SECONDS = 10
/** An answer comes soon, or none at all. */
const NOT_YET_SECONDS = 2

/** Not one of the codes of decisions, as nothing was decided. */
export type OwnReply =
  | 'malformed'
  | 'too_large'
  | 'too_many_hops'
  | 'draining'
  | 'overloaded'
  | 'no_decision'
  | 'no_route'
  | 'no_answer'
  | 'request_conflict'
  | 'credentials_missing'
  | 'credentials_wrong'
  | 'too_many_calls'

export const ownReplies: Readonly<Record<OwnReply, SipReply>> = {
  malformed: { status: 400, reason: 'Bad Request' },
  too_large: { status: 513, reason: 'Message Too Large' },
  too_many_hops: { status: 483, reason: 'Too Many Hops' },
  draining: { status: 503, reason: 'Service Unavailable' },
  overloaded: { status: 503, reason: 'Service Unavailable' },
  no_decision: { status: 503, reason: 'Service Unavailable' },
  no_route: { status: 503, reason: 'Service Unavailable' },
  no_answer: { status: 480, reason: 'Temporarily Unavailable' },
  request_conflict: { status: 482, reason: 'Loop Detected' },
  credentials_missing: { status: 401, reason: 'Unauthorized' },
  credentials_wrong: { status: 403, reason: 'Forbidden' },
  too_many_calls: { status: 503, reason: 'Service Unavailable' },
}

/** Refuses an INVITE, once: what was answered before stands. */
export function refuse(
  response: SipResponse,
  { status, reason }: SipReply,
  { code, call, more }: { readonly code: string; readonly call?: string; readonly more?: Headers },
): void {
  if (response.finalResponseSent) return
  const headers: Headers = {
    Reason: reasonHeader(status, code),
    'X-Tollgate-Code': code,
    ...(call === undefined ? {} : { 'X-Tollgate-Call': call }),
    ...(status === 503 ? { 'Retry-After': String(RETRY_AFTER_SECONDS) } : {}),
    ...more,
  }
  relay(response, { status, reason, headers })
}

/** What cannot go to the other side before the answer. An UPDATE without SDP concerns only the side that it came from. */
export function notYet(request: SipRequest, response: SipResponse): void {
  if (request.method === 'UPDATE' && !request.body) return response.send(200, undefined)
  response.send(500, undefined, { headers: { 'Retry-After': String(NOT_YET_SECONDS) } })
}
