/**
 * An archive is of one store, whose entries have the numbers that it has; a store has one archive, as of two each would
 * miss what the other took; and the store is never older than what was archived of it, but for what a crash forgets.
 */
import { Fault, invariant } from '../base/fault.ts'
import type { Installation, LedgerStreams } from '../ledger/streams.ts'
import type { Database } from './database.ts'
import { TABLES_LOCK } from './migrate.ts'
import type { Sql, Transaction } from './sql.ts'

/** One beat in so long, of however many daemons. */
const BEAT_SECONDS = 10

/** A crash forgets seconds; who has counted so much less is a copy. */
const MAX_BEATS_FORGOTTEN = 6

export interface ClaimParts {
  readonly database: Database
  readonly streams: LedgerStreams
}

interface Claimed {
  readonly store: string
  readonly archive: string
  readonly beats: number
}

export class Claim {
  readonly #parts: ClaimParts

  constructor(parts: ClaimParts) {
    this.#parts = parts
  }

  /** Fault(archive_unfit) when the archive and the store are not each other's, or the store is an older copy. */
  async check(): Promise<void> {
    const { database, streams } = this.#parts
    const store = await streams.installation()
    const claimed = (await database.use(claimedIn)) ?? (await this.#claim(store.id))
    if (claimed.store !== store.id) {
      throw unfit('the archive is of another store: restore that one from it, or name another database')
    }
    const archive = store.archive ?? (await streams.claimFor(claimed.archive))
    if (archive !== claimed.archive) {
      throw unfit(`the store has another archive, ${archive}: name its database again, or run \`archive adopt\``)
    }
    if (claimed.beats - store.beats > MAX_BEATS_FORGOTTEN) throw unfit(olderCopy(claimed, store))
  }

  /** From now on the store has this archive, whichever it had; what it took before may have missed something. */
  async adopt(): Promise<void> {
    const { database, streams } = this.#parts
    const store = await streams.installation()
    const claimed = (await database.use(claimedIn)) ?? (await this.#claim(store.id))
    if (claimed.store !== store.id) throw unfit('the archive is of another store')
    await database.use((sql) => sql`update progress set has_profiles = false`)
    await streams.giveTo(claimed.archive)
  }

  /** Counts on both sides: first in the store, which may so be ahead and never behind. */
  async beat(): Promise<void> {
    const { database, streams } = this.#parts
    const due = await database.use(
      (sql) => sql`update installation set beat_at = now()
        where beat_at < now() - make_interval(secs => ${BEAT_SECONDS}) or beat_at > now()`,
    )
    if (due.count === 0) return
    const beats = await streams.beat()
    await database.use((sql) => sql`update installation set beats = greatest(beats, ${beats})`)
  }

  async #claim(store: string): Promise<Claimed> {
    return this.#parts.database.transaction(async (sql) => {
      await sql`select pg_advisory_xact_lock(${TABLES_LOCK})`
      await sql`insert into installation (id) select ${store} where not exists (select from installation)`
      const claimed = await claimedIn(sql)
      invariant(claimed, 'an archive that was claimed says for whom')
      return claimed
    })
  }
}

async function claimedIn(sql: Sql | Transaction): Promise<Claimed | undefined> {
  const [row] = await sql<{ id: string; archive: string; beats: string }[]>`select id, archive, beats from installation`
  return row && { store: row.id, archive: row.archive, beats: Number(row.beats) }
}

function olderCopy({ beats }: Claimed, store: Installation): string {
  const age = (beats - store.beats) * BEAT_SECONDS
  return (
    `the store is a copy from at least ${age} s before what was archived: build it anew with \`archive restore\`, ` +
    'or, to go on with the copy, name an empty database and run `archive adopt`'
  )
}

function unfit(message: string): Fault {
  return new Fault('archive_unfit', message)
}
