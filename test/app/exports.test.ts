/** Exports of a daemon as it is run: one that was asked for is made after a kill, is fetched in parts, and by the command line. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../edges/sip/process.ts'
import { Home, tollgate } from './bench.ts'

const run = promisify(execFile)
const settings = (roles: string): string =>
  `roles: [${roles}]\ndefaults: { tariff: bench, currency: USD, timezone: UTC }\n`

const ends: (() => Promise<void>)[] = []
let home: Home

beforeAll(async () => {
  home = await Home.make((end) => ends.unshift(end), { 'tollgate.yaml': settings('decide, clock') })
}, 30_000)

afterAll(async () => {
  for (const end of ends) await end()
}, 30_000)

it('makes after a kill what was asked for before, and hands it out in parts', async () => {
  const asked = await home.daemon()
  await asked.account('acme', { credit: '100.00' })
  const from = '+12125550100'
  const words = { account: 'acme', direction: 'outbound', from, to: '+442079460958', seconds: 3 }
  for (const callId of ['a', 'b']) await asked.event('stop', callId, words)
  const { id, state } = await asked.must('POST', '/v1/accounts/acme/exports', { heading: false })
  expect(state).toBe('queued')
  await asked.kill()

  await home.write('tollgate.yaml', settings('decide, clock, jobs'))
  const daemon = await home.daemon()
  const place = `/v1/accounts/acme/exports/${String(id)}`
  const isDone = async (): Promise<boolean> => (await daemon.must('GET', place))['state'] === 'done'
  await until('the export is done', isDone, { withinMs: 60_000, everyMs: 200 })

  const fetched = async (headers: Readonly<Record<string, string>>) => {
    const authorization = `Bearer ${daemon.key}`
    const answer = await fetch(`${daemon.url}${place}/file`, { headers: { authorization, ...headers } })
    return { status: answer.status, etag: answer.headers.get('etag') ?? '', text: await answer.text() }
  }
  const whole = await fetched({})
  expect(
    whole.text
      .split('\r\n')
      .slice(1, -1)
      .map((line) => line.split(',')[11]),
  ).toEqual(['+442079460958', '+442079460958'])
  const rest = await fetched({ range: 'bytes=9-', 'if-range': whole.etag })
  expect([rest.status, rest.text]).toEqual([206, whole.text.slice(9)])

  const file = join(home.folder, 'calls.xlsx')
  const environment = home.environment({ TOLLGATE_HTTP_PORT: String(daemon.port), TOLLGATE_API_KEY: daemon.key })
  await run(tollgate, ['usage', 'export', 'acme', '--format', 'xlsx', '--output', file], { env: environment })
  expect((await readFile(file)).subarray(0, 2).toString()).toBe('PK')
}, 120_000)
