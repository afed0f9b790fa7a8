/** What is looked after again and again: payments that are not known, recharges whose wait is over, bundles that recur. */
import { eachInTurn } from '../base/in-turns.ts'
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

export async function lookAfterMoney({ cashier, recharging, renewals }: MoneyParts): Promise<void> {
  const due = await cashier.lookAfterDue()
  await eachInTurn(due.recharges, AT_ONCE, (account) => recharging.attempt(account))
  await eachInTurn(due.renewals, AT_ONCE, (account) => renewals.attempt(account))
}
