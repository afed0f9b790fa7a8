/** What is looked after again and again: payments that are not known, recharges whose wait is over, bundles that recur. */
import { failuresOf, inTurns } from '../base/in-turns.ts'
import type { Cashier } from '../payments/cashier.ts'
import type { Renewals } from '../payments/renewals.ts'
import type { Recharging } from './recharging.ts'

/** Providers take their time, and most cycles turn at the same midnight. */
const AT_ONCE = 10

export interface MoneyParts {
  readonly cashier: Pick<Cashier, 'lookAfterDue'>
  readonly recharging: Pick<Recharging, 'attempt'>
  readonly renewals: Pick<Renewals, 'attempt'>
}

/** Each whatever became of the others; throws the first failure at last. */
export async function lookAfterMoney({ cashier, recharging, renewals }: MoneyParts): Promise<void> {
  const due = await cashier.lookAfterDue()
  const recharged = await inTurns(due.recharges, AT_ONCE, (account) => recharging.attempt(account))
  const renewed = await inTurns(due.renewals, AT_ONCE, (account) => renewals.attempt(account))
  const [failure] = [...due.failures, ...failuresOf([...recharged, ...renewed])]
  if (failure) throw failure
}
