/**
 * What a decision costs at least: node:http, JSON, and the daemon's own authorize script with keys and words of the same
 * number and size, on the same connection as the daemon's. It knows no accounts, prices, keys or limits.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { RedisStore } from '../../src/store/redis.ts'
import type { Sent } from './desk.ts'
import { newLeg } from './authorize-script.ts'

const [url = '', text = ''] = process.argv.slice(2)
const sample = JSON.parse(text) as Sent
const store = new RedisStore({ urls: [url], commandTimeoutMs: 1_000, maxInFlight: 1_024 })
await store.open()
let calls = 0

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = JSON.parse((await buffer(request)).toString()) as { readonly account: string }
  const { keys, args } = newLeg(sample, String((calls += 1)))
  const [word] = (await store.run('reserve', keys, args)) as readonly string[]
  const told = JSON.stringify({
    allow: word === 'reserved',
    decision: 'allow',
    code: 'ok',
    sipCode: 200,
    call: '01M844DZG00AKKXKPTVNQDG06Z',
    maxDurationSeconds: 14_400,
    reservedSeconds: 60,
    final: false,
    fundedBy: 'credit',
    reserved: '60.000000',
    currency: 'USD',
    account: asked.account,
  })
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(told) })
  response.end(told)
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    response.writeHead(500)
    response.end(String(error))
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`${typeof address === 'object' && address ? address.port : 0}\n`)
})
