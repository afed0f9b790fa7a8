/**
 * The journal: one entry per step that moved money, minutes, channels or holds, numbered without gaps per partition.
 * Replaying it from the first entry gives every counter and every set of live calls exactly (`audit verify`).
 *
 * In the store an entry is two texts: `e`, the JSON below, made here; and `b`, what the script found the credit of the
 * accounts to be afterwards ("account=micros", by spaces).
 */

export const journalKinds = [
  'reserve',
  'extend',
  'release',
  'settle',
  'correct',
  'credit',
  'debit',
  'pool',
  'reset',
] as const

export type JournalKind = (typeof journalKinds)[number]

/**
 * A counter of an account: `cp` credits posted, `dp` debits posted, `dr` debits reserved (micros); and for each pool
 * and cycle `p:<pool>:<cycle>:g` granted, `:r` reserved, `:u` used (seconds).
 */
export type Counter = 'cp' | 'dp' | 'dr' | `p:${string}:${number}:${'g' | 'r' | 'u'}`

/** account, counter, change. Changes are whole numbers under 2^53 and written as JSON numbers. */
export type CounterMove = readonly [account: string, counter: Counter, change: number]

/** Members are leg keys of live calls. */
export type MemberSet = 'live' | 'inbound' | 'outbound' | 'twoWay'
export type MemberMove = readonly [account: string, set: MemberSet, change: 1 | -1]

/** The other side of a posting: revenue for use and fees, funding for money that came in. */
export type BookMove = readonly [book: `${string}:revenue` | `${string}:funding`, change: number]

export interface JournalEntry {
  readonly kind: JournalKind
  readonly atMs: number
  /** The daemon's id of the call. */
  readonly call?: string
  readonly legKey?: string
  /** The operation's id (account scope): an Idempotency-Key. */
  readonly operation?: string
  readonly moves: readonly CounterMove[]
  readonly members: readonly MemberMove[]
  readonly books: readonly BookMove[]
  /** Why, for people: reason text, external id, kind of credit. */
  readonly note?: Readonly<Record<string, string>>
}

export function encodeEntry(entry: JournalEntry): string {
  return JSON.stringify(entry)
}
