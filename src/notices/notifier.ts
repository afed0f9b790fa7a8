/** Tells people what happened to their account: the consumer of events that sends notices and receipts. */
import type { AccountProfile } from '../accounts/account.ts'
import type { Language, Topic } from '../accounts/contacts.ts'
import type { AccountOffice } from '../accounts/office.ts'
import { failuresOf, inTurns } from '../base/in-turns.ts'
import type { Clock } from '../base/time.ts'
import type { AccountEvent, EventConsumer } from '../events/event.ts'
import { messageOf } from './message.ts'
import { type Notice, noticeKinds, noticeOf, topicOf } from './notice.ts'
import type { NoticeLimit, Receipted } from './notice-log.ts'
import { type Letter, Post, type PostParts } from './post.ts'

export interface NoticeSettings {
  /** Of accounts that name none. */
  readonly language: Language
  /** News to one account in an hour, to all its readers; receipts are not counted. */
  readonly mostPerHour: number
}

export interface NotifierParts extends PostParts {
  readonly accounts: Pick<AccountOffice, 'get'>
  readonly settings: () => NoticeSettings
  readonly clock: Clock
}

const HOUR_MS = 3_600_000

/** What could not be told for so long is no news any more; receipts are sent however late. */
const STALE_MS = 24 * HOUR_MS

export class Notifier implements EventConsumer {
  readonly name = 'notices'
  readonly types = noticeKinds
  /** With the pauses between them about three days: a mail server may be away over a weekend. */
  readonly attempts = 440
  readonly #parts: NotifierParts
  readonly #post: Post

  constructor(parts: NotifierParts) {
    this.#parts = parts
    this.#post = new Post(parts)
  }

  /** One letter of each is under way. */
  get atOnce(): number | undefined {
    return this.#parts.mailer?.atOnce
  }

  /** Every address is tried, also when another failed; then it throws, and those that have their mail get no other. */
  async handle(event: AccountEvent): Promise<void> {
    const profile = await this.#parts.accounts.get(event.account)
    const notice = profile && noticeOf(event, profile)
    if (!notice) return
    if (this.#isStale(notice, event)) {
      this.#parts.observer.noticed(notice.kind, 'stale', { account: profile.id })
      return
    }
    const letters = this.#letters(event, notice, profile)
    const [failure] = failuresOf(await inTurns(letters, 1, (letter) => this.#post.send(letter)))
    if (failure) throw failure
  }

  #isStale({ kind }: Notice, { atMs }: AccountEvent): boolean {
    return !isReceipt(kind) && this.#parts.clock.nowMs() - atMs > STALE_MS
  }

  #letters(event: AccountEvent, notice: Notice, profile: AccountProfile): readonly Letter[] {
    const { settings, clock } = this.#parts
    const { language, mostPerHour } = settings()
    const message = messageOf(notice, profile, language)
    const limit = limitOf(mostPerHour)
    return readersOf(notice, event, profile).map((to) => ({
      kind: notice.kind,
      sending: {
        partition: Number(event.id.split('-', 1)[0]),
        account: profile.id,
        news: event.id,
        id: `${event.id} ${to}`,
        nowMs: clock.nowMs(),
      },
      mail: { ...message, to },
      ...(isReceipt(notice.kind) ? receiptOf(event, to) : { limit }),
    }))
  }
}

function isReceipt(kind: Notice['kind']): boolean {
  return kind === 'payment.succeeded' || kind === 'payment.refunded'
}

function receiptOf({ type, data }: AccountEvent, to: string): { readonly receipt?: Receipted } {
  const { receipt, payment = '' } = data
  return type === 'payment.succeeded' && receipt !== undefined ? { receipt: { receipt, payment, to } } : {}
}

/** The staff member who bought has the receipt (rule M10); what nobody bought by hand goes to the contacts. */
function readersOf({ kind }: Notice, event: AccountEvent, profile: AccountProfile): readonly string[] {
  const { buyer } = event.data
  if (isReceipt(kind) && buyer !== undefined && buyer !== '') return [buyer]
  return contactsOf(profile, topicOf[kind])
}

/** The addresses that want to know of it. */
export function contactsOf({ contacts = [] }: AccountProfile, topic: Topic): readonly string[] {
  const wanting = contacts.filter(({ topics }) => topics?.includes(topic) ?? true)
  return [...new Set(wanting.map(({ email }) => email))]
}

export function limitOf(mostPerHour: number): NoticeLimit {
  return { most: mostPerHour, withinMs: HOUR_MS }
}
