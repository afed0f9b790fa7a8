import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type CallControlAuthorize,
  type CallControlDecision,
  type CallControlEvent,
  CallControlServer,
} from '../../../src/edges/socket/call-control.ts'

const allow: CallControlDecision = { decision: 'allow', code: 'ok' }
const deny = (code: string): CallControlDecision => ({ decision: 'deny', code })

class Desk {
  readonly asked: CallControlAuthorize[] = []
  readonly events: CallControlEvent[] = []
  decide: () => Promise<CallControlDecision> = () => Promise.resolve(allow)
  take: () => Promise<void> = () => Promise.resolve()

  async authorize(input: CallControlAuthorize): Promise<CallControlDecision> {
    this.asked.push(input)
    return await this.decide()
  }

  async event(input: CallControlEvent): Promise<void> {
    await this.take()
    this.events.push(input)
  }
}

/** A SIP worker: sends bytes, reads lines. */
class Worker {
  readonly #socket: Socket
  readonly #lines: string[] = []
  #text = ''
  #wake: () => void = () => undefined
  closed = false

  constructor(path: string) {
    this.#socket = connect(path)
    this.#socket.on('error', () => undefined)
    this.#socket.on('data', (chunk) => {
      const parts = (this.#text + chunk.toString('utf8')).split('\r\n')
      this.#text = parts.pop() ?? ''
      this.#lines.push(...parts)
      this.#wake()
    })
    this.#socket.on('close', () => {
      this.closed = true
      this.#wake()
    })
  }

  send(bytes: string | Buffer): void {
    this.#socket.write(bytes)
  }

  async line(): Promise<string | undefined> {
    while (this.#lines.length === 0 && !this.closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#lines.shift()
  }

  async ask(bytes: string | Buffer): Promise<string | undefined> {
    this.send(bytes)
    return await this.line()
  }

  end(): void {
    this.#socket.destroy()
  }
}

const init = (callId: string, more = ''): string =>
  `init\r\nruri: sip:+442079460999@10.0.0.1:5060;user=phone\r\ndiverter: None\r\nsourceip: 10.0.0.2\r\ncallid: ${callId}\r\n` +
  `from: "Ann; <x>" <sip:+442079460100@example.org>\r\nfromtag: tag1\r\n${more}\r\n`
const opensips = 'prepaid: true\r\ncall_limit: 5\r\ncall_token: None\r\n'

let folder = ''
let path = ''
let desk = new Desk()
let server: CallControlServer
let nowMs = Date.UTC(2026, 0, 1)
const workers: Worker[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tollgate-socket-'))
  path = join(folder, 'cc.sock')
  desk = new Desk()
  nowMs = Date.UTC(2026, 0, 1)
  server = new CallControlServer(desk, { path, node: 'kam1', deadlineMs: 150, clock: { nowMs: () => nowMs } })
  await server.start()
})

