import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lines, Stub } from './stub.ts'

let stub: Stub

beforeEach(async () => {
  stub = new Stub()
  await stub.open()
})

afterEach(() => stub.close())

interface Rate {
  readonly prefix: string
  readonly perMinute?: string
  readonly [field: string]: unknown
}

const many = (count: number, price: (at: number) => string): readonly Rate[] =>
  Array.from({ length: count }, (_, at) => ({ prefix: String(4400 + at), perMinute: price(at) }))

/** Version 1 is in force and has these rates. */
function inForce(...rates: readonly Rate[]): void {
  stub.on('GET /v1/tariffs', { body: { items: [{ name: 'retail', currency: 'USD', versions: 1, active: 1 }] } })
  stub.on('GET /v1/tariffs/retail/versions/1/rates', lines({ name: 'retail', version: 1, currency: 'USD' }, ...rates))
  const added = { name: 'retail', version: 2, rates: 1, sha256: 'abcdef' }
  stub.on('POST /v1/tariffs/retail/versions', { status: 201, body: added })
}

const deck = (rates: readonly Rate[]): string =>
  `Code,Rate\n${rates.map(({ prefix, perMinute = '' }) => `${prefix},${perMinute}\n`).join('')}`

const importDeck = (...words: readonly string[]) =>
  stub.run('tariff', 'import', 'deck.csv', '--name', 'retail', ...words)

function sent(): readonly Rate[] | undefined {
  const body = stub.asked.find(({ method, path }) => method === 'POST' && path === '/v1/tariffs/retail/versions')?.body
  return (body as readonly Rate[] | undefined)?.slice(1)
}

describe('the guard rails of an import', () => {
  beforeEach(() => inForce(...many(40, () => '0.10')))

  it.each([
    ['dearer', (at: number) => (at < 5 ? '0.13' : '0.10'), '5 of 40 prefixes are dearer by more than 20 %: 12.5 %'],
    ['cheaper', (at: number) => (at < 5 ? '0.08' : '0.10'), '5 of 40 prefixes are cheaper by as much: 12.5 %'],
    [
      'jump',
      (at: number) => (at < 1 ? '1.00' : '0.10'),
      '1 prices rise or fall by 10 times or more (4400 0.10 → 1.00)',
    ],
    [
      'jump',
      (at: number) => (at < 1 ? '0.01' : '0.10'),
      '1 prices rise or fall by 10 times or more (4400 0.10 → 0.01)',
    ],
    ['free', (at: number) => (at < 1 ? '0' : '0.10'), '1 rates become free (4400 0.10 → 0)'],
  ])('refuse what is %s as a mistake, until more is allowed', async (limit, price, message) => {
    stub.file('deck.csv', deck(many(40, price)))
    const refused = await importDeck()
    expect(refused.code).toBe(3)
    expect(refused.err).toContain('tollgate: guard_rails: this looks like a mistake, and nothing was changed')
    expect(refused.err).toContain(message)
    expect(sent()).toBeUndefined()
    expect((await importDeck('--dry-run')).code).toBe(3)
    expect(sent()).toBeUndefined()
    expect((await importDeck('--limit', `${limit}=100`)).code).toBe(0)
    expect(sent()).toHaveLength(40)
  })

  it('refuse a deck with far fewer codes, and give way to --force', async () => {
    stub.file('deck.csv', deck(many(20, () => '0.10')))
    const { code, err } = await importDeck()
    expect({ code, err }).toMatchObject({
      code: 3,
      err: expect.stringContaining('20 of 40 prefixes are closed') as string,
    })
    expect((await importDeck('--force')).code).toBe(0)
  })

  it('refuse a deck that blocks as many', async () => {
    stub.file('deck.csv', deck(many(40, (at) => (at < 20 ? 'blocked' : '0.10'))))
    const { code, err } = await importDeck()
    expect({ code, err }).toMatchObject({
      code: 3,
      err: expect.stringContaining('20 of 40 prefixes are closed or blocked') as string,
    })
    expect((await importDeck('--limit', 'closed=50')).code).toBe(0)
  })

  it('let pass what changes a little, and what was free before', async () => {
    inForce(...many(40, (at) => (at === 7 ? '0' : '0.10')))
    stub.file('deck.csv', deck(many(40, (at) => (at === 7 ? '0' : '0.115'))))
    expect((await importDeck()).code).toBe(0)
  })

  it('are limits by name', async () => {
    stub.file('deck.csv', deck(many(40, () => '0.10')))
    expect(await importDeck('--limit', 'price=1')).toMatchObject({ code: 2 })
    expect(await importDeck('--limit', 'dearer=much')).toMatchObject({ code: 2 })
  })
})

