/**
 * An edge of kind webhook as the daemon reaches it: it answers at once, says which calls it has when it is asked, and
 * notes what it was asked and when that came. What an edge does when it is told to end a call is for the measure to say.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Wish {
  readonly what: 'end' | 'raise'
  readonly callId: string
  readonly atMs: number
}

export const EDGE = 'gate'

export class WebhookEdge {
  /** Calls that it has, by call id. */
  readonly calls = new Set<string>()
  readonly wishes: Wish[] = []
  lists = 0
  readonly #server: Server
  readonly #heard: (wish: Wish) => void

  private constructor(heard: (wish: Wish) => void) {
    this.#heard = heard
    this.#server = createServer((asked, answer) => {
      this.#answer(asked, answer).catch(() => answer.destroy())
    })
    this.#server.keepAliveTimeout = 60_000
  }

  static async open(heard: (wish: Wish) => void = () => undefined): Promise<WebhookEdge> {
    const edge = new WebhookEdge(heard)
    edge.#server.listen(0, '127.0.0.1')
    await once(edge.#server, 'listening')
    return edge
  }

  /** How the daemon's settings name it. */
  get setting(): string {
    const { port } = this.#server.address() as AddressInfo
    return `edges: { ${EDGE}: { kind: webhook, url: 'http://127.0.0.1:${port}', secret: 0123456789abcdef0123, canRaise: true } }`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #answer(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of asked) parts.push(part as Buffer)
    const atMs = Date.now()
    const { type, callId = '' } = JSON.parse(Buffer.concat(parts).toString('utf8')) as {
      readonly type: string
      readonly callId?: string
    }
    answer.setHeader('content-type', 'application/json')
    if (type === 'call.list') {
      this.lists += 1
      answer.end(JSON.stringify({ calls: [...this.calls].map((id) => ({ callId: id })) }))
      return
    }
    answer.end('{}')
    const wish: Wish = { what: type === 'call.end' ? 'end' : 'raise', callId, atMs }
    this.wishes.push(wish)
    this.#heard(wish)
  }
}
