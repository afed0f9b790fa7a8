/**
 * Takes money from cards and credits it, once: the intent is stored before the provider is asked, the credit is posted in
 * the step that closes the payment, and what is not known is asked for before anything else is done. Every method may be
 * repeated, by any daemon and after any crash.
 */
import type { AccountDefaults } from '../accounts/profile.ts'
import { failuresOf, inTurns } from '../base/in-turns.ts'
import type { Micros } from '../base/money.ts'
import type { Clock } from '../base/time.ts'
import type { Card } from './card.ts'
import { changeOf, postponed } from './change.ts'
import { moved, nextLookupMs, type Payment, type PaymentKind, type Refund, refundMoved } from './payment.ts'
import type { Due, Opening, PayingAccount, PaymentStore } from './payment-store.ts'
import type { ChargeOutcome, PaymentProvider, ProviderCharge, RefundOutcome } from './provider.ts'
import { paymentUnknown, refundChange, refundOf, type RefundRequest } from './refunding.ts'
import type { PaymentRefused } from './refusal.ts'

export interface CashierParts {
  readonly store: PaymentStore
  /** Undefined for a provider that is not set up here. */
  readonly providerOf: (name: string) => PaymentProvider | undefined
  readonly clock: Clock
  /** Pools that bundles are granted in. */
  readonly poolDefaults: () => AccountDefaults['pool']
  /** New ids of payments. */
  readonly ids: () => string
  readonly observer: PaymentObserver
}

export interface PaymentObserver {
  /** A payment or refund has another state. */
  moved(payment: Payment): void
  /** The provider and we do not agree, and a person must look. */
  disagreed(what: Disagreement): void
}

export type Disagreement =
  | { readonly kind: 'stray_charge'; readonly provider: string; readonly charge: string; readonly amount: Micros }
  | { readonly kind: 'amount_differs' | 'refunds_differ'; readonly payment: string; readonly charge: string }
  | { readonly kind: 'not_charged' | 'not_credited'; readonly payment: string }

export interface Purchase {
  readonly kind: PaymentKind
  readonly amount: Micros
  readonly card: Card
  readonly customer: string
  readonly minutes?: Payment['minutes']
  readonly recurring?: boolean
  readonly renewal?: Payment['renewal'] & Opening['renewal']
  readonly buyer?: string
  /** Of an order: its own id, so that it is paid once. */
  readonly id?: string
  readonly operation?: Opening['operation']
  readonly refusal?: PaymentRefused
  readonly recharge?: Opening['recharge'] & NonNullable<Payment['capped']>
}

export interface Paid {
  readonly kind: 'paid'
  /** The same purchase came before; this is what became of it. */
  readonly replayed: boolean
  readonly payment: Payment
}

export interface LookedAfter extends Omit<Due, 'payments'> {
  /** Why a payment could not be looked after: it is due again when its lease is over. */
  readonly failures: readonly Error[]
}

/** A daemon that looked after a payment and died leaves it to the next one then. */
const LEASE_MS = 120_000

/** Providers take their time. */
const AT_ONCE = 10

export class Cashier {
  readonly #parts: CashierParts

  constructor(parts: CashierParts) {
    this.#parts = parts
  }

