/** Why a call was let in, for how long, who pays for it and what it costs: for people. */
import { formatAmount } from '../base/money.ts'
import { formatInstant } from '../base/time.ts'
import { cdrOf, rateOf } from '../usage/cdr.ts'
import type { CallLevel, CallRecord, CallStep } from './call.ts'
import type { CallParts } from './parts.ts'
import { pricePinned, type PricedLevel } from './pricing.ts'

export interface Explanation {
  readonly levels: readonly unknown[]
  readonly history: readonly { readonly at: string; readonly what: string }[]
}

export async function explainCall(parts: CallParts, record: CallRecord): Promise<Explanation> {
  const chain = await parts.accounts.chainOf(record.account)
  const priced = chain ? await pricePinned(parts, chain, record) : []
  const levels = record.levels.map((level, index) => explainLevel(record, level, { index, priced: priced[index] }))
  return { levels, history: record.history.map(explainStep) }
}

function explainStep({ atMs, what, times }: CallStep): Explanation['history'][number] {
  return { at: formatInstant(atMs), what: times === undefined ? what : `${what}, extension ${times} in a row` }
}

function explainLevel(
  record: CallRecord,
  level: CallLevel,
  at: { readonly index: number; readonly priced: PricedLevel | undefined },
): unknown {
  const { index, priced } = at
  const price = priced?.price.kind === 'priced' ? priced.price.price : undefined
  const why = priced?.price.kind === 'refused' ? { noPrice: priced.price.refusal.detail } : {}
  if (level.charge) {
    const cdr = cdrOf({ record, index, level, charge: level.charge, flags: [], ...(price ? { price } : {}) })
    const { account, billedSeconds, charge, currency, fundedBy, parts, overrunSeconds, rate, explanation } = cdr
    return {
      account,
      billedSeconds,
      charge,
      currency,
      fundedBy,
      parts,
      overrunSeconds,
      rate,
      lines: explanation,
      ...why,
    }
  }
  return {
    account: level.account,
    currency: level.currency,
    ...(level.hold.trunk ? { trunk: level.hold.trunk } : {}),
    pools: level.hold.pools.map(({ pool, cycle, seconds }) => ({ pool, cycle, seconds })),
    reserved: formatAmount(level.hold.credit),
    ...(price
      ? {
          rate: rateOf(price),
          pieces: price.pieces.map(({ fromSecond, perMinute, label }) => ({ fromSecond, perMinute, label })),
        }
      : {}),
    ...why,
  }
}
