/** Calls as edges tell of them: what is asked and said of one leg, by the edge's own clock. */
import type { Micros } from '../../src/base/money.ts'
import type { Leg } from '../../src/calls/call.ts'
import type { Allowed, AuthorizeAnswer, AuthorizeRequest, CallEvent, CallEventType } from '../../src/calls/requests.ts'

export const LONDON = '+442079460958'

/** What every word about a call repeats. */
export interface CallWords {
  readonly leg: Leg
  readonly account?: string
  readonly instance?: string
  readonly direction: 'outbound' | 'inbound'
  readonly from: string
  readonly to: string
}

export function legOf(callId: string, changes: Partial<Leg> = {}): Leg {
  return { node: 'edge-1', callId, legId: '', ...changes }
}

/** An outbound call of acme to London by edge-1, as it booted first. */
export function words(callId: string, changes: Partial<CallWords> = {}): CallWords {
  return {
    leg: legOf(callId),
    account: 'acme',
    instance: '1000',
    direction: 'outbound',
    from: '+12125550100',
    to: LONDON,
    ...changes,
  }
}

export function request(said: CallWords, changes: Partial<AuthorizeRequest> = {}): AuthorizeRequest {
  return { media: 'voice', ...said, ...changes }
}

/** Sent at `tsMs`. */
export function event(
  type: CallEventType,
  said: CallWords,
  times: Partial<CallEvent> & { readonly tsMs?: number },
): CallEvent {
  return { type, ...said, ...times }
}

/** The allow that a test counts on. */
export function allowed(answer: AuthorizeAnswer | undefined): Allowed {
  if (answer?.kind !== 'allowed') throw new Error(`not allowed: ${codeOf(answer)}`)
  return answer
}

/** "ok", "conflict", or the code that the call was denied with. */
export function codeOf(answer: AuthorizeAnswer | undefined): string {
  if (!answer) return 'unknown'
  if (answer.kind === 'denied') return answer.refusal.code
  return answer.kind === 'allowed' ? 'ok' : answer.kind
}

/** Whole currency units and cents in words: usd('1.25'). */
export function usd(amount: string): Micros {
  const [units = '0', cents = ''] = amount.split('.')
  const size = BigInt(units.replace('-', '')) * 1_000_000n + BigInt(cents.padEnd(6, '0'))
  return amount.startsWith('-') ? -size : size
}
