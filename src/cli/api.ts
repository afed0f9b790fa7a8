/** The HTTP API of the running daemon. Nothing is sent twice by itself: a repeat is the caller's decision. */
import { Readable } from 'node:stream'
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
  readonly lines?: AsyncIterable<string> | Iterable<string>
  readonly idempotencyKey?: string
  readonly deadlineMs?: number
}

export interface Listing {
  readonly query?: Query
  /** At most so many items; none is all. */
  readonly limit?: number
}

export type Query = Readonly<Record<string, string | number | undefined>>

export interface FilePart {
  /** What follows what there is; else it is all of the file anew. */
  readonly isRest: boolean
  readonly version: string | undefined
  readonly chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

const DEADLINE_MS = 30_000

/** Millions of rates take their time. */
const LINES_MS = 600_000
const LINES_TYPE = 'application/x-ndjson'
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

  /** Sends lines of JSON as they are made. */
  postLines<S extends z.ZodType>(
    path: string,
    schema: S,
    lines: AsyncIterable<string> | Iterable<string>,
  ): Promise<Answer<z.output<S>>> {
    return this.send('POST', path, { schema, lines, deadlineMs: LINES_MS })
  }

  /** The lines of an answer, each as it comes. */
  async *lines(path: string): AsyncGenerator {
    const headers = { authorization: `Bearer ${this.#key}`, accept: LINES_TYPE }
    const init = { headers, signal: AbortSignal.timeout(LINES_MS) }
    const response = await fetch(`${this.url}${path}`, init).catch((error: unknown) => {
      throw unreachable(this.url, error)
    })
    if (!response.ok) throw problemFailure(response.status, parsed(await response.text()))
    let rest = ''
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) {
      const texts = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n')
      rest = texts.pop() ?? ''
      for (const text of texts) yield parsed(text)
    }
    if (rest !== '') yield parsed(rest)
  }

  /** The bytes of a file from the place on, as they come; `version` is the ETag of what there is already. */
  async bytes(path: string, from: number, version: string | undefined): Promise<FilePart> {
    const range = version === undefined ? {} : { range: `bytes=${from}-`, 'if-range': version }
    const headers = { authorization: `Bearer ${this.#key}`, ...range }
    const init = { headers, signal: AbortSignal.timeout(LINES_MS) }
    const response = await fetch(`${this.url}${path}`, init).catch((error: unknown) => {
      throw unreachable(this.url, error)
    })
    if (!response.ok) throw problemFailure(response.status, parsed(await response.text()))
    const { headers: told, status, body } = response
    return { isRest: status === 206, version: told.get('etag') ?? undefined, chunks: body ?? [] }
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
    { schema, body, lines, idempotencyKey, deadlineMs = DEADLINE_MS }: Sending & { readonly schema: S },
  ): Promise<Answer<z.output<S>>> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.#key}`, accept: 'application/json' }
    if (body !== undefined) headers['content-type'] = 'application/json'
    if (lines !== undefined) headers['content-type'] = LINES_TYPE
    if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey
    const signal = AbortSignal.timeout(deadlineMs)
    const sent = lines ? streamOf(lines) : body === undefined ? {} : { body: JSON.stringify(body) }
    const init = { method, headers, signal, ...sent }
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

/** Some thousands of lines at a time. */
function streamOf(lines: AsyncIterable<string> | Iterable<string>): {
  readonly body: ReadableStream
  readonly duplex: 'half'
} {
  const bytes = Readable.from(lines, { objectMode: false })
  return { body: Readable.toWeb(bytes) as ReadableStream, duplex: 'half' }
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
