/** When the bundles of an account are bought again, and the newest payment of that. */
import type { AccountProfile } from '../accounts/account.ts'
import type { AccountOffice } from '../accounts/office.ts'
import type { RenewalState, RenewalStore } from '../payments/renewals.ts'
import { type Keys, partitionOf } from './keys.ts'
import type { RedisStore } from './redis.ts'
import { repliesOf } from './replies.ts'

export interface RenewalStoreParts {
  readonly store: RedisStore
  readonly keys: Keys
  readonly partitions: number
  readonly office: Pick<AccountOffice, 'chainOf'>
}

export class RedisRenewals implements RenewalStore {
  readonly #parts: RenewalStoreParts

  constructor(parts: RenewalStoreParts) {
    this.#parts = parts
  }

  async state(account: string): Promise<RenewalState> {
    const { store, keys, office } = this.#parts
    const chain = await office.chainOf(account)
    if (!chain) return {}
    const p = chain.partition
    const results = await store.command((client) =>
      client.multi().hget(keys.recharge(p, account), 'renewal').zscore(keys.paymentsDue(p), memberOf(account)).exec(),
    )
    const [payment, next] = repliesOf(results) as readonly (string | null)[]
    return { ...(payment ? { payment } : {}), ...(next ? { nextAtMs: Number(next) } : {}) }
  }

  async putOff({ id, root, version }: AccountProfile, untilMs: number | undefined): Promise<void> {
    const { store, keys, partitions } = this.#parts
    const p = partitionOf(root, partitions)
    await store.run('put_off', [keys.account(p, id), keys.paymentsDue(p)], [memberOf(id), version, untilMs ?? ''])
  }
}

function memberOf(account: string): string {
  return `bundles:${account}`
}
