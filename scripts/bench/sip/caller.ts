/**
 * A caller that times INVITE to 200 to the tenth of a millisecond: the clock of sipp is too coarse for what a decision
 * adds. One call after the other at a rate; each is hung up when it is answered. Loopback loses nothing, so nothing is
 * sent twice: a call without an answer in time has failed.
 */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'

export interface CalmLoad {
  readonly target: number
  /** Calls a second. */
  readonly rate: number
  readonly calls: number
  readonly accounts: readonly string[]
}

export interface Timed {
  readonly failed: number
  /** INVITE to 200 of each answered call, in ms. */
  readonly answerMs: readonly number[]
}

const ANSWER_MS = 5_000
const NUMBER = '+442079460999'
const SDP = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 8\r\n'

/** Of the account at that place of a list. */
export function callingNumber(index: number): string {
  return `+44207946${String(1_000 + index)}`
}

export async function callCalmly(wish: CalmLoad): Promise<Timed> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const callers = new Callers(socket, wish)
  try {
    const beganMs = performance.now()
    for (let call = 0; call < wish.calls; call += 1) {
      const waitMs = beganMs + (call * 1_000) / wish.rate - performance.now()
      if (waitMs > 0) await pause(waitMs)
      callers.invite()
    }
    const deadlineMs = performance.now() + ANSWER_MS
    while (callers.open > 0 && performance.now() < deadlineMs) await pause(20)
    return { failed: callers.failed + callers.open, answerMs: callers.answerMs }
  } finally {
    socket.close()
  }
}

interface Open {
  readonly from: string
  readonly sentMs: number
  /** Until its BYE is answered. */
  isUp: boolean
}

class Callers {
  failed = 0
  readonly answerMs: number[] = []
  readonly #socket: Socket
  readonly #wish: CalmLoad
  readonly #port: number
  readonly #run = crypto.randomUUID().slice(0, 8)
  readonly #calls = new Map<string, Open>()
  #made = 0

  constructor(socket: Socket, wish: CalmLoad) {
    this.#socket = socket
    this.#wish = wish
    this.#port = socket.address().port
    socket.on('message', (bytes) => this.#hear(bytes.toString('latin1'), performance.now()))
  }

  get open(): number {
    return this.#calls.size
  }

  invite(): void {
    const { accounts } = this.#wish
    const callId = `${this.#run}-${this.#made}`
    const place = this.#made % accounts.length
    const account = accounts[place] ?? ''
    const from = callingNumber(place)
    this.#made += 1
    const headers = [
      `To: <sip:${NUMBER}@127.0.0.1:${this.#wish.target}>`,
      `Contact: <sip:${from}@127.0.0.1:${this.#port}>`,
      `X-Tollgate-Account: ${account}`,
      'Content-Type: application/sdp',
    ]
    this.#calls.set(callId, { from, sentMs: performance.now(), isUp: false })
    this.#send({ method: 'INVITE', uri: `sip:${NUMBER}@127.0.0.1:${this.#wish.target}`, callId, cseq: 1, headers }, SDP)
  }

  #hear(text: string, atMs: number): void {
    const status = Number(/^SIP\/2\.0 (\d{3})/.exec(text)?.[1] ?? 0)
    const callId = header(text, 'Call-ID')[0] ?? ''
    const method = header(text, 'CSeq')[0]?.split(' ')[1]
    const call = this.#calls.get(callId)
    if (!call || status < 200) return
    if (method === 'BYE' || status > 299) {
      this.#calls.delete(callId)
      if (status > 299) this.failed += 1
    } else if (!call.isUp) {
      call.isUp = true
      this.answerMs.push(atMs - call.sentMs)
      this.#hangUp(text, callId)
    }
  }

  #hangUp(answer: string, callId: string): void {
    const uri = /<([^>]+)>/.exec(header(answer, 'Contact')[0] ?? '')?.[1] ?? ''
    const routes = header(answer, 'Record-Route').toReversed()
    const headers = [`To: ${header(answer, 'To')[0] ?? ''}`, ...routes.map((route) => `Route: ${route}`)]
    this.#send({ method: 'ACK', uri, callId, cseq: 1, headers })
    this.#send({ method: 'BYE', uri, callId, cseq: 2, headers })
  }

  #send(message: Message, body = ''): void {
    const { method, uri, callId, cseq, headers } = message
    const from = this.#calls.get(callId)?.from ?? ''
    const text = [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${this.#port};branch=z9hG4bK${callId}-${method}`,
      `From: <sip:${from}@127.0.0.1:${this.#port}>;tag=${callId}`,
      `Call-ID: ${callId}`,
      `CSeq: ${cseq} ${method}`,
      'Max-Forwards: 70',
      ...headers,
      `Content-Length: ${body.length}`,
      '',
      body,
    ].join('\r\n')
    this.#socket.send(text, this.#wish.target, '127.0.0.1')
  }
}

interface Message {
  readonly method: 'INVITE' | 'ACK' | 'BYE'
  readonly uri: string
  readonly callId: string
  readonly cseq: number
  readonly headers: readonly string[]
}

/** Values of a header, in their order. */
function header(text: string, name: string): readonly string[] {
  return [...text.matchAll(new RegExp(`^${name}: *(.*?)\\r?$`, 'gim'))].map(([, value = '']) => value)
}
