/** A daemon that logs all it can says no secret and no whole number, whatever it is asked and however it breaks. */
import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { Home, tollgate } from '../app/bench.ts'
import { startRedis } from '../support/redis.ts'

const PASSWORD = 'Redis-Passw0rd-7391'
const MAIL = 'Mail-Passw0rd-7391'
const WEBHOOK = 'whsec-0123456789abcdef-7391'
const BOOTSTRAP = 'tg_boot7391_SecretOfTheBootstrapKey7391'
const CALLER = '+15557770188'
const CALLED = '+442079467391'

const SETTINGS = [
  'defaults: { tariff: bench, currency: USD, timezone: UTC }',
  'log: { level: trace, decisions: true }',
  `mail: { url: "smtp://tollgate:${MAIL}@127.0.0.1:9", from: billing@tollgate.example }`,
  'edges:',
  `  hooked: { kind: webhook, url: "http://127.0.0.1:9/hook", secret: "${WEBHOOK}" }`,
  '',
].join('\n')

function expectNone(text: string, more: readonly string[] = []): void {
  for (const secret of [PASSWORD, MAIL, WEBHOOK, BOOTSTRAP, 'SecretOfTheBootstrapKey7391', ...more]) {
    expect(
      text.includes(secret) ? text.slice(Math.max(0, text.indexOf(secret) - 200), text.indexOf(secret) + 80) : '',
    ).toBe('')
  }
}

describe('what a daemon writes and answers', () => {
  it('holds no key, no password, no webhook secret and no whole number', async ({ onTestFinished }) => {
    const redis = await startRedis({ args: ['--requirepass', PASSWORD] })
    onTestFinished(() => redis.stop())
    const home = await Home.make(onTestFinished, { 'tollgate.yaml': SETTINGS })
    const url = redis.url.replace('redis://', `redis://default:${PASSWORD}@`)
    const daemon = await home.daemon({ redisUrl: url, key: BOOTSTRAP })
    const account = await daemon.account('caller', { credit: '100.00' })
    const { key } = await daemon.must('POST', '/v1/keys', { scopes: ['calls:decide'] })
    const numbers = { from: CALLER, to: CALLED }
    await daemon.authorize(account, 'one', { ...numbers, node: 'hooked' })
    await daemon.event('start', 'one', { ...numbers, node: 'hooked' })
    const live = await daemon.must('GET', '/v1/calls')
    const [call] = live['items'] as readonly { readonly call: string }[]
    await daemon.ask('POST', `/v1/calls/${call?.call ?? ''}/end`, { body: {} })
    await daemon.event('stop', 'unknown-leg', { ...numbers, account: 'nobody', seconds: 3 })
    await daemon.event('stop', 'one', { ...numbers, node: 'hooked', seconds: 5 })
    const texts: string[] = []
    for (const asked of [
      { path: '/v1/calls/authorize', body: { account, callId: 5, direction: 'sideways', ...numbers, key } },
      { path: '/v1/calls/authorize', body: '{"from": "+1555' },
      { path: '/v1/accounts/caller/credits', body: { amount: key } },
    ]) {
      texts.push(JSON.stringify((await daemon.ask('POST', asked.path, { body: asked.body })).body))
      texts.push(
        JSON.stringify((await daemon.ask('POST', asked.path, { body: asked.body, key: `${String(key)}x` })).body),
      )
    }
    const metrics = await daemon.ask('GET', '/metrics')
    texts.push(JSON.stringify(metrics.body))
    await redis.stop()
    await daemon.authorize(account, 'two', numbers)
    await daemon.says('a round failed')
    const secretKey = String(key).split('_').slice(2).join('_')
    for (const text of texts) expectNone(text, [secretKey])
    expectNone(daemon.output, [secretKey, CALLER, CALLED, CALLED.slice(1)])
    expect(daemon.output).toContain('******7391')
  }, 60_000)

  it('at a start that fails names the place and not the password', async ({ onTestFinished }) => {
    const home = await Home.make(onTestFinished, { 'tollgate.yaml': SETTINGS })
    const env = home.environment({
      TOLLGATE_REDIS_URL: `redis://default:${PASSWORD}@127.0.0.1:9`,
      TOLLGATE_API_KEY: BOOTSTRAP,
    })
    const failed = spawnSync(tollgate, ['serve'], { env, encoding: 'utf8', timeout: 40_000 })
    expect(failed.status).not.toBe(0)
    expect(failed.stderr).toContain('127.0.0.1:9')
    expectNone(failed.stdout + failed.stderr)
  }, 60_000)

  it('by its command line tells no key when it cannot connect', async ({ onTestFinished }) => {
    const home = await Home.make(onTestFinished)
    const env = home.environment({ TOLLGATE_HTTP_PORT: '9', TOLLGATE_API_KEY: BOOTSTRAP })
    const failed = spawnSync(tollgate, ['account', 'list'], { env, encoding: 'utf8', timeout: 20_000 })
    expect(failed.status).toBe(1)
    expectNone(failed.stdout + failed.stderr)
  }, 30_000)
})
