/** The queues in a browser: only where it is configured, only with a key, and only to look. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../edges/sip/process.ts'
import { type Daemon, Home } from './bench.ts'

const ends: (() => Promise<void>)[] = []
let daemon: Daemon

beforeAll(async () => {
  const home = await Home.make((end) => ends.unshift(end))
  daemon = await home.daemon({
    env: { TOLLGATE__HTTP__JOBS_BOARD: 'true', TOLLGATE__WEBHOOKS__ALLOW_PRIVATE: 'true' },
  })
}, 60_000)

afterAll(async () => {
  for (const end of ends) await end()
}, 30_000)

const basic = (key: string) => ({ authorization: `Basic ${Buffer.from(`anyone:${key}`).toString('base64')}` })

function ask(path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<Response> {
  return fetch(`${daemon.url}${path}`, { headers, method, redirect: 'manual' })
}

async function keyOf(body: object): Promise<string> {
  return String((await daemon.must('POST', '/v1/keys', body))['key'])
}

describe('the board of jobs', { timeout: 60_000 }, () => {
  it('asks a browser for a key, and lets in only those that may look at the whole installation', async () => {
    for (const path of ['/jobs', '/jobs/api/queues', '/jobs/static/favicon-32x32.png', '/jobs/queue/webhooks']) {
      const asked = await ask(path)
      expect([path, asked.status]).toEqual([path, 401])
      expect(asked.headers.get('www-authenticate')).toMatch(/^Basic realm=/)
      expect((await ask(path, basic(`${daemon.key}x`))).status).toBe(401)
    }
    await daemon.account('mine')
    const narrow = await keyOf({ scopes: ['ops:read'], account: 'mine' })
    const other = await keyOf({ scopes: ['ops:write'] })
    for (const key of [narrow, other]) expect((await ask('/jobs/api/queues', basic(key))).status).toBe(403)
    const key = await keyOf({ scopes: ['ops:read'] })
    const page = await ask('/jobs', basic(key))
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(page.headers.get('x-frame-options')).toBe('DENY')
    const [, script = ''] = /src="([^"]+\.js)"/.exec(await page.text()) ?? []
    expect((await ask(new URL(script, `${daemon.url}/jobs/`).pathname, basic(key))).status).toBe(200)
    expect((await ask('/jobs/api/queues', { authorization: `Bearer ${key}` })).status).toBe(200)
  })

  it('shows every queue, and of a job what it is about', async () => {
    await daemon.must('POST', '/v1/webhooks', { url: 'http://127.0.0.1:1/secret-path', types: ['balance.low'] })
    await daemon.account('low', { credit: '10.00' })
    await daemon.must('PATCH', '/v1/accounts/low', { lowBalance: { threshold: '5.00' } })
    await daemon.must('POST', '/v1/accounts/low/debits', { amount: '6.00', kind: 'adjustment' })
    const shown = async (): Promise<string> =>
      (await ask('/jobs/api/queues?activeQueue=webhooks&status=delayed', basic(daemon.key))).text()
    await until('the delivery waits', async () => (await shown()).includes('"balance.low"'), { withinMs: 30_000 })
    const { queues } = JSON.parse(await shown()) as {
      readonly queues: readonly {
        readonly name: string
        readonly readOnlyMode: boolean
        readonly jobs: readonly { readonly data: unknown }[]
      }[]
    }
    expect(queues.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['notices', 'recharge', 'untold', 'webhooks']),
    )
    expect(queues.every(({ readOnlyMode }) => readOnlyMode)).toBe(true)
    const jobs = queues.flatMap((queue) => queue.jobs)
    expect(JSON.stringify(jobs.map(({ data }) => data))).not.toContain('available')
    expect(JSON.stringify(jobs)).toContain('low')
  })

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('answers %s with 405, whatever it is for', async (method) => {
    for (const path of ['/jobs/api/queues/webhooks/pause', '/jobs/api/queues/webhooks/1/retry/failed', '/jobs']) {
      const refused = await ask(path, { ...basic(daemon.key), 'content-type': 'application/json' }, method)
      expect([path, [404, 405].includes(refused.status)]).toEqual([path, true])
    }
    const jobs = await daemon.must('GET', '/v1/jobs?state=delayed')
    expect((jobs['items'] as readonly unknown[]).length).toBeGreaterThan(0)
  })

  it('gives away nothing but its own files', async () => {
    for (const path of ['/jobs/static/..%2f..%2f..%2fpackage.json', '/jobs/static/%2e%2e/index.ejs', '/jobs/static/'])
      expect((await ask(path, basic(daemon.key))).status).toBeGreaterThanOrEqual(400)
  })
})

describe('a daemon that is not told to', () => {
  it('has no board', { timeout: 60_000 }, async ({ onTestFinished }) => {
    const home = await Home.make(onTestFinished)
    const other = await home.daemon()
    const answer = await fetch(`${other.url}/jobs`, { headers: basic(other.key) })
    expect(answer.status).toBe(404)
  })
})
