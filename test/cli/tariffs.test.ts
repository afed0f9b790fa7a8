import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { usualLimits } from '../../src/rating/guard-rails.ts'
import { lines, problem, Stub } from './stub.ts'

let stub: Stub

beforeEach(async () => {
  stub = new Stub()
  await stub.open()
})

afterEach(() => stub.close())

const CSV = `prefix,destination,direction,per_minute,connect_fee,blocked
44,United Kingdom,outbound,0.0100,,
4479,United Kingdom mobile,outbound,0.1200,0.05,
4470,Personal numbers,outbound,,,true
`

const version = (number: number, rates: number) => ({
  version: number,
  rates,
  sha256: 'abcdef0123456789',
  currency: 'USD',
  createdAt: '2026-11-23T12:00:00.000Z',
  activations: number === 1 ? [{ version: 1, from: '2026-11-23T12:00:00.000Z' }] : [],
})

const summary = { name: 'retail', currency: 'USD', versions: 2, active: 1 }

function book(): void {
  stub.on('GET /v1/tariffs', { body: { items: [summary] } })
  stub.on('GET /v1/tariffs/retail/versions', { body: { items: [version(1, 4), version(2, 5)] } })
  const uk = { prefix: '44', destination: 'United Kingdom', perMinute: '0.01', direction: 'outbound' }
  const old = [
    { ...uk, perMinute: '0.012' },
    {
      prefix: '4479',
      perMinute: '0.12',
      connectFee: '0',
      bands: [{ days: ['sat'], from: '00:00', to: '24:00', perMinute: '0.10' }],
    },
    { prefix: '33', perMinute: '0.01' },
    { prefix: '34', perMinute: '0.012' },
  ]
  const fresh = [
    uk,
    { prefix: '4479', perMinute: '0.120', bands: [{ perMinute: '0.1', from: '00:00', to: '24:00', days: ['sat'] }] },
    { prefix: '34', perMinute: '0.02', destination: 'Spain' },
  ]
  const more = [
    { prefix: '49', perMinute: '0.01', blocked: false },
    { prefix: '900', blocked: true },
  ]
  stub.on('GET /v1/tariffs/retail/versions/1/rates', lines({ name: 'retail', version: 1, currency: 'USD' }, ...old))
  stub.on(
    'GET /v1/tariffs/retail/versions/2/rates',
    lines({ name: 'retail', version: 2, currency: 'USD' }, ...fresh, ...more),
  )
}

describe('tariff check', () => {
  it('needs no daemon', async () => {
    stub.file('uk.csv', CSV)
    stub.file('retail.yaml', 'currency: EUR\nrates: uk.csv\n')
    const { code, out } = await stub.run('tariff', 'check', 'uk.csv', 'retail.yaml')
    expect({ code, out }).toEqual({ code: 0, out: 'uk.csv: good, 3 rates in USD\nretail.yaml: good, 3 rates in EUR\n' })
    expect((await stub.run('tariff', 'check', 'uk.csv', '--currency', 'GBP')).out).toContain('3 rates in GBP')
    expect(stub.asked).toEqual([])
  })

  it('takes rates that follow one another, each until the next begins, and repeats once', async () => {
    const rows = ['44,0.03,2027-01-01', '44,0.01,', '33,0.5,2026-12-01', '44,0.02,2026-12-08', '44,0.02,2026-12-08']
    stub.file('next.csv', `Code,Rate,Effective date\n${rows.join('\n')}\n`)
    const { code, out } = await stub.run('tariff', 'check', 'next.csv')
    expect({ code, out }).toEqual({
      code: 0,
      out: 'next.csv: good, 4 rates in USD\n  1 rates are the same as one before them, and stand once\n',
    })
    stub.file('same.csv', `Code,Rate,Effective date\n44,0.01,2026-12-08\n44,0.02,2026-12-08\n`)
    expect((await stub.run('tariff', 'check', 'same.csv')).out).toContain('prefix: "44" is in row 2 too')
  })

  it('tells every problem with its place, and fails', async () => {
    stub.file('uk.csv', `${CSV}33,France,outbound,cheap,,\n44,Again,outbound,0.01,,\n`)
    stub.file('bad.yaml', 'currency: EUR\nrates: nowhere.csv\n')
    const { code, out, err } = await stub.run('tariff', 'check', 'uk.csv', 'bad.yaml', 'gone.csv', 'rates.txt')
    expect({ code, err }).toEqual({ code: 1, err: '' })
    expect(out).toMatchInlineSnapshot(`
      "uk.csv:5: per_minute: "cheap" is no price
          33 | France | outbound | cheap
      uk.csv:6: prefix: "44" is in row 2 too, for the same direction and time
          44 | Again | outbound | 0.01
      bad.yaml:2:8: rates: there is no file "nowhere.csv" beside this one
      gone.csv: there is no such file
      rates.txt: there is no such file
      "
    `)
  })

  it('is JSON on demand', async () => {
    stub.file('uk.csv', CSV)
    const { code, out } = await stub.run('tariff', 'check', 'uk.csv', 'gone.csv', '--json')
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      files: [
        { file: 'uk.csv', ok: true, rates: 3, currency: 'USD', problems: [] },
        { file: 'gone.csv', ok: false, problems: [{ file: 'gone.csv', line: 0, message: 'there is no such file' }] },
      ],
    })
  })
})

