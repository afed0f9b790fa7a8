/**
 * Keys of one account see that account and those below it; everything else is to them as if it were not there (rule O9).
 */
import type { AccountProfile } from '../../accounts/account.ts'
import { type KeyIdentity, mayReach as reaches } from '../../accounts/api-keys.ts'
import type { AccountOffice } from '../../accounts/office.ts'
import { HttpProblem } from './problem.ts'

type Chains = Pick<AccountOffice, 'chainOf'>

export function accountUnknown(account: string): HttpProblem {
  return new HttpProblem('account_unknown', `there is no account "${account}"`)
}

export async function mayReach(office: Chains, key: KeyIdentity, account: string): Promise<boolean> {
  if (key.account === undefined || key.account === account) return true
  const chain = await office.chainOf(account)
  return chain !== undefined && reaches(key, chain)
}

/** 404 when the key may not know of the account. Whether it exists is not asked for keys without an account. */
export async function mustReach(office: Chains, key: KeyIdentity, account: string): Promise<void> {
  if (!(await mayReach(office, key, account))) throw accountUnknown(account)
}

/** The profile of an account that the key may see. */
export async function profileFor(office: Chains, key: KeyIdentity, account: string): Promise<AccountProfile> {
  const chain = await office.chainOf(account)
  const [profile] = chain?.levels ?? []
  if (!chain || !profile || !reaches(key, chain)) throw accountUnknown(account)
  return profile
}
