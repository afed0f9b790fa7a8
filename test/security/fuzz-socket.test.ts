/** The call_control socket under anything that can be written to it: it stays, and answers the next who speaks its words. */
import { connect } from 'node:net'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Daemon, Home, LONDON } from '../app/bench.ts'

const PATH = 'fuzz.sock'
const CASES = 3_000
const AT_ONCE = 20
const ANSWER_MS = 5_000

const ends: (() => Promise<void>)[] = []
let daemon: Daemon
let path: string

beforeAll(async () => {
  const home = await Home.make((end) => ends.unshift(end), {
    'tollgate.yaml': `defaults: { tariff: bench, currency: USD, timezone: UTC }\nlog: { decisions: false }\ncallControl: { enabled: true, socket: ${PATH}, account: caller }\n`,
  })
  daemon = await home.daemon()
  await daemon.account('caller', { credit: '100000.00' })
  path = join(home.data, PATH)
}, 60_000)

afterAll(async () => {
  for (const end of ends) await end()
})

const field = fc.oneof(
  fc.constantFrom(
    'callid: a@b',
    'ruri: sip:+442079460958@x',
    'from: sip:+12125550100@x',
    'fromtag: t',
    'sourceip: 10.0.0.3',
  ),
  fc.constantFrom(
    'diverter: None',
    'dialogid: 1:2',
    'callid:',
    ':',
    'x',
    'callid: \u0000',
    `callid: ${'a'.repeat(600)}`,
  ),
  fc.string({ unit: 'binary', maxLength: 60 }),
)

const message: fc.Arbitrary<Buffer> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('init', 'start', 'stop', 'INIT', '', 'initinit'),
      fc.array(field, { maxLength: 8 }),
      fc.constantFrom('\r\n', '\n', '\r', ' '),
    )
    .map(([command, fields, newline]) => Buffer.from(`${[command, ...fields].join(newline)}${newline}${newline}`)),
  fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
  fc.constant(Buffer.alloc(20_000, 'a')),
  fc.constant(Buffer.from(`init\r\n${'callid: x\r\n'.repeat(2_000)}`)),
  fc.constant(Buffer.from('init\r\ncallid: half')),
)

/** Writes it all, in pieces, and hears what comes until the other side or we have had enough. */
function talk(pieces: readonly Buffer[], waitMs: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path)
    let heard = ''
    const end = (): void => {
      socket.destroy()
      resolve(heard)
    }
    const timer = setTimeout(end, waitMs)
    socket.on('data', (bytes: Buffer) => {
      heard += bytes.toString('latin1')
      if (heard.includes('\n') && waitMs === ANSWER_MS) end()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(heard)
    })
    socket.on('connect', () => {
      for (const piece of pieces) socket.write(piece)
    })
  })
}

function init(callId: string): Buffer {
  const lines = [
    'init',
    `callid: ${callId}`,
    'diverter: None',
    `ruri: sip:${LONDON}@x`,
    'sourceip: 10.0.0.3',
    'from: sip:+1@x',
    'fromtag: t',
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)
}

describe('the call_control socket', () => {
  it('answers or closes whatever is written, and stays', async () => {
    let asked = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(message, { minLength: 1, maxLength: 3 }), { minLength: AT_ONCE, maxLength: AT_ONCE }),
        async (batch) => {
          const heard = await Promise.all(batch.map((pieces) => talk(pieces, 40)))
          for (const text of heard) expect(text).not.toMatch(/undefined|stack|at .*\.ts/)
          asked += 1
          expect(await talk([init(`good-${asked}`)], ANSWER_MS)).toBe('Limited\r\n')
        },
      ),
      { numRuns: CASES / AT_ONCE, endOnFailure: true },
    )
    expect(daemon.running).toBe(true)
    expect(daemon.lines().filter(({ level }) => level === 'fatal')).toEqual([])
  }, 120_000)

  it('and its books are right afterwards', async () => {
    expect(await daemon.drifts()).toEqual([])
  })
})