describe('tariff import', () => {
  const added = { name: 'retail', version: 2, rates: 3, sha256: 'abcdef' }
  const sent = (): unknown => stub.asked.find(({ path }) => path === '/v1/tariffs/retail/versions')?.body
  beforeEach(() => stub.on('GET /v1/tariffs', { body: { items: [] } }))

  it('sends the rows of a CSV file', async () => {
    stub.file('uk.csv', CSV)
    stub.on('POST /v1/tariffs/retail/versions', { status: 201, body: added })
    const { code, out } = await stub.run(
      'tariff',
      'import',
      'uk.csv',
      '--name',
      'retail',
      '--timezone',
      'Europe/London',
    )
    expect(code).toBe(0)
    expect(out).toMatchInlineSnapshot(`
      "tariff         retail
      version        2
      rates          3
      SHA-256        abcdef
      in force from  not yet: \`tollgate tariff activate\`
      "
    `)
    const mobile = {
      destination: 'United Kingdom mobile',
      direction: 'outbound',
      perMinute: '0.1200',
      connectFee: '0.05',
    }
    expect(sent()).toEqual([
      { currency: 'USD', timezone: 'Europe/London' },
      { prefix: '44', destination: 'United Kingdom', direction: 'outbound', perMinute: '0.0100' },
      { prefix: '4479', ...mobile },
      { prefix: '4470', destination: 'Personal numbers', direction: 'outbound', blocked: true },
    ])
  })

  it('sends a head with its bands, and puts it in force', async () => {
    const band = '{ days: [sat], from: "00:00", to: "24:00", perMinute: 0.0080 }'
    stub.file(
      'night.yaml',
      `currency: EUR\nrounding: { decimals: 4, mode: up }\nrates:\n  - { prefix: 49, perMinute: 0.0110, bands: [${band}] }\n`,
    )
    stub.on('POST /v1/tariffs/retail/versions', { status: 201, body: added })
    stub.on('POST /v1/tariffs/retail/versions/2/activate', {
      body: { name: 'retail', version: 2, from: '2026-12-01T00:00:00.000Z' },
    })
    const ran = await stub.run(
      'tariff',
      'import',
      'night.yaml',
      '--name',
      'retail',
      '--activate',
      '--at',
      '2026-12-01T00:00:00Z',
    )
    expect(ran.out).toContain('in force from  2026-12-01 00:00:00Z')
    const bands = [{ days: ['sat'], from: '00:00', to: '24:00', perMinute: '0.0080' }]
    expect(stub.asked.flatMap(({ body }) => (body === undefined ? [] : [body]))).toEqual([
      [
        { currency: 'EUR', rounding: { decimals: 4, mode: 'up' } },
        { prefix: '49', perMinute: '0.0110', bands },
      ],
      { at: '2026-12-01T00:00:00Z', limit: usualLimits },
    ])
  })

  it('only says what would change, with --dry-run', async () => {
    book()
    stub.file('uk.csv', CSV)
    const { code, out } = await stub.run('tariff', 'import', 'uk.csv', '--name', 'retail', '--dry-run')
    expect(code).toBe(0)
    expect(out).toMatchInlineSnapshot(`
      "retail, against version 1; nothing was changed
      2 new, 3 closed, 0 up, 1 down, 0 terms, 0 unchanged

      CHANGE  PREFIX  DESTINATION            DIRECTION  BEFORE    AFTER
      closed  33                             both         0.01
      closed  34                             both        0.012
      down    44      United Kingdom         outbound    0.012     0.01
      new     4470    Personal numbers       outbound           blocked
      closed  4479                           both         0.12
      new     4479    United Kingdom mobile  outbound              0.12
      "
    `)
    expect(stub.asked.every(({ method }) => method === 'GET')).toBe(true)
    const first = await stub.run('tariff', 'import', 'uk.csv', '--name', 'new', '--dry-run', '--json')
    expect(JSON.parse(first.out)).toMatchObject({ name: 'new', dryRun: true, rates: 3, counts: { new: 3, closed: 0 } })
  })

  it('sends nothing of a bad file', async () => {
    stub.file('uk.csv', 'prefix,per_minute\n44,cheap\n')
    const { code, err } = await stub.run('tariff', 'import', 'uk.csv', '--name', 'retail')
    expect(code).toBe(1)
    expect(err).toMatchInlineSnapshot(`
      "tollgate: tariff_invalid: the tariff is not valid:
        uk.csv:2: per_minute: "cheap" is no price
            44 | cheap
      "
    `)
    expect(stub.asked).toEqual([])
  })

  it('tells what the daemon finds wrong', async () => {
    stub.file('uk.csv', CSV)
    const errors = [{ pointer: '/rates/0/perMinute', message: 'is too dear', code: 'value' }]
    stub.on('POST /v1/tariffs/retail/versions', problem(422, 'tariff_invalid', 'row 1, perMinute, is too dear', errors))
    expect(await stub.run('tariff', 'import', 'uk.csv', '--name', 'retail')).toMatchObject({
      code: 1,
      err: 'tollgate: tariff_invalid: row 1, perMinute, is too dear\n  /rates/0/perMinute is too dear\n',
    })
  })

  it('wants --activate for --at', async () => {
    stub.file('uk.csv', CSV)
    expect(await stub.run('tariff', 'import', 'uk.csv', '--name', 'a', '--at', '2026-12-01T00:00:00Z')).toMatchObject({
      code: 2,
    })
    expect(await stub.run('tariff', 'import', 'uk.csv')).toMatchObject({ code: 2 })
  })
})

