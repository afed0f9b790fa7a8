/** Refusals are values. Their list is in order of precedence: when several apply, the first is answered. */

export const refusalCodes = [
  'gone',
  'account_unknown',
  'account_suspended',
  'no_licence',
  'insufficient_ports',
  'destination_blocked',
  'no_rate',
  'price_cap',
  'call_limit',
  'trunk_limit',
  'no_minutes',
  'no_credit',
  'spend_cap',
  'engine_unavailable',
] as const

export type RefusalCode = (typeof refusalCodes)[number]

export interface Refused {
  readonly kind: 'refused'
  readonly code: RefusalCode
  /** A sentence for people: which account, limit or licence. Never a full telephone number. */
  readonly detail: string
}

export function refused(code: RefusalCode, detail: string): Refused {
  return { kind: 'refused', code, detail }
}

/** The refusal that comes first in the order of precedence; undefined when there is none. */
export function firstRefusal(refusals: readonly Refused[]): Refused | undefined {
  let first: Refused | undefined
  for (const refusal of refusals) {
    if (!first || refusalCodes.indexOf(refusal.code) < refusalCodes.indexOf(first.code)) first = refusal
  }
  return first
}
