/** What is known of the recharge of an account beside its settings: see lua/lib/recharge.lua. */
import type { AccountChain } from '../accounts/account.ts'
import type { AccountOffice } from '../accounts/office.ts'
import { Fault } from '../base/fault.ts'
import type { Micros } from '../base/money.ts'
import type { Clock } from '../base/time.ts'
import type { CappedPeriod, RechargeState, RechargeStore } from '../recharge/recharging.ts'
import type { Keys } from './keys.ts'
import type { RedisStore } from './redis.ts'

export interface RechargeStoreParts {
  readonly store: RedisStore
  readonly keys: Keys
  readonly clock: Clock
  readonly office: Pick<AccountOffice, 'chainOf'>
}

type Steering = readonly [
  what: 'pause' | 'resume' | 'rest' | 'cap',
  why: string,
  nextAtMs: number | '',
  ...event: readonly string[],
]

export class RedisRecharge implements RechargeStore {
  readonly #parts: RechargeStoreParts

  constructor(parts: RechargeStoreParts) {
    this.#parts = parts
  }

  async state(
    account: string,
    { day, month }: { readonly day: string; readonly month: string },
  ): Promise<RechargeState> {
    const { store, keys } = this.#parts
    const key = keys.recharge((await this.#chainOf(account)).partition, account)
    const [flight, failures, next, paused, byDay, byMonth] = await store.command((client) =>
      client.hmget(key, 'flight', 'failures', 'next', 'paused', 'day', 'month'),
    )
    return {
      ...(flight ? { flight } : {}),
      failures: Number(failures ?? 0),
      ...(next ? { nextAtMs: Number(next) } : {}),
      ...(paused ? { paused } : {}),
      chargedDay: chargedIn(byDay, day),
      chargedMonth: chargedIn(byMonth, month),
    }
  }

  pause(account: string, why: string): Promise<void> {
    return this.#steer(account, ['pause', why, ''])
  }

  resume(account: string): Promise<void> {
    return this.#steer(account, ['resume', '', ''])
  }

  rest(account: string): Promise<void> {
    return this.#steer(account, ['rest', '', ''])
  }

  capped(account: string, { untilMs, cap, amount, ...named }: CappedPeriod): Promise<void> {
    const { period, of, currency } = named
    const told = { period, of, cap: cap.toString(), amount: amount.toString(), currency }
    return this.#steer(account, ['cap', of, untilMs, ...Object.entries(told).flat()])
  }

  async #steer(account: string, steering: Steering): Promise<void> {
    const { store, keys, clock } = this.#parts
    const { partition: p, levels } = await this.#chainOf(account)
    const touched = [
      keys.recharge(p, account),
      keys.paymentsDue(p),
      keys.outbox(p),
      keys.records(p),
      keys.account(p, account),
    ]
    const [what, why, nextAtMs, ...event] = steering
    const [profile] = levels
    const threshold = profile?.recharge?.threshold.toString() ?? ''
    const limit = profile?.creditLimit.toString() ?? '0'
    const given = [what, why, nextAtMs, threshold, limit, ...event]
    await store.run('steer_recharge', touched, [clock.nowMs(), account, ...given])
  }

  async #chainOf(account: string): Promise<AccountChain> {
    const chain = await this.#parts.office.chainOf(account)
    if (!chain) throw new Fault('unexpected', `there is no account ${account.slice(0, 64)}`)
    return chain
  }
}

/** "<period> <micros>"; another period's is nothing. */
function chargedIn(text: string | null | undefined, period: string): Micros {
  const [of, micros] = (text ?? '').split(' ')
  return of === period ? BigInt(micros ?? '0') : 0n
}
