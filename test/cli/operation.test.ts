import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startEmbeddedRedis } from '../../src/store/embedded-redis.ts'
import { startRedis } from '../support/redis.ts'
import { problem, Stub } from './stub.ts'

let stub: Stub

beforeEach(async () => {
  stub = new Stub()
  await stub.open()
})

afterEach(() => stub.close())

describe('usage show', () => {
  it('is summed up', async () => {
    const row = {
      key: '2026-11-23',
      calls: 2,
      seconds: 126,
      billedSeconds: 180,
      poolSeconds: 60,
      charge: '0.120000',
      currency: 'USD',
    }
    const usage = { by: 'day', from: '2026-11-01', to: '2026-11-23', timezone: 'America/New_York', items: [row] }
    stub.on('GET /v1/accounts/acme/usage', { body: usage })
    const { out } = await stub.run('usage', 'show', 'acme', '--from', '2026-11-01', '--include-descendants')
    expect(out).toMatchInlineSnapshot(`
      "acme, 2026-11-01 to 2026-11-23 (America/New_York)
      DAY         CALLS     TALKED  BILLED  FROM POOLS    CHARGE
      2026-11-23      2  2 min 6 s   3 min       1 min  0.12 USD
      "
    `)
    expect(stub.asked[0]?.path).toBe('/v1/accounts/acme/usage?by=day&from=2026-11-01&includeDescendants=true')
    expect(JSON.parse((await stub.run('usage', 'show', 'acme', '--json')).out)).toEqual(usage)
    stub.on('GET /v1/accounts/acme/usage', { body: { ...usage, items: [] } })
    expect((await stub.run('usage', 'show', 'acme')).out).toBe(
      'acme, 2026-11-01 to 2026-11-23 (America/New_York)\nNo calls.\n',
    )
  })

  it('is asked for by what there is', async () => {
    expect(await stub.run('usage', 'show', 'acme', '--by', 'week')).toMatchObject({ code: 2 })
  })
})

describe('keys', () => {
  const key = { id: 'a1', scopes: ['calls:decide'], name: 'edge', createdAt: '2026-11-23T12:00:00.000Z' }

  it('are made and shown once', async () => {
    stub.on('POST /v1/keys', { status: 201, body: { ...key, key: 'tg_a1_secret' } })
    const ran = await stub.run(
      'keys',
      'create',
      '--scopes',
      'calls:decide,calls:read',
      '--scopes',
      'x',
      '--name',
      'edge',
    )
    expect(ran).toMatchObject({ code: 0, err: 'Keep it now: it is not shown again.\n' })
    expect(ran.out).toMatchInlineSnapshot(`
      "key     tg_a1_secret
      id      a1
      scopes  calls:decide
      "
    `)
    expect(stub.asked[0]?.body).toEqual({ scopes: ['calls:decide', 'calls:read', 'x'], name: 'edge' })
    expect(await stub.run('keys', 'create')).toMatchObject({ code: 2 })
  })

  it('are listed and revoked', async () => {
    stub.on('GET /v1/keys', { body: { items: [key, { ...key, id: 'b2', revokedAt: '2026-11-24T12:00:00.000Z' }] } })
    expect((await stub.run('keys', 'list')).out).toMatchInlineSnapshot(`
      "ID  NAME  SCOPES        MADE                  REVOKED
      a1  edge  calls:decide  2026-11-23 12:00:00Z
      b2  edge  calls:decide  2026-11-23 12:00:00Z  2026-11-24 12:00:00Z
      "
    `)
    expect(JSON.parse((await stub.run('keys', 'list', '--json')).out)).toMatchObject({ items: [key, { id: 'b2' }] })
    stub.on('DELETE /v1/keys/a1', { body: { id: 'a1', revoked: true } })
    expect((await stub.run('keys', 'revoke', 'a1')).out).toBe('Revoked a1.\n')
  })
})

