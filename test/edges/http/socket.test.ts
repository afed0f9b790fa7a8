/** Over a real socket: what only shows on the wire. */
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MASTER_KEY, openRig, type Rig } from './fake-daemon.ts'

let rig: Rig
let port: number
const agent = new Agent({ keepAlive: true, maxSockets: 1 })

beforeEach(async () => {
  rig = await openRig()
  await rig.server.listen({ port: 0, host: '127.0.0.1' })
  const address = rig.server.server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  port = address.port
})
afterEach(async () => {
  agent.destroy()
  await rig.server.close()
})

interface Answer {
  readonly status: number | undefined
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: string
  readonly localPort: number | undefined
}

async function post(path: string, body: string): Promise<Answer> {
  const headers = { authorization: `Bearer ${MASTER_KEY}`, 'content-type': 'application/json' }
  const outgoing = request({ port, host: '127.0.0.1', method: 'POST', path, headers, agent })
  outgoing.end(body)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  const localPort = response.socket.localPort
  return { status: response.statusCode, headers: response.headers, body: await text(response), localPort }
}

async function raw(bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(bytes)
  return text(socket)
}

const asking = JSON.stringify({ callId: 'c', direction: 'outbound', from: '1', to: '2' })

describe('the socket', () => {
  it('carries one decision after the other, and stays open longer than edges leave it idle', async () => {
    const first = await post('/v1/calls/authorize', asking)
    const second = await post('/v1/calls/authorize', asking)
    expect(first.status).toBe(200)
    expect(JSON.parse(first.body)).toMatchObject({ allow: true })
    expect(second.localPort).toBe(first.localPort)
    expect(first.headers['keep-alive']).toBe('timeout=65')
    expect(first.headers['content-length']).toBe(String(Buffer.byteLength(first.body)))
  })

  it('writes no line for a request', async () => {
    await post('/v1/calls/authorize', asking)
    expect(rig.lines).toEqual([])
  })

  it.each([
    ['no HTTP', 'HELLO\r\n\r\n', 400, 'malformed_request'],
    ['headers beyond 16 kB', `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
  ])('answers %s with a problem', async (_, bytes, status, code) => {
    const answer = await raw(bytes)
    const [head = '', body = ''] = answer.split('\r\n\r\n')
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(head).toContain('content-type: application/problem+json')
    expect(JSON.parse(body)).toMatchObject({ status, code })
  })

  it('refuses a body that is announced too large without reading it', async () => {
    const head = ['POST /v1/calls/authorize HTTP/1.1', 'host: x', `authorization: Bearer ${MASTER_KEY}`]
    const answer = await raw([...head, 'content-type: application/json', 'content-length: 70000', '', ''].join('\r\n'))
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
  })

  it('reads no body of a stranger', async () => {
    const head = ['POST /v1/tariffs/retail/versions HTTP/1.1', 'host: x', 'connection: close']
    const answer = await raw(
      [...head, 'content-type: application/json', 'content-length: 99999999', '', ''].join('\r\n'),
    )
    expect(answer).toMatch(/^HTTP\/1\.1 401 /)
  })

  it('closes after the answer while the daemon drains', async () => {
    await post('/v1/calls/authorize', asking)
    rig.scene.draining = true
    const last = await post('/v1/calls/events', '{"type":"alive","callId":"c"}')
    expect([last.status, last.headers['connection']]).toEqual([200, 'close'])
  })

  it('answers what is under way when it is closed', async () => {
    let finish: (() => void) | undefined
    const waiting = new Promise<void>((resolve) => {
      finish = resolve
    })
    const { authorize } = rig.scene
    rig.scene.authorize = async () => {
      await waiting
      return authorize()
    }
    const answer = post('/v1/calls/authorize', asking)
    while (rig.inputs('authorize').length === 0) await new Promise((resolve) => setImmediate(resolve))
    const closed = rig.server.close()
    finish?.()
    expect((await answer).status).toBe(200)
    await closed
  })
})
