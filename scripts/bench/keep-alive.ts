/** A client that keeps its connections, as edges do: so many at most, each request bounded, the answer's JSON handed back. */
import { Agent, request } from 'node:http'

export interface Answered {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

const ANSWER_MS = 10_000

export class KeepAlive {
  readonly #agent: Agent
  readonly #url: () => string
  readonly #key: string

  /** The URL is asked for again for each request, as a daemon may be another one by then. */
  constructor(url: () => string, key: string, connections: number) {
    this.#url = url
    this.#key = key
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections, scheduling: 'fifo' })
  }

  /** Rejects when the connection ends before its answer. */
  send(method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown): Promise<Answered> {
    const text = body === undefined ? '' : JSON.stringify(body)
    const headers = {
      authorization: `Bearer ${this.#key}`,
      ...(text === ''
        ? {}
        : {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(text),
            'idempotency-key': crypto.randomUUID(),
          }),
    }
    return new Promise((resolve, reject) => {
      const sent = request(`${this.#url()}${path}`, { method, agent: this.#agent, headers, timeout: ANSWER_MS })
      sent.once('error', reject)
      sent.once('timeout', () => sent.destroy(new Error(`${path} was not answered within ${ANSWER_MS} ms`)))
      sent.once('response', (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.once('error', reject)
        response.once('end', () => {
          const answer = Buffer.concat(parts).toString('utf8')
          resolve({ status: response.statusCode ?? 0, body: answer.startsWith('{') ? asRecord(answer) : {} })
        })
      })
      sent.end(text)
    })
  }

  /** An answer of 2xx, or an error that says what came instead. */
  async must(method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown): Promise<Answered['body']> {
    const answer = await this.send(method, path, body)
    if (answer.status < 300) return answer.body
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  }

  close(): void {
    this.#agent.destroy()
  }
}

function asRecord(text: string): Readonly<Record<string, unknown>> {
  return JSON.parse(text) as Readonly<Record<string, unknown>>
}

/** Works on all of them, so many at a time; the first error ends it. */
export async function inParallel<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T, index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) {
      const item = items[index]
      if (item !== undefined) await work(item, index)
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
}
