/** Prices from costs: a markup, the longest prefix first, rounded up. */
import { InvalidArgumentError } from 'commander'
import { Decimal } from 'decimal.js'
import type { RateRow } from '../rating/tariff.ts'
import { whole } from './arguments.ts'

/** Percent by prefix; "" is of every other. */
export type Markups = ReadonlyMap<string, Decimal>

const MAX_DECIMALS = 6

export const decimals = whole(0, MAX_DECIMALS)

/** "20%", "4479=35". */
export function markups(text: string, before: Markups = new Map()): Markups {
  const [, prefix = '', percent = ''] = /^(?:\+?(\d{1,15})=)?(\d{1,4}(?:\.\d{1,4})?)%?$/.exec(text) ?? []
  if (percent === '') throw new InvalidArgumentError('It must be a percentage such as 20%, or 4479=35%.')
  return new Map([...before, [prefix, new Decimal(percent)]])
}

export function derivedRows(rows: readonly RateRow[], markup: Markups, round: number): readonly RateRow[] {
  return rows.map((row) => {
    const factor = factorOf(row.prefix, markup)
    const price = (text: string): string => {
      return text === '' ? '' : factor.times(text).toDecimalPlaces(round, Decimal.ROUND_UP).toFixed()
    }
    const fee = <Part extends { readonly connectFee?: string | undefined }>(part: Part) =>
      part.connectFee === undefined ? {} : { connectFee: price(part.connectFee) }
    return {
      ...row,
      perMinute: price(row.perMinute),
      ...fee(row),
      ...(row.bands
        ? { bands: row.bands.map((band) => ({ ...band, perMinute: price(band.perMinute), ...fee(band) })) }
        : {}),
      ...(row.steps ? { steps: row.steps.map((step) => ({ ...step, perMinute: price(step.perMinute) })) } : {}),
    }
  })
}

function factorOf(prefix: string, markup: Markups): Decimal {
  for (let length = prefix.length; length >= 0; length -= 1) {
    const percent = markup.get(prefix.slice(0, length))
    if (percent) return percent.div(100).plus(1)
  }
  return new Decimal(1)
}
