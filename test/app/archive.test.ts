/** A daemon with PostgreSQL beside it: the archive goes away and comes back, a job bills, and a lost Redis is built anew. */
import { execFile } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../edges/sip/process.ts'
import { binary, startPostgres, type TestPostgres } from '../support/postgres.ts'
import { type Daemon, Home, root, tollgate } from './bench.ts'

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

const env = () => ({ TOLLGATE_DATABASE_URL: postgres.url })

async function stops(daemon: Daemon, from: number, to: number): Promise<void> {
  for (let call = from; call < to; call += 1) {
    const { charge } = await daemon.event('stop', `call-${call}`, {
      account: 'acme',
      direction: 'outbound',
      from: '+12125550100',
      to: '+442079460958',
      seconds: 60,
    })
    expect(charge).toBeDefined()
  }
}

async function archived(daemon: Daemon): Promise<void> {
  const nothingWaits = async (): Promise<boolean> => {
    const { status, body } = await daemon.ask('GET', '/v1/archive')
    return status === 200 && body['behind'] === 0
  }
  await until('all is archived', nothingWaits, { withinMs: 60_000, everyMs: 200 })
}

/** The script of the docs, as it stands there. */
async function billingScript(): Promise<string> {
  const docs = await readFile(join(root, 'docs/archive.md'), 'utf8')
  const script = /```sh\n(#!\/usr\/bin\/env bash\n[\s\S]*?)```/.exec(docs)?.[1]
  const file = join(home.folder, 'bill.sh')
  await writeFile(file, script ?? '')
  return file
}

it('loses nothing while the archive is away, bills each call once, and builds a lost Redis anew', async () => {
  const daemon = await home.daemon({ env: env() })
  await daemon.account('acme', { credit: '1000.00' })
  await stops(daemon, 0, 20)
  await archived(daemon)

  await postgres.kill()
  await stops(daemon, 20, 60)
  expect((await daemon.ask('GET', '/v1/archive')).status).toBe(503)
  expect((await daemon.must('GET', '/v1/accounts/acme/usage'))['items']).toMatchObject([{ calls: 60 }])
  await postgres.restart()
  await archived(daemon)
  expect(await daemon.must('POST', '/v1/archive/verify', {})).toMatchObject({ ok: true })

  const bill = async (): Promise<string> => {
    const told = { TOLLGATE_URL: daemon.url, TOLLGATE_API_KEY: daemon.key }
    const { stdout } = await run('bash', [await billingScript(), 'acme', join(home.folder, 'bill')], {
      env: { ...process.env, ...told },
    })
    return stdout.trim()
  }
  const { items } = await daemon.must('GET', '/v1/accounts/acme/usage')
  const [{ charge }] = items as readonly [{ charge: string }]
  expect(await bill()).toBe(`60 new lines; ${Number(charge)} in all`)
  expect(await bill()).toBe(`0 new lines; ${Number(charge)} in all`)

  const before = await daemon.balance('acme')
  await daemon.stop()
  await rm(home.redisFolder, { recursive: true })
  const restored = await run(tollgate, ['archive', 'restore', '--json'], { env: home.environment(env()) })
  expect(JSON.parse(restored.stdout)).toMatchObject({ cdrs: 60, released: 0 })
  const again = await home.daemon({ env: env() })
  expect(await again.balance('acme')).toEqual(before)
  expect(await again.drifts()).toEqual([])
  expect(await again.cdrs('acme')).toHaveLength(60)
  await stops(again, 0, 1)
  expect(await again.balance('acme')).toEqual(before)
  const { entries } = await again.must('GET', '/v1/archive')
  await again.stop()

  // To another database: the store has one archive, and takes the new one when it is told to.
  await run(binary('psql'), [postgres.url, '-c', 'create database other'])
  const moved = { TOLLGATE_DATABASE_URL: postgres.url.replace(/postgres$/, 'other') }
  const early = await home.daemon({ env: moved })
  expect((await early.ask('POST', '/v1/archive/verify', {})).status).toBeGreaterThanOrEqual(500)
  await early.stop()
  await run(tollgate, ['archive', 'adopt'], { env: home.environment(moved) })
  const there = await home.daemon({ env: moved })
  await archived(there)
  expect(await there.must('GET', '/v1/archive')).toMatchObject({ entries, cdrs: 60 })
  expect(await there.must('POST', '/v1/archive/verify', {})).toMatchObject({ ok: true })
  await there.stop()
}, 240_000)
