/** A hundred thousand requests that nobody should send, to a real daemon on a real Redis. */
import { Agent, request } from 'node:http'
import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { scopes } from '../../src/accounts/api-keys.ts'
import { type Daemon, Home } from '../app/bench.ts'
import { type FuzzRequest, type OpenApi, requestsOf } from './arbitraries.ts'

const CASES = 100_000
/** Sent at once, and shrunk together. */
const AT_ONCE = 40
const ANSWER_MS = 8_000
/** The embedded PostgreSQL of the archive takes some 600 while it starts; the rest stands still. */
const MAX_RESIDENT_MB = 1_300

/** Stands in what only one account has; no request holds it. */
const MARKERS = ['Zq7-hush-name', 'zq7hushcall', '+15557770199']

interface Answered {
  readonly status: number
  readonly type: string
  readonly retryAfter: string | undefined
  readonly text: string
}

const ends: (() => Promise<void>)[] = []
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
let daemon: Daemon
let api: OpenApi
/** May do everything, but only to the account `open` and those below it. */
let restricted: string

beforeAll(async () => {
  const home = await Home.make((end) => ends.unshift(end), {
    // Patient, so that an error in its log is one of the daemon and none of a machine that does all this at once.
    'tollgate.yaml':
      'defaults: { tariff: bench, currency: USD, timezone: UTC }\nlog: { decisions: false }\nredis: { commandTimeoutMs: 10000 }\n',
  })
  daemon = await home.daemon()
  api = (await daemon.must('GET', '/openapi.json')) as unknown as OpenApi
  await daemon.account('open', { credit: '1000.00' })
  await daemon.account('open-child', { parent: 'open', credit: '100.00' })
  await daemon.account('vault', { name: MARKERS[0], credit: '1000.00' })
  await daemon.authorize('vault', MARKERS[1]!, { from: MARKERS[2] })
  await daemon.event('start', MARKERS[1]!)
  const created = await daemon.must('POST', '/v1/keys', { scopes: [...scopes], account: 'open', name: 'fuzz' })
  restricted = String(created['key'])
}, 60_000)

afterAll(async () => {
  agent.destroy()
  for (const end of ends) await end()
})

function send(asked: FuzzRequest, key: string): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const headers = Object.fromEntries(
      Object.entries(asked.headers).filter(([, value]) => value !== '' && /^[\x20-\x7e]*$/.test(value)),
    )
    const sent = request(
      {
        host: '127.0.0.1',
        port: daemon.port,
        agent,
        method: asked.method,
        path: asked.path,
        headers: { ...headers, authorization: `Bearer ${key}` },
      },
      (response) => {
        const { statusCode: status = 0, headers: told } = response
        const about = { status, type: told['content-type'] ?? '', retryAfter: told['retry-after'] }
        if (about.type.startsWith('text/event-stream')) {
          // It is answered, and goes on until one of the two ends it.
          response.destroy()
          return resolve({ ...about, text: '' })
        }
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.once('error', reject)
        response.once('end', () => {
          resolve({ ...about, text: Buffer.concat(parts).toString() })
        })
      },
    )
    sent.setTimeout(ANSWER_MS, () => sent.destroy(new Error(`not answered within ${ANSWER_MS} ms`)))
    sent.once('error', reject)
    sent.end(asked.body)
  })
}

function expectClean(asked: FuzzRequest, { status, type, retryAfter, text }: Answered): void {
  const who = `${asked.operation}: ${status} ${text.slice(0, 300)}`
  if (status >= 500 && (status !== 503 || retryAfter === undefined)) throw new Error(who)
  if (status < 400) return
  if (!type.startsWith('application/problem+json')) throw new Error(`${who} is ${type}`)
  const problem = JSON.parse(text) as { readonly code?: unknown; readonly status?: unknown; readonly detail?: unknown }
  if (typeof problem.code !== 'string' || problem.status !== status || typeof problem.detail !== 'string')
    throw new Error(who)
}

async function residentMb(): Promise<number> {
  const [, pages = '0'] = (await readFile(`/proc/${daemon.pid}/statm`, 'utf8')).split(' ')
  return (Number(pages) * 4096) / 2 ** 20
}

describe('the API under requests made from its own schemas', () => {
  const statuses = new Map<number, number>()
  let sent = 0

  it('answers each in time, with a problem where it is one, breaks at none and tells no account of another', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(requestsOf(api), { minLength: AT_ONCE, maxLength: AT_ONCE }), async (batch) => {
        const answers = await Promise.all(
          batch.map(async (asked, n) => {
            const isRestricted = n % 2 === 0
            const answer = await send(asked, isRestricted ? restricted : daemon.key)
            expectClean(asked, answer)
            const leak = isRestricted && MARKERS.find((marker) => answer.text.includes(marker))
            if (leak) throw new Error(`${asked.operation} told ${leak} to the key of another account`)
            return answer
          }),
        )
        sent += answers.length
        for (const { status } of answers) statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }),
      { numRuns: CASES / AT_ONCE, endOnFailure: false, interruptAfterTimeLimit: 400_000, markInterruptAsFailure: true },
    )
    expect(sent).toBeGreaterThanOrEqual(CASES)
    // It would say little if all were refused alike.
    for (const status of [200, 400, 403, 404, 415]) expect(statuses.get(status) ?? 0).toBeGreaterThan(50)
  }, 450_000)

  it('is as well afterwards as before, and its books are right', async () => {
    expect(daemon.running).toBe(true)
    expect((await daemon.ask('GET', '/readyz')).status).toBe(200)
    expect(daemon.lines().filter(({ level }) => level === 'fatal' || level === 'error')).toEqual([])
    expect(await residentMb()).toBeLessThan(MAX_RESIDENT_MB)
    expect(await daemon.drifts()).toEqual([])
  }, 60_000)
})
