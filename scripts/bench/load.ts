/**
 * Load on a daemon's sockets: so many connections, each with one request under way, for so many seconds. It writes and
 * reads bytes and nothing else, as on a machine of two cores a client that does more would measure itself.
 */
import { connect, type Socket } from 'node:net'
import { percentile } from './figures.ts'

export interface Load {
  /** A port of this machine, or the path of a unix socket. */
  readonly to: number | string
  readonly connections: number
  readonly seconds: number
  /** The bytes of the n-th request of a connection. */
  readonly request: (connection: number, n: number) => string
  /** Whether what came is a whole answer; throws when it is not the one that was wanted. */
  readonly isWhole: (received: string) => boolean
}

export interface LoadResult {
  readonly answers: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of this process, in microseconds for each answer. */
  readonly ownMicros: number
}

const CONNECT_MS = 5_000

export async function runLoad(load: Load): Promise<LoadResult> {
  const latencies: number[] = []
  const sockets = await Promise.all(Array.from({ length: load.connections }, () => open(load.to)))
  const cpu = process.cpuUsage()
  const beganMs = performance.now()
  const untilMs = beganMs + load.seconds * 1000
  await Promise.all(sockets.map((socket, connection) => work(socket, load, { connection, untilMs, latencies })))
  const lastedMs = performance.now() - beganMs
  const { user, system } = process.cpuUsage(cpu)
  return {
    answers: latencies.length,
    perSecond: (latencies.length / lastedMs) * 1000,
    p50Ms: percentile(latencies, 50),
    p99Ms: percentile(latencies, 99),
    ownMicros: (user + system) / latencies.length,
  }
}

function open(to: number | string): Promise<Socket> {
  const socket = typeof to === 'number' ? connect(to, '127.0.0.1') : connect(to)
  socket.setNoDelay(true)
  socket.setTimeout(CONNECT_MS, () => socket.destroy(new Error('no answer in time')))
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket))
    socket.once('error', reject)
  })
}

interface Working {
  readonly connection: number
  readonly untilMs: number
  readonly latencies: number[]
}

function work(socket: Socket, { request, isWhole }: Load, working: Working): Promise<void> {
  const { connection, untilMs, latencies } = working
  return new Promise((resolve, reject) => {
    let n = 0
    let sentMs = 0
    let received = ''
    const send = (): void => {
      sentMs = performance.now()
      if (sentMs >= untilMs) {
        socket.end()
        resolve()
        return
      }
      socket.write(request(connection, n))
      n += 1
    }
    socket.on('error', reject)
    socket.on('data', (bytes: Buffer) => {
      received += bytes.toString('latin1')
      try {
        if (!isWhole(received)) return
      } catch (error) {
        socket.destroy()
        reject(error instanceof Error ? error : new Error(String(error)))
        return
      }
      received = ''
      latencies.push(performance.now() - sentMs)
      send()
    })
    send()
  })
}

/** A POST of JSON as an edge sends it on a connection that it keeps. */
export function postText(path: string, key: string, body: unknown): string {
  const text = JSON.stringify(body)
  return `POST ${path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
}

/** An HTTP answer of 200 that says what is wanted of it. */
export function isAnswer(wanted: string): (received: string) => boolean {
  return (received) => {
    const end = received.indexOf('\r\n\r\n')
    if (end < 0) return false
    const length = Number(/content-length: (\d+)/i.exec(received)?.[1])
    if (received.length < end + 4 + length) return false
    if (received.startsWith('HTTP/1.1 200') && received.includes(wanted, end)) return true
    throw new Error(`the answer is not as wanted: ${received.slice(0, 400)}`)
  }
}
