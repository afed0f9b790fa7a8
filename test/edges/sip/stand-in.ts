/** A daemon of the contract's shape that can be told to be silent, to answer nonsense, or to take no events. */

import { createServer, type Server, type ServerResponse } from 'node:http'
import { freePort } from './process.ts'

export type Mood = 'well' | 'silent' | 'garbage' | 'failing' | 'slow' | 'no_word'

export interface EventSeen {
  readonly type: string
  readonly callId?: string
  readonly legId?: string
  readonly cause?: string
  readonly decision?: string
  readonly answeredAt?: string
  readonly endedAt?: string
}

const allow = { allow: true, decision: 'allow', code: 'ok', sipCode: 200, maxDurationSeconds: 600 }

export class StandIn {
  readonly url: string
  readonly port: number
  readonly asked: unknown[] = []
  readonly events: EventSeen[] = []
  /** What it says to `authorize`. */
  mood: Mood = 'well'
  maxDurationSeconds = 600
  /** What it says to events. */
  eventStatus: (batch: readonly EventSeen[]) => number = () => 200
  readonly #server: Server

  private constructor(port: number) {
    this.port = port
    this.url = `http://127.0.0.1:${port}`
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        const body: unknown = JSON.parse(Buffer.concat(parts).toString('utf8'))
        if (request.url === '/v1/calls/events') this.#take(body, response)
        else this.#decide(body, response)
      })
    })
    this.#server.keepAliveTimeout = 65_000
  }

  static async start(): Promise<StandIn> {
    const standIn = new StandIn(await freePort())
    await new Promise<void>((resolve) => standIn.#server.listen(standIn.port, '127.0.0.1', resolve))
    return standIn
  }

  async end(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  /** The types of the events of one call, in the order they came. */
  typesOf(callId: string | undefined): readonly string[] {
    return this.events.filter((event) => event.callId === callId).map(({ type }) => type)
  }

  #decide(body: unknown, response: ServerResponse): void {
    this.asked.push(body)
    const answer = JSON.stringify({ ...allow, maxDurationSeconds: this.maxDurationSeconds })
    switch (this.mood) {
      case 'well':
        return send(response, 200, answer)
      case 'silent':
        return
      case 'garbage':
        return send(response, 200, '<html>')
      case 'failing':
        return send(response, 500, answer)
      case 'no_word':
        return send(response, 200, '{"allow":true,"maxDurationSeconds":600}')
      case 'slow':
        setTimeout(() => send(response, 200, answer), 800)
    }
  }

  #take(body: unknown, response: ServerResponse): void {
    const batch = [body].flat() as readonly EventSeen[]
    const status = this.eventStatus(batch)
    if (status === 200) this.events.push(...batch)
    send(response, status, '{"accepted":1}')
  }
}

function send(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  response.end(text)
}
