/**
 * The unix socket that Kamailio's and OpenSIPS' call_control modules talk to.
 *
 * A SIP worker stands still while it waits, at most 500 ms by default, so an answer is given within `deadlineMs` in any
 * case: an allow that comes later is taken back. The module never repeats a `start` or `stop`; what the desk could not
 * take is repeated from here. `start` and `stop` name no From tag, so these calls have a call id and no leg id.
 *
 * Shared connections: Kamailio's module (5.6) connects before Kamailio forks, so that all workers inherit one connection,
 * and answers, which carry no name, reach whoever reads first: a refused call takes the leave of another. So a connection
 * that asks nothing at once is closed; each worker then finds it broken and makes its own. A worker never asks again
 * before it has its answer: where that happens the connection is shared, and nobody is answered on it.
 */
import { chmod, lstat, unlink } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { Fault } from '../../base/fault.ts'
import type { Clock } from '../../base/time.ts'
import { Recent } from '../../calls/memory.ts'
import {
  type CallControlAnswer,
  type CallControlRequest,
  dialogOf,
  MAX_REQUEST_BYTES,
  refusalLine,
  takeRequest,
  userOf,
} from './protocol.ts'
import { Repeater } from '../repeater.ts'

/** The flat forms of `POST /v1/calls/authorize` and `/v1/calls/events`. */
export interface CallControlAuthorize {
  readonly node: string
  readonly callId: string
  readonly direction: 'outbound'
  readonly from: string
  readonly to: string
  readonly source?: string
  readonly account?: string
  readonly ts: string
}

export interface CallControlDecision {
  readonly decision: 'allow' | 'deny'
  readonly code: string
}

export interface CallControlEvent {
  readonly type: 'start' | 'stop' | 'failed'
  readonly node: string
  readonly callId: string
  readonly ts: string
  readonly answeredAt?: string
  readonly endedAt?: string
  readonly cause?: string
  readonly ref?: { readonly hEntry: number; readonly hId: number }
}

/** What the socket needs of the daemon. */
export interface CallControlDesk {
  authorize(input: CallControlAuthorize): Promise<CallControlDecision>
  /** Resolves when the event is durable. */
  event(input: CallControlEvent): Promise<unknown>
}

export interface CallControlSettings {
  readonly path: string
  readonly node: string
  readonly deadlineMs?: number
  /** How long a new connection may ask nothing. */
  readonly unusedMs?: number
  readonly clock?: Clock
  /** Told of an event that is refused for another reason than that the store is away; it is repeated all the same. */
  readonly undelivered?: (error: unknown, event: CallControlEvent) => void
}

const machineClock: Clock = { nowMs: () => performance.timeOrigin + performance.now() }

const MAX_CONNECTIONS = 512
/** Of calls that began lately; of an older one the store knows more. */
const MAX_KNOWN_CALLS = 100_000

/** Not answered yet, or since when. */
interface KnownCall {
  readonly answeredAt?: string
}

export class CallControlServer {
  readonly #desk: CallControlDesk
  readonly #settings: Required<CallControlSettings>
  readonly #sockets = new Set<Socket>()
  readonly #known = new Recent<string, KnownCall>(2 * MAX_KNOWN_CALLS)
  readonly #repeater: Repeater<CallControlEvent>
  #server: Server | undefined

  constructor(desk: CallControlDesk, settings: CallControlSettings) {
    this.#desk = desk
    this.#settings = { deadlineMs: 400, unusedMs: 100, clock: machineClock, undelivered: () => undefined, ...settings }
    this.#repeater = new Repeater((event) => desk.event(event), this.#settings.undelivered)
  }

