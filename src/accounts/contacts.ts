/** Who is told what happens to an account, and in which language. */

export const languages = ['en', 'de'] as const
export type Language = (typeof languages)[number]

export const topics = ['balance', 'minutes', 'recharge', 'receipts', 'spending'] as const
export type Topic = (typeof topics)[number]

export interface Contact {
  readonly email: string
  /** What it is told of; absent is everything. */
  readonly topics?: readonly Topic[]
}
