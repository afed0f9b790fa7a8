/** The SIP answer of each refusal, where the operator says nothing else. */
import type { RefusalCode } from '../../base/outcome.ts'
import type { SipReply } from './parts.ts'

export const sipReplies: Readonly<Record<RefusalCode, SipReply>> = {
  gone: { status: 410, reason: 'Gone' },
  account_unknown: { status: 403, reason: 'Forbidden' },
  account_suspended: { status: 403, reason: 'Forbidden' },
  no_licence: { status: 403, reason: 'Forbidden' },
  insufficient_ports: { status: 486, reason: 'Busy Here' },
  destination_blocked: { status: 403, reason: 'Forbidden' },
  no_rate: { status: 404, reason: 'Not Found' },
  price_cap: { status: 403, reason: 'Forbidden' },
  call_limit: { status: 486, reason: 'Busy Here' },
  trunk_limit: { status: 486, reason: 'Busy Here' },
  no_minutes: { status: 402, reason: 'Payment Required' },
  no_credit: { status: 402, reason: 'Payment Required' },
  spend_cap: { status: 402, reason: 'Payment Required' },
  engine_unavailable: { status: 503, reason: 'Service Unavailable' },
}
