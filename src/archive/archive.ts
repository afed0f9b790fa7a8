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

/** An archive with so many is broken; more would say nothing. */
const MAX_PROBLEMS = 100

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

  /**
   * Accounts whose archived CDRs do not add up to what the archived journal took for calls, in sentences. Of a call whose first
   * CDR was never here (checkpoints.ts) the corrections say nothing by themselves.
   */
  async cdrProblems(): Promise<readonly string[]> {
    const rows = await this.database.use(
      (sql) => sql<{ account: string; charged: string; posted: string }[]>`
        with earlier as (
          select call from cdr where partition in (select partition from checkpoint) group by call having min(revision) > 0
        )
        select account, coalesce(charged, 0)::text as charged, coalesce(posted, 0)::text as posted
        from (
          select account, sum(charge) as charged from cdr
          where current and call not in (select call from earlier) group by account
        ) as calls
        full join (
          select account, -sum(amount) as posted from posting
          where call is not null and call not in (select call from earlier) group by account
        ) as entries using (account)
        where coalesce(charged, 0) <> coalesce(posted, 0) order by account limit ${MAX_PROBLEMS}`,
    )
    return rows.map(({ account, charged, posted }) => `account ${account}: CDRs ${charged}, journal ${posted}`)
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
