/** The called side: how it is called, which hop comes next, and what its leg is named. */
import type { Caller } from './caller.ts'
import type { Dialled } from './dial.ts'
import type { Headers, SipRequest } from './drachtio.ts'
import { bodyType, copied, type Copying, inOneLine, passingExtensions, supports } from './headers.ts'
import type { Hop } from './parts.ts'
import { sessionSecondsOf } from './within-dialog.ts'

export const LEAST_SESSION_SECONDS = 90

/** What we do on the leg of the called side, whatever the caller can. */
export interface Wanted {
  readonly sessionSeconds: number
  /** Acknowledge its provisional answers. */
  readonly reliable?: boolean
}

export interface FarCall extends Wanted {
  readonly copying: Copying
  readonly maxForwards: number
}

/** What the called side refuses to do without (RFC 4028: 422; RFC 3262: 421), where we can have it. */
export function wantedOf(last: Dialled, request: SipRequest): Partial<Wanted> | undefined {
  if (last.kind !== 'refused' || !last.response) return undefined
  const least = sessionSecondsOf(last.response.get('min-se'))
  if (last.status === 422) return least === undefined ? undefined : { sessionSeconds: least }
  const isReliable = last.status === 421 && supports(last.response, '100rel') && Boolean(request.body)
  return isReliable ? { reliable: true } : undefined
}

/** What the caller's INVITE says, as the called side is to hear it. */
export function headersForFar(
  request: SipRequest,
  { copying, maxForwards, sessionSeconds, reliable = false }: FarCall,
): Headers {
  const extensions = new Set([...passingExtensions(request, 'supported'), 'timer', ...(reliable ? ['100rel'] : [])])
  const required = new Set(passingExtensions(request, 'require'))
  // An offer in a reliable answer would have to be answered in the PRACK, which the server sends without a body.
  if (!request.body) for (const each of [extensions, required]) each.delete('100rel')
  return {
    ...copied(request, copying),
    ...bodyType(request),
    'Max-Forwards': String(maxForwards - 1),
    Supported: [...extensions].join(', '),
    ...(required.size > 0 ? { Require: [...required].join(', ') } : {}),
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

/** Of one group. */
export const MOST_HOPS = 16

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
