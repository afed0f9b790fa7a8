/** A daemon that answers what a test says, and the command line that asks it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCli } from '../../src/cli/program.ts'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly body: unknown
  readonly authorization: string | undefined
  readonly idempotencyKey: string | undefined
}

export interface Reply {
  readonly status?: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

export class Stub {
  readonly asked: Asked[] = []
  readonly folder: string
  colour = false
  terminal = false
  readonly served: string[] = []
  #replies = new Map<string, Reply[]>()
  #server: Server | undefined
  #ids = 0
  #env: Record<string, string> = {}

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'tg-cli-'))
  }

  async open(): Promise<void> {
    const server = createServer((request, response) => {
      void bodyOf(request).then((body) => {
        const { method = '', url = '', headers } = request
        const idempotencyKey = headers['idempotency-key']?.toString()
        this.asked.push({ method, path: url, body, authorization: headers.authorization, idempotencyKey })
        const reply = this.#replyTo(`${method} ${url}`)
        response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers })
        response.end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    this.#server = server
    const { port } = server.address() as AddressInfo
    this.#env = {
      TOLLGATE_HTTP_PORT: String(port),
      TOLLGATE_API_KEY: 'tg_cli_0123456789abcdef',
      TOLLGATE_DATA_DIR: join(this.folder, 'data'),
      TOLLGATE_CONFIG_DIR: this.folder,
    }
  }

  async close(): Promise<void> {
    await new Promise((resolve) => this.#server?.close(resolve))
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Nobody answers any more at the port that is told. */
  async hangUp(): Promise<string> {
    await new Promise((resolve) => this.#server?.close(resolve))
    return this.#env['TOLLGATE_HTTP_PORT'] ?? ''
  }

  /** What "GET /v1/…" is answered: the replies in turn, and the last one again and again. */
  on(asked: string, ...replies: readonly Reply[]): void {
    this.#replies.set(asked, [...replies])
  }

  file(name: string, text: string): string {
    const path = join(this.folder, name)
    writeFileSync(path, text)
    return path
  }

  env(changes: Readonly<Record<string, string>>): void {
    this.#env = { ...this.#env, ...changes }
  }

  async run(...words: readonly string[]): Promise<Ran> {
    let [out, err] = ['', '']
    const code = await runCli(words, {
      source: { env: this.#env, cwd: this.folder },
      clock: { nowMs: () => Date.now() },
      out: (text) => {
        out += text
      },
      err: (text) => {
        err += text
      },
      colour: this.colour,
      terminal: this.terminal,
      ids: () => `id-${(this.#ids += 1)}`,
      serve: async ({ cwd }) => {
        this.served.push(cwd)
        return 7
      },
    })
    return { code, out, err }
  }

  #replyTo(asked: string): Reply {
    const replies = this.#replies.get(asked) ?? this.#replies.get(asked.split('?')[0] ?? '')
    const reply = replies && replies.length > 1 ? replies.shift() : replies?.[0]
    return reply ?? problem(404, 'not_found', `there is nothing at ${asked}`)
  }
}

export function problem(status: number, code: string, detail: string, errors?: readonly object[]): Reply {
  const body = {
    type: `urn:tollgate:problem:${code}`,
    title: code,
    status,
    detail,
    code,
    ...(errors ? { errors } : {}),
  }
  return { status, body, headers: { 'content-type': 'application/problem+json' } }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  if (text === '') return undefined
  if (request.headers['content-type'] !== 'application/x-ndjson') return JSON.parse(text) as unknown
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
}

/** A version as the API tells it. */
export function lines(...values: readonly object[]): Reply {
  return { body: values.map((value) => `${JSON.stringify(value)}\n`).join('') }
}
