/** The port to whoever carries mail. */

export interface Mail {
  /** The same id and address is the same mail, however often it is handed over. */
  readonly id: string
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
}

export interface Mailer {
  /** Mails that are on their way at once; more wait, and their waiting counts as the server's. */
  readonly atOnce: number
  /**
   * Hands one mail over. `refused` is for good: the address or the mail will never be taken. Throws
   * Fault(edge_unreachable, retryable) when it was not taken now, or when that is not known.
   */
  send(mail: Mail): Promise<Handed>
}

export type Handed = { readonly kind: 'sent' } | { readonly kind: 'refused'; readonly reason: string }
