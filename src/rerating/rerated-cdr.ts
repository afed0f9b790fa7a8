/** What a CDR becomes by another tariff: the seconds stay, the price is worked out anew by the one pricing function. */
import { formatAmount, type Micros, parseAmount } from '../base/money.ts'
import type { Tariff } from '../rating/tariff.ts'
import { type Cdr, paidWord, pricedBy, withCredit } from '../usage/cdr.ts'
import { isExplained, type PricedBy, repriced } from '../usage/reprice.ts'

/**
 * Why a call stays as it was charged: the tariff has no price for it, or blocks it; or its charge is not what its own
 * tariff says, as of calls that are free for another reason.
 */
export const leftReasons = ['no_rate', 'blocked', 'unexplained'] as const

export type LeftReason = (typeof leftReasons)[number]

export type Rerated =
  | { readonly kind: 'same' }
  | { readonly kind: 'left'; readonly why: LeftReason }
  | {
      readonly kind: 'changed'
      /** But for its revision. */
      readonly cdr: Cdr
      readonly before: Micros
      readonly after: Micros
      readonly billedSeconds: number
    }

/** `own` is the version that the call was charged by; undefined when it cannot be had. */
export function reratedCdr(cdr: Cdr, tariff: Tariff, own: Tariff | undefined): Rerated {
  const found = repriced(cdr, tariff)
  if (found.kind !== 'priced') return { kind: 'left', why: found.kind }
  if (!found.by) return { kind: 'same' }
  const wasUnrated = cdr.flags.includes('unrated')
  if (!wasUnrated && !(own && isExplained(cdr, own))) return { kind: 'left', why: 'unexplained' }
  const before = parseAmount(cdr.charge) ?? 0n
  if (!wasUnrated && before === found.micros) return { kind: 'same' }
  return {
    kind: 'changed',
    cdr: withPrice(cdr, found.by, found.micros),
    before,
    after: found.micros,
    billedSeconds: found.by.billedSeconds,
  }
}

function withPrice(cdr: Cdr, { price, billedSeconds, paidSeconds }: PricedBy, micros: Micros): Cdr {
  const { rate: _rate, explanation: _explanation, ...rest } = cdr
  const pools = cdr.parts.filter(({ source }) => source === 'pool')
  return {
    ...rest,
    billedSeconds,
    charge: formatAmount(micros),
    fundedBy: paidWord(pools.length > 0, micros),
    parts: withCredit(pools, { micros, billedSeconds }),
    flags: [...cdr.flags.filter((flag) => flag !== 'unrated' && flag !== 'rerated'), 'rerated'],
    ...pricedBy(price, { micros, seconds: cdr.seconds, paidSeconds }),
  }
}
