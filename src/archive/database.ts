/** The connection to the archive: opened by the first who needs it, its tables made, every wait with a deadline. */
import { setTimeout as pause } from 'node:timers/promises'
import postgres from 'postgres'
import { Fault } from '../base/fault.ts'
import { EmbeddedPostgres, type EmbeddedOptions } from './embedded.ts'
import { migrate } from './migrate.ts'
import type { Sql, Transaction } from './sql.ts'

export interface DatabaseOptions {
  /** PostgreSQL; none is the embedded one. */
  readonly url?: string | undefined
  readonly embedded: EmbeddedOptions
}

const CONNECT_SECONDS = 5
const CONNECTIONS = 4
const STATEMENT_MS = 60_000
const CLOSE_SECONDS = 2
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
    const opening = this.#begin()
    try {
      return await work((await inTime(opening)).sql)
    } catch (error) {
      if (error instanceof Starting) throw error
      if (this.#opening === opening && (await isLost(opening))) this.#opening = undefined
      throw asFault(error)
    }
  }

  /** Rolled back when the work throws. */
  transaction<T>(work: (sql: Transaction) => Promise<T>): Promise<T> {
    return this.use((sql) => sql.begin(work) as Promise<T>)
  }

  async close(): Promise<void> {
    this.#closed = true
    const open = await this.#opening?.catch(() => undefined)
    await open?.sql.end({ timeout: CLOSE_SECONDS }).catch(() => undefined)
    await open?.embedded?.stop()
  }

  #begin(): Promise<Open> {
    if (this.#closed) throw new Fault('archive_unavailable', 'the archive is closed')
    return (this.#opening ??= this.#open())
  }

  async #open(): Promise<Open> {
    const { url, embedded: options } = this.#options
    const embedded = url === undefined ? await EmbeddedPostgres.start(options) : undefined
    const sql = embedded ? embeddedClient(embedded) : postgres(url ?? '', { ...SETTINGS, max: CONNECTIONS })
    try {
      await migrate(sql)
    } catch (error) {
      await sql.end({ timeout: CLOSE_SECONDS }).catch(() => undefined)
      await embedded?.stop()
      throw error
    }
    return { sql, ...(embedded ? { embedded } : {}) }
  }
}

const SETTINGS = {
  connect_timeout: CONNECT_SECONDS,
  // Types of our own there are none.
  fetch_types: false,
  onnotice: () => undefined,
  connection: { application_name: 'tollgate', TimeZone: 'UTC', statement_timeout: STATEMENT_MS },
}

/** One session, which is never given up: there is no other. */
function embeddedClient(embedded: EmbeddedPostgres): Sql {
  const who = { user: 'postgres', database: 'postgres' }
  const options = { ...SETTINGS, ...who, socket: () => embedded.connect(), max: 1, max_lifetime: null }
  return postgres(options)
}

class Starting extends Fault {
  constructor() {
    super('archive_unavailable', 'the archive is starting', { retryable: true })
  }
}

/** Who asks over HTTP is told to come again rather than kept waiting for a start. */
async function inTime(opening: Promise<Open>): Promise<Open> {
  const late = new AbortController()
  const waiting = pause(PATIENCE_MS, undefined, { signal: late.signal }).catch(() => undefined)
  const open = await Promise.race([opening, waiting])
  late.abort()
  if (!open) throw new Starting()
  return open
}

/** A worker that ended is started again; a server is connected to again by the client itself. */
async function isLost(opening: Promise<Open>): Promise<boolean> {
  const open = await opening.catch(() => undefined)
  return !open || (open.embedded !== undefined && !open.embedded.isRunning)
}

/** Of the server: it goes down, is starting, has no room; and of the client, which says so in words. */
const AWAY = /^(08|53|57)|^(CONNECT|ECONN|EPIPE|ETIMEDOUT|EHOST|ENOTFOUND|ENOENT|EAI_AGAIN)/

function asFault(error: unknown): unknown {
  if (error instanceof Fault || !(error instanceof Error)) return error
  const code = 'code' in error ? String(error.code) : ''
  if (!AWAY.test(code)) return error
  const why = error.message === '' ? code : error.message
  return new Fault('archive_unavailable', `the archive cannot answer: ${why}`, { retryable: true, cause: error })
}
