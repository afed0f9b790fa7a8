/** What staff of an account do with money: cards on file, orders that are reviewed and confirmed, payments and refunds. */
import type { AccountProfile } from '../accounts/account.ts'
import type { Page, PageRequest } from '../accounts/office.ts'
import { given } from '../accounts/profile.ts'
import type { Micros } from '../base/money.ts'
import type { Clock } from '../base/time.ts'
import { type BillingContact, type Card, cardFor, type CardBook, isCard, withCard, withoutCard } from './card.ts'
import type { Cashier, Paid, Purchase } from './cashier.ts'
import { type Goods, type Priced, priceOf, type PriceList } from './goods.ts'
import type { Payment } from './payment.ts'
import type { PayingAccount, PaymentStore } from './payment-store.ts'
import type { PaymentProvider, ProviderCard, SetupOutcome } from './provider.ts'
import type { RefundRequest } from './refunding.ts'
import { type PaymentRefused, refusePayment } from './refusal.ts'

export interface CardStore {
  cards(account: string): Promise<CardBook | undefined>
  /** Changes them by what `decide` makes of them; asked again when somebody else was faster. */
  changeCards(
    account: string,
    decide: (book: CardBook) => CardBook | PaymentRefused,
  ): Promise<CardBook | PaymentRefused>
  keepOrder(order: Order, forMs: number): Promise<void>
  order(account: string, id: string): Promise<Order | undefined>
}

/** What is to be bought, priced and not yet confirmed. Its id becomes that of the payment, so it is paid once. */
export interface Order {
  readonly id: string
  readonly account: string
  readonly goods: Goods
  readonly amount: Micros
  readonly currency: string
  readonly minutes?: Payment['minutes']
  readonly buyer?: string
  readonly expiresAtMs: number
}

export interface DeskParts {
  readonly store: PaymentStore
  readonly cards: CardStore
  readonly cashier: Cashier
  readonly provider: PaymentProvider
  readonly prices: () => PriceList
  readonly clock: Clock
  readonly ids: () => string
  /** Told when an account has another card, or another one that recurs. */
  readonly cardsChanged: (account: string) => Promise<void>
}

export interface CardRequest {
  /** What the provider's form gave; absent asks for what such a form needs. */
  readonly token?: string
  readonly contact?: BillingContact
  readonly recurring?: boolean
  /** Idempotency-Key. */
  readonly key: string
}

export type CardAnswer =
  | { readonly kind: 'card'; readonly card: Card; readonly book: CardBook }
  | { readonly kind: 'setup'; readonly setup: string; readonly clientSecret: string }
  | PaymentRefused

export interface CardPatch {
  readonly contact?: BillingContact
  readonly recurring?: true
}

/** Who pays: a card on file, or a new one that is put on file by paying (rule C6). */
export interface Payer {
  readonly card?: string
  readonly token?: string
  readonly buyer?: string
  /** Idempotency-Key. */
  readonly operation: string
}

/** A price is reviewed and confirmed within an hour, or asked for again. */
const ORDER_MS = 3_600_000

export class PaymentDesk {
  readonly #parts: DeskParts

  constructor(parts: DeskParts) {
    this.#parts = parts
  }

  cards(account: string): Promise<CardBook | undefined> {
    return this.#parts.cards.cards(account)
  }

  async addCard(account: string, { token, contact = {}, recurring = false, key }: CardRequest): Promise<CardAnswer> {
    const { cards, provider } = this.#parts
    const book = await cards.cards(account)
    if (!book) return accountUnknown(account)
    const known = { customer: book.customers[provider.name], token }
    const made = await provider.setup({ account, key, ...given(known) })
    if (made.kind === 'declined' || made.kind === 'unknown') return cardRefused(made)
    const named = await cards.changeCards(account, (before) => withCustomer(before, provider.name, made.customer))
    if ('code' in named) return named
    if (made.kind === 'pending') return { kind: 'setup', setup: made.setup, clientSecret: made.clientSecret }
    return this.#keepCard(account, made.card, { contact, recurring })
  }

