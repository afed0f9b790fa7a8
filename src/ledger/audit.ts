/**
 * Replays the journal: what every counter, set of calls and book of a partition must be after an entry. Compares it with
 * what is found; one micro off is a drift.
 */
import { BEGINNING, type Checkpoint, sumName, sumOf } from './checkpoint.ts'
import type { Counter, CounterMove, JournalEntry, MemberMove, MemberSet } from './journal.ts'
import { Sums } from './sums.ts'

export interface Drift {
  readonly partition: number
  /** Empty for what belongs to no account: a book, the journal. */
  readonly account: string
  /** A counter, `live:<leg key>` of a set, `<leg key> dr` of a call's record, a book, `entry <n>`. */
  readonly counter: string
  /** What the journal says. */
  readonly journal: string
  /** What the store says. */
  readonly live: string
}

/** What was found of one account, at one instant. */
export interface FoundAccount {
  readonly account: string
  readonly counters: ReadonlyMap<string, bigint>
  readonly members: Readonly<Record<MemberSet, readonly string[]>>
}

/** What the record of a payment says was taken from the card and not paid back; 0 where it was not charged. */
export interface FoundPayment {
  readonly id: string
  readonly account: string
  readonly net: bigint
}

/** What the record of a call says is put aside for it; no levels when there is no record. */
export interface FoundCall {
  readonly legKey: string
  readonly levels: readonly { readonly account: string; readonly hold: FoundHold }[]
}

interface FoundHold {
  readonly credit: bigint
  readonly pools: readonly { readonly pool: string; readonly cycle: number; readonly seconds: number }[]
}

const COUNTER = /^(cp|dp|dr|p:[^:]+:\d+:[gru])$/
const HELD = /^(dr|p:[^:]+:\d+:r)$/

const PAYMENTS_BOOK = ':payments'

export const memberSets: readonly MemberSet[] = ['live', 'inbound', 'outbound', 'twoWay']

/** Whether a field of an account is a counter that the journal accounts for. */
export function isCounter(field: string): field is Counter {
  return COUNTER.test(field)
}

/** Where a value stands that has both an account and a name; neither has a space in it. */
const SEPARATOR = ' '

/** Between a set and its member. */
const OF_SET = ':'

export class Replay {
  readonly partition: number
  /** By account: its counters, and "<set>:<leg key>" of the calls that are its members, which are 1. */
  readonly #accounts = new Map<string, Sums>()
  /** What each live call holds, by leg key: "account counter". */
  readonly #holds = new Map<string, Sums>()
  readonly #books = new Sums()
  /** What was credited for each payment, less what was debited for its refunds. */
  readonly #payments = new Sums()
  readonly #drifts: Drift[] = []
  #last = 0

  constructor(partition: number, from: Checkpoint = BEGINNING) {
    this.partition = partition
    this.goOnFrom(from)
  }

