/** Money as PostgreSQL answers with it. */
import { invariant } from '../base/fault.ts'
import { type Micros, parseAmount } from '../base/money.ts'

/** A numeric with at most six places, as text. */
export function micros(text: string): Micros {
  const amount = parseAmount(text)
  invariant(amount !== undefined, 'an archived amount is an amount')
  return amount
}
