/** Somebody who is sent webhooks, and checks them with the public library. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { Webhook } from 'standardwebhooks'

export interface Received {
  readonly id: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  readonly body: { readonly type: string; readonly timestamp: string; readonly data: Readonly<Record<string, unknown>> }
}

export type Answers = (request: IncomingMessage, response: ServerResponse, received: Received) => void

export class Receiver {
  readonly received: Received[] = []
  url = ''
  answers: Answers = (_request, response) => response.writeHead(204).end()

  static async open(): Promise<Receiver> {
    const receiver = new Receiver()
    const server = createServer((request, response) => {
      let text = ''
      request.setEncoding('utf8')
      request.on('data', (part: string) => (text += part))
      request.on('end', () => {
        const headers = Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
        )
        const body = JSON.parse(text === '' ? '{}' : text) as Received['body']
        const received = { id: headers['webhook-id'] ?? '', path: request.url ?? '', headers, text, body }
        receiver.received.push(received)
        receiver.answers(request, response, received)
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    return receiver
  }

  get ids(): readonly string[] {
    return this.received.map(({ id }) => id)
  }

  answer(status: number): void {
    this.answers = (_request, response) => response.writeHead(status).end()
  }
}

export function isSignedBy(secret: string, { headers, text }: Received): boolean {
  try {
    new Webhook(secret).verify(text, headers)
    return true
  } catch {
    return false
  }
}
