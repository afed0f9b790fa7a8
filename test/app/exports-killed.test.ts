/** A daemon is killed in the middle of an export: another daemon takes it over. */
import postgres from 'postgres'
import { expect, it, onTestFinished } from 'vitest'
import { until } from '../edges/sip/process.ts'
import { startPostgres } from '../support/postgres.ts'
import { startRedis } from '../support/redis.ts'
import { type Daemon, Home } from './bench.ts'

it('is taken over from a daemon that was killed in the middle of it', { timeout: 240_000 }, async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  const server = await startPostgres()
  onTestFinished(() => server.stop())
  const home = await Home.make(onTestFinished)
  const daemon = (): Promise<Daemon> =>
    home.daemon({
      redisUrl: redis.url,
      env: { TOLLGATE_DATABASE_URL: server.url, TOLLGATE__ROLES: 'decide,clock,jobs' },
    })
  const first = await daemon()
  await first.account('acme', { credit: '100.00' })
  const call = { account: 'acme', direction: 'outbound', from: '+12125550100', to: '+442079460958', seconds: 3 }
  for (const callId of ['a', 'b']) await first.event('stop', callId, call)
  // Its tables are made, and then its rows are kept from whoever reads them.
  await first.must('GET', '/v1/accounts/acme/usage?from=2020-01-01')
  const sql = postgres(server.url, { max: 1, onnotice: () => undefined })
  onTestFinished(() => sql.end({ timeout: 1 }))
  const [locked, released] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()]
  const lock = sql.begin(async (transaction) => {
    await transaction`lock table cdr in access exclusive mode`
    locked.resolve(undefined)
    await released.promise
  })
  await locked.promise
  const { id } = await first.must('POST', '/v1/accounts/acme/exports', { heading: false })
  const place = `/v1/accounts/acme/exports/${String(id)}`
  const isIn = (asked: Daemon, state: string) => async () => (await asked.must('GET', place))['state'] === state
  await until('the export is under way', isIn(first, 'running'), { withinMs: 30_000, everyMs: 100 })
  await first.kill()
  released.resolve(undefined)
  await lock

  const second = await daemon()
  await until('the export is done', isIn(second, 'done'), { withinMs: 150_000, everyMs: 500 })
  expect(await second.must('GET', place)).toMatchObject({ rows: 2, progress: 1000 })
})
