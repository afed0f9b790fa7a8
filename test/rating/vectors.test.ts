/** docs/rating-vectors.json is for other implementations; here it holds for ours, and for the slow one. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { formatAmount } from '../../src/base/money.ts'
import { charge, reservation } from '../../src/rating/charge.ts'
import { poolReservation, poolSeconds } from '../../src/rating/minutes.ts'
import type { RateRow, Rounding } from '../../src/rating/tariff.ts'
import { naiveCharge } from './naive-rating.ts'
import { priceIn, tariffOf } from './tariffs.ts'

interface CallVector {
  readonly name: string
  readonly tariff: { readonly timezone: string; readonly rounding: Rounding }
  readonly rates: readonly RateRow[]
  readonly call: { readonly direction: 'outbound' | 'inbound'; readonly digits: string; readonly answeredAt: string }
  readonly cases: readonly {
    readonly seconds: number
    readonly paidSeconds?: number
    readonly billedSeconds: number
    readonly charge: string
    readonly reservation: string
  }[]
}

interface PoolVector {
  readonly name: string
  readonly increment: number
  readonly freeSeconds: number
  readonly cases: readonly { readonly seconds: number; readonly poolSeconds: number; readonly reservation: number }[]
}

const file = new URL('../../docs/rating-vectors.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as { calls: readonly CallVector[]; pools: readonly PoolVector[] }

/** The slow one takes instants only. */
function inInstants(row: RateRow): RateRow {
  const { validFrom, validUntil, ...rest } = row
  const nextDay = (day: string): string => new Date(Date.parse(day) + 86_400_000).toISOString()
  return {
    ...rest,
    ...(validFrom === undefined ? {} : { validFrom: `${validFrom}T00:00:00Z` }),
    ...(validUntil === undefined ? {} : { validUntil: nextDay(validUntil) }),
  }
}

describe('rating vectors', () => {
  it.each(vectors.calls)('$name', ({ tariff, rates, call, cases }) => {
    const rated = { direction: call.direction, digits: call.digits, answeredAtMs: Date.parse(call.answeredAt) }
    const price = priceIn(tariffOf(rates, tariff), rated)
    for (const wanted of cases) {
      const { seconds, paidSeconds = 0 } = wanted
      const { billedSeconds, micros } = charge(price, seconds, paidSeconds)
      const answer = { billedSeconds, charge: formatAmount(micros) }
      const reserved = formatAmount(reservation(price, seconds, paidSeconds))
      expect({ ...wanted, ...answer, reservation: reserved }).toEqual(wanted)

      const slow = naiveCharge({ ...tariff, rows: rates.map(inInstants) }, rated, { used: seconds, paid: paidSeconds })
      expect(slow).toEqual({ billedSeconds, charge: micros, reservation: reservation(price, seconds, paidSeconds) })
    }
  })

  it.each(vectors.pools)('$name', ({ cases, ...terms }) => {
    for (const { seconds, ...wanted } of cases) {
      const answer = { poolSeconds: poolSeconds(terms, seconds), reservation: poolReservation(terms, seconds) }
      expect(answer).toEqual(wanted)
    }
  })
})