afterEach(async () => {
  for (const worker of workers.splice(0)) worker.end()
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

function worker(): Worker {
  const made = new Worker(path)
  workers.push(made)
  return made
}

describe('the call_control socket', () => {
  it('authorizes, starts and stops a call with its numbers and its dialog', async () => {
    const sip = worker()
    expect(await sip.ask(init('c1'))).toBe('Limited')
    expect(desk.asked).toEqual([
      {
        node: 'kam1',
        callId: 'c1',
        direction: 'outbound',
        from: '+442079460100',
        to: '+442079460999',
        source: '10.0.0.2',
        ts: '2026-01-01T00:00:00.000Z',
      },
    ])
    nowMs += 1_000
    expect(await sip.ask('start\r\ncallid: c1\r\ndialogid: 7:-294967296\r\n\r\n')).toBe('Ok')
    nowMs += 5_500
    expect(await sip.ask('stop\r\ncallid: c1\r\n\r\n')).toBe('Ok')
    const answeredAt = '2026-01-01T00:00:01.000Z'
    const endedAt = '2026-01-01T00:00:06.500Z'
    expect(desk.events).toEqual([
      { type: 'start', node: 'kam1', callId: 'c1', ts: answeredAt, answeredAt, ref: { hEntry: 7, hId: 4_000_000_000 } },
      { type: 'stop', node: 'kam1', callId: 'c1', ts: endedAt, answeredAt, endedAt },
    ])
  })

  it('reports a call that was never answered as failed', async () => {
    const sip = worker()
    await sip.ask(init('c1'))
    await sip.ask('stop\r\ncallid: c1\r\n\r\n')
    expect(desk.events.map(({ type }) => type)).toEqual(['failed'])
  })

  it('leaves it to the store whether a call it does not remember was answered', async () => {
    await worker().ask('stop\r\ncallid: old\r\n\r\n')
    expect(desk.events).toEqual([
      {
        type: 'stop',
        node: 'kam1',
        callId: 'old',
        ts: '2026-01-01T00:00:00.000Z',
        endedAt: '2026-01-01T00:00:00.000Z',
      },
    ])
  })

  it('keeps the first answer time when the 200 is forwarded again', async () => {
    const sip = worker()
    await sip.ask(init('c1'))
    await sip.ask('start\r\ncallid: c1\r\ndialogid: 1:1\r\n\r\n')
    nowMs += 700
    await sip.ask('start\r\ncallid: c1\r\ndialogid: 1:1\r\n\r\n')
    expect(new Set(desk.events.map(({ answeredAt }) => answeredAt)).size).toBe(1)
  })

  it('lets the diverter pay', async () => {
    await worker().ask(init('c1').replace('diverter: None', 'diverter: +4420%37@example.org'))
    expect(desk.asked[0]?.from).toBe('+44207')
  })

  const refusals = [
    ['no_credit', 'No credit', 'No credit'],
    ['no_minutes', 'No credit', 'No credit'],
    ['spend_cap', 'No credit', 'No credit'],
    ['trunk_limit', 'Locked', 'Call limit reached'],
    ['call_limit', 'Locked', 'Call limit reached'],
    ['gone', 'Locked', 'Duplicated callid'],
    ['no_rate', 'Locked', 'Locked'],
    ['account_unknown', 'Locked', 'Locked'],
    ['engine_unavailable', 'Error', 'Error'],
  ] as const

  it.each(refusals)('answers %s with "%s" to Kamailio and "%s" to OpenSIPS', async (code, kamailio, other) => {
    desk.decide = () => Promise.resolve(deny(code))
    const sip = worker()
    expect(await sip.ask(init('c1'))).toBe(kamailio)
    expect(await sip.ask(init('c2', opensips))).toBe(other)
  })
})

describe('the call_control socket in time', () => {
  it('answers before the module gives up, and takes a late allow back', async () => {
    let decideNow: (decision: CallControlDecision) => void = () => undefined
    desk.decide = () => new Promise((resolve) => (decideNow = resolve))
    expect(await worker().ask(init('c1'))).toBe('Error')
    decideNow(allow)
    await expect
      .poll(() => desk.events.map(({ type, cause }) => [type, cause]))
      .toEqual([['failed', 'answered_too_late']])
  })

  it('answers Error when the desk cannot decide', async () => {
    desk.decide = () => Promise.reject(new Error('store away'))
    expect(await worker().ask(init('c1'))).toBe('Error')
  })

  it('repeats what the desk could not take, as the module never does', async () => {
    const sip = worker()
    await sip.ask(init('c1'))
    desk.take = () => Promise.reject(new Error('store away'))
    expect(await sip.ask('start\r\ncallid: c1\r\ndialogid: 1:1\r\n\r\n')).toBe('Error')
    expect(await sip.ask('stop\r\ncallid: c1\r\n\r\n')).toBe('Error')
    desk.take = () => Promise.resolve()
    await expect.poll(() => desk.events.map(({ type }) => type), { timeout: 3_000 }).toEqual(['start', 'stop'])
  })
})

describe('the call_control socket and strange input', () => {
  it('answers requests that come in pieces, one after the other, or with bare line feeds', async () => {
    const sip = worker()
    for (const byte of Buffer.from(init('c1'))) sip.send(Buffer.from([byte]))
    expect(await sip.line()).toBe('Limited')
    expect(await sip.ask(init('c2'))).toBe('Limited')
    expect(await sip.ask('stop\ncallid: c2\n\n')).toBe('Ok')
    expect(await sip.ask('start\r\ncallid: c3\r\ndialogid: x\r\n\r\n')).toBe('Ok')
    expect(desk.events.map(({ type, callId }) => `${type} ${callId}`)).toEqual(['failed c2', 'start c3'])
  })

  it('takes any byte in a call id', async () => {
    const sip = worker()
    expect(await sip.ask(Buffer.from(init('a"\\/<{:%s \u00e9').replace('\u00e9', '\u00ff'), 'latin1'))).toBe('Limited')
    expect(desk.asked[0]?.callId.startsWith('a"\\/<{:%s ')).toBe(true)
  })

  const malformed: Readonly<Record<string, string>> = {
    'an unknown command': 'debug\r\ncallid: x\r\n\r\n',
    'a line without a colon': 'init\r\nwhatever\r\n\r\n',
    'no call id': 'stop\r\n\r\n',
    'too many lines': `init\r\n${'a: b\r\n'.repeat(100)}callid: x\r\n\r\n`,
    'binary noise': '\u0000\u0001\u0002\r\n\r\n',
  }

  it.each(Object.entries(malformed))('answers Error to %s and goes on', async (_, bytes) => {
    const sip = worker()
    expect(await sip.ask(bytes)).toBe('Error')
    expect(await sip.ask(init('c1'))).toBe('Limited')
  })

  it('hangs up on a request without end, and serves the others', async () => {
    const endless = worker()
    expect(await endless.ask('init\r\n' + 'x'.repeat(20_000))).toBeUndefined()
    expect(await worker().ask(init('c1'))).toBe('Limited')
  })

  it('lives on when a worker dies in the middle', async () => {
    for (let index = 0; index < 20; index += 1) {
      const sip = worker()
      sip.send(init(`c${index}`).slice(0, 5 * index + 1))
      sip.end()
    }
    expect(await worker().ask(init('c1'))).toBe('Limited')
  })
})

describe('a connection that several workers share', () => {
  it('is closed before it is used, so that each worker makes its own', async () => {
    const inherited = worker()
    expect(await inherited.line()).toBeUndefined()
    expect(inherited.closed).toBe(true)
  })

  it('stays open for the worker that used it', async () => {
    const sip = worker()
    await sip.ask(init('c1'))
    await new Promise((resolve) => setTimeout(resolve, 250))
    expect(await sip.ask('stop\r\ncallid: c1\r\n\r\n')).toBe('Ok')
  })

  it('answers nobody when a second question comes before the first answer, and takes the allow back', async () => {
    let decideNow: (decision: CallControlDecision) => void = () => undefined
    desk.decide = () => new Promise((resolve) => (decideNow = resolve))
    const shared = worker()
    shared.send(init('c1'))
    await expect.poll(() => desk.asked.length).toBe(1)
    shared.send(init('c2'))
    await new Promise((resolve) => setTimeout(resolve, 50))
    decideNow(allow)
    expect(await shared.line()).toBeUndefined()
    expect(desk.asked).toHaveLength(1)
    expect(desk.events.map(({ type, callId }) => `${type} ${callId}`)).toEqual(['failed c1'])
  })

  it('answers nobody when two questions come together', async () => {
    const shared = worker()
    expect(await shared.ask(init('c1') + init('c2'))).toBeUndefined()
    expect(desk.asked).toEqual([])
  })
})

describe('the socket file', () => {
  it('is for owner and group only, and goes when the server stops', async () => {
    expect((await stat(path)).mode & 0o777).toBe(0o660)
    await server.stop()
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('is not taken from another server that answers', async () => {
    const second = new CallControlServer(desk, { path, node: 'kam1' })
    await expect(second.start()).rejects.toMatchObject({ code: 'config_invalid' })
    expect(await worker().ask(init('c1'))).toBe('Limited')
  })

  it('is replaced when nobody answers on it', async () => {
    const stale = join(folder, 'stale.sock')
    await leaveBehind(stale)
    const next = new CallControlServer(desk, { path: stale, node: 'kam1' })
    await next.start()
    await next.stop()
  })

  it('never replaces a file that is no socket', async () => {
    const file = join(folder, 'file')
    await writeFile(file, 'precious')
    const next = new CallControlServer(desk, { path: file, node: 'kam1' })
    await expect(next.start()).rejects.toMatchObject({ code: 'config_invalid' })
    expect((await stat(file)).size).toBe(8)
  })
})

/** A socket file without a server, as a killed daemon leaves it. */
async function leaveBehind(file: string): Promise<void> {
  const other = createServer()
  const aside = `${file}.aside`
  await new Promise<void>((resolve) => other.listen(aside, resolve))
  const { rename } = await import('node:fs/promises')
  await rename(aside, file)
  await new Promise<void>((resolve) => other.close(() => resolve()))
}
