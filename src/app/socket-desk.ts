/** Joins the call_control socket to the use cases of calls. */
import { invariant } from '../base/fault.ts'
import { parseInstant } from '../base/time.ts'
import type { AuthorizeAnswer, AuthorizeRequest, CallEvent } from '../calls/requests.ts'
import type { CallControlDesk, CallControlEvent } from '../edges/socket/call-control.ts'

export interface SocketDeskParts {
  authorize(request: AuthorizeRequest): Promise<AuthorizeAnswer>
  event(event: CallEvent): Promise<unknown>
  /** Who pays when the trunks' rules identify nobody. */
  readonly fallbackAccount: () => string | undefined
  /** True when the trunks' rules know the payer. */
  identifies(query: { readonly source?: string; readonly from: string; readonly to: string }): boolean
}

export function socketDesk(parts: SocketDeskParts): CallControlDesk {
  return {
    async authorize(input) {
      const { node, callId, direction, from, to, source } = input
      const query = { from, to, ...(source === undefined ? {} : { source }) }
      const account = input.account ?? (parts.identifies(query) ? undefined : parts.fallbackAccount())
      const answer = await parts.authorize({
        leg: { node, callId, legId: '' },
        ...(account === undefined ? {} : { account }),
        ...query,
        direction,
        media: 'voice',
      })
      if (answer.kind === 'allowed') return { decision: 'allow', code: 'ok' }
      return { decision: 'deny', code: answer.kind === 'denied' ? answer.refusal.code : 'request_conflict' }
    },
    event: (input) => parts.event(eventOf(input)),
  }
}

function eventOf(input: CallControlEvent): CallEvent {
  const { type, node, callId, answeredAt, endedAt, cause, ref } = input
  return {
    type,
    leg: { node, callId, legId: '' },
    tsMs: instant(input.ts),
    ...(answeredAt === undefined ? {} : { answeredAtMs: instant(answeredAt) }),
    ...(endedAt === undefined ? {} : { endedAtMs: instant(endedAt) }),
    ...(cause === undefined ? {} : { cause }),
    ...(ref === undefined ? {} : { ref }),
  }
}

function instant(text: string): number {
  const at = parseInstant(text)
  invariant(at !== undefined, 'the socket gives instants that can be read')
  return at
}
