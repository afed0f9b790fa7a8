import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatProblem } from '../../src/catalog/problems.ts'
import { readSettings, type Settings } from '../../src/catalog/settings.ts'
import { aFolder, type Files } from './a-folder.ts'

type Env = Readonly<Record<string, string>>

async function settingsOf(text: string, env: Env = {}): Promise<Settings> {
  const { cwd } = await aFolder({ 'tollgate.yaml': `# Settings\n${text}` })
  const read = await readSettings(env, cwd)
  if (read.kind === 'invalid') throw new TypeError(read.problems.map(formatProblem).join('\n'))
  return read.settings
}

async function refusal(env: Env, files: Files = {}): Promise<readonly string[]> {
  const { cwd } = await aFolder(files)
  const read = await readSettings(env, cwd)
  return read.kind === 'invalid' ? read.problems.map(formatProblem) : []
}

describe('settings', () => {
  it('have a default for everything', async () => {
    const { cwd } = await aFolder({})
    const read = await readSettings({}, cwd)
    expect(read.kind === 'read' && read.settings).toEqual({
      dataDir: join(cwd, 'data'),
      configDir: join(cwd, 'config'),
      http: { host: '127.0.0.1', port: 8484, jobsBoard: false },
      redis: { urls: [], commandTimeoutMs: 1000, maxInFlight: 512, appendFsync: 'everysec' },
      partitions: 64,
      roles: ['decide', 'clock', 'jobs', 'archive'],
      calls: {
        sliceSeconds: 60,
        extendAheadSeconds: 10,
        setupSeconds: 180,
        guardMs: 500,
        warnSeconds: 0,
        aliveWithinSeconds: 120,
        maxCallSeconds: 14_400,
        unattendedSeconds: 600,
        failedMemorySeconds: 300,
        rememberDays: 7,
        endRetrySeconds: 3,
        shortenWithinSeconds: 10,
        tickMs: 100,
      },
      emergency: { numbers: ['112', '911'] },
      defaults: {
        currency: 'USD',
        timezone: 'UTC',
        onEngineError: 'deny',
        engineErrorSeconds: 60,
        engineErrorCalls: 5,
        pool: { freeSeconds: 30, increment: 60, onExhausted: 'finish_call', directions: ['outbound'] },
        minimumPurchase: '5.00',
      },
      sipReplies: {},
      edges: {},
      callControl: { enabled: false, socket: 'call-control.sock', node: 'default' },
      payments: { provider: 'sandbox', bundle: { minutes: 100, prices: {} }, dialer: { prices: {} } },
      storageFee: {
        prices: {},
        unitBytes: 1_000_000_000,
        thresholdBytes: 0,
        charged: 'above',
        measure: 'peak',
        billedOnDay: 2,
      },
      sip: {
        enabled: false,
        node: 'sip',
        servers: [{ host: '127.0.0.1', port: 9022, secret: 'cymru' }],
        realm: 'tollgate',
        digestAlgorithm: 'MD5',
        invitesPerSecond: { source: 500, account: 100 },
        warning: { headers: { 'X-Tollgate-Seconds-Left': '{seconds}' } },
        trustedSources: [],
        groups: {},
      },
      archive: { hotDays: 35 },
      exports: { keptHours: 24, perAccount: 20 },
      events: { kept: 50_000, streams: 100 },
      webhooks: { allowPrivate: false, deadlineSeconds: 15, disableAfterDays: 5 },
      mail: { allowPlain: false, timeoutSeconds: 20 },
      notices: { language: 'en', mostPerHour: 20 },
      log: { level: 'info', decisions: true },
    })
  })

  it('are taken from the environment before the file, and from the file before the defaults', async () => {
    const file = 'http: { port: 8001 }\ncalls: { sliceSeconds: 30 }\n'
    const env = { TOLLGATE_HTTP_PORT: '8002' }
    expect((await settingsOf('')).http.port).toBe(8484)
    expect((await settingsOf(file)).http.port).toBe(8001)
    const { http, calls } = await settingsOf(file, env)
    expect([http, calls.sliceSeconds, calls.guardMs]).toEqual([
      { host: '127.0.0.1', port: 8002, jobsBoard: false },
      30,
      500,
    ])
  })

  it('keep the defaults of keys with nothing after them', async () => {
    const { http, log } = await settingsOf('http:\nlog:\n  level: ~\n  decisions: false\n')
    expect([http.port, log]).toEqual([8484, { level: 'info', decisions: false }])
  })

  it('read numbers as text where text is meant', async () => {
    const { emergency, defaults } = await settingsOf(
      'emergency: { numbers: [0112] }\ndefaults: { minimumPurchase: 7.50 }\n',
    )
    expect([emergency.numbers, defaults.minimumPurchase]).toEqual([['0112'], '7.50'])
  })

  it('follow anchors', async () => {
    const { edges } = await settingsOf('edges:\n  a: &edge { kind: none, mode: whole }\n  b: *edge\n')
    expect(edges['b']).toEqual({ kind: 'none', mode: 'whole' })
  })
})

