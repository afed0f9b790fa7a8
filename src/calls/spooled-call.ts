/** A call allowed without the store: what is kept of it, what its edge is told, and what the store is told later. */
import type { Leg } from './call.ts'
import type { Allowed, AuthorizeRequest, CallEvent } from './requests.ts'

/** A call allowed without the store: all that its events may leave out. */
export interface SpooledCall {
  readonly legKey: string
  readonly call: string
  readonly leg: Leg
  readonly account: string
  readonly currency: string
  readonly direction: AuthorizeRequest['direction']
  readonly from: string
  readonly to: string
  readonly trunk?: string
  readonly source?: string
  readonly user?: string
  readonly instance?: string
  readonly ref?: unknown
  /** What was asked, to tell a repeat from another request. */
  readonly content: string
  readonly allowedAtMs: number
  readonly capSeconds: number
}

/** Keeps calls where a killed process finds them again. */
export interface CallSpool {
  readonly size: number
  find(key: string): SpooledCall | undefined
  all(): readonly SpooledCall[]
  /** Known to `find` at once; resolves when it is on disk. Throws a Fault, and forgets it, when it cannot be kept. */
  add(call: SpooledCall): Promise<void>
  remove(key: string): Promise<void>
}

/** What tells a repeat from another request. */
export function contentOf(request: AuthorizeRequest): string {
  const { account, trunk, source, user, direction, from, to, media, mode, requestSeconds, transaction } = request
  return JSON.stringify([account, trunk, source, user, direction, from, to, media, mode, requestSeconds, transaction])
}

export function spooledCall(
  request: AuthorizeRequest,
  decided: Pick<SpooledCall, 'legKey' | 'call' | 'account' | 'currency' | 'allowedAtMs' | 'capSeconds'>,
): SpooledCall {
  const { leg, direction, from, to } = request
  return { ...decided, leg, direction, from, to, ...wordsOf(request), content: contentOf(request) }
}

type Words = Pick<CallEvent, 'trunk' | 'source' | 'user' | 'instance' | 'ref'>

function wordsOf({ trunk, source, user, instance, ref }: Words): Words {
  return {
    ...(trunk === undefined ? {} : { trunk }),
    ...(source === undefined ? {} : { source }),
    ...(user === undefined ? {} : { user }),
    ...(instance === undefined ? {} : { instance }),
    ...(ref === undefined ? {} : { ref }),
  }
}

/** What the edge says, with what it left out: enough by itself for the store, which knows nothing of the call. */
export function completed(event: CallEvent, call: SpooledCall): CallEvent {
  const { account, direction, from, to } = call
  return { direction, from, to, ...wordsOf(call), ...event, account, failOpen: true }
}

/** The edge held it to its cap: it may have lasted so long, and no longer. */
export function presumedStop(call: SpooledCall): CallEvent {
  const { leg, allowedAtMs, capSeconds } = call
  const endedAtMs = allowedAtMs + capSeconds * 1000
  const cause = 'presumed: the store was away and nothing was heard of the call'
  const stop = {
    type: 'stop',
    leg,
    answeredAtMs: allowedAtMs,
    endedAtMs,
    seconds: capSeconds,
    cause,
    presumed: true,
  } as const
  return completed(stop, call)
}

/** What its edge is answered, each time it asks. */
export function allowed({ call, account, currency, capSeconds }: SpooledCall): Allowed {
  return {
    kind: 'allowed',
    call,
    account,
    currency,
    maxDurationSeconds: capSeconds,
    reservedSeconds: capSeconds,
    // Nothing is held: the call is paid when the store hears of it.
    reserved: 0n,
    final: true,
    fundedBy: 'credit',
    isCapped: true,
  }
}
