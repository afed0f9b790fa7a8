/** Who calls whom, as an INVITE says it. */
import { randomBytes } from 'node:crypto'
import type { Leg } from '../../calls/call.ts'
import type { AuthorizeRequest } from '../../calls/requests.ts'
import { addressIn, isReachable } from './addresses.ts'
import type { CallWords } from './bridge.ts'
import { type Address, parseUri, type SipRequest } from './drachtio.ts'
import type { Routed } from './parts.ts'

export interface Caller {
  readonly leg: Leg
  /** Tells a new attempt of the same leg from a repeat. */
  readonly attempt: string
  readonly source: string
  readonly from: string
  readonly to: string
  /** The From as it came, without its tag. */
  readonly shown: Address
}

/** Undefined where the INVITE says too little to make a call of it. */
export function callerOf(
  request: SipRequest,
  edge: { readonly node: string; readonly trusted: boolean },
): Caller | undefined {
  const shown = addressIn(request, 'from')
  const leg = shown && legOf(request, shown, edge.node)
  const to = userOf(request.uri)
  if (!shown || !leg || !to || !isReachable(request)) return undefined
  const asserted = edge.trusted ? addressIn(request, 'p-asserted-identity') : undefined
  return {
    leg,
    attempt: request.get('cseq') ?? '',
    source: request.source_address,
    from: numberOf(asserted, shown),
    to,
    shown,
  }
}

/** What is asserted of the caller comes before what it says itself. */
function numberOf(...addresses: readonly (Address | undefined)[]): string {
  return addresses.map((address) => userOf(address?.uri)).find((user) => user !== undefined) ?? ''
}

function legOf(request: SipRequest, { params }: Address, node: string): Leg | undefined {
  const callId = request.get('call-id')
  const legId = params?.['tag']
  if (!callId || !legId || !CALL_ID.test(callId) || legId.length > MAX_NAME) return undefined
  return { node, callId, legId }
}

/**
 * RFC 3261, 25.1. Others would not come back from the server as they are: a bar or a semicolon in it could make the dialog
 * of one call look like that of another.
 */
const CALL_ID = /^[\w.!%*+`'~()<>:\\"/[\]?{}@-]{1,256}$/
const MAX_NAME = 256

/** Of `sip:` and `tel:` addresses; what is escaped in it is the same number (RFC 3261, 19.1.4). */
function userOf(uri: string | undefined): string | undefined {
  if (uri === undefined) return undefined
  const written = /^tel:([^;]+)/i.exec(uri)?.[1] ?? parseUri(uri)?.user
  const user = written && unescaped(written)
  return user && USER.test(user) ? user : undefined
}

/** What may stand in an address, and #. */
const USER = /^[\w.!~*'()&=+$,;?/#-]{1,128}$/

function unescaped(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

export function authorizeRequest(caller: Caller, routed: Routed, request: SipRequest): AuthorizeRequest {
  const { leg, attempt, source, from, to } = caller
  const { account, trunk, direction } = routed
  return {
    leg,
    attempt,
    transaction: randomBytes(6).toString('base64url'),
    source,
    from,
    to,
    direction,
    media: /^m=video [1-9]/m.test(request.body ?? '') ? 'video' : 'voice',
    ...(account === undefined ? {} : { account }),
    ...(trunk === undefined ? {} : { trunk }),
  }
}

/** Enough to rate the call should nothing else be known of it. */
export function aboutCall({ leg, from, to }: Caller, { direction }: Routed, account: string): CallWords {
  return { leg, from, to, direction, ...(account === '' ? {} : { account }) }
}