  async pay(
    account: string,
    purchaseOf: (account: PayingAccount) => Purchase | PaymentRefused,
  ): Promise<Paid | PaymentRefused> {
    const opened = await this.#parts.store.open(account, (paying) => {
      const purchase = purchaseOf(paying)
      return 'code' in purchase ? purchase : this.#opening(paying, purchase)
    })
    if (opened.kind === 'refused') return opened
    const { kind, payment } = opened
    if (kind === 'replayed') return { kind: 'paid', replayed: true, payment }
    return { kind: 'paid', replayed: false, payment: await this.#charge(payment) }
  }

  #opening({ partition, profile }: PayingAccount, purchase: Purchase): Opening {
    const { kind, amount, card, customer, buyer, operation, refusal, recharge, renewal } = purchase
    const nowMs = this.#parts.clock.nowMs()
    const { id, token, brand, last4, provider } = card
    const payment: Payment = {
      id: purchase.id ?? `${partition}-${this.#parts.ids()}`,
      account: profile.id,
      kind,
      state: 'opened',
      amount,
      currency: profile.currency,
      provider,
      customer,
      card: { id, token, brand, last4 },
      ...boughtOf(purchase),
      ...(buyer === undefined ? {} : { buyer }),
      ...(recharge ? { capped: { day: recharge.day, month: recharge.month } } : {}),
      openedAtMs: nowMs,
      changedAtMs: nowMs,
      lookups: 0,
      refunds: [],
    }
    return {
      kind: 'opening',
      payment,
      lookupAtMs: nextLookupMs(payment, nowMs) ?? nowMs,
      ...(operation ? { operation } : {}),
      ...(refusal ? { refusal } : {}),
      ...(recharge ? { recharge } : {}),
      ...(renewal ? { renewal } : {}),
    }
  }

  async #charge(payment: Payment): Promise<Payment> {
    const { id, account, amount, currency, customer, card, provider } = payment
    const asked = this.#parts.providerOf(provider)
    if (!asked) return this.#settle(payment, { kind: 'declined', reason: 'provider_missing' })
    const description = payment.minutes ? `minutes for ${account}` : `credit for ${account}`
    const charge = { payment: id, account, amount, currency, customer, token: card.token, description }
    return this.#settle(payment, await asked.charge(charge))
  }

  /** Acts on what the provider said of a payment; whatever was thought before, a charge is credited. */
  async #settle(payment: Payment, outcome: ChargeOutcome | { readonly kind: 'absent' }): Promise<Payment> {
    const { store, clock, poolDefaults, observer } = this.#parts
    const changed = await store.change(payment.id, (found, profile) => {
      const nowMs = clock.nowMs()
      const after = moved(found, outcome, nowMs)
      if (!after) return undefined
      if (after.state === found.state) return postponed(after, nowMs)
      return changeOf(found, after, { profile, defaults: poolDefaults(), nowMs })
    })
    if (!changed || 'code' in changed) {
      observer.disagreed({ kind: 'not_credited', payment: payment.id })
      return payment
    }
    if (changed.state !== payment.state) observer.moved(changed)
    return changed
  }

  /** Asks the provider what became of a payment and its refunds, and acts on it. */
  async lookUp(id: string): Promise<Payment | undefined> {
    const payment = await this.#parts.store.find(id)
    const provider = payment && this.#parts.providerOf(payment.provider)
    if (!provider) return payment
    const { customer, charge, openedAtMs } = payment
    const known = charge === undefined ? {} : { charge }
    const found = await provider.lookup({ payment: id, customer, openedAtMs, ...known })
    if (found.kind === 'found') return this.#believe(payment, found.charge)
    const settled = await this.#settle(payment, found)
    return found.kind === 'unknown' ? this.#settleRefunds(settled, () => found) : settled
  }

  /** A charge as the provider has it is the truth, but for one that is of another amount: that is for a person. */
  async #believe(payment: Payment, found: ProviderCharge): Promise<Payment> {
    if (found.amount !== payment.amount || found.currency !== payment.currency) {
      this.#parts.observer.disagreed({ kind: 'amount_differs', payment: payment.id, charge: found.charge })
      return this.#settle(payment, { kind: 'unknown', reason: 'the provider has another amount', charge: found.charge })
    }
    const settled = await this.#settle(payment, found.outcome)
    return this.#settleRefunds(settled, ({ id }) => {
      const refund = found.refunds.find((other) => other.refund === id)
      return refund?.outcome ?? { kind: 'absent' }
    })
  }

  /** A webhook says that something happened; false when it is none of the provider's. */
  async hear(provider: PaymentProvider, request: Parameters<PaymentProvider['verifyWebhook']>[0]): Promise<boolean> {
    const news = await provider.verifyWebhook(request)
    if (!news) return false
    if (news.payment !== undefined) await this.lookUp(news.payment)
    return true
  }

  /** A charge of the provider's list: credited if it was not yet, reported if it is none of ours. */
  async acknowledge(provider: PaymentProvider, found: ProviderCharge): Promise<Payment | undefined> {
    const payment = found.payment === undefined ? undefined : await this.#parts.store.find(found.payment)
    if (payment?.provider === provider.name) return this.#believe(payment, found)
    const { charge, amount } = found
    if (found.outcome.kind === 'succeeded' && (await this.#parts.store.noteStray(provider.name, found))) {
      this.#parts.observer.disagreed({ kind: 'stray_charge', provider: provider.name, charge, amount })
    }
    return undefined
  }

  /** Looks after what is due, each whatever became of the others. */
  async lookAfterDue(): Promise<LookedAfter> {
    const { store, clock } = this.#parts
    const { payments, ...rest } = await store.claimDue(clock.nowMs(), LEASE_MS)
    const failures = failuresOf(await inTurns(payments, AT_ONCE, (id) => this.lookUp(id)))
    return { ...rest, failures }
  }

  async refund(request: RefundRequest): Promise<Paid | PaymentRefused> {
    const { store, clock, observer } = this.#parts
    const begun: { refund: Refund | undefined } = { refund: undefined }
    const opened = await store.change(request.payment, (payment, profile) => {
      const refund = refundOf(payment, request, { profile, coin: this.#coinOf(payment), nowMs: clock.nowMs() })
      if ('code' in refund) return refund
      const isNew = !payment.refunds.some(({ id }) => id === refund.id)
      begun.refund = isNew ? refund : undefined
      return isNew ? refundChange(payment, { after: refund }, clock.nowMs()) : undefined
    })
    if (!opened) return paymentUnknown(request.payment)
    if ('code' in opened) return opened
    if (!begun.refund) return { kind: 'paid', replayed: true, payment: opened }
    observer.moved(opened)
    return { kind: 'paid', replayed: false, payment: await this.#payBack(opened, begun.refund) }
  }

  /** One of a provider that is not here is declined later. */
  #coinOf({ provider, currency }: Payment): Micros {
    return this.#parts.providerOf(provider)?.coin(currency) ?? 1n
  }

  async #payBack(payment: Payment, { id, amount }: Refund): Promise<Payment> {
    const { currency, charge = '', provider } = payment
    const asked = this.#parts.providerOf(provider)
    const refund = { refund: id, payment: payment.id, charge, amount, currency }
    const outcome: RefundOutcome = asked ? await asked.refund(refund) : { kind: 'declined', reason: 'provider_missing' }
    return this.#settleRefund(payment, id, outcome)
  }

  async #settleRefunds(
    payment: Payment,
    outcomeOf: (
      refund: Refund,
    ) => RefundOutcome | { readonly kind: 'absent' } | { readonly kind: 'unknown'; readonly reason: string },
  ): Promise<Payment> {
    let last = payment
    for (const refund of payment.refunds) last = await this.#settleRefund(last, refund.id, outcomeOf(refund))
    return last
  }

  async #settleRefund(
    payment: Payment,
    id: string,
    outcome: RefundOutcome | { readonly kind: 'absent' },
  ): Promise<Payment> {
    const { store, clock, observer } = this.#parts
    const changed = await store.change(payment.id, (found) => {
      const before = found.refunds.find((refund) => refund.id === id)
      const after = before && refundMoved(before, outcome, clock.nowMs())
      return after && refundChange(found, { before, after }, clock.nowMs())
    })
    if (!changed || 'code' in changed) return payment
    if (refundState(changed, id) !== refundState(payment, id)) observer.moved(changed)
    return changed
  }
}

function boughtOf({ minutes, recurring, renewal }: Purchase): Pick<Payment, 'minutes' | 'recurring' | 'renewal'> {
  return {
    ...(minutes ? { minutes } : {}),
    ...(recurring ? { recurring } : {}),
    ...(renewal ? { renewal: { cycle: renewal.cycle, attempt: renewal.attempt, orders: renewal.orders } } : {}),
  }
}

function refundState({ refunds }: Payment, id: string): string | undefined {
  return refunds.find((refund) => refund.id === id)?.state
}
