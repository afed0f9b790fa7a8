/** What the store tells as rows of the archive's tables; the names of fields are those of the columns. */
import { formatAmount } from '../base/money.ts'
import { formatInstant } from '../base/time.ts'
import { decodeEntry, type JournalEntry } from '../ledger/journal.ts'
import { chargeIn, postedTo } from '../ledger/posting.ts'
import type { StoredCdr, StoredEntry, StoredEvent } from '../ledger/streams.ts'
import type { Cdr } from '../usage/cdr.ts'
import { secondsBy } from '../usage/usage-row.ts'

export interface JournalRow {
  readonly at: string
  readonly partition: number
  readonly number: number
  readonly kind: string
  readonly call?: string | undefined
  readonly entry: string
  readonly balances: string
}

export interface PostingRow {
  readonly at: string
  readonly partition: number
  readonly number: number
  readonly account: string
  readonly kind: string
  readonly why?: string | undefined
  readonly call?: string | undefined
  readonly operation?: string | undefined
  readonly external_id?: string | undefined
  readonly amount: string
  readonly pool_seconds: number
  readonly balance?: string | undefined
  readonly class?: string | undefined
  readonly charge: string
}

export interface EventRow {
  readonly at: string
  readonly partition: number
  readonly id: string
  readonly type: string
  readonly account: string
  readonly fields: string
}

export type CdrRow = ReturnType<typeof cdrRow>

export function journalRow(partition: number, stored: StoredEntry, entry: JournalEntry): JournalRow {
  const { number, entry: text, balances } = stored
  return { at: formatInstant(entry.atMs), partition, number, kind: entry.kind, call: entry.call, entry: text, balances }
}

/** One for each account whose credit or minutes the entry moves; holds are no postings. */
export function postingRows(partition: number, stored: StoredEntry, entry: JournalEntry): readonly PostingRow[] {
  const { kind, call, operation, note = {} } = entry
  const balances = balancesIn(stored.balances)
  const charge = chargeIn(entry)
  return [...postedTo(entry)].map(([account, { amount, poolSeconds }]) => ({
    at: formatInstant(entry.atMs),
    partition,
    number: stored.number,
    account,
    kind: note['kind'] ?? kind,
    why: note['reason'] ?? note['why'],
    call,
    operation,
    external_id: note['externalId'],
    amount: formatAmount(amount),
    pool_seconds: poolSeconds,
    balance: balances.get(account),
    class: charge?.class,
    charge: formatAmount(charge?.amount ?? 0n),
  }))
}

function balancesIn(text: string): ReadonlyMap<string, string> {
  const pairs = text.split(' ').flatMap((pair): [string, string][] => {
    const [account = '', micros] = pair.split('=')
    return micros === undefined ? [] : [[account, formatAmount(BigInt(micros))]]
  })
  return new Map(pairs)
}

export function cdrRow(partition: number, { number, level, cdr: text }: StoredCdr) {
  const cdr = JSON.parse(text) as Cdr
  return {
    ended_at: cdr.endedAt,
    partition,
    number,
    level,
    account: cdr.account,
    payer: cdr.payer,
    call: cdr.call,
    revision: cdr.revision,
    current: true,
    direction: cdr.direction,
    from_number: cdr.from,
    to_number: cdr.to,
    user_id: cdr.user ?? '',
    trunk: cdr.trunk ?? '',
    destination: cdr.rate?.destination ?? '',
    funded_by: cdr.fundedBy,
    cause: cdr.cause,
    flags: cdr.flags.join(' '),
    started_at: cdr.startedAt,
    answered_at: cdr.answeredAt,
    seconds: cdr.seconds,
    billed_seconds: cdr.billedSeconds,
    pool_seconds: secondsBy(cdr, 'pool'),
    trunk_seconds: secondsBy(cdr, 'trunk'),
    overrun_seconds: cdr.overrunSeconds,
    charge: cdr.charge,
    currency: cdr.currency,
    cdr: text,
  }
}

export function eventRow(partition: number, { id, fields }: StoredEvent): EventRow {
  const { type = '', account = '', at = id.split('-')[0] ?? '0', ...data } = fields
  const kept = Object.fromEntries(Object.entries(data).map(([name, value]) => [name, storable(value)]))
  return { at: formatInstant(Number(at)), partition, id, type, account, fields: JSON.stringify(kept) }
}

/**
 * PostgreSQL has no text with a NUL or half a surrogate pair, which callers may send: they are replaced in columns of
 * their own. The JSON of an entry or CDR has them as escapes, and stays as it is.
 */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd')
}

/** The entry of a row, for those that have its text only. */
export function entryIn(stored: StoredEntry): JournalEntry {
  return decodeEntry(stored.entry)
}