describe('an import onto the version in force', () => {
  it('lets a price go on until its new one begins', async () => {
    inForce({ prefix: '44', perMinute: '0.10', destination: 'UK' }, { prefix: '33', perMinute: '0.20' })
    const far = '2099-12-08'
    stub.file('deck.csv', `Code,Name,Rate,Effective date\n44,UK,0.11,${far}\n33,France,0.20,2020-01-01\n`)
    const { code, out } = await importDeck()
    expect(code).toBe(0)
    expect(out).toContain('carried over   1')
    expect(sent()).toEqual([
      { prefix: '44', destination: 'UK', perMinute: '0.10', validUntil: '2099-12-07' },
      { prefix: '44', destination: 'UK', perMinute: '0.11', validFrom: far },
      { prefix: '33', destination: 'France', perMinute: '0.20', validFrom: '2020-01-01' },
    ])
  })

  it('makes one day of all rates the day of the version', async () => {
    inForce({ prefix: '44', perMinute: '0.10' })
    stub.file('deck.csv', 'Code,Rate,Effective date\n44,0.11,2099-12-08\n')
    await importDeck()
    expect(stub.asked.find(({ method }) => method === 'POST')?.body).toEqual([
      { currency: 'USD', effectiveFrom: '2099-12-08' },
      { prefix: '44', perMinute: '0.11' },
    ])
  })

  it('of changes only keeps the rest, and takes away what is closed, now or later', async () => {
    inForce(...['1', '33', '44', '49'].map((prefix) => ({ prefix, perMinute: '0.10' })))
    const rows = ['44,0.11,2020-01-01,increase', '49,0.10,2099-12-08,closed', '33,,,closed', '7,0.3,2020-01-01,new']
    stub.file('deck.csv', `Code,Rate,Effective date,Status\n${rows.join('\n')}\n`)
    expect((await importDeck('--changes', '--limit', 'closed=100')).code).toBe(0)
    expect(sent()).toEqual([
      { prefix: '1', perMinute: '0.10' },
      { prefix: '49', perMinute: '0.10', validUntil: '2099-12-07' },
      { prefix: '44', perMinute: '0.11' },
      { prefix: '7', perMinute: '0.3' },
    ])
  })

  it('shows what changes where the price of a minute stays', async () => {
    inForce({ prefix: '44', perMinute: '0.10', minimumSeconds: 30 }, { prefix: '33', perMinute: '0.20' })
    stub.file('deck.csv', 'Code,Rate,Increment,Setup fee\n44,0.10,1/1,0.01\n33,0.20,60/60,\n')
    expect((await importDeck('--dry-run')).out).toMatch(
      /terms +44 +both +0\.10 60\/60 least 30 s +0\.10 1\/1 \+0\.01\n/,
    )
  })

  it('says how the deck was understood', async () => {
    inForce({ prefix: '44', perMinute: '0.10' })
    stub.file('deck.csv', 'Code,Rate,Remark\n44,0.11,dear\nEnd of the deck\n')
    const { out, err } = await importDeck('--dry-run', '--json')
    expect(err).toBe('not used: Remark\n1 rows are no rates: row 3: End of the deck\n')
    expect(JSON.parse(out)).toMatchObject({
      dryRun: true,
      from: 1,
      counts: { up: 1 },
      deck: {
        encoding: 'utf-8',
        delimiter: ',',
        titleRow: 1,
        columns: { Code: 'prefix', Rate: 'per_minute' },
        unused: ['Remark'],
        leftOut: { count: 1, first: ['row 3: End of the deck'] },
      },
    })
  })

  it('draws its progress on a terminal only', async () => {
    inForce(...many(40, () => '0.10'))
    stub.file('deck.csv', deck(many(40, () => '0.10')))
    expect((await importDeck('--dry-run')).err).toBe('')
    stub.terminal = true
    expect((await importDeck('--dry-run')).err).toMatch(/reading deck\.csv \[#{30}\] 100 %\r\u001b\[K$/)
  })

  it('tells no more problems than asked, and how many there are', async () => {
    stub.file('deck.csv', `Code,Rate\n${'44,cheap\n'.repeat(200)}`)
    const { code, err } = await importDeck('--max-problems', '2')
    expect(code).toBe(1)
    expect(err.split('\n').slice(1)).toEqual([
      '  deck.csv:2: per_minute: "cheap" is no price',
      '      44 | cheap',
      '  deck.csv:3: per_minute: "cheap" is no price',
      '      44 | cheap',
      '  … and 198 more; --max-problems shows more',
      '',
    ])
  })
})

describe('tariff export', () => {
  const rates = [
    { prefix: '44', destination: '=HYPERLINK("x"),"UK"', perMinute: '0.0100', connectFee: '0.05', firstIncrement: 30 },
    { prefix: '900', direction: 'outbound', blocked: true },
  ]

  it('writes what import makes the same version of', async () => {
    inForce(...rates)
    const { code, out } = await stub.run('tariff', 'export', 'retail', '--output', 'retail.csv')
    const file = join(stub.folder, 'retail.csv')
    expect({ code, out }).toEqual({ code: 0, out: `Written to ${file}.\n` })
    expect(readFileSync(file, 'utf8').split('\r\n')[1]).toBe(`44,"'=HYPERLINK(""x""),""UK""",,0.0100,0.05,30,,,,,,`)
    await stub.run('tariff', 'import', 'retail.csv', '--name', 'retail')
    expect(sent()).toEqual(rates)
  })

  it('writes bands to YAML only', async () => {
    const bands = [{ days: ['sat'], from: '00:00', to: '24:00', perMinute: '0.0080' }]
    inForce({ prefix: '44', perMinute: '0.0100', bands })
    const refused = await stub.run('tariff', 'export', 'retail', '--output', 'retail.csv')
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('prefix 44 has bands or steps') as string })
    await stub.run('tariff', 'export', 'retail', '1', '--output', 'retail.yaml')
    await stub.run('tariff', 'import', 'retail.yaml', '--name', 'retail')
    expect(sent()).toEqual([{ prefix: '44', perMinute: '0.0100', bands }])
    expect(await stub.run('tariff', 'export', 'retail', '--output', 'retail.txt')).toMatchObject({ code: 2 })
  })
})