  async #keepCard(
    account: string,
    made: ProviderCard,
    { contact, recurring }: { readonly contact: BillingContact; readonly recurring: boolean },
  ): Promise<CardAnswer> {
    const { cards, provider, clock, ids } = this.#parts
    const card: Card = { ...made, id: ids(), provider: provider.name, contact, addedAtMs: clock.nowMs() }
    const changed = await cards.changeCards(account, (before) => withCard(before, card, recurring))
    if ('code' in changed) return changed
    await this.#parts.cardsChanged(account)
    const kept = changed.cards.find((other) => other.token === card.token && other.provider === card.provider)
    return { kind: 'card', card: kept ?? card, book: changed }
  }

  async changeCard(account: string, id: string, { contact, recurring }: CardPatch): Promise<CardAnswer> {
    const changed = await this.#parts.cards.changeCards(account, (book) => {
      const card = cardFor(book, id)
      if (!isCard(card)) return card
      const cards = book.cards.map((other) => (other === card && contact ? { ...card, contact } : other))
      return { ...book, cards, ...(recurring ? { recurring: id } : {}) }
    })
    if ('code' in changed) return changed
    await this.#parts.cardsChanged(account)
    const card = cardFor(changed, id)
    return isCard(card) ? { kind: 'card', card, book: changed } : card
  }

  async removeCard(account: string, id: string): Promise<CardBook | PaymentRefused> {
    return this.#parts.cards.changeCards(account, (book) => {
      const card = cardFor(book, id)
      return isCard(card) ? withoutCard(book, id) : card
    })
  }

  /** Nothing is charged and nothing granted before it is confirmed (rule M9). */
  async review(account: string, goods: Goods, buyer?: string): Promise<Order | PaymentRefused> {
    const { store, cards, ids, clock } = this.#parts
    const paying = await store.accountOf(account)
    if (!paying) return accountUnknown(account)
    const priced = this.#priceFor(paying, goods)
    if (priced.kind === 'refused') return priced
    const order: Order = {
      id: `${paying.partition}-${ids()}`,
      account,
      goods,
      amount: priced.amount,
      currency: paying.profile.currency,
      ...(priced.minutes ? { minutes: priced.minutes } : {}),
      ...(buyer === undefined ? {} : { buyer }),
      expiresAtMs: clock.nowMs() + ORDER_MS,
    }
    await cards.keepOrder(order, ORDER_MS)
    return order
  }

  #priceFor({ profile }: PayingAccount, goods: Goods): Priced | PaymentRefused {
    const refusal = refuseBuyer(profile, goods)
    if (refusal) return refusal
    const { prices, provider } = this.#parts
    const { currency } = profile
    return priceOf(goods, currency, { list: prices(), coin: provider.coin(currency) })
  }

  /** The same order is paid once, whoever confirms it and however often. */
  async confirm(account: string, id: string, payer: Payer): Promise<Paid | PaymentRefused> {
    const { store, cards } = this.#parts
    const paid = await store.find(id)
    if (paid?.account === account) return { kind: 'paid', replayed: true, payment: paid }
    const order = await cards.order(account, id)
    if (!order) return refusePayment('order_unknown', `there is no order ${id.slice(0, 64)} to confirm`)
    const { goods, amount, minutes, buyer } = order
    const purchase = { id, amount, ...boughtOf(goods, minutes) }
    const operation = { id: payer.operation, content: ['order', id] }
    const by = buyer === undefined ? {} : { buyer }
    return this.#pay(account, { ...by, ...payer }, ({ profile }) => {
      const refusal = refuseBuyer(profile, goods)
      return { ...purchase, operation, ...(refusal ? { refusal } : {}) }
    })
  }

  /** Without a review. */
  async buy(account: string, goods: Goods, payer: Payer): Promise<Paid | PaymentRefused> {
    const operation = { id: payer.operation, content: [goods, payer.card ?? null, payer.token ?? null] }
    return this.#pay(account, payer, (paying) => {
      const priced = this.#priceFor(paying, goods)
      // What was bought once under this operation is answered again whatever the price is now.
      if (priced.kind === 'refused') return { kind: goods.kind, amount: 0n, operation, refusal: priced }
      return { amount: priced.amount, operation, ...boughtOf(goods, priced.minutes) }
    })
  }

  async #pay(
    account: string,
    { card: wanted, token, buyer, operation }: Payer,
    purchaseOf: (paying: PayingAccount) => Omit<Purchase, 'card' | 'customer'>,
  ): Promise<Paid | PaymentRefused> {
    const { cashier } = this.#parts
    const payer = await this.#payer(account, { card: wanted, token, operation })
    if (payer.kind === 'refused') return payer
    const { card, book } = payer
    const customer = book.customers[card.provider] ?? ''
    return cashier.pay(account, (paying) => ({ ...purchaseOf(paying), card, customer, ...given({ buyer }) }))
  }

  async #payer(
    account: string,
    { card: wanted, token, operation }: Pick<Payer, 'operation'> & Record<'card' | 'token', string | undefined>,
  ): Promise<Extract<CardAnswer, { kind: 'card' }> | PaymentRefused> {
    if (token !== undefined) {
      const added = await this.addCard(account, { token, key: operation })
      return added.kind === 'setup'
        ? refusePayment('card_refused', 'the card is not ready to be charged', '/token')
        : added
    }
    const book = await this.#parts.cards.cards(account)
    if (!book) return accountUnknown(account)
    const card = cardFor(book, wanted)
    return isCard(card) ? { kind: 'card', card, book } : card
  }

  payments(account: string, page: PageRequest): Promise<Page<Payment>> {
    return this.#parts.store.list(account, page)
  }

  async payment(account: string, id: string): Promise<Payment | undefined> {
    const found = await this.#parts.store.find(id)
    return found?.account === account ? found : undefined
  }

  refund(request: RefundRequest): Promise<Paid | PaymentRefused> {
    return this.#parts.cashier.refund(request)
  }
}

const MAX_STANDING = 20

function refuseBuyer({ id, status, standingBundles = [] }: AccountProfile, goods: Goods): PaymentRefused | undefined {
  if (status === 'closed') return refusePayment('account_closed', `account ${id} is closed`)
  const recurs = goods.kind === 'bundle' && goods.recurring
  if (!recurs || standingBundles.length < MAX_STANDING) return undefined
  const detail = `account ${id} has ${standingBundles.length} purchases that recur; stop one, or buy once`
  return refusePayment('too_many_bundles', detail, '/recurring')
}

function boughtOf(goods: Goods, minutes: Payment['minutes']): Pick<Purchase, 'kind' | 'minutes' | 'recurring'> {
  const recurring = goods.kind === 'bundle' && goods.recurring
  return { kind: goods.kind, ...(minutes ? { minutes } : {}), ...(recurring ? { recurring } : {}) }
}

function withCustomer(book: CardBook, provider: string, customer: string): CardBook {
  return { ...book, customers: { ...book.customers, [provider]: customer } }
}

function cardRefused({ reason }: Extract<SetupOutcome, { kind: 'declined' | 'unknown' }>): PaymentRefused {
  return refusePayment('card_refused', `the card cannot be put on file: ${reason}`, '/token')
}

function accountUnknown(account: string): PaymentRefused {
  return refusePayment('account_unknown', `there is no account ${account.slice(0, 64)}`)
}
