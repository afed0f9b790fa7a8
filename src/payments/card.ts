/** Cards on file: the provider's names for them and what people know them by. Numbers are the provider's alone. */
import type { ProviderCard } from './provider.ts'
import { type PaymentRefused, refusePayment } from './refusal.ts'

/** Whom to ask about a card's bills (rule C4). */
export interface BillingContact {
  readonly name?: string
  readonly email?: string
  readonly phone?: string
  readonly address?: string
}

export interface Card extends ProviderCard {
  readonly id: string
  readonly provider: string
  readonly contact: BillingContact
  readonly addedAtMs: number
}

/** All cards of an account. */
export interface CardBook {
  /** What providers call the account, by provider. */
  readonly customers: Readonly<Record<string, string>>
  readonly cards: readonly Card[]
  /** The card that pays when nobody is there to choose (rule C5). */
  readonly recurring?: string
}

export const noCards: CardBook = { customers: {}, cards: [] }

const MAX_CARDS = 20

/** The first card pays what recurs until another is chosen. A card that is on file already is brought up to date. */
export function withCard(book: CardBook, card: Card, recurring: boolean): CardBook | PaymentRefused {
  const known = book.cards.find(({ token, provider }) => token === card.token && provider === card.provider)
  if (!known && book.cards.length >= MAX_CARDS) {
    return refusePayment('too_many_cards', `an account has at most ${MAX_CARDS} cards on file`)
  }
  const kept = known ? { ...card, id: known.id, addedAtMs: known.addedAtMs } : card
  const cards = known ? book.cards.map((other) => (other === known ? kept : other)) : [...book.cards, kept]
  const chosen = recurring || book.recurring === undefined ? kept.id : book.recurring
  return { ...book, cards, recurring: chosen }
}

/** The oldest card that is left pays what recurs when the chosen one goes. */
export function withoutCard({ recurring, ...book }: CardBook, id: string): CardBook {
  const cards = book.cards.filter((card) => card.id !== id)
  const chosen = recurring === id ? cards[0]?.id : recurring
  return { ...book, cards, ...(chosen === undefined ? {} : { recurring: chosen }) }
}

/** The card that is named, or the one for what recurs. */
export function cardFor(book: CardBook, id: string | undefined): Card | PaymentRefused {
  const wanted = id ?? book.recurring
  if (wanted === undefined) return refusePayment('card_missing', 'the account has no card on file')
  return (
    book.cards.find((card) => card.id === wanted) ??
    refusePayment('card_unknown', `the account has no card ${wanted.slice(0, 64)} on file`, '/card')
  )
}

export function isCard(found: Card | PaymentRefused): found is Card {
  return 'token' in found
}