describe('tariff rollback', () => {
  const version = (number: number, ...from: readonly string[]) => ({
    version: number,
    rates: 1,
    sha256: 'ab',
    currency: 'USD',
    createdAt: '2020-01-01T00:00:00.000Z',
    activations: from.map((at) => ({ version: number, from: at })),
  })

  it('puts the version before in force, and tells what is still to come', async () => {
    const items = [
      version(3, '2099-01-01T00:00:00.000Z'),
      version(2, '2020-02-01T00:00:00.000Z', '2020-03-01T00:00:00.000Z'),
      version(1, '2020-01-01T00:00:00.000Z'),
    ]
    stub.on('GET /v1/tariffs/retail/versions', { body: { items } })
    stub.on('POST /v1/tariffs/retail/versions/1/activate', {
      body: { name: 'retail', version: 1, from: '2026-11-28T12:00:00.000Z' },
    })
    expect(await stub.run('tariff', 'rollback', 'retail')).toEqual({
      code: 0,
      out: 'retail: back from version 2 to 1, in force from 2026-11-28 12:00:00Z.\nVersion 3 is still to come at 2099-01-01 00:00:00Z.\n',
      err: '',
    })
  })

  it('needs a version before', async () => {
    stub.on('GET /v1/tariffs/retail/versions', { body: { items: [version(1, '2020-01-01T00:00:00.000Z')] } })
    expect(await stub.run('tariff', 'rollback', 'retail')).toMatchObject({ code: 1 })
  })
})
