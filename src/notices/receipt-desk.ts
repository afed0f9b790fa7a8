/** Receipts for whoever asks: shown, listed, and sent again. */
import type { AccountProfile } from '../accounts/account.ts'
import type { AccountOffice, Page, PageRequest } from '../accounts/office.ts'
import type { Clock } from '../base/time.ts'
import { messageOf } from './message.ts'
import type { Notice } from './notice.ts'
import { contactsOf, limitOf, type NoticeSettings } from './notifier.ts'
import { Post, type PostParts } from './post.ts'
import type { PaidReceipt, PaidReceipts } from './receipts.ts'

export type ReceiptRefusalCode =
  /** There is no such account. */
  | 'account_unknown'
  | 'receipt_unknown'
  /** Nobody bought it by hand, no contact wants receipts, and no address was given. */
  | 'recipient_unknown'
  /** No mail is set up. */
  | 'mail_off'
  /** The mail server will never take it. */
  | 'mail_refused'
  /** The account was sent much lately. */
  | 'mail_held_back'

export interface ReceiptRefused {
  readonly kind: 'refused'
  readonly code: ReceiptRefusalCode
  readonly detail: string
}

export interface Resend {
  readonly account: string
  readonly receipt: string
  /** Another address than that of who bought. */
  readonly to?: string
  /** Unique for each wish to send it again: the same sends it once. */
  readonly operation: string
}

export interface Resent {
  readonly kind: 'resent'
  readonly to: readonly string[]
}

export interface ReceiptDeskParts extends PostParts {
  readonly receipts: PaidReceipts
  readonly accounts: Pick<AccountOffice, 'chainOf'>
  readonly settings: () => NoticeSettings
  readonly clock: Clock
}

export class ReceiptDesk {
  readonly #parts: ReceiptDeskParts
  readonly #post: Post

  constructor(parts: ReceiptDeskParts) {
    this.#parts = parts
    this.#post = new Post(parts)
  }

  list(account: string, page: PageRequest): Promise<Page<PaidReceipt>> {
    return this.#parts.receipts.list(account, page)
  }

  find(account: string, receipt: string): Promise<PaidReceipt | undefined> {
    return this.#parts.receipts.find(account, receipt)
  }

  async resend(resend: Resend): Promise<Resent | ReceiptRefused> {
    const { account } = resend
    const chain = await this.#parts.accounts.chainOf(account)
    const profile = chain?.levels[0]
    if (!chain || !profile) return refuse('account_unknown', `there is no account ${account.slice(0, 64)}`)
    const paid = await this.find(account, resend.receipt)
    if (!paid) return refuse('receipt_unknown', `account ${account} has no receipt ${resend.receipt.slice(0, 90)}`)
    const readers = readersOf(paid, profile, resend.to)
    if (readers.length === 0) return refuse('recipient_unknown', 'nobody is known who would read it; name an address')
    return this.#send(paid, { resend, profile, partition: chain.partition, readers })
  }

  async #send(paid: PaidReceipt, ask: Asked): Promise<Resent | ReceiptRefused> {
    const { resend, profile, partition, readers } = ask
    const { language, mostPerHour } = this.#parts.settings()
    const message = messageOf(noticeOfReceipt(paid), profile, language)
    const news = `${paid.receipt} ${resend.operation}`
    for (const to of readers) {
      const outcome = await this.#post.send({
        kind: 'payment.succeeded',
        sending: {
          partition,
          account: profile.id,
          news,
          id: `${news} ${to}`,
          nowMs: this.#parts.clock.nowMs(),
        },
        mail: { ...message, to },
        limit: limitOf(mostPerHour),
        receipt: { receipt: paid.receipt, payment: paid.payment, to },
      })
      if (outcome === 'off') return refuse('mail_off', 'no mail is set up')
      if (outcome === 'refused') return refuse('mail_refused', 'the mail server does not take mail for the address')
      if (outcome === 'held_back') return refuse('mail_held_back', `account ${profile.id} was sent much lately`)
    }
    return { kind: 'resent', to: readers }
  }
}

interface Asked {
  readonly resend: Resend
  readonly profile: AccountProfile
  readonly partition: number
  readonly readers: readonly string[]
}

function readersOf({ buyer }: PaidReceipt, profile: AccountProfile, to: string | undefined): readonly string[] {
  const named = to ?? buyer
  return named === undefined ? contactsOf(profile, 'receipts') : [named]
}

function noticeOfReceipt({ receipt, kind, amount, currency, card, paidAtMs }: PaidReceipt): Notice {
  const facts = { receipt, kind, amount: { micros: amount, currency }, card, atMs: paidAtMs }
  return { kind: 'payment.succeeded', facts }
}

function refuse(code: ReceiptRefusalCode, detail: string): ReceiptRefused {
  return { kind: 'refused', code, detail }
}