  /** Everything is as the checkpoint has it, whatever was replayed. */
  goOnFrom({ number, sums }: Checkpoint): void {
    for (const known of [this.#accounts, this.#holds, this.#books, this.#payments]) known.clear()
    for (const [name, sum] of sums) this.#restore(name, sum)
    this.#last = number
  }

  #restore(name: string, sum: bigint): void {
    const of = sumOf(name)
    switch (of[0]) {
      case 'a':
        this.#of(of[1]).add(of[2], sum)
        break
      case 'h':
        this.#hold(of[1], of[2] + SEPARATOR + of[3], sum)
        break
      case 'b':
        this.#books.add(of[1], sum)
        break
      case 'p':
        this.#payments.add(of[1], sum)
        break
    }
  }

  /** What was replayed so far. */
  get checkpoint(): Checkpoint {
    const sums = new Map<string, bigint>()
    for (const [account, its] of this.#accounts) {
      for (const [what, sum] of its.all()) sums.set(sumName(['a', account, what]), sum)
    }
    for (const [legKey, held] of this.#holds) {
      for (const [what, sum] of held.all()) {
        const [account = '', counter = ''] = what.split(SEPARATOR)
        sums.set(sumName(['h', legKey, account, counter]), sum)
      }
    }
    for (const [book, sum] of this.#books.all()) sums.set(sumName(['b', book]), sum)
    for (const [payment, sum] of this.#payments.all()) sums.set(sumName(['p', payment]), sum)
    return { number: this.#last, sums }
  }

  /** Number of the last entry. */
  get last(): number {
    return this.#last
  }

  get accounts(): Iterable<string> {
    return this.#accounts.keys()
  }

  /** Leg keys of the calls that hold something. */
  get calls(): Iterable<string> {
    return this.#holds.keys()
  }

  /** What the counters of an account are; those that are zero are absent. */
  countersOf(account: string): ReadonlyMap<string, bigint> {
    return new Map([...(this.#accounts.get(account)?.all() ?? [])].filter(([what]) => isCounter(what)))
  }

  get books(): ReadonlyMap<string, bigint> {
    return this.#books.all()
  }

  /** Entries that end every live call: nothing is held any more, and nobody is counted. */
  releases(atMs: number, why: string): readonly JournalEntry[] {
    const members = new Map<string, MemberMove[]>()
    for (const [account, its] of this.#accounts) {
      for (const what of its.names()) {
        if (isCounter(what)) continue
        const [set = '', legKey = ''] = what.split(OF_SET)
        members.set(legKey, [...(members.get(legKey) ?? []), [account, set as MemberSet, -1]])
      }
    }
    return [...new Set([...members.keys(), ...this.#holds.keys()])].map((legKey) => ({
      kind: 'release',
      atMs,
      legKey,
      moves: [...(this.#holds.get(legKey)?.all() ?? [])].map(([what, amount]): CounterMove => {
        const [account = '', counter = ''] = what.split(SEPARATOR)
        return [account, counter as Counter, Number(-amount)]
      }),
      members: members.get(legKey) ?? [],
      books: [],
      note: { why },
    }))
  }

  /** Ids of the payments that were credited. */
  get payments(): Iterable<string> {
    return this.#payments.names()
  }

  /** What is wrong with the journal itself. */
  get drifts(): readonly Drift[] {
    return this.#drifts
  }

  /** Takes the next entry; it must follow the last one and be balanced in itself. */
  add(number: number, entry: JournalEntry): void {
    if (number !== this.#last + 1) this.skip(number - 1)
    this.#last = number
    const posted = this.#addMoves(entry) + this.#addBooks(entry)
    if (posted !== 0n) {
      this.#drifts.push(this.#drift({ counter: `entry ${number}`, journal: 'sums to zero', live: posted.toString() }))
    }
    this.#addMembers(entry)
  }

  /** The journal has no entries up to this number. */
  skip(number: number): void {
    this.#drifts.push(this.#drift({ counter: `entry ${this.#last + 1}`, journal: 'missing', live: `to ${number}` }))
    this.#last = number
  }

  /** Answers with the credit that was posted. */
  #addMoves({ moves, legKey }: JournalEntry): bigint {
    let posted = 0n
    for (const [account, counter, change] of moves) {
      this.#of(account).add(counter, change)
      if (counter === 'cp') posted += BigInt(change)
      if (counter === 'dp') posted -= BigInt(change)
      if (legKey !== undefined && HELD.test(counter)) this.#hold(legKey, account + SEPARATOR + counter, change)
    }
    return posted
  }

  /** Answers with what was posted on the other side. */
  #addBooks({ books, note }: JournalEntry): bigint {
    let posted = 0n
    for (const [book, change] of books) {
      this.#books.add(book, change)
      posted += BigInt(change)
      if (book.endsWith(PAYMENTS_BOOK)) this.#payments.add(note?.['payment'] ?? '', -change)
    }
    return posted
  }

  #addMembers({ members, legKey = '' }: JournalEntry): void {
    for (const [account, set, change] of members) this.#of(account).add(set + OF_SET + legKey, change)
  }

  #of(account: string): Sums {
    const known = this.#accounts.get(account)
    if (known) return known
    const made = new Sums()
    this.#accounts.set(account, made)
    return made
  }

  #hold(legKey: string, what: string, change: number | bigint): void {
    const held = this.#holds.get(legKey) ?? new Sums()
    held.add(what, change)
    if (held.isEmpty) this.#holds.delete(legKey)
    else this.#holds.set(legKey, held)
  }

  #drift(drift: Omit<Drift, 'partition' | 'account'> & { readonly account?: string }): Drift {
    return { partition: this.partition, account: '', ...drift }
  }

  compareAccount({ account, counters, members }: FoundAccount): readonly Drift[] {
    const replayed = this.#accounts.get(account)
    const found = new Map(counters)
    for (const set of memberSets) for (const legKey of members[set]) found.set(set + OF_SET + legKey, 1n)
    return [...new Set([...found.keys(), ...(replayed?.names() ?? [])])].flatMap((counter) => {
      const journal = replayed?.get(counter) ?? 0n
      const live = found.get(counter) ?? 0n
      return journal === live ? [] : [this.#drift({ account, counter, journal: String(journal), live: String(live) })]
    })
  }

  compareBooks(found: ReadonlyMap<string, bigint>): readonly Drift[] {
    return [...new Set([...found.keys(), ...this.#books.names()])].flatMap((book) => {
      const journal = this.#books.get(book)
      const live = found.get(book) ?? 0n
      return journal === live ? [] : [this.#drift({ counter: book, journal: String(journal), live: String(live) })]
    })
  }

  /** A payment is credited as its record says, so the sum of all records is what the book of payments has. */
  comparePayment({ id, account, net }: FoundPayment): readonly Drift[] {
    const journal = this.#payments.get(id)
    if (journal === net) return []
    return [this.#drift({ account, counter: `payment ${id}`, journal: String(journal), live: String(net) })]
  }

  /** A call's record holds what the journal says was put aside for it: so the sum of all records is what is reserved. */
  compareCall({ legKey, levels }: FoundCall): readonly Drift[] {
    const live = new Sums()
    for (const { account, hold } of levels) {
      live.add(`${account}${SEPARATOR}dr`, hold.credit)
      for (const part of hold.pools) live.add(`${account}${SEPARATOR}p:${part.pool}:${part.cycle}:r`, part.seconds)
    }
    const replayed = this.#holds.get(legKey) ?? new Sums()
    return [...new Set([...live.names(), ...replayed.names()])].flatMap((what) => {
      if (replayed.get(what) === live.get(what)) return []
      const [account = '', counter = ''] = what.split(SEPARATOR)
      const figures = { journal: String(replayed.get(what)), live: String(live.get(what)) }
      return [this.#drift({ account, counter: `${legKey} ${counter}`, ...figures })]
    })
  }
}
