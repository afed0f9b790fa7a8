/** The connection to the archive: opened by the first who needs it, its tables made, every wait with a deadline. */
import { setTimeout as pause } from 'node:timers/promises'
import postgres from 'postgres'
import { Fault } from '../base/fault.ts'
import { EmbeddedPostgres, type EmbeddedOptions } from './embedded.ts'
import { migrate, mustMigrate } from './migrate.ts'
import type { Sql, Transaction } from './sql.ts'
import { surviveUnsent } from './unsent.ts'

export interface DatabaseOptions {
  /** PostgreSQL; none is the embedded one. */
  readonly url?: string | undefined
  readonly embedded: EmbeddedOptions
  /** What takes longer is given up, with its connections. */
  readonly useMs?: number
}

const CONNECT_SECONDS = 5
const CONNECTIONS = 4
const STATEMENT_MS = 60_000
/** Longer than a statement, whose end a server that answers tells by itself. */
const USE_MS = 75_000
/** Of an archive that was made by an earlier version and has grown large. */
const MIGRATION_MS = 3_600_000
const CLOSE_SECONDS = 2
const CLOSE_MS = 15_000
const PATIENCE_MS = 3_000

interface Open {
  readonly sql: Sql
  readonly embedded?: EmbeddedPostgres
}

export class Database {
  readonly #options: DatabaseOptions
  #opening: Promise<Open> | undefined
  #closed = false

  constructor(options: DatabaseOptions) {
    this.#options = options
  }

  get isEmbedded(): boolean {
    return this.#options.url === undefined
  }

  /** Somebody needed it before. */
  get isOpen(): boolean {
    return this.#opening !== undefined
  }

  /** Resolves when it can be used; an embedded one takes seconds to start, more of them the first time. */
  async open(): Promise<void> {
    const opening = this.#begin()
    try {
      await opening
    } catch (error) {
      if (this.#opening === opening) this.#opening = undefined
      throw asFault(error)
    }
  }

  /**
   * Does the work; Fault(archive_unavailable) when the database is away or still starting, and then the next who asks
   * tries again.
   */
  async use<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const { useMs = USE_MS } = this.#options
    const opening = this.#begin()
    const open = await this.#opened(opening)
    try {
      const done = await within(useMs, work(open.sql))
      if (done !== LATE) return done
    } catch (error) {
      if (this.#opening === opening && isLost(open, error)) {
        this.#opening = undefined
        void shut(open)
      }
      throw asFault(error)
    }
    // Its connection may be one that nobody will ever answer.
    if (this.#opening === opening) this.#opening = undefined
    void shut(open)
    throw away(`it did not answer within ${useMs / 1000} s`)
  }

  async #opened(opening: Promise<Open>): Promise<Open> {
    try {
      const open = await within(PATIENCE_MS, opening)
      if (open !== LATE) return open
    } catch (error) {
      if (this.#opening === opening) this.#opening = undefined
      throw asFault(error)
    }
    // Who asks over HTTP is told to come again rather than kept waiting for a start.
    throw away('it is starting')
  }

  /** Rolled back when the work throws. */
  transaction<T>(work: (sql: Transaction) => Promise<T>): Promise<T> {
    return this.use((sql) => sql.begin(work) as Promise<T>)
  }

  async close(): Promise<void> {
    this.#closed = true
    const closing = this.#opening?.then(shut, () => undefined)
    if (closing) await within(CLOSE_MS, closing)
  }

  #begin(): Promise<Open> {
    if (this.#closed) throw new Fault('archive_unavailable', 'the archive is closed')
    return (this.#opening ??= this.#open())
  }

  async #open(): Promise<Open> {
    const { url, embedded: options } = this.#options
    surviveUnsent()
    const embedded = url === undefined ? await EmbeddedPostgres.start(options) : undefined
    const sql = embedded ? embeddedClient(embedded) : postgres(url ?? '', { ...SETTINGS, max: CONNECTIONS })
    const open = { sql, ...(embedded ? { embedded } : {}) }
    try {
      await makeTables(sql)
    } catch (error) {
      await shut(open)
      throw error
    }
    return open
  }
}

const SETTINGS = {
  connect_timeout: CONNECT_SECONDS,
  // Types of our own there are none.
  fetch_types: false,
  onnotice: () => undefined,
  connection: {
    application_name: 'tollgate',
    TimeZone: 'UTC',
    statement_timeout: STATEMENT_MS,
    // A plan that is kept for all knows neither the months nor the accounts: it goes over many rows in one process.
    plan_cache_mode: 'force_custom_plan',
  },
}

async function makeTables(sql: Sql): Promise<void> {
  const must = await within(USE_MS, mustMigrate(sql))
  if (must === LATE) throw away(`it did not answer within ${USE_MS / 1000} s`)
  if (!must) return
  const made = await within(MIGRATION_MS, migrate(sql))
  if (made === LATE) throw away(`it made no tables within ${MIGRATION_MS / 60_000} minutes`)
}

/** One session, which is never given up: there is no other. */
function embeddedClient(embedded: EmbeddedPostgres): Sql {
  const who = { user: 'postgres', database: 'postgres' }
  const options = { ...SETTINGS, ...who, socket: () => embedded.connect(), max: 1, max_lifetime: null }
  return postgres(options)
}

async function shut({ sql, embedded }: Open): Promise<void> {
  await sql.end({ timeout: CLOSE_SECONDS }).catch(() => undefined)
  await embedded?.stop()
}

const LATE = Symbol('late')

/** The work goes on when it is late, and what becomes of it is no matter any more. */
async function within<T>(ms: number, work: Promise<T>): Promise<T | typeof LATE> {
  const ended = new AbortController()
  try {
    return await Promise.race([work, pause(ms, LATE, { signal: ended.signal })])
  } finally {
    ended.abort()
    work.catch(() => undefined)
  }
}

/** A worker that ended is started again; a client whose connection broke may have one that sends nothing any more. */
function isLost({ embedded }: Open, error: unknown): boolean {
  if (embedded) return !embedded.isRunning
  return AWAY.test(codeOf(error))
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** Of the server: it goes down, is starting, has no room; and of the client, which says so in words. */
const AWAY = /^(08|53|57P)|^(CONNECT|ECONN|EPIPE|ETIMEDOUT|EHOST|ENOTFOUND|ENOENT|EAI_AGAIN)/

/** What takes so long takes as long again: it is not tried again by itself. */
const TOO_LONG = '57014'

function asFault(error: unknown): unknown {
  if (error instanceof Fault || !(error instanceof Error)) return error
  const code = codeOf(error)
  if (AWAY.test(code)) return away(error.message === '' ? code : error.message, error)
  if (code !== TOO_LONG) return error
  return new Fault('archive_unavailable', `the archive took longer than ${STATEMENT_MS / 1000} s`, { cause: error })
}

function away(why: string, cause?: unknown): Fault {
  return new Fault('archive_unavailable', `the archive cannot answer: ${why}`, { retryable: true, cause })
}
