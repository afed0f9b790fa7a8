/** Sends one mail about one event: once, as far as that can be known, and not too many to one account. */
import type { Mail, Mailer } from './mail.ts'
import type { NoticeKind } from './notice.ts'
import type { NoticeLimit, NoticeLog, Receipted, Sending } from './notice-log.ts'

/**
 * sent | refused (for good) | held_back (the account was told much lately) | done (before) | off (no mail is set up) |
 * stale (too old to be news) | failed (to be tried again)
 */
export type Posted = 'sent' | 'refused' | 'held_back' | 'done' | 'off' | 'stale' | 'failed'

export interface NoticeObserver {
  /** What became of a notice; never the address. */
  noticed(kind: NoticeKind, outcome: Posted, about: { readonly account: string; readonly why?: string }): void
}

export interface PostParts {
  readonly log: NoticeLog
  /** Undefined where no mail is set up. */
  readonly mailer: Mailer | undefined
  readonly observer: NoticeObserver
}

export interface Letter {
  readonly kind: NoticeKind
  readonly sending: Sending
  readonly mail: Omit<Mail, 'id'>
  /** Absent: it is sent however much was. */
  readonly limit?: NoticeLimit
  readonly receipt?: Receipted
}

export class Post {
  readonly #parts: PostParts

  constructor(parts: PostParts) {
    this.#parts = parts
  }

  /** Throws what the mailer throws: then it is not known to be sent, and the same letter may be sent again. */
  async send(letter: Letter): Promise<Exclude<Posted, 'stale' | 'failed'>> {
    const { mailer, log, observer } = this.#parts
    const { kind, sending, limit } = letter
    const { account } = sending
    const admitted = mailer ? await log.admit(sending, limit) : 'off'
    if (!mailer || admitted !== 'free') {
      const outcome = mailer && admitted !== 'free' ? admitted : 'off'
      observer.noticed(kind, outcome, { account })
      return outcome
    }
    return this.#hand(mailer, letter)
  }

  async #hand(mailer: Mailer, { kind, sending, mail, receipt }: Letter): Promise<'sent' | 'refused'> {
    const { log, observer } = this.#parts
    const { account } = sending
    try {
      const handed = await mailer.send({ ...mail, id: sending.id })
      await log.done(sending, handed.kind, receipt)
      observer.noticed(kind, handed.kind, { account, ...(handed.kind === 'refused' ? { why: handed.reason } : {}) })
      return handed.kind
    } catch (error) {
      observer.noticed(kind, 'failed', { account, why: error instanceof Error ? error.message : String(error) })
      throw error
    }
  }
}
