/** Where the records of an export are read from: the archive, as it was when the file was begun. */
import type { Direction } from '../accounts/account.ts'
import type { Transaction } from '../accounts/office.ts'
import type { RecordLines } from './record-lines.ts'

/** All that a partition had told at one time: records that are written later are not in it. */
export interface Snapshot {
  readonly partition: number
  /** Of the last journal entry. */
  readonly number: number
  /** Counts the times that the store lost entries which were archived. */
  readonly epoch: number
}

/** Where a record lies in the order of instants. */
export interface RecordPlace {
  readonly atMs: number
  readonly number: number
  readonly level: number
}

export interface RecordsQuery {
  readonly snapshot: Snapshot
  readonly account: string
  readonly fromMs: number
  readonly untilMs: number
  /** None is from the first one. */
  readonly after?: RecordPlace
  /** At most so many are looked at. */
  readonly limit: number
}

export interface CdrsQuery extends RecordsQuery {
  readonly direction?: Direction
  readonly user?: string
}

export interface LinesPage {
  readonly lines: RecordLines
  readonly count: number
  /** Where it goes on; none is the end. */
  readonly next?: RecordPlace
}

export interface PostingsPage {
  readonly items: readonly Posting[]
  readonly next?: RecordPlace
}

/** A journal entry as it moved an account's credit or minutes; one of minutes only says no balance. */
export interface Posting extends Omit<Transaction, 'balanceAfter'> {
  readonly account: string
  readonly balanceAfter?: Transaction['balanceAfter']
}

export interface ExportArchive {
  /** Resolves when all that the partition tells now is archived. */
  snapshot(partition: number): Promise<Snapshot>
  /** CDRs as JSON, each as last corrected before the snapshot, in the order in which the calls ended. */
  cdrs(query: CdrsQuery): Promise<LinesPage>
  /** In the order of their instants. */
  postings(query: RecordsQuery): Promise<PostingsPage>
  /** False when entries from before the snapshot were lost since, so that what was read is no whole. */
  stands(snapshot: Snapshot): Promise<boolean>
}