describe('tariff diff', () => {
  it('is of the version in force and the newest, however the rates are written', async () => {
    book()
    const { code, out } = await stub.run('tariff', 'diff', 'retail')
    expect(code).toBe(0)
    expect(out).toMatchInlineSnapshot(`
      "retail: version 1 → 2
      2 new, 1 closed, 1 up, 1 down, 0 terms, 1 unchanged

      CHANGE  PREFIX  DESTINATION     DIRECTION  BEFORE    AFTER
      closed  33                      both         0.01
      up      34      Spain           both        0.012     0.02
      down    44      United Kingdom  outbound    0.012     0.01
      new     49                      both                  0.01
      new     900                     both               blocked
      "
    `)
  })

  it('is of any two versions, and JSON on demand', async () => {
    book()
    const { out } = await stub.run('tariff', 'diff', 'retail', '2', '1', '--json')
    expect(JSON.parse(out)).toMatchObject({
      name: 'retail',
      from: 2,
      to: 1,
      counts: { new: 1, closed: 2, up: 1, down: 1, terms: 0, unchanged: 1 },
    })
  })

  it('is of two versions only', async () => {
    expect(await stub.run('tariff', 'diff', 'retail', '1', '2', '3')).toMatchObject({ code: 2 })
    expect(await stub.run('tariff', 'diff', 'retail', 'one')).toMatchObject({ code: 2 })
  })
})

describe('tariffs', () => {
  it('are listed, and so are their versions', async () => {
    book()
    expect((await stub.run('tariff', 'list')).out).toMatchInlineSnapshot(`
      "TARIFF  CURRENCY  VERSIONS  IN FORCE
      retail  USD              2         1
      "
    `)
    expect((await stub.run('tariff', 'list', 'retail')).out).toMatchInlineSnapshot(`
      "VERSION  RATES  CURRENCY  MADE                  IN FORCE FROM         SHA-256
            1      4  USD       2026-11-23 12:00:00Z  2026-11-23 12:00:00Z  abcdef012345
            2      5  USD       2026-11-23 12:00:00Z                        abcdef012345
      "
    `)
    expect(JSON.parse((await stub.run('tariff', 'list', '--json')).out)).toEqual({ items: [summary] })
  })

  it('are put in force', async () => {
    stub.on('POST /v1/tariffs/retail/versions/2/activate', {
      body: { name: 'retail', version: 2, from: '2026-11-23T12:00:00.000Z' },
    })
    const { out } = await stub.run('tariff', 'activate', 'retail', '2')
    expect(out).toBe('retail version 2 is in force from 2026-11-23 12:00:00Z.\n')
    expect(stub.asked[0]?.body).toEqual({ limit: usualLimits })
    await stub.run('tariff', 'activate', 'retail', '2', '--limit', 'jump=20', '--limit', 'free=3')
    await stub.run('tariff', 'activate', 'retail', '2', '--force')
    expect(stub.asked.slice(1).map(({ body }) => body)).toEqual([{ limit: { ...usualLimits, jump: 20, free: 3 } }, {}])
  })

  it('are not put in force past the guard rails of the daemon, which ends with 3', async () => {
    const errors = [{ pointer: '/limit/jump', message: '1 prices rise or fall', code: 'range' }]
    stub.on('POST /v1/tariffs/retail/versions/2/activate', problem(409, 'guard_rails', 'it looks so', errors))
    const { code, err } = await stub.run('tariff', 'activate', 'retail', '2')
    expect({ code, err }).toEqual({
      code: 3,
      err: 'tollgate: guard_rails: it looks so\n  /limit/jump 1 prices rise or fall\n',
    })
  })
})
