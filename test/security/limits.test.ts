/** What a client can make the daemon hold: connections, headers, bodies and time, over real sockets. */
import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MASTER_KEY, openRig, type Rig } from '../edges/http/fake-daemon.ts'

const LIMITS = { connections: 3, headersMs: 300, requestMs: 600, checkEveryMs: 50, idleMs: 200 }

let rig: Rig
let port: number
const sockets: Socket[] = []

beforeEach(async () => {
  rig = await openRig({}, LIMITS)
  await rig.server.listen({ port: 0, host: '127.0.0.1' })
  port = (rig.server.server.address() as AddressInfo).port
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await rig.server.close()
})

async function open(): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => socket.destroy())
  await once(socket, 'connect')
  return socket
}

const ask = (...headers: readonly string[]): string =>
  [
    'POST /v1/calls/authorize HTTP/1.1',
    'host: x',
    `authorization: Bearer ${MASTER_KEY}`,
    'content-type: application/json',
    ...headers,
    '',
    '',
  ].join('\r\n')

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`

/** Sends a byte now and then until it is closed on; what was answered, and how long that took. */
async function drip(socket: Socket, from: string): Promise<{ readonly answer: string; readonly ms: number }> {
  const startedMs = performance.now()
  const answer = text(socket)
  for (let sent = 0; !socket.readableEnded && sent < from.length; sent += 1) {
    socket.write(from[sent]!)
    await pause(20)
  }
  return { answer: await answer, ms: performance.now() - startedMs }
}

describe('a client that is slow on purpose', () => {
  it('with its headers is answered 408 and closed on', async () => {
    const { answer, ms } = await drip(await open(), `GET /livez HTTP/1.1\r\nx: ${'y'.repeat(500)}`)
    expect(answer).toMatch(/^HTTP\/1\.1 408 .*"code":"request_timeout"/s)
    expect(ms).toBeLessThan(5_000)
  })

  it('with its body is answered 408 and closed on', async () => {
    const socket = await open()
    socket.write(ask('content-length: 1000'))
    const { answer, ms } = await drip(socket, ' '.repeat(500))
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
    expect(ms).toBeLessThan(5_000)
    expect(rig.inputs('authorize')).toEqual([])
  })

  it('or never sends anything, is closed on', async () => {
    const startedMs = performance.now()
    await text(await open())
    expect(performance.now() - startedMs).toBeLessThan(5_000)
  })
})

describe('a body', () => {
  it('that grows beyond its limit in chunks is refused, and not read to its end', async () => {
    const socket = await open()
    const answer = text(socket)
    socket.write(ask('transfer-encoding: chunked'))
    for (let sent = 0; sent < 9 && socket.writable; sent += 1) socket.write(chunk(' '.repeat(8_000)))
    expect(await answer).toMatch(/^HTTP\/1\.1 413 .*"code":"body_too_large"/s)
  })

  it('that is compressed is not unpacked', async () => {
    const body = gzipSync(' '.repeat(1_000_000))
    const socket = await open()
    const answer = text(socket)
    socket.write(ask('content-encoding: gzip', `content-length: ${body.length}`, 'connection: close'))
    socket.write(body)
    expect(await answer).toMatch(/^HTTP\/1\.1 400 .*"code":"malformed_body"/s)
  })
})

it('more connections than the limit are closed at once, and those that are there go on', async () => {
  const held = [await open(), await open(), await open()]
  const over = await open()
  expect(await text(over)).toBe('')
  const [first] = held
  const answer = text(first!)
  first!.write('GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  expect(await answer).toMatch(/^HTTP\/1\.1 200 /)
  const next = await open()
  const later = text(next)
  next.write('GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  expect(await later).toMatch(/^HTTP\/1\.1 200 .*cache-control: no-store.*x-content-type-options: nosniff/s)
})
