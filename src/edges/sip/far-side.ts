/** The called side: how it is called, which hop comes next, and what its leg is named. */
import type { Caller } from './caller.ts'
import type { Dialled } from './dial.ts'
import type { Headers, SipRequest } from './drachtio.ts'
import { bodyType, copied, type Copying, inOneLine, passingExtensions } from './headers.ts'
import type { Hop } from './parts.ts'

export const LEAST_SESSION_SECONDS = 90

export interface FarCall {
  readonly copying: Copying
  readonly maxForwards: number
  readonly sessionSeconds: number
}

/** What the caller's INVITE says, as the called side is to hear it. */
export function headersForFar(request: SipRequest, { copying, maxForwards, sessionSeconds }: FarCall): Headers {
  const extensions = new Set([...passingExtensions(request), 'timer'])
  return {
    ...copied(request, copying),
    ...bodyType(request),
    'Max-Forwards': String(maxForwards - 1),
    Supported: [...extensions].join(', '),
    // Else the server would refresh by itself, also with no worker left.
    'Session-Expires': `${sessionSeconds};refresher=uas`,
    'Min-SE': String(LEAST_SESSION_SECONDS),
  }
}

/** The called side's leg, named so that whoever hears of it knows the call. */
export interface FarLeg {
  readonly callId: string
  readonly fromTag: string
}

export function legOf(call: string, nth: number): FarLeg {
  return { callId: `${call}-${nth}`, fromTag: call }
}

/** The call that a far leg's Call-ID names. */
export function callOfFarLeg(callId: string): string | undefined {
  return /^([0-9A-HJKMNP-TV-Z]{26})-\d{1,2}$/.exec(callId)?.[1]
}

export function legHeaders({ shown }: Caller, { callId, fromTag }: FarLeg): Headers {
  const name = shown.name ? `"${inOneLine(shown.name).replace(/["\\]/g, '')}" ` : ''
  const user = /^(?:sips?|tel):([^@;>\p{Cc}]+)/u.exec(shown.uri)?.[1] ?? 'anonymous'
  // The server puts its own address in the place of localhost.
  return { From: `${name}<sip:${user}@localhost>;tag=${fromTag}`, 'Call-ID': callId }
}

/** The same number at the next hop. */
export function uriOver({ uri }: Hop, to: string): string {
  return uri.replace(/^(sips?:)/, (scheme) => `${scheme}${to.replaceAll('#', '%23')}@`)
}

/** Another hop may take what this one could not (RFC 3261: 5xx, a timeout); a refusal of the called side stands. */
export function goesOn(last: Dialled): boolean {
  if (last.kind === 'silent') return true
  return last.kind === 'refused' && (last.status === 408 || (last.status >= 500 && last.status < 600))
}

export function causeOf(last: Dialled): string {
  if (last.kind === 'refused') return `refused_${last.status}`
  return last.kind === 'unanswered' ? 'no_answer' : 'no_route'
}
