/** The port to what is remembered of notices: what went out, and how much an account was told lately. */

/** One mail about one event. */
export interface Sending {
  readonly partition: number
  readonly account: string
  /** Of the event, or of the wish to have a receipt again: its mails are one news. */
  readonly news: string
  /** Of the news and the address. */
  readonly id: string
  readonly nowMs: number
}

/** So many news to one account, to however many readers. */
export interface NoticeLimit {
  readonly most: number
  readonly withinMs: number
}

export interface Receipted {
  readonly receipt: string
  readonly payment: string
  readonly to: string
}

export interface NoticeLog {
  /**
   * Whether the mail may go out: `done` when it did, or never will; `held_back` when the account was told so much lately.
   * Without a limit it is never held back. Once a mail was let out, all of the same news are, until they are done.
   */
  admit(sending: Sending, limit: NoticeLimit | undefined): Promise<'free' | 'done' | 'held_back'>
  /** It is done; of a receipt an event is told in the same step. */
  done(sending: Sending, outcome: 'sent' | 'refused', receipt?: Receipted): Promise<void>
}
