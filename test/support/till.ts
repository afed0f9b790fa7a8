/** A cashier on a real store with the sandbox as its provider, as many as there would be daemons, with one clock. */
import type { AccountOffice } from '../../src/accounts/office.ts'
import { SandboxProvider, type SandboxMemory } from '../../src/edges/payments/sandbox.ts'
import { Cashier, type Disagreement, type Paid, type Purchase } from '../../src/payments/cashier.ts'
import type { Card } from '../../src/payments/card.ts'
import type { Payment } from '../../src/payments/payment.ts'
import type { PaymentStore } from '../../src/payments/payment-store.ts'
import type { PaymentProvider, WebhookRequest } from '../../src/payments/provider.ts'
import type { PaymentRefused } from '../../src/payments/refusal.ts'
import { Renewals } from '../../src/payments/renewals.ts'
import { lookAfterMoney } from '../../src/recharge/look-after.ts'
import { Recharging } from '../../src/recharge/recharging.ts'
import { RedisCards } from '../../src/store/redis-cards.ts'
import { RedisPayments } from '../../src/store/redis-payments.ts'
import { RedisRecharge } from '../../src/store/redis-recharge.ts'
import { RedisRenewals } from '../../src/store/redis-renewals.ts'
import { RedisSandboxMemory } from '../../src/store/redis-sandbox.ts'
import { defaults, PARTITIONS, type TestStore } from './offices.ts'

export const SECRET = 'sandbox-secret'

export function cardOf(token: string): Card {
  return {
    id: `card-${token}`,
    provider: 'sandbox',
    token,
    brand: 'visa',
    last4: '4242',
    expiryMonth: 12,
    expiryYear: 2034,
    contact: {},
    addedAtMs: 0,
  }
}

export class Till {
  readonly store: PaymentStore
  readonly provider: PaymentProvider
  readonly sandbox: SandboxProvider
  readonly cashier: Cashier
  readonly office: AccountOffice
  readonly cards: RedisCards
  readonly recharging: Recharging
  readonly renewals: Renewals
  readonly disagreements: Disagreement[] = []
  #ids = 0

  constructor(
    test: TestStore,
    around: {
      readonly store?: (store: PaymentStore) => PaymentStore
      readonly provider?: (provider: PaymentProvider) => PaymentProvider
      readonly memory?: SandboxMemory
      readonly name?: string
    } = {},
  ) {
    this.office = test.office()
    const parts = { store: test.store, keys: test.keys, partitions: PARTITIONS, clock: test.clock, office: this.office }
    const store = new RedisPayments(parts)
    this.store = around.store?.(store) ?? store
    this.sandbox = new SandboxProvider({
      memory: around.memory ?? new RedisSandboxMemory(test),
      clock: test.clock,
      secret: SECRET,
      deliver: (request: WebhookRequest) => this.cashier.hear(this.provider, request),
    })
    this.provider = around.provider?.(this.sandbox) ?? this.sandbox
    const { office } = this
    this.cards = new RedisCards(parts)
    this.cashier = new Cashier({
      store: this.store,
      providerOf: (name) => (name === 'sandbox' ? this.provider : undefined),
      clock: test.clock,
      poolDefaults: () => defaults.pool,
      ids: () => `${around.name ?? 'till'}-${(this.#ids += 1)}`,
      observer: {
        moved: () => undefined,
        disagreed: (what) => this.disagreements.push(what),
      },
    })
    const { cards, cashier } = this
    const { clock } = test
    const minimumPurchase = () => defaults.minimumPurchase
    const coinOf = (currency: string) => this.provider.coin(currency)
    const recharge = new RedisRecharge(parts)
    this.recharging = new Recharging({ office, store: recharge, cards, cashier, minimumPurchase, coinOf, clock })
    this.renewals = new Renewals({
      office,
      store: new RedisRenewals(parts),
      payments: this.store,
      cards,
      cashier,
      clock,
    })
  }

  /** Puts one card on file, which pays what recurs. */
  async useCard(account: string, token = 'tok_success'): Promise<void> {
    const card = cardOf(token)
    const customers = { sandbox: `cus_${account}` }
    await this.cards.changeCards(account, () => ({ customers, cards: [card], recurring: card.id }))
  }

  /** What daemons do every few seconds. */
  lookAfter(): Promise<void> {
    return lookAfterMoney(this)
  }

  buy(account: string, change: Partial<Purchase> & { readonly token?: string } = {}): Promise<Paid | PaymentRefused> {
    const { token = 'tok_success', ...rest } = change
    return this.cashier.pay(account, () => ({
      kind: 'credit',
      amount: 25_000_000n,
      card: cardOf(token),
      customer: `cus_${account}`,
      ...rest,
    }))
  }

  async must(account: string, change: Parameters<Till['buy']>[1] = {}): Promise<Payment> {
    const paid = await this.buy(account, change)
    if (paid.kind === 'refused') throw new Error(`${paid.code}: ${paid.detail}`)
    return paid.payment
  }
}
