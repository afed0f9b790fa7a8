/** The HTTP API of the running daemon. Nothing is sent twice by itself: a repeat is the caller's decision. */
import type { z } from 'zod'
import type { Connection } from './connection.ts'
import { CliFailure } from './context.ts'
import { problemFailure } from './problems.ts'

export interface Answer<T> {
  readonly value: T
  /** As it came. */
  readonly raw: unknown
  readonly status: number
  readonly headers: Headers
}

export interface Sending {
  readonly body?: unknown
  readonly idempotencyKey?: string
  readonly deadlineMs?: number
}

export interface Listing {
  readonly query?: Query
  /** At most so many items; none is all. */
  readonly limit?: number
}

export type Query = Readonly<Record<string, string | number | undefined>>

const DEADLINE_MS = 30_000
const PAGE = 500

export class Api {
  readonly url: string
  readonly #key: string

  constructor({ url, key }: Connection) {
    this.url = url
    this.#key = key
  }

  get<S extends z.ZodType>(path: string, schema: S, query: Query = {}): Promise<Answer<z.output<S>>> {
    return this.send('GET', `${path}${queryText(query)}`, { schema })
  }

  post<S extends z.ZodType>(path: string, schema: S, sending: Sending = {}): Promise<Answer<z.output<S>>> {
    return this.send('POST', path, { schema, ...sending })
  }

  put<S extends z.ZodType>(path: string, schema: S, body: unknown): Promise<Answer<z.output<S>>> {
    return this.send('PUT', path, { schema, body })
  }

  delete<S extends z.ZodType>(path: string, schema: S): Promise<Answer<z.output<S>>> {
    return this.send('DELETE', path, { schema })
  }

  /** The items of a list, page after page. */
  async *pages<S extends z.ZodType<Page>>(
    path: string,
    schema: S,
    { query = {}, limit }: Listing = {},
  ): AsyncGenerator<{
    readonly rows: z.output<S>['items']
    readonly raw: readonly unknown[]
  }> {
    let left = limit ?? Infinity
    let cursor: string | undefined
    while (left > 0) {
      const size = Math.min(left, PAGE)
      const { value, raw } = await this.get(path, schema, { ...query, limit: size, cursor })
      const items = (raw as Page).items
      yield { rows: value.items, raw: items }
      left -= items.length
      cursor = value.nextCursor
      if (cursor === undefined) return
    }
  }

  /** A list as a whole. */
  async list<S extends z.ZodType<Page>>(
    path: string,
    schema: S,
    listing: Listing = {},
  ): Promise<{
    readonly rows: z.output<S>['items'][number][]
    readonly raw: readonly unknown[]
  }> {
    const rows: z.output<S>['items'][number][] = []
    const raw: unknown[] = []
    for await (const page of this.pages(path, schema, listing)) {
      rows.push(...page.rows)
      raw.push(...page.raw)
    }
    return { rows, raw }
  }

  async send<S extends z.ZodType>(
    method: string,
    path: string,
    { schema, body, idempotencyKey, deadlineMs = DEADLINE_MS }: Sending & { readonly schema: S },
  ): Promise<Answer<z.output<S>>> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.#key}`, accept: 'application/json' }
    if (body !== undefined) headers['content-type'] = 'application/json'
    if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey
    const signal = AbortSignal.timeout(deadlineMs)
    const init = { method, headers, signal, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
    const response = await this.#fetched(`${this.url}${path}`, init)
    if (!response.ok) throw problemFailure(response.status, response.json)
    const read = schema.safeParse(response.json)
    if (!read.success) throw notOurs(this.url, read.error)
    return { value: read.data, raw: response.json, status: response.status, headers: response.headers }
  }

  async #fetched(
    url: string,
    init: RequestInit,
  ): Promise<Pick<Response, 'ok' | 'status' | 'headers'> & { json: unknown }> {
    try {
      const response = await fetch(url, init)
      const text = await response.text()
      return { ok: response.ok, status: response.status, headers: response.headers, json: parsed(text) }
    } catch (error) {
      throw unreachable(this.url, error)
    }
  }
}

interface Page {
  readonly items: readonly unknown[]
  readonly nextCursor?: string | undefined
}

function queryText(query: Query): string {
  const entries = Object.entries(query).filter(([, value]) => value !== undefined)
  const text = new URLSearchParams(entries.map(([name, value]): [string, string] => [name, String(value)])).toString()
  return text === '' ? '' : `?${text}`
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function unreachable(url: string, error: unknown): CliFailure {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  if (code === 'ECONNREFUSED') {
    return new CliFailure(
      { code: 'daemon_unreachable', message: `no daemon answers at ${url}` },
      { advice: 'start one with `tollgate serve`, or say with TOLLGATE_HTTP_PORT where it listens' },
    )
  }
  const late = error instanceof Error && error.name === 'TimeoutError'
  const why = late ? 'it did not answer in time' : cause instanceof Error ? cause.message : String(cause)
  return new CliFailure({ code: 'daemon_unreachable', message: `the daemon at ${url} cannot be asked: ${why}` })
}

function notOurs(url: string, error: z.ZodError): CliFailure {
  const [issue] = error.issues
  const where = issue ? ` (${issue.path.join('.') || 'the whole'}: ${issue.message})` : ''
  return new CliFailure({
    code: 'answer_unreadable',
    message: `what ${url} answered is not what a daemon answers${where}`,
  })
}