describe('audit verify', () => {
  it('is content with books that are sound', async () => {
    stub.on('POST /v1/audit/verify', { body: { ok: true, entries: 12, checkpointed: 0, problems: [] } })
    expect(await stub.run('audit', 'verify')).toEqual({
      code: 0,
      out: 'Good: 12 entries replayed, every balance is what they say.\n',
      err: '',
    })
  })

  it('fails when a balance drifts', async () => {
    const report = {
      ok: false,
      entries: 12,
      checkpointed: 5,
      problems: ['partition 7, account acme, cp: journal 5, live 6'],
    }
    stub.on('POST /v1/audit/verify', { body: report })
    const { code, out } = await stub.run('audit', 'verify')
    expect(code).toBe(1)
    expect(out).toBe(
      '12 entries replayed after 5 in checkpoints; 1 balances are not what they say:\n  partition 7, account acme, cp: journal 5, live 6\n',
    )
    const json = await stub.run('audit', 'verify', '--json')
    expect(json.code).toBe(1)
    expect(JSON.parse(json.out)).toEqual(report)
  })
})

describe('config', () => {
  it('that is good is said to be', async () => {
    stub.file('tollgate.yaml', 'defaults: { currency: EUR }\n')
    expect(await stub.run('config', 'check')).toMatchObject({
      code: 0,
      out: `${stub.folder}: good, 0 tariffs and 0 accounts\n`,
    })
    expect(stub.asked).toEqual([])
  })

  it('that is bad is told with file and line, and fails', async () => {
    stub.file('tollgate.yaml', 'calls:\n  sliceSecond: 30\n')
    const { code, out } = await stub.run('config', 'check')
    expect(code).toBe(1)
    expect(out).toMatch(/^tollgate\.yaml:2:3: calls\.sliceSecond: .*sliceSeconds/)
    const json = await stub.run('config', 'check', '--json')
    expect(json.code).toBe(1)
    expect(JSON.parse(json.out)).toMatchObject({
      ok: false,
      problems: [{ file: 'tollgate.yaml', line: 2, column: 3, path: 'calls.sliceSecond' }],
    })
    expect(await stub.run('account', 'list')).toMatchObject({
      code: 1,
      err: expect.stringContaining('config_invalid') as string,
    })
  })

  it('has a schema of each file', async () => {
    for (const name of ['settings', 'accounts', 'trunks', 'tariff']) {
      const { code, out } = await stub.run('config', 'schema', name)
      expect(code).toBe(0)
      expect(JSON.parse(out)).toHaveProperty('$schema')
    }
    expect(Object.keys(JSON.parse((await stub.run('config', 'schema')).out) as object)).toEqual([
      'settings',
      'accounts',
      'trunks',
      'tariff',
    ])
    expect(await stub.run('config', 'schema', 'nothing')).toMatchObject({ code: 2 })
  })
})

describe('the daemon', () => {
  it('is found by its key file when no key was named', async () => {
    stub.on('GET /v1/keys', { body: { items: [] } })
    stub.env({ TOLLGATE_API_KEY: '' })
    mkdirSync(join(stub.folder, 'data'))
    expect(await stub.run('keys', 'list')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/key_missing.*api-key/) as string,
    })
    writeFileSync(join(stub.folder, 'data', 'api-key'), 'tg_bootstrap_fromfile\n')
    expect(await stub.run('keys', 'list')).toMatchObject({ code: 0 })
    expect(stub.asked[0]?.authorization).toBe('Bearer tg_bootstrap_fromfile')
  })

  it('that does not answer is said to be away', async () => {
    const port = await stub.hangUp()
    const { code, err } = await stub.run('account', 'list')
    expect(code).toBe(1)
    expect(err).toBe(
      `tollgate: daemon_unreachable: no daemon answers at http://127.0.0.1:${port}\n` +
        '  start one with `tollgate serve`, or say with TOLLGATE_HTTP_PORT where it listens\n',
    )
    expect(JSON.parse((await stub.run('account', 'list', '--json')).err)).toMatchObject({ code: 'daemon_unreachable' })
  })

  it('that is none is told apart', async () => {
    stub.on('GET /v1/accounts', { body: '<html>' })
    expect(await stub.run('account', 'list')).toMatchObject({
      code: 1,
      err: expect.stringContaining('answer_unreadable') as string,
    })
    stub.on('GET /v1/accounts', { status: 500, body: 'oops' })
    expect(await stub.run('account', 'list')).toMatchObject({ code: 1, err: expect.stringContaining('500') as string })
  })

  it('that refuses the key or the input ends with 1 or 2', async () => {
    stub.on('GET /v1/accounts', problem(401, 'key_unknown', 'the key is not known, has expired or was revoked'))
    expect(await stub.run('account', 'list')).toMatchObject({ code: 1 })
    stub.on('GET /v1/accounts', problem(400, 'invalid_input', '/parent must be …'))
    expect(await stub.run('account', 'list')).toMatchObject({ code: 2 })
  })

  it('is served in the foreground, and its exit code is ours', async () => {
    expect(await stub.run('serve')).toEqual({ code: 7, out: '', err: '' })
    expect(stub.served).toEqual([stub.folder])
  })
})

