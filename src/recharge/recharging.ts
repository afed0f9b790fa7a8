/**
 * Buys credit when an account falls below its threshold. Whoever asks and however often: there is one charge under way at a
 * time, none above the threshold, none beyond the caps, none while it is paused or waits after a failure.
 */
import type { AccountProfile, Recharge } from '../accounts/account.ts'
import type { AccountOffice } from '../accounts/office.ts'
import type { Micros } from '../base/money.ts'
import type { Clock } from '../base/time.ts'
import type { EventConsumer } from '../events/event.ts'
import { cardFor, isCard } from '../payments/card.ts'
import type { Cashier, Paid } from '../payments/cashier.ts'
import type { CardStore } from '../payments/desk.ts'
import { type CapReached, type PaymentRefused, refusePayment } from '../payments/refusal.ts'
import { nextPeriodMs, periodOf, rechargeAmount } from './rules.ts'

/** What is known beside the settings in the profile. */
export interface RechargeState {
  /** The payment that is under way. */
  readonly flight?: string
  /** In a row. */
  readonly failures: number
  /** After a failure or a cap: not before. */
  readonly nextAtMs?: number
  readonly paused?: string
  readonly chargedDay: Micros
  readonly chargedMonth: Micros
}

export interface RechargeStore {
  state(account: string, period: { readonly day: string; readonly month: string }): Promise<RechargeState>
  /** Told once, until it is resumed. */
  pause(account: string, why: string): Promise<void>
  /** Forgets failures, and has it tried at once. */
  resume(account: string): Promise<void>
  /** There is nothing to try again now, and above the threshold the next fall below it is told. */
  rest(account: string): Promise<void>
  /** Tried again when the day or month is over; told once for each of them. */
  capped(account: string, capped: CappedPeriod): Promise<void>
}

export interface CappedPeriod extends CapReached {
  /** "2026-11-28" or "2026-11" in the zone of the account. */
  readonly of: string
  readonly currency: string
  readonly untilMs: number
}

export interface RechargingParts {
  readonly office: Pick<AccountOffice, 'get' | 'balance'>
  readonly store: RechargeStore
  readonly cards: CardStore
  readonly cashier: Cashier
  readonly minimumPurchase: () => Micros
  /** What is charged in a currency is a multiple of this. */
  readonly coinOf: (currency: string) => Micros
  readonly clock: Clock
}

export interface RechargeView {
  readonly recharge: Recharge | undefined
  readonly state: RechargeState
}

const CARD_MISSING = 'card_missing'

export class Recharging {
  readonly #parts: RechargingParts

  constructor(parts: RechargingParts) {
    this.#parts = parts
  }

  /** Of the event that a threshold was crossed; the arming number makes it one job. */
  consumer(): EventConsumer {
    return {
      name: 'recharge',
      types: ['recharge.due'],
      jobId: ({ account, data }) => `${account}-${data['arming'] ?? ''}`,
      handle: async ({ account }) => {
        await this.attempt(account)
      },
    }
  }

  /** Buys what is missing, if it is to be bought now. */
  async attempt(account: string): Promise<Paid | PaymentRefused> {
    const { office, store, clock } = this.#parts
    const profile = await office.get(account)
    if (!profile) return refusePayment('account_unknown', `there is no account ${account.slice(0, 64)}`)
    const { recharge, timezone } = profile
    const nowMs = clock.nowMs()
    const { nextAtMs = 0, paused } = await store.state(account, periodOf(nowMs, timezone))
    if (paused !== undefined) return refusePayment('recharge_paused', `it is paused: ${paused}`)
    if (nextAtMs > nowMs) return refusePayment('recharge_not_due', 'it waits after a failure or a cap')
    const paid = recharge?.enabled ? await this.#buy(profile, recharge) : rechargeUnset(account)
    if (paid.kind === 'refused') await this.#note(paid, profile)
    return paid
  }

  async #buy(profile: AccountProfile, recharge: Recharge): Promise<Paid | PaymentRefused> {
    const { office, cards, cashier, minimumPurchase, coinOf, clock } = this.#parts
    const { id, status, timezone } = profile
    if (status === 'closed') return refusePayment('account_closed', `account ${id} is closed`)
    const [balance, book] = await Promise.all([office.balance(id), cards.cards(id)])
    const card = cardFor(book ?? { customers: {}, cards: [] }, recharge.card)
    if (!balance || !isCard(card)) return refusePayment('card_missing', `account ${id} has no card for its recharge`)
    const need = { available: balance.available, coin: coinOf(profile.currency), minimumPurchase: minimumPurchase() }
    const { threshold, dayCap, monthCap } = recharge
    const caps = { ...(dayCap === undefined ? {} : { dayCap }), ...(monthCap === undefined ? {} : { monthCap }) }
    return cashier.pay(id, () => ({
      kind: 'recharge',
      amount: rechargeAmount(recharge, need),
      card,
      customer: book?.customers[card.provider] ?? '',
      recharge: { threshold, ...caps, ...periodOf(clock.nowMs(), timezone) },
    }))
  }

  /** What cannot be bought is said, and tried again when that may have changed. */
  async #note({ code, capped }: PaymentRefused, { id, currency, timezone }: AccountProfile): Promise<void> {
    const { store, clock } = this.#parts
    if (code === 'card_missing') {
      await store.pause(id, CARD_MISSING)
      // One may have come while nobody knew that it was missed.
      return this.cardsChanged(id)
    }
    if (!capped) return store.rest(id)
    const nowMs = clock.nowMs()
    const of = periodOf(nowMs, timezone)[capped.period]
    await store.capped(id, { ...capped, of, currency, untilMs: nextPeriodMs(capped.period, nowMs, timezone) })
  }

  async view(account: string): Promise<RechargeView | undefined> {
    const { office, store, clock } = this.#parts
    const profile = await office.get(account)
    if (!profile) return undefined
    const state = await store.state(account, periodOf(clock.nowMs(), profile.timezone))
    return { recharge: profile.recharge, state }
  }

  /** What only waited for a card goes on when there is one. */
  async cardsChanged(account: string): Promise<void> {
    const { office, store, cards, clock } = this.#parts
    const profile = await office.get(account)
    const book = await cards.cards(account)
    if (!profile?.recharge || !book || !isCard(cardFor(book, profile.recharge.card))) return
    const { paused } = await store.state(account, periodOf(clock.nowMs(), profile.timezone))
    if (paused === CARD_MISSING) await store.resume(account)
  }

  /** By staff: nothing is charged until it is resumed. */
  pause(account: string): Promise<void> {
    return this.#parts.store.pause(account, 'staff')
  }

  resume(account: string): Promise<void> {
    return this.#parts.store.resume(account)
  }
}

function rechargeUnset(account: string): PaymentRefused {
  return refusePayment('recharge_unset', `account ${account} has no recharge that is on`)
}
