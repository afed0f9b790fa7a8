/** The archive as the rest of the daemon sees it: kept up by rounds, read by whoever asks for what is long past. */
import type { Clock } from '../base/time.ts'
import type { Checkpoint } from '../ledger/checkpoint.ts'
import type { LedgerStreams, StoredEntry } from '../ledger/streams.ts'
import { ArchivedExports } from './archived-exports.ts'
import { ArchivedStatements } from './archived-statements.ts'
import { ArchivedUsage } from './archived-usage.ts'
import { Archiver, type ArchiveObserver } from './archiver.ts'
import type { Database } from './database.ts'
import { keptCheckpoint } from './checkpoints.ts'
import { archivedEntries } from './entries.ts'
import { cdrProblems, monthProblems } from './problems.ts'

export interface ArchiveParts {
  readonly database: Database
  readonly streams: LedgerStreams
  readonly clock: Clock
  readonly hotDays: () => number
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
  readonly usage: ArchivedUsage
  readonly statements: ArchivedStatements
  readonly exports: ArchivedExports

  constructor(parts: ArchiveParts) {
    this.database = parts.database
    this.archiver = new Archiver(parts)
    this.usage = new ArchivedUsage(this)
    this.statements = new ArchivedStatements(this)
    this.exports = new ArchivedExports({ ...parts, archiver: this.archiver })
  }

  /** What the entries come to that it never had. */
  async checkpoint(partition: number): Promise<Checkpoint> {
    await this.archiver.catchUp(partition)
    return this.database.use((sql) => keptCheckpoint(sql, partition))
  }

  /** Entries from one number to another, both included; what is not archived yet is archived first. */
  async entries(partition: number, from: number, to: number): Promise<readonly StoredEntry[]> {
    await this.archiver.catchUpTo(partition, to)
    return this.database.use((sql) => archivedEntries(sql, { partition, from, to }))
  }

  /** What of the archive does not add up by itself, in sentences. */
  async problems(): Promise<readonly string[]> {
    const [cdrs, months] = await this.database.use((sql) => Promise.all([cdrProblems(sql), monthProblems(sql)]))
    return [...cdrs, ...months]
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
