/** Archives of a store's ledger, on a PostgreSQL server and embedded. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Archive } from '../../src/archive/archive.ts'
import { Database } from '../../src/archive/database.ts'
import { migrate } from '../../src/archive/migrate.ts'
import type { LedgerStreams } from '../../src/ledger/streams.ts'
import { tryLock } from '../../src/store/file-lock.ts'
import { RedisStreams } from '../../src/store/redis-streams.ts'
import { PARTITIONS, type TestStore } from './offices.ts'
import { startPostgres, type TestPostgres } from './postgres.ts'

export const archiveForms = ['PostgreSQL', 'embedded'] as const

export type ArchiveForm = (typeof archiveForms)[number]

/** One database, emptied for each test; archives on it come and go as daemons do. */
export class TestArchives {
  server: TestPostgres | undefined
  readonly lost: { partition: number; rows: number }[] = []
  readonly #form: ArchiveForm
  readonly #folder = mkdtempSync(join(tmpdir(), 'tollgate-archive-'))
  readonly #databases: Database[] = []

  constructor(form: ArchiveForm) {
    this.#form = form
  }

  async start(): Promise<void> {
    if (this.#form === 'PostgreSQL') this.server = await startPostgres()
  }

  async empty(): Promise<void> {
    this.lost.length = 0
    await this.#database().open()
    await this.#database().use((sql) => sql.unsafe('drop schema public cascade; create schema public'))
    // The embedded one is slow to start, and there can be one only: it stays.
    await this.#database().use((sql) => migrate(sql))
    if (this.server) await this.closeAll()
  }

  /** An empty one, of a store that says what it is as an installed one does. */
  async opened(test: TestStore): Promise<Archive> {
    await this.empty()
    await test.store.command((client) => client.hset(test.keys.meta(), { installed_at: '1', partitions: PARTITIONS }))
    return this.open(test)
  }

  /** The archive as one more daemon has it. */
  open(test: TestStore, streams: LedgerStreams = new RedisStreams(test.streamParts)): Archive {
    return new Archive({
      database: this.#database(),
      streams,
      clock: test.clock,
      hotDays: () => 35,
      observer: {
        archived: () => undefined,
        lost: (partition, rows) => this.lost.push({ partition, rows }),
      },
    })
  }

  #database(): Database {
    const [open] = this.#databases
    if (open && !this.server) return open
    const made = new Database({ url: this.server?.url, embedded: { folder: this.#folder, lock: tryLock } })
    this.#databases.push(made)
    return made
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.#databases.splice(0).map((database) => database.close()))
  }

  async stop(): Promise<void> {
    await this.closeAll()
    await this.server?.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

export function never(): boolean {
  return false
}
