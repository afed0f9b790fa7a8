/** A daemon with PostgreSQL beside it: calls are re-rated by the command line, and the statement says so. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startPostgres, type TestPostgres } from '../support/postgres.ts'
import { Home, tollgate } from './bench.ts'

const run = promisify(execFile)
const SETTINGS = 'defaults: { tariff: bench, currency: USD, timezone: UTC }\n'

const ends: (() => Promise<void>)[] = []
let postgres: TestPostgres
let home: Home

beforeAll(async () => {
  postgres = await startPostgres()
  ends.push(() => postgres.stop())
  home = await Home.make((end) => ends.unshift(end), { 'tollgate.yaml': SETTINGS })
}, 60_000)

afterAll(async () => {
  for (const end of ends) await end()
}, 30_000)

it('posts the difference once, keeps the books, and is on the statement', async () => {
  const daemon = await home.daemon({ env: { TOLLGATE_DATABASE_URL: postgres.url } })
  const told = { TOLLGATE_HTTP_PORT: String(daemon.port), TOLLGATE_API_KEY: daemon.key }
  const cli = async (...words: readonly string[]): Promise<Record<string, unknown>> => {
    const { stdout } = await run(tollgate, [...words, '--json'], { env: home.environment(told) })
    return JSON.parse(stdout) as Record<string, unknown>
  }
  await daemon.account('acme', { credit: '100.00' })
  const from = '+12125550100'
  const words = { account: 'acme', direction: 'outbound', from, to: '+442079460958', seconds: 3 }
  for (const callId of ['a', 'b']) await daemon.event('stop', callId, words)
  await cli('fee', 'add', 'acme', '5.00', '--class', 'trunking', '--key', 'november')
  const rates = [{ prefix: '44', perMinute: '120', firstIncrement: 1, nextIncrement: 1 }]
  const { version } = await daemon.must('POST', '/v1/tariffs/bench/versions', { currency: 'USD', rates })

  const day = new Date().toISOString().slice(0, 10)
  const period = ['--account', 'acme', '--from', '2026-01-01', '--to', day]
  const rerate = ['usage', 'rerate', ...period, '--tariff', 'bench', '--tariff-version', String(version)]
  expect(await cli(...rerate)).toMatchObject({ calls: 2, changed: 2, posted: 0, difference: '6.000000' })
  expect((await daemon.balance('acme')).credit).toBe('89.000000')
  expect(await cli(...rerate, '--post')).toMatchObject({ changed: 2, posted: 2 })
  expect(await cli(...rerate, '--post')).toMatchObject({ changed: 0, posted: 0 })
  expect((await daemon.balance('acme')).credit).toBe('83.000000')

  expect(await cli('audit', 'verify')).toMatchObject({ ok: true })
  expect(await cli('archive', 'verify')).toMatchObject({ ok: true })
  expect(await cli('statement', 'show', 'acme', '--from', '2026-01-01')).toMatchObject({
    opening: '0.000000',
    charges: [{ class: 'trunking', count: 1, amount: '5.000000' }],
    calls: '12.000000',
    credits: '100.000000',
    total: '-83.000000',
    closing: '83.000000',
    totalDue: '0.000000',
    usage: { calls: 2, charge: '12.000000' },
  })
}, 120_000)
