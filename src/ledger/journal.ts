/**
 * The journal: one entry per step that moved money, minutes, channels or holds, numbered without gaps per partition.
 * Replaying it from the first entry gives every counter and every set of live calls exactly (`audit verify`).
 *
 * In the store an entry is two texts: `e`, a JSON list of what is below, made here; and `b`, what the script found the credit
 * of the accounts to be afterwards ("account=micros", by spaces), where that changed.
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

/** The other side of a posting: revenue for use and fees, payments for cards, funding for money that came in otherwise. */
export type BookMove = readonly [book: `${string}:${'revenue' | 'funding' | 'payments'}`, change: number]

export interface JournalEntry {
  readonly kind: JournalKind
  readonly atMs: number
  /** The daemon's id of the call. */
  readonly call?: string
  readonly legKey?: string
  /** The operation's id (account scope): an Idempotency-Key. */
  readonly operation?: string
  /** Hash of what the operation asked for: a repeat with other content is a conflict. */
  readonly content?: string
  readonly moves: readonly CounterMove[]
  readonly members: readonly MemberMove[]
  readonly books: readonly BookMove[]
  /** Why, for people: reason text, external id, kind of credit. */
  readonly note?: Readonly<Record<string, string>>
}

/** Id of an entry in its stream: Redis counts the second part up by itself. */
export function entryId(number: number): string {
  return `0-${number}`
}

export function entryNumber(id: string): number {
  return Number(id.slice(2))
}

/** Nothing is a 0 in its place; a note that only says why is a text, and a leg key that ends the call's id is not repeated. */
type StoredEntry = [
  kind: JournalKind,
  atMs: number,
  call: string | 0,
  legKey: string | 0,
  moves: readonly CounterMove[],
  members: readonly MemberMove[],
  books: readonly BookMove[],
  note: string | Readonly<Record<string, string>> | 0,
  ...operation: [id?: string, content?: string],
]

const LEG_KEY_LENGTH = 14

export function encodeEntry(entry: JournalEntry): string {
  const { kind, atMs, call = 0, legKey, moves, members, books, operation, content } = entry
  const implied = call === 0 ? undefined : call.slice(-LEG_KEY_LENGTH)
  const key = legKey === implied ? 0 : (legKey ?? '')
  const stored: StoredEntry = [kind, atMs, call, key, moves, members, books, encodeNote(entry)]
  if (operation !== undefined) stored.push(operation, ...(content === undefined ? [] : [content]))
  return JSON.stringify(stored)
}

function encodeNote({ note }: JournalEntry): StoredEntry[7] {
  if (!note) return 0
  const { why, ...rest } = note
  if (why === undefined) return note
  for (const _more in rest) return note
  return why
}

export function decodeEntry(text: string): JournalEntry {
  const [kind, atMs, call, legKey, moves, members, books, note, operation, content] = JSON.parse(text) as StoredEntry
  const key = legKey === 0 && call !== 0 ? call.slice(-LEG_KEY_LENGTH) : legKey
  return {
    kind,
    atMs,
    ...(call === 0 ? {} : { call }),
    ...(key === 0 || key === '' ? {} : { legKey: key }),
    ...(operation === undefined ? {} : { operation }),
    ...(content === undefined ? {} : { content }),
    moves,
    members,
    books,
    ...(note === 0 ? {} : { note: typeof note === 'string' ? { why: note } : note }),
  }
}
