/** Joins the cashier, the desk and the recharge to the store and the provider that the settings name. */
import { randomBytes } from 'node:crypto'
import type { Settings } from '../catalog/settings.ts'
import { accountDefaults, priceList } from '../catalog/new-account.ts'
import { SandboxProvider } from '../edges/payments/sandbox.ts'
import { openStripe } from '../edges/payments/stripe.ts'
import type { PaymentPort } from '../edges/http/parts.ts'
import type { EventConsumer, PeriodicWork } from '../events/event.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { createPaymentObserver } from '../observe/payment-observer.ts'
import { Cashier } from '../payments/cashier.ts'
import { PaymentDesk } from '../payments/desk.ts'
import type { PaymentProvider } from '../payments/provider.ts'
import { reconcile } from '../payments/reconcile.ts'
import { Renewals } from '../payments/renewals.ts'
import { lookAfterMoney } from '../recharge/look-after.ts'
import { Recharging } from '../recharge/recharging.ts'
import { RedisCards } from '../store/redis-cards.ts'
import { RedisPayments } from '../store/redis-payments.ts'
import { RedisRecharge } from '../store/redis-recharge.ts'
import { RedisRenewals } from '../store/redis-renewals.ts'
import { RedisSandboxMemory } from '../store/redis-sandbox.ts'
import type { Core } from './core.ts'
import { sharedSecret } from './installation.ts'

const LOOK_MS = 2_000
const RECONCILE_MS = 3_600_000
const RECONCILED_MS = 48 * 3_600_000

export interface PaymentParts {
  readonly core: Core
  readonly settings: () => Settings
  readonly log: Logger
  readonly metrics: Metrics
}

export interface Payments {
  readonly port: PaymentPort
  readonly consumers: readonly EventConsumer[]
  readonly periodic: readonly PeriodicWork[]
}

export async function openPayments({ core, settings, log, metrics }: PaymentParts): Promise<Payments> {
  const { clock, office } = core
  const store = new RedisPayments(core)
  const cards = new RedisCards(core)
  const observer = createPaymentObserver({ log, metrics })
  const ids = (): string => randomBytes(9).toString('hex')
  const hear: Cashier['hear'] = (provider, request) => cashier.hear(provider, request)
  const provider = await openProvider({ core, settings, log, metrics }, hear)
  const providerOf = (name: string) => (name === provider.name ? provider : undefined)
  const poolDefaults = () => accountDefaults(settings()).pool
  const cashier = new Cashier({ store, providerOf, clock, poolDefaults, ids, observer })
  const prices = () => priceList(settings())
  const cardsChanged = (account: string): Promise<void> => recharging.cardsChanged(account)
  const desk = new PaymentDesk({ store, cards, cashier, provider, prices, clock, ids, cardsChanged })
  const minimumPurchase = () => prices().minimumPurchase
  const coinOf = (currency: string) => provider.coin(currency)
  const recharge = new RedisRecharge(core)
  const recharging = new Recharging({ office, store: recharge, cards, cashier, minimumPurchase, coinOf, clock })
  const renewing = { office, store: new RedisRenewals(core), payments: store, cards, cashier, clock }
  const renewals = new Renewals(renewing)
  const reconciled = (sinceMs: number) => reconcile({ cashier, store, observer }, provider, sinceMs)
  return {
    port: {
      desk,
      recharging,
      renewals,
      reconcile: reconciled,
      hear: async (name, request) => {
        const named = providerOf(name)
        return named && cashier.hear(named, request)
      },
    },
    consumers: [recharging.consumer()],
    periodic: [
      { name: 'payments', everyMs: LOOK_MS, run: () => lookAfterMoney({ cashier, recharging, renewals }) },
      {
        name: 'reconcile',
        everyMs: RECONCILE_MS,
        run: async () => {
          await reconciled(clock.nowMs() - RECONCILED_MS)
        },
      },
    ],
  }
}

async function openProvider({ core, settings }: PaymentParts, hear: Cashier['hear']): Promise<PaymentProvider> {
  const { provider: named, stripe } = settings().payments
  if (named === 'stripe' && stripe) return openStripe(stripe)
  const provider: SandboxProvider = new SandboxProvider({
    memory: new RedisSandboxMemory(core),
    clock: core.clock,
    secret: await sharedSecret(core.store, core.keys),
    deliver: (request) => hear(provider, request),
  })
  return provider
}
