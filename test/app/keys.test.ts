/** The key of a fresh installation, and what is never written to the log. */
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { until } from '../edges/sip/process.ts'
import { apiKey, type Daemon, Home, LONDON } from './bench.ts'

const keyFile = (home: Home): string => join(home.data, 'api-key')

async function statusOf(daemon: Daemon, key: string, path = '/v1/accounts'): Promise<number> {
  return (await daemon.ask('GET', path, { key })).status
}

describe('the bootstrap key', { timeout: 40_000 }, () => {
  it('is made once, for its owner only, and is the key of a second start', async ({ onTestFinished }) => {
    const home = await Home.make(onTestFinished)
    const first = await home.daemon({ key: null })
    expect((await stat(keyFile(home))).mode & 0o777).toBe(0o600)
    expect((await stat(home.data)).mode & 0o077).toBe(0)
    expect(first.key).toMatch(/^tg_bootstrap_[A-Za-z0-9-]{32}$/)
    expect(first.output).toContain(keyFile(home))
    expect(first.output).not.toContain(first.key)
    expect(await statusOf(first, first.key)).toBe(200)
    await first.stop()

    const second = await home.daemon({ key: null })
    expect(second.key).toBe(first.key)
    expect(await statusOf(second, first.key)).toBe(200)
    await second.stop()

    const named = await home.daemon()
    expect(await statusOf(named, apiKey)).toBe(200)
    expect(await statusOf(named, first.key)).toBe(401)
    expect(named.output).not.toContain(apiKey)
    expect((await readFile(keyFile(home), 'utf8')).trim()).toBe(first.key)
  })

  it('is made anew where its file is empty, and is one for two daemons that start at once', async ({
    onTestFinished,
  }) => {
    const home = await Home.make(onTestFinished)
    await mkdir(home.data)
    await writeFile(keyFile(home), '')
    const both = await Promise.all([home.daemon({ key: null }), home.daemon({ key: null })])
    const key = (await readFile(keyFile(home), 'utf8')).trim()
    expect(key).toMatch(/^tg_bootstrap_/)
    for (const daemon of both) expect(await statusOf(daemon, key)).toBe(200)
  })
})

describe('without a key', () => {
  it('nothing but health is answered', async ({ onTestFinished }) => {
    const home = await Home.make(onTestFinished)
    const daemon = await home.daemon()
    for (const path of ['/livez', '/readyz', '/startupz']) expect(await statusOf(daemon, '', path)).toBe(200)
    const { paths } = await daemon.must('GET', '/openapi.json')
    const operations = Object.entries(paths as Readonly<Record<string, object>>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => [method.toUpperCase(), path.replace(/\{\w+\}/g, '1')] as const),
    )
    expect(operations.length).toBeGreaterThan(25)
    for (const [method, path] of operations) {
      // What a payment provider tells is proved by its signature.
      if (['/livez', '/readyz', '/startupz', '/v1/payments/webhooks/1'].includes(path)) continue
      for (const key of ['', 'tg_bench_0123456789abcdef0123456789abcdeX', 'nonsense']) {
        const { status } = await daemon.ask(method, path, { key, ...(method === 'GET' ? {} : { body: {} }) })
        expect([method, path, key, status]).toEqual([method, path, key, 401])
      }
    }
  })
})

describe('the log', { timeout: 40_000 }, () => {
  it('tells of calls without a key or a whole number, however they go wrong', async ({ onTestFinished }) => {
    const home = await Home.make(onTestFinished, {
      'tollgate.yaml': 'defaults: { tariff: bench, currency: USD }\nlog: { level: trace }\n',
    })
    const daemon = await home.daemon()
    const numbers = ['12125550177', '442079460999', '442079461888', '815555123456']
    const [from = '', to = '', other = '', abroad = ''] = numbers
    const account = await daemon.account('quiet', { credit: '100.00' })
    const { key } = await daemon.must('POST', '/v1/keys', { scopes: ['calls:decide'], account })
    const events = (body: unknown): Promise<unknown> => daemon.ask('POST', '/v1/calls/events', { body })
    const authorize = (body: Readonly<Record<string, unknown>>, as: string = apiKey): Promise<unknown> => {
      const asked = { account, direction: 'outbound', from: `+${from}`, to: `+${to}`, ...body }
      return daemon.ask('POST', '/v1/calls/authorize', { body: asked, key: as })
    }

    await authorize({ callId: 'a' })
    await events([
      { type: 'start', callId: 'a', from: `+${from}`, to: `+${to}` },
      { type: 'stop', callId: 'a', seconds: 400, cause: 'normal' },
    ])
    await authorize({ callId: 'no-rate', to: `+${abroad}` })
    await authorize({ callId: 'sip', from: `sip:+${from}@example.org`, to: `tel:+${to}` })
    await authorize({ callId: 'no-plus', from, to: other })
    await authorize({ callId: 'nobody', account: 'nobody' })
    await authorize({ callId: 'own', account: 'demo' }, String(key))
    await authorize({ callId: 'own-2' }, String(key))
    await authorize({ callId: 'field', number: `+${other}`, [`x${other}`]: 1 })
    await authorize({ callId: 'bad', mode: `+${other}` })
    await authorize({ callId: 'wrong-key' }, `${apiKey}x`)
    await events({ type: 'stop', callId: 'failopen', decision: 'failopen', account, to: `+${to}`, from, seconds: 5 })
    await events({ type: 'stop', callId: 'parked', to: `+${other}`, from: `+${from}`, seconds: 5 })
    await events(`{"type":"stop","callId":"torn","to":"+${other}`)
    await daemon.ask('GET', `/v1/calls?account=quiet&key=${apiKey}`)
    await daemon.ask('POST', '/v1/quotes', { body: { account, direction: 'outbound', from, to: `+${to}` } })
    const [redis = 0] = await home.redisPids()
    process.kill(redis, 'SIGKILL')
    await authorize({ callId: 'away' })
    await events({ type: 'stop', callId: 'away', seconds: 1, to: `+${to}`, from })
    await until('another Redis runs', async () => (await daemon.ask('GET', '/readyz')).status === 200)
    expect(await daemon.stop()).toBe(0)

    const { output } = daemon
    expect(daemon.lines().filter(({ msg }) => msg === 'decision').length).toBeGreaterThan(8)
    expect(output).toContain('"to":"+44******0999"')
    for (const number of [...numbers, LONDON.slice(1)]) expect(output).not.toContain(number)
    for (const secret of [apiKey, String(key)]) {
      expect(output).not.toContain(secret)
      expect(output).not.toContain(secret.split('_').slice(2).join('_'))
    }
  })
})
