/**
 * Buys bundles again when a cycle of their pool has turned. Late, twice or by several daemons at once: what a cycle is paid
 * for is kept with the bundles, one payment opens after another, and none while it is not known what became of the last.
 * A cycle that is over is not paid for any more: nobody could use its minutes.
 */
import type { AccountProfile, StandingBundles } from '../accounts/account.ts'
import { bundlesPool, unpaidBundles } from '../accounts/bundles.ts'
import type { AccountOffice, OfficeRefused, SavedProfile } from '../accounts/office.ts'
import type { Clock } from '../base/time.ts'
import { type Card, cardFor, isCard, noCards } from './card.ts'
import type { Cashier, Paid, Purchase } from './cashier.ts'
import type { CardStore } from './desk.ts'
import { renewAgainMs } from './change.ts'
import { isUndecided, type Payment } from './payment.ts'
import type { PaymentStore } from './payment-store.ts'
import { type PaymentRefused, refusePayment } from './refusal.ts'

export interface RenewalStore {
  /** The newest payment of a renewal, and when one is tried next. */
  state(account: string): Promise<RenewalState>
  /** Tries at that instant, or not again, unless the profile has changed: then what is due stays due. */
  putOff(profile: AccountProfile, untilMs: number | undefined): Promise<void>
}

export interface RenewalState {
  readonly payment?: string
  readonly nextAtMs?: number
}

export interface RenewalParts {
  readonly office: Pick<AccountOffice, 'get' | 'stopBundles'>
  readonly store: RenewalStore
  readonly payments: Pick<PaymentStore, 'find'>
  readonly cards: Pick<CardStore, 'cards'>
  readonly cashier: Pick<Cashier, 'pay'>
  readonly clock: Clock
}

export interface StandingView {
  readonly bundles: readonly StandingBundles[]
  readonly currency: string
  /** When they are bought again. */
  readonly renewsAtMs?: number
  /** The newest renewal. */
  readonly payment?: Payment
  /** When one that failed is tried again. */
  readonly nextAtMs?: number
}

/** A suspended account buys nothing; it may be active again tomorrow. */
const SUSPENDED_MS = 86_400_000

/** What becomes of a payment is found out by others, who say when the next is tried; this is if they do not. */
const UNDECIDED_MS = 3_600_000

export class Renewals {
  readonly #parts: RenewalParts

  constructor(parts: RenewalParts) {
    this.#parts = parts
  }

  /** Pays for the cycle in force, if it is not paid for; `isAsked` by staff, who do not wait after a card was declined. */
  async attempt(account: string, isAsked = false): Promise<Paid | PaymentRefused> {
    const { office, store, cards, clock } = this.#parts
    const profile = await office.get(account)
    if (!profile) return refusePayment('account_unknown', `there is no account ${account.slice(0, 64)}`)
    const last = await this.#newest(account)
    const wait = waitOf(profile, { last, nowMs: clock.nowMs(), isAsked })
    if (wait) {
      await store.putOff(profile, wait.untilMs)
      return wait.refusal
    }
    const book = (await cards.cards(account)) ?? noCards
    const card = cardFor(book, undefined)
    if (isCard(card)) return this.#buy(account, { card, customer: book.customers[card.provider] ?? '', last })
    await office.stopBundles(account, { reason: 'card_missing' })
    return card
  }

  #buy(
    account: string,
    payer: { readonly card: Card; readonly customer: string; readonly last: Payment | undefined },
  ): Promise<Paid | PaymentRefused> {
    const { card, customer, last } = payer
    return this.#parts.cashier.pay(account, ({ profile }) => {
      const unpaid = unpaidBundles(profile)
      const refusal = refuseRenewal(profile)
      if (refusal || !unpaid) return refusal ?? notDue(account)
      return { ...purchaseOf(unpaid.orders), renewal: renewalOf(unpaid, last), card, customer }
    })
  }

  async #newest(account: string): Promise<Payment | undefined> {
    const { payment } = await this.#parts.store.state(account)
    return payment === undefined ? undefined : this.#parts.payments.find(payment)
  }

  async view(account: string): Promise<StandingView | undefined> {
    const { office, store } = this.#parts
    const profile = await office.get(account)
    if (!profile) return undefined
    const { nextAtMs } = await store.state(account)
    const payment = await this.#newest(account)
    const { standingBundles: bundles = [], currency } = profile
    const renewsAtMs = bundles.length === 0 ? undefined : bundlesPool(profile)?.resetsAtMs
    return {
      bundles,
      currency,
      ...(renewsAtMs === undefined ? {} : { renewsAtMs }),
      ...(payment ? { payment } : {}),
      ...(nextAtMs === undefined ? {} : { nextAtMs }),
    }
  }

  /** By staff: one purchase, or all. What was paid for stays until the cycle turns. */
  stop(account: string, id?: string): Promise<SavedProfile | OfficeRefused> {
    return this.#parts.office.stopBundles(account, { ...(id === undefined ? {} : { id }), reason: 'staff' })
  }
}

interface Wait {
  readonly refusal: PaymentRefused
  /** Undefined: until the next cycle. */
  readonly untilMs: number | undefined
}

interface Asked {
  readonly last: Payment | undefined
  readonly nowMs: number
  readonly isAsked: boolean
}

function waitOf(profile: AccountProfile, asked: Asked): Wait | undefined {
  const { last, nowMs } = asked
  if (last && isUndecided(last)) {
    const refusal = refusePayment('renewal_in_flight', `payment ${last.id} is under way`)
    return { refusal, untilMs: nowMs + UNDECIDED_MS }
  }
  const refusal = refuseRenewal(profile)
  if (refusal) return { refusal, untilMs: profile.status === 'suspended' ? nowMs + SUSPENDED_MS : undefined }
  return backOffOf(profile, asked)
}

/** After a decline in the same cycle. */
function backOffOf(profile: AccountProfile, { last, nowMs, isAsked }: Asked): Wait | undefined {
  if (isAsked || !last?.renewal || last.renewal.cycle !== unpaidBundles(profile)?.cycle) return undefined
  const untilMs = renewAgainMs(last) ?? nowMs
  if (untilMs <= nowMs) return undefined
  return { refusal: refusePayment('renewal_not_due', `payment ${last.id} was declined`), untilMs }
}

function refuseRenewal(profile: AccountProfile): PaymentRefused | undefined {
  if (!unpaidBundles(profile)) return notDue(profile.id)
  if (profile.status === 'active') return undefined
  return refusePayment('renewal_not_due', `account ${profile.id} is ${profile.status}`)
}

function notDue(account: string): PaymentRefused {
  return refusePayment('renewal_not_due', `account ${account} has no bundles that are to be bought again now`)
}

/** One charge for all of them. */
function purchaseOf(orders: readonly StandingBundles[]): Pick<Purchase, 'kind' | 'amount' | 'minutes'> {
  const bundles = orders.reduce((sum, order) => sum + order.bundles, 0)
  const seconds = orders.reduce((sum, order) => sum + order.seconds, 0)
  return { kind: 'bundle', amount: orders.reduce((sum, { amount }) => sum + amount, 0n), minutes: { seconds, bundles } }
}

function renewalOf(
  { cycle, orders }: NonNullable<ReturnType<typeof unpaidBundles>>,
  last: Payment | undefined,
): NonNullable<Purchase['renewal']> {
  const failed = last?.renewal?.cycle === cycle ? last.renewal.attempt : 0
  return { cycle, attempt: failed + 1, orders: orders.map(({ id }) => id), after: last?.id }
}
