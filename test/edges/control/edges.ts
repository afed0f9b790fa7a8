/** Small HTTP servers that stand in for edges: polite ones, and ones that are silent, slow, garbled or endless. */
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'

export interface Asked {
  readonly path: string
  readonly body: string
  readonly headers: IncomingHttpHeaders
}

export interface StandIn {
  readonly url: string
  readonly asked: Asked[]
  close(): Promise<void>
}

export type Reply = (response: ServerResponse, asked: Asked) => void

export async function standIn(reply: Reply): Promise<StandIn> {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const seen = { path: request.url ?? '', body: Buffer.concat(parts).toString('utf8'), headers: request.headers }
      asked.push(seen)
      reply(response, seen)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${portOf(server)}/RPC`, asked, close: () => closed(server) }
}

export function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(value))
}

function portOf(server: Server): number {
  const address = server.address()
  return address !== null && typeof address === 'object' ? address.port : 0
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}