describe('usage', () => {
  it.each([
    [['acount', 'list'], /unknown command 'acount'[^]*Did you mean account/],
    [['account'], /Usage: tollgate account/],
    [[], /Usage: tollgate/],
    [['account', 'list', '--lmit', '7'], /unknown option '--lmit'/],
    [['account', 'list', '--limit', 'many'], /whole number/],
    [['account', 'show'], /missing required argument 'account'/],
    [['account', 'show', '../keys'], /1 to 64 letters/],
    [['account', 'show', '..'], /1 to 64 letters/],
    [['account', 'show', 'a', 'b'], /too many arguments/],
  ])('that is wrong ends with 2: %j', async (args, told) => {
    const { code, out, err } = await stub.run(...args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(told)
  })

  it('that is wrong is JSON on demand', async () => {
    const { code, err } = await stub.run('account', 'show', '--json')
    expect(code).toBe(2)
    expect(JSON.parse(err)).toEqual({ code: 'usage', detail: "missing required argument 'account'" })
  })

  it('is shown when asked for', async () => {
    expect(await stub.run('--help')).toMatchObject({ code: 0, err: '' })
    expect((await stub.run('credit', 'add', '--help')).out).toContain('--key <text>')
    expect((await stub.run('--version')).out).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  it('has every command of the contract', async () => {
    const contract = {
      account: ['create', 'show', 'list'],
      credit: ['add'],
      trunks: ['set'],
      pool: ['add'],
      call: ['quote', 'authorize', 'list', 'show', 'end'],
      tariff: ['check', 'import', 'diff', 'activate', 'list'],
      usage: ['show', 'export', 'rerate'],
      config: ['check', 'schema'],
      keys: ['create', 'revoke', 'list'],
      audit: ['verify'],
    }
    for (const [noun, verbs] of Object.entries(contract)) {
      const { out } = await stub.run(noun, '--help')
      for (const verb of verbs) expect(out).toMatch(new RegExp(`^  ${verb}\\b`, 'm'))
    }
    expect((await stub.run('--help')).out).toMatch(/^ {2}serve[^]*^ {2}doctor/m)
  })
})

describe('doctor', () => {
  type Checks = { readonly ok: boolean; readonly checks: { what: string; status: string; detail: string }[] }

  async function examined(): Promise<Checks & { readonly code: number }> {
    const { code, out } = await stub.run('doctor', '--json')
    return { code, ...(JSON.parse(out) as Checks) }
  }

  it('looks at the embedded store when it runs, and starts none', async () => {
    stub.on('GET /readyz', { body: { status: 'ok' } })
    const dataDir = join(stub.folder, 'data')
    mkdirSync(dataDir, { mode: 0o700 })
    const before = await examined()
    expect(before).toMatchObject({ code: 0, ok: true })
    expect(before.checks).toContainEqual({
      what: 'store',
      status: 'warn',
      detail: "the daemon's own Redis does not run now, so it was not looked at",
    })
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
    const binary = process.env['TOLLGATE_REDIS_SERVER'] ?? 'redis-server'
    const redis = await startEmbeddedRedis({ dataDir, binary, appendFsync: 'everysec', log })
    const running = await examined()
    await redis.stop()
    expect(running.code).toBe(0)
    const stated = running.checks.map(({ what, status }) => `${what} ${status}`)
    expect(stated).toEqual(
      expect.arrayContaining([
        'store version ok',
        'store eviction ok',
        'store on disk ok',
        'store role ok',
        'store clock ok',
        'daemon ok',
      ]),
    )
    const after = await examined()
    expect(after.checks.some(({ what, status }) => what === 'store' && status === 'warn')).toBe(true)
  })

  it('fails at a store that cannot keep money', async () => {
    const redis = await startRedis()
    stub.env({ TOLLGATE_REDIS_URL: redis.url })
    const found = await examined()
    await redis.stop()
    expect(found).toMatchObject({ code: 1, ok: false })
    expect(found.checks).toContainEqual({
      what: 'store on disk',
      status: 'fail',
      detail: 'the append-only file is off: a restart would lose money; set appendonly yes',
    })
    const gone = await examined()
    expect(gone.checks).toContainEqual(expect.objectContaining({ what: 'store', status: 'fail' }))
  })

  it('names edges that cannot be called back, and rights that are too wide', async () => {
    stub.file('tollgate.yaml', 'edges:\n  pbx: { kind: none }\n')
    const dataDir = join(stub.folder, 'data')
    mkdirSync(dataDir)
    chmodSync(dataDir, 0o777)
    writeFileSync(join(dataDir, 'api-key'), 'tg_bootstrap_x')
    chmodSync(join(dataDir, 'api-key'), 0o644)
    const { code, checks } = await examined()
    expect(code).toBe(1)
    expect(checks.find(({ what }) => what === 'edge pbx')).toMatchObject({
      status: 'warn',
      detail: expect.stringContaining('600 s') as string,
    })
    expect(checks.find(({ what }) => what === 'data folder')?.status).toBe('fail')
    expect(checks.find(({ what }) => what === 'key file')?.status).toBe('fail')
  })

  it('fails at a bad configuration, and is a list for people', async () => {
    stub.file('tollgate.yaml', 'cals: {}\n')
    const { code, out } = await stub.run('doctor')
    expect(code).toBe(1)
    expect(out).toMatch(/^fail {2}config {10}tollgate\.yaml:1:1: cals: /)
    expect(out).toMatch(/^ok {4}node {12}Node v2\d/m)
  })
})

describe('the process', () => {
  function launch(args: readonly string[], env: Record<string, string> = {}) {
    const cli = join(import.meta.dirname, '../../src/cli.ts')
    const child = spawn(process.execPath, [cli, ...args], {
      env: { PATH: process.env['PATH'], ...env },
      cwd: stub.folder,
    })
    const said = { out: '', err: '' }
    child.stdout.on('data', (chunk) => (said.out += String(chunk)))
    child.stderr.on('data', (chunk) => (said.err += String(chunk)))
    return new Promise<typeof said & { code: number | null }>((resolve) => {
      child.once('close', (code) => {
        resolve({ ...said, code })
      })
    })
  }

  it('has the exit code of the command', async () => {
    const config = { TOLLGATE_CONFIG_DIR: stub.folder }
    const [good, wrong] = await Promise.all([launch(['config', 'check'], config), launch(['config', 'chek'], config)])
    expect(good).toMatchObject({ code: 0, err: '', out: `${stub.folder}: good, 0 tariffs and 0 accounts\n` })
    expect(wrong.code).toBe(2)
    expect(wrong.err).toContain("unknown command 'chek'")
  })

  it('writes much and whole', async () => {
    const { code, out } = await launch(['config', 'schema'])
    expect(code).toBe(0)
    expect(Object.keys(JSON.parse(out) as object)).toHaveLength(4)
  })
})