describe('an environment variable', () => {
  it.each<readonly [variable: string, value: string, setting: (settings: Settings) => unknown, expected: unknown]>([
    ['TOLLGATE_HTTP_PORT', '9000', (s) => s.http.port, 9000],
    ['TOLLGATE_REDIS_URL', 'redis://a:1', (s) => s.redis.urls, ['redis://a:1']],
    ['TOLLGATE_REDIS_URL', 'redis://a:1, redis://b:2,', (s) => s.redis.urls, ['redis://a:1', 'redis://b:2']],
    ['TOLLGATE_REDIS_SERVER', '/usr/bin/redis-server', (s) => s.redis.server, '/usr/bin/redis-server'],
    ['TOLLGATE_DATABASE_URL', 'postgres://u@h/db', (s) => s.databaseUrl, 'postgres://u@h/db'],
    ['TOLLGATE_API_KEY', 'tg_boot_0123456789abcdef', (s) => s.apiKey, 'tg_boot_0123456789abcdef'],
    ['TOLLGATE__CALLS__SLICE_SECONDS', '30', (s) => s.calls.sliceSeconds, 30],
    ['TOLLGATE__CALLS__SLICESECONDS', '31', (s) => s.calls.sliceSeconds, 31],
    ['TOLLGATE__calls__sliceSeconds', '32', (s) => s.calls.sliceSeconds, 32],
    ['TOLLGATE__LOG__DECISIONS', 'false', (s) => s.log.decisions, false],
    ['TOLLGATE__LOG__LEVEL', 'debug', (s) => s.log.level, 'debug'],
    ['TOLLGATE__ROLES', 'clock', (s) => s.roles, ['clock']],
    ['TOLLGATE__EMERGENCY__NUMBERS', '911,0112', (s) => s.emergency.numbers, ['911', '0112']],
    ['TOLLGATE__EMERGENCY__NUMBERS', '[911, 112]', (s) => s.emergency.numbers, ['911', '112']],
    ['TOLLGATE__DEFAULTS__POOL__FREE_SECONDS', '0', (s) => s.defaults.pool.freeSeconds, 0],
    ['TOLLGATE__DEFAULTS__MINIMUM_PURCHASE', '10', (s) => s.defaults.minimumPurchase, '10'],
    [
      'TOLLGATE__SIP_REPLIES__NO_CREDIT',
      '{ status: 403, reason: Empty }',
      (s) => s.sipReplies.no_credit,
      { status: 403, reason: 'Empty' },
    ],
    [
      'TOLLGATE__EDGES__KAM1__RPC_URL',
      'http://k/RPC',
      (s) => s.edges['Kam1'],
      { kind: 'kamailio', rpcUrl: 'http://k/RPC', listSeconds: 30, canRaise: false },
    ],
    ['TOLLGATE__EDGES__KAM2', '{ kind: none, mode: whole }', (s) => s.edges['kam2'], { kind: 'none', mode: 'whole' }],
    ['TOLLGATE_HTTP_PORT', '', (s) => s.http.port, 8484],
  ])('%s=%s', async (variable, value, setting, expected) => {
    const file = 'edges: { Kam1: { kind: kamailio, rpcUrl: http://old/RPC } }\n'
    expect(setting(await settingsOf(file, { [variable]: value }))).toEqual(expected)
  })

  it('builds an edge from several', async () => {
    const env = {
      TOLLGATE__EDGES__PBX__KIND: 'webhook',
      TOLLGATE__EDGES__PBX__URL: 'https://pbx.example.com/tollgate',
      TOLLGATE__EDGES__PBX__SECRET: '0123456789abcdef',
      TOLLGATE__EDGES__PBX__CAN_RAISE: 'true',
    }
    expect((await settingsOf('', env)).edges['pbx']).toMatchObject({ kind: 'webhook', canRaise: true, listSeconds: 30 })
  })

  it('names the data and config folders from where the daemon was started', async () => {
    const { cwd } = await aFolder({ 'tollgate.yaml': 'partitions: 8\n', '../other/tollgate.yaml': 'partitions: 16\n' })
    const read = await readSettings({ TOLLGATE_CONFIG_DIR: 'other', TOLLGATE_DATA_DIR: '/var/lib/tollgate' }, cwd)
    expect(read.kind === 'read' && read.settings).toMatchObject({
      partitions: 16,
      configDir: join(cwd, 'other'),
      dataDir: '/var/lib/tollgate',
    })
  })

  it('with _FILE gives the file that holds the value', async () => {
    const folder = await aFolder({
      'tollgate.yaml': 'edges: { w: { kind: webhook, url: http://w } }\n',
      key: 'tg_boot_0123456789abcdef\n',
      secret: '  fedcba9876543210\r\nsecond line\n',
    })
    const env = { TOLLGATE_API_KEY_FILE: folder.path('key'), TOLLGATE__EDGES__W__SECRET_FILE: 'config/secret' }
    const read = await readSettings(env, folder.cwd)
    expect(read.kind === 'read' && [read.settings.apiKey, read.settings.edges['w']]).toEqual([
      'tg_boot_0123456789abcdef',
      { kind: 'webhook', url: 'http://w', secret: 'fedcba9876543210', listSeconds: 30, canRaise: false },
    ])
  })

  it.each<readonly [what: string, env: Env, problem: string]>([
    [
      'of the wrong type',
      { TOLLGATE_HTTP_PORT: 'web' },
      'environment: TOLLGATE_HTTP_PORT: http.port must be a number, not "web"',
    ],
    [
      'out of bounds',
      { TOLLGATE__PARTITIONS: '5000' },
      'environment: TOLLGATE__PARTITIONS: partitions must be at most 1024, not 5000',
    ],
    [
      'for a key nobody knows',
      { TOLLGATE__CALLS__SLICE: '5' },
      'environment: TOLLGATE__CALLS__SLICE: there is no setting "SLICE" in calls, did you mean "sliceSeconds"?',
    ],
    [
      'for a mistyped key',
      { TOLLGATE__CALL__GUARD_MS: '5' },
      'environment: TOLLGATE__CALL__GUARD_MS: there is no setting "CALL", did you mean "calls"?',
    ],
    [
      'below a key that has nothing below it',
      { TOLLGATE__PARTITIONS__MAX: '5' },
      'environment: TOLLGATE__PARTITIONS__MAX: there is no setting "MAX" in partitions',
    ],
    [
      'with an entry that is wrong',
      { TOLLGATE_REDIS_URL: 'redis://a:1,b:2' },
      'environment: TOLLGATE_REDIS_URL: redis.urls[1] must be a URL such as redis://10.0.0.5:6379',
    ],
    [
      'with a key that is no key, which is not repeated',
      { TOLLGATE_API_KEY: 'hunter2' },
      'environment: TOLLGATE_API_KEY: apiKey must have the form tg_<id>_<secret>',
    ],
    [
      'for a file that is not there',
      { TOLLGATE_API_KEY_FILE: 'gone' },
      'environment: TOLLGATE_API_KEY_FILE: the file "gone" cannot be read',
    ],
    [
      'for a folder that is not there',
      { TOLLGATE_CONFIG_DIR: '/nowhere' },
      'environment: TOLLGATE_CONFIG_DIR: there is no folder "/nowhere"',
    ],
    [
      'beside another for the same setting',
      { TOLLGATE_HTTP_PORT: '1', TOLLGATE__HTTP__PORT: '2' },
      'environment: TOLLGATE__HTTP__PORT: http.port is also set by TOLLGATE_HTTP_PORT; keep one of them',
    ],
    [
      'beside its own _FILE',
      { TOLLGATE__APIKEY: 'tg_a_b', TOLLGATE_API_KEY_FILE: 'config/tollgate.yaml' },
      'environment: TOLLGATE__APIKEY: apiKey is also set by TOLLGATE_API_KEY_FILE; keep one of them',
    ],
  ])('%s is refused by its name', async (_, env, problem) => {
    expect(await refusal(env, { 'tollgate.yaml': '# Settings\n' })).toContain(problem)
  })

  it('mends what is wrong in the file', async () => {
    expect((await settingsOf('http: { port: web }\n', { TOLLGATE_HTTP_PORT: '80' })).http.port).toBe(80)
    expect(
      (await settingsOf('edges: { a: { kind: odd } }\n', { TOLLGATE__EDGES: '{ a: { kind: none } }' })).edges['a'],
    ).toEqual({
      kind: 'none',
    })
  })

  it.each<readonly [Env, readonly string[]]>([
    [
      { TOLLGATE_HTTP_PROT: '80' },
      ['environment: TOLLGATE_HTTP_PROT: means nothing here, did you mean "TOLLGATE_HTTP_PORT"?'],
    ],
    [{ TOLLGATE_SOMETHING_ELSE: '80', PATH: '/bin' }, []],
    [{ TOLLGATE_API_KEY: 'tg_a_b' }, ['environment: TOLLGATE_API_KEY: apiKey has a secret shorter than 16 characters']],
  ])('warns of %j', async (env, warnings) => {
    const { cwd } = await aFolder({})
    const read = await readSettings(env, cwd)
    expect(read.kind === 'read' && read.warnings.map(formatProblem)).toEqual(warnings)
  })

  it.each<readonly [server: string, readonly string[]]>([
    ['{ host: 127.0.0.1 }', []],
    ['{ host: localhost }', []],
    ["{ host: '::1' }", []],
    ['{ host: 10.0.0.7, secret: of-our-own }', []],
    ['{ host: 10.0.0.7 }', ['secret']],
    ['{ host: drachtio.example, secret: of-our-own }', []],
    ['{ host: drachtio.example }', ['secret']],
    ['{ host: 203.0.113.7, secret: of-our-own }', ['host']],
    ["{ host: '2001:db8::1' }", ['host', 'secret']],
  ])('warns of a drachtio-server that others may reach: %s', async (server, fields) => {
    const { cwd } = await aFolder({ 'tollgate.yaml': `sip: { enabled: true, servers: [${server}] }\n` })
    const read = await readSettings({}, cwd)
    const warned = read.kind === 'read' ? read.warnings.map(({ path }) => path) : [read]
    expect(warned).toEqual(fields.map((field) => `sip.servers[0].${field}`))
  })
})
