/** Up to where each partition is archived. */
import { hash } from 'node:crypto'
import type { StoredEntry, StreamPlace } from '../ledger/streams.ts'
import type { Sql, Transaction } from './sql.ts'

export interface Place extends StreamPlace {
  /** Of the last entry. */
  readonly digest: string
  readonly hasProfiles: boolean
}

export const START: Place = {
  journal: 0,
  digest: '',
  cdr: { number: 0, level: 0 },
  event: '0-0',
  record: 0,
  hasProfiles: false,
}

export function digestOf({ entry, balances }: StoredEntry): string {
  return hash('sha256', `${entry} ${balances}`, 'base64url').slice(0, 22)
}

interface ProgressRow {
  readonly partition: number
  /** Numbers of 64 bits are text. */
  readonly journal: string
  readonly journal_digest: string
  readonly cdr_number: string
  readonly cdr_level: number
  readonly event: string
  readonly record: string
  readonly has_profiles: boolean
}

function placeOf(row: ProgressRow): Place {
  return {
    journal: Number(row.journal),
    digest: row.journal_digest,
    cdr: { number: Number(row.cdr_number), level: row.cdr_level },
    event: row.event,
    record: Number(row.record),
    hasProfiles: row.has_profiles,
  }
}

export async function placesOf(sql: Sql): Promise<ReadonlyMap<number, Place>> {
  const rows = await sql<ProgressRow[]>`select * from progress`
  return new Map(rows.map((row) => [row.partition, placeOf(row)]))
}

/** Nobody else moves it until the transaction ends. */
export async function lockedPlace(sql: Transaction, partition: number): Promise<Place> {
  await sql`insert into progress (partition) values (${partition}) on conflict do nothing`
  const [row] = await sql<ProgressRow[]>`select * from progress where partition = ${partition} for update`
  return row ? placeOf(row) : START
}

export async function savePlace(sql: Transaction, partition: number, place: Place): Promise<void> {
  const { journal, digest, cdr, event, record, hasProfiles } = place
  await sql`
    update progress set journal = ${journal}, journal_digest = ${digest}, cdr_number = ${cdr.number},
      cdr_level = ${cdr.level}, event = ${event}, record = ${record}, has_profiles = ${hasProfiles}
    where partition = ${partition}`
}
