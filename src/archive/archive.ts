/** The archive as the rest of the daemon sees it: kept up by rounds, read by whoever asks for what is long past. */
import type { Clock } from '../base/time.ts'
import type { LedgerStreams, StoredEntry } from '../ledger/streams.ts'
import { Archiver, type ArchiveObserver } from './archiver.ts'
import type { Database } from './database.ts'
import { archivedEntries } from './fork.ts'

export interface ArchiveParts {
  readonly database: Database
  readonly streams: LedgerStreams
  readonly clock: Clock
  readonly observer: ArchiveObserver
}

export interface ArchiveStatus {
  readonly kind: 'postgresql' | 'embedded'
  /** Journal entries that are archived. */
  readonly entries: number
  /** Journal entries of the store that are not. */
  readonly behind: number
  readonly cdrs: number
  readonly accounts: number
  /** Entries and CDRs that were archived and that the store lost. */
  readonly lost: number
}

export class Archive {
  readonly database: Database
  readonly archiver: Archiver

  constructor(parts: ArchiveParts) {
    this.database = parts.database
    this.archiver = new Archiver(parts)
  }

  /** Entries from one number to another, both included; what is not archived yet is archived first. */
  async entries(partition: number, from: number, to: number): Promise<readonly StoredEntry[]> {
    await this.archiver.catchUpTo(partition, to)
    return this.database.use((sql) => archivedEntries(sql, { partition, from, to }))
  }

  async status(): Promise<ArchiveStatus> {
    const standing = await this.archiver.standing()
    const [counted] = await this.database.use(
      (sql) => sql<{ cdrs: string; accounts: string; lost: string }[]>`
        select (select count(*) from cdr) as cdrs, (select count(*) from account) as accounts,
          (select count(*) from lost) as lost`,
    )
    return {
      kind: this.database.isEmbedded ? 'embedded' : 'postgresql',
      entries: standing.reduce((sum, { journal }) => sum + journal, 0),
      behind: standing.reduce((sum, { behind }) => sum + behind, 0),
      cdrs: Number(counted?.cdrs ?? 0),
      accounts: Number(counted?.accounts ?? 0),
      lost: Number(counted?.lost ?? 0),
    }
  }
}
