/**
 * A loopback port that is free now, below those that the system gives to outgoing connections: a server that is started again
 * on its port must not find a client there.
 */
import { createServer } from 'node:net'

const LEAST = 12_000
const MOST = 31_999
const TRIES = 200

export async function freeTcpPort(): Promise<number> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const port = LEAST + Math.floor(Math.random() * (MOST - LEAST + 1))
    if (await isFree(port)) return port
  }
  throw new Error('no free port found')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
