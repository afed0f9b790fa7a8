/** Money in and out of an account, once for each operation. */
import type { AccountProfile } from '../accounts/account.ts'
import { given } from '../accounts/profile.ts'
import type { Money, OfficeRefused, Posted } from '../accounts/office.ts'
import { invariant } from '../base/fault.ts'
import { formatAmount, MAX_MICROS } from '../base/money.ts'
import { type BookMove, encodeEntry, type JournalEntry } from '../ledger/journal.ts'
import { untilDone } from './attempts.ts'
import { accountUnknown, type OfficeParts, operationConflict, refuse } from './office-parts.ts'
import { contentOf } from './operation.ts'
import { type StoredProfile, thresholdArguments } from './profile-store.ts'
import { wordsOf } from './replies.ts'

type Direction = 'credit' | 'debit'

export class AccountMoney {
  readonly #parts: OfficeParts

  constructor(parts: OfficeParts) {
    this.#parts = parts
  }

  async post(direction: Direction, money: Money): Promise<Posted | OfficeRefused> {
    const { account, amount } = money
    if (amount <= 0n) return refuse('amount_below_minimum', 'the amount must be more than zero', '/amount')
    if (amount > MAX_MICROS) return amountTooLarge(money)
    return untilDone(async () => {
      const { profiles } = this.#parts
      const found = await profiles.find(account)
      if (!found) return accountUnknown(account)
      const answer = await this.#run(direction, money, found)
      if (!answer) profiles.forget(account)
      return answer
    })
  }

  /** Undefined when the profile is not the one that is stored any more. */
  async #run(direction: Direction, money: Money, found: StoredProfile): Promise<Posted | OfficeRefused | undefined> {
    const { store, keys } = this.#parts
    const { partition: p, profile } = found
    const reply = await store.run(
      'post',
      [
        keys.account(p, money.account),
        keys.operation(p, money.account, money.operation),
        keys.books(p),
        keys.journal(p),
        keys.transactions(p, money.account),
        keys.outbox(p),
      ],
      this.#argumentsOf(direction, money, profile),
    )
    const [word, ...rest] = wordsOf(reply)
    if (word === 'stale_profile') return undefined
    if (word === 'refused') return this.#refusal(rest, money, profile)
    invariant(word === 'posted' || word === 'replayed', `post answered ${word}`)
    const [entry = '', balance = ''] = (rest[0] ?? '').split(' ')
    return {
      kind: 'posted',
      replayed: word === 'replayed',
      entry: `${p}-${entry}`,
      amount: money.amount,
      balance: BigInt(balance),
      currency: profile.currency,
    }
  }

  #argumentsOf(direction: Direction, money: Money, profile: AccountProfile): readonly (string | number)[] {
    const { amount, kind, class: of, reason, externalId } = money
    const nowMs = this.#parts.clock.nowMs()
    const book = bookOf(money, profile.currency)
    const words = [direction, amount, kind, reason ?? null, externalId ?? null]
    const content = contentOf(of === undefined ? words : [...words, of])
    return [
      nowMs,
      content,
      profile.version,
      this.#policyRefusal(direction, money, profile),
      direction,
      amount.toString(),
      book,
      encodeEntry(entryOf({ direction, money, book, content, nowMs })),
      profile.id,
      profile.currency,
      profile.creditLimit.toString(),
      ...thresholdArguments(profile),
      direction === 'credit' && kind === 'purchase' ? 1 : 0,
      money.isOwed ? 1 : 0,
    ]
  }

  /** Asked after the operation's past: what was taken once is answered again whatever the policy is now. */
  #policyRefusal(
    direction: Direction,
    money: Money,
    profile: AccountProfile,
  ): 'account_closed' | 'amount_below_minimum' | '' {
    if (profile.status === 'closed' && money.kind !== 'adjustment' && !money.isOwed) return 'account_closed'
    const purchased = direction === 'credit' && money.kind === 'purchase'
    return purchased && money.amount < this.#parts.defaults().minimumPurchase ? 'amount_below_minimum' : ''
  }

  #refusal([code, figure = '0']: readonly string[], money: Money, { id, currency }: AccountProfile): OfficeRefused {
    switch (code) {
      case 'request_conflict':
        return operationConflict(money.operation)
      case 'account_closed':
        return refuse('account_closed', `account ${id} is closed`)
      case 'amount_below_minimum': {
        const least = formatAmount(this.#parts.defaults().minimumPurchase)
        return refuse('amount_below_minimum', `a purchase is at least ${least} ${currency}`, '/amount')
      }
      case 'insufficient_credit':
        return refuse(
          'insufficient_credit',
          `account ${id} has ${formatAmount(BigInt(figure))} ${currency} available`,
          '/amount',
        )
      default:
        invariant(code === 'amount_too_large', `post refused ${String(code)}`)
        return amountTooLarge(money)
    }
  }
}

function amountTooLarge({ amount }: Money): OfficeRefused {
  const detail = `${formatAmount(amount)} makes a sum that is not below ${formatAmount(MAX_MICROS + 1n)}`
  return refuse('amount_too_large', detail, '/amount')
}

/** Fees are earned; purchases and adjustments are money that came in or went back. */
function bookOf({ kind }: Money, currency: string): BookMove[0] {
  return kind === 'fee' ? `${currency}:revenue` : `${currency}:funding`
}

interface Posting {
  readonly direction: Direction
  readonly money: Money
  readonly book: BookMove[0]
  readonly content: string
  readonly nowMs: number
}

function entryOf({ direction, money, book, content, nowMs }: Posting): JournalEntry {
  const { account, operation, kind, class: of, reason, externalId } = money
  const amount = Number(money.amount)
  const isCredit = direction === 'credit'
  return {
    kind: direction,
    atMs: nowMs,
    operation,
    content,
    moves: [[account, isCredit ? 'cp' : 'dp', amount]],
    members: [],
    books: [[book, isCredit ? -amount : amount]],
    note: { kind, ...given({ class: of, reason, externalId }) },
  }
}