  /** Listens; takes the place of a socket file that nobody answers on, and of nothing else. */
  async start(): Promise<void> {
    const { path } = this.#settings
    await clearStale(path)
    const server = createServer((socket) => void this.#serve(socket))
    server.maxConnections = MAX_CONNECTIONS
    await listening(server, path)
    await chmod(path, 0o660)
    this.#server = server
  }

  async stop(): Promise<void> {
    this.#repeater.stop()
    const server = this.#server
    if (!server) return
    this.#server = undefined
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  async #serve(socket: Socket): Promise<void> {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    // A worker that went away: there is nobody left to tell.
    socket.on('error', () => socket.destroy())
    const unused = setTimeout(() => socket.destroy(), this.#settings.unusedMs)
    try {
      await this.#talk(socket, unused)
    } catch {
      // The connection broke in the middle of a request.
    }
    clearTimeout(unused)
    socket.destroy()
  }

  async #talk(socket: Socket, unused: NodeJS.Timeout): Promise<void> {
    let received: Buffer = Buffer.alloc(0)
    for await (const chunk of socket) {
      clearTimeout(unused)
      received = Buffer.concat([received, Buffer.from(chunk)])
      const taken = takeRequest(received)
      if (!taken && received.length <= MAX_REQUEST_BYTES) continue
      // Too long, or more than one worker is asking.
      if (!taken || taken.rest.length > 0) return
      received = taken.rest
      if (!(await this.#reply(socket, taken.request))) return
    }
  }

  /** False when nobody may be answered on this connection any more. */
  async #reply(socket: Socket, request: CallControlRequest | undefined): Promise<boolean> {
    const answer = request ? await this.#answer(request) : 'Error'
    if (!socket.destroyed && socket.readableLength === 0) {
      socket.write(`${answer}\r\n`)
      return true
    }
    if (request && answer === 'Limited') await this.#takeBack(request, 'nobody_answered')
    return false
  }

  /** The answer, or `Error` at the deadline. */
  async #answer(request: CallControlRequest): Promise<CallControlAnswer> {
    let onTime = true
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<CallControlAnswer>((resolve) => {
      timer = setTimeout(() => {
        onTime = false
        resolve('Error')
      }, this.#settings.deadlineMs)
    })
    const answer = this.#handle(request, () => onTime).catch((): CallControlAnswer => 'Error')
    const first = await Promise.race([answer, late])
    clearTimeout(timer)
    return first
  }

  async #handle(request: CallControlRequest, onTime: () => boolean): Promise<CallControlAnswer> {
    switch (request.command) {
      case 'init':
        return await this.#init(request, onTime)
      case 'start':
        return await this.#started(request)
      case 'stop':
        return await this.#stopped(request)
    }
  }

  async #init(request: CallControlRequest, onTime: () => boolean): Promise<CallControlAnswer> {
    const field = (name: string): string => request.fields.get(name) ?? ''
    const diverter = field('diverter')
    const callId = field('callid')
    const decision = await this.#desk.authorize({
      node: this.#settings.node,
      callId,
      direction: 'outbound',
      from: userOf(diverter && diverter !== 'None' ? diverter : field('from')),
      to: userOf(field('ruri')),
      ...(field('sourceip') ? { source: field('sourceip') } : {}),
      ts: this.#now(),
    })
    if (decision.decision !== 'allow') return refusalLine(decision.code, request)
    if (!onTime()) {
      await this.#takeBack(request, 'answered_too_late')
      return 'Error'
    }
    this.#known.set(callId, {})
    // Never "No limit": the module would not report how such a call went.
    return 'Limited'
  }

  /** An allow that the worker will not act upon. */
  async #takeBack(request: CallControlRequest, cause: string): Promise<void> {
    const callId = request.fields.get('callid') ?? ''
    this.#known.delete(callId)
    await this.#report({ type: 'failed', ...this.#about(callId), cause })
  }

  async #started(request: CallControlRequest): Promise<CallControlAnswer> {
    const callId = request.fields.get('callid') ?? ''
    const answeredAt = this.#known.get(callId)?.answeredAt ?? this.#now()
    this.#known.set(callId, { answeredAt })
    const ref = dialogOf(request.fields.get('dialogid'))
    await this.#report({ type: 'start', ...this.#about(callId), answeredAt, ...(ref ? { ref } : {}) })
    return 'Ok'
  }

  async #stopped(request: CallControlRequest): Promise<CallControlAnswer> {
    const callId = request.fields.get('callid') ?? ''
    const known = this.#known.get(callId)
    this.#known.delete(callId)
    const about = this.#about(callId)
    if (known && !known.answeredAt) await this.#report({ type: 'failed', ...about })
    else {
      // After a restart only the store knows when the call was answered, and whether it was.
      const answered = known?.answeredAt ? { answeredAt: known.answeredAt } : {}
      await this.#report({ type: 'stop', ...about, ...answered, endedAt: about.ts })
    }
    return 'Ok'
  }

  /** Hands the event over, now or, when the desk cannot take it, as soon as it can. */
  async #report(event: CallControlEvent): Promise<void> {
    await this.#repeater.deliver(event)
  }

  #about(callId: string): { readonly node: string; readonly callId: string; readonly ts: string } {
    return { node: this.#settings.node, callId, ts: this.#now() }
  }

  #now(): string {
    return new Date(this.#settings.clock.nowMs()).toISOString()
  }
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new Fault('config_invalid', `the call_control socket ${path} cannot be opened`, { cause }))
    })
    server.listen(path, resolve)
  })
}

async function clearStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined)
  if (!found) return
  if (!found.isSocket()) throw new Fault('config_invalid', `${path} is in the way of the call_control socket`)
  if (await answers(path)) throw new Fault('config_invalid', `another process answers on ${path}`)
  await unlink(path)
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path)
    const end = (answered: boolean): void => {
      probe.destroy()
      resolve(answered)
    }
    probe.setTimeout(1_000, () => end(true))
    probe.once('connect', () => end(true))
    probe.once('error', () => end(false))
  })
}
