import { writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { formatProblem } from '../../src/catalog/problems.ts'
import { readTariff, type TariffFile } from '../../src/catalog/tariff-file.ts'
import { aFolder, type Files, problemsOf } from './a-folder.ts'

const head = 'currency: USD\nrates: t.csv\n'

async function tariffOf(files: Files, known?: TariffFile): Promise<TariffFile> {
  const folder = await aFolder(files)
  const read = await readTariff({ configDir: folder.path('.'), file: 'tariffs/t.yaml', known })
  if (read.kind === 'invalid') throw new TypeError(read.problems.map(formatProblem).join('\n'))
  return read.tariff
}

function csv(text: string): Files {
  return { 'tariffs/t.yaml': head, 'tariffs/t.csv': text }
}

/** Of a row what it says. */
function said(row: object | undefined): object {
  return Object.fromEntries(Object.entries(row ?? {}).filter(([, value]) => value !== undefined))
}

describe('a CSV file of rates', () => {
  it('is read with every column', async () => {
    const { rows } = await tariffOf(
      csv(
        'prefix,destination,direction,per_minute,connect_fee,first_increment,next_increment,minimum_seconds,' +
          'no_charge_seconds,valid_from,valid_until,blocked\n' +
          '+4479,"Mobile, UK",outbound,0.1200,0.05,30,6,10,3,2026-01-01,2026-12-31T00:00:00Z,no\n' +
          '1900,,,,,,,,,,,TRUE\n',
      ),
    )
    expect(rows.map(said)).toEqual([
      {
        prefix: '4479',
        destination: 'Mobile, UK',
        direction: 'outbound',
        perMinute: '0.1200',
        connectFee: '0.05',
        firstIncrement: 30,
        nextIncrement: 6,
        minimumSeconds: 10,
        noChargeSeconds: 3,
        validFrom: '2026-01-01',
        validUntil: '2026-12-31T00:00:00Z',
      },
      { prefix: '1900', perMinute: '', blocked: true },
    ])
  })

  it.each<readonly [what: string, text: string]>([
    ['semicolons', 'prefix;per_minute\n1;0.02\n44;0.01\n'],
    ['tabs', 'prefix\tper_minute\n1\t0.02\n44\t0.01\n'],
    ['bars', 'prefix|per_minute\n1|0.02\n44|0.01\n'],
    ['a byte order mark, spaces and line ends of Windows', '\ufeffprefix , per_minute\r\n1, 0.02\r\n44, 0.01\r\n'],
    ['other words for the columns, in another order', 'Per Minute,Prefix\n0.02,1\n0.01,44\n'],
    ['empty lines and empty rows', 'prefix,per_minute\n\n1,0.02\n,\n44,0.01\n\n'],
    ['no line end', 'prefix,per_minute\n1,0.02\n44,0.01'],
  ])('may have %s', async (_, text) => {
    const { rows } = await tariffOf(csv(text))
    expect(rows.map(said)).toEqual([
      { prefix: '1', perMinute: '0.02' },
      { prefix: '44', perMinute: '0.01' },
    ])
  })

  it.each<readonly [what: string, text: string, problems: readonly string[]]>([
    ['a column nobody knows', 'prefix,per_minute,rat\n1,0.02,x\n', ['1:19: rat: unknown column "rat"']],
    [
      'a mistyped column',
      'prefx,per_minute\n1,0.02\n',
      ['1:1: prefx: unknown column "prefx", did you mean "prefix"?', '1:1: column "prefix" is missing'],
    ],
    [
      'a column twice',
      'prefix,per_minute,Per Minute\n1,0.02,1\n',
      ['1:19: Per Minute: column "per_minute" is there twice'],
    ],
    ['no price column', 'prefix\n1\n', ['1:1: column "per_minute" is missing']],
    ['no header', '', ['1:1: rates: has no rate']],
    ['no rate', 'prefix,per_minute\n', ['1:1: rates: has no rate']],
    ['a row without a prefix', 'prefix,per_minute\n,0.02\n', ['2:1: prefix: is missing; "*" is every other number']],
    [
      'a row of prose',
      'prefix,per_minute\n1,0.02\nTotal: 1 row\n',
      [
        '3:1: prefix: "Total: 1 row" is not 1 to 15 digits, nor "*"',
        '3:1: per_minute: "" is no amount such as "0.0125"',
      ],
    ],
    [
      'a prefix as a spreadsheet leaves it',
      'prefix,per_minute\n4.4E+3,0.02\n',
      ['2:1: prefix: "4.4E+3" is not 1 to 15 digits, nor "*"'],
    ],
    ['a price in words', 'prefix,per_minute\n1,N/A\n', ['2:3: per_minute: "N/A" is no amount such as "0.0125"']],
    ['a price with a comma', 'prefix;per_minute\n1;0,02\n', ['2:3: per_minute: "0,02" is no amount such as "0.0125"']],
    [
      'an unquoted comma',
      'prefix,per_minute,destination\n1,0.02,Canada, Quebec\n',
      ['2:1: has 4 fields, the header has 3; a field with a delimiter needs quotes'],
    ],
    [
      'half a second',
      'prefix,per_minute,first_increment\n1,0.02,0.5\n',
      ['2:8: first_increment: is not a whole number of 1 to 86400 seconds'],
    ],
    [
      'neither true nor false',
      'prefix,per_minute,blocked\n1,0.02,maybe\n',
      ['2:8: blocked: must be true or false, not "maybe"'],
    ],
    [
      'a direction nobody knows',
      'prefix,direction,per_minute\n1,out,0.02\n',
      ['2:3: direction: "out" is not one of outbound, inbound, both'],
    ],
    [
      'a day the calendar has not',
      'prefix,per_minute,valid_from\n1,0.02,2026-02-30\n',
      ['2:8: valid_from: "2026-02-30" is no day and no RFC 3339 time'],
    ],
    [
      'a price that ends before it begins',
      'prefix,per_minute,valid_from,valid_until\n1,0.02,2026-03-01,2026-02-01\n',
      ['2:19: valid_until: is not after validFrom'],
    ],
    [
      'a prefix twice',
      'prefix,per_minute\n1,0.02\n44,0.01\n1,0.03\n',
      ['4:1: prefix: "1" is in row 2 too, for the same direction and time'],
    ],
    [
      'a field behind quotes with a delimiter',
      'destination,prefix,per_minute\n"Canada, Quebec",1,x\n',
      ['2:20: per_minute: "x" is no amount such as "0.0125"'],
    ],
    [
      'a quote that ends too soon',
      'prefix,per_minute,destination\n1,0.02,"a"b\n',
      [
        '2:1: Invalid Closing Quote: got "b" at line 2 instead of delimiter, record delimiter, trimable character (if activated) or comment',
      ],
    ],
    [
      'problems in several rows',
      'prefix,per_minute\nx,0.02\n44,y\n49,0.01\n',
      ['2:1: prefix: "x" is not 1 to 15 digits, nor "*"', '3:4: per_minute: "y" is no amount such as "0.0125"'],
    ],
  ])('with %s is refused', async (_, text, problems) => {
    expect(await problemsOf(csv(text))).toEqual(problems.map((problem) => `tariffs/t.csv:${problem}`))
  })

  it('with a hundred bad rows and more tells of a hundred', async () => {
    const bad = (rest: string): string =>
      `prefix,per_minute,blocked\n${Array.from({ length: 300 }, (_, at) => `${String(at + 1)},${rest}`).join('\n')}\n`
    expect(await problemsOf(csv(bad('x,')))).toHaveLength(100)
    expect(await problemsOf(csv(bad('1,x')))).toHaveLength(100)
  })

  it('of a hundred thousand rows is read', async () => {
    const rows = Array.from(
      { length: 100_000 },
      (_, at) => `${String(100_000 + at)},"Place ${String(at)}",0.0${String((at % 9) + 1)}`,
    )
    const tariff = await tariffOf(csv(`prefix,destination,per_minute\n${rows.join('\n')}\n`))
    expect([tariff.rows.length, said(tariff.rows.at(-1))]).toEqual([
      100_000,
      { prefix: '199999', destination: 'Place 99999', perMinute: '0.01' },
    ])
  })
})

describe('a tariff', () => {
  it('may have its rates in the file itself', async () => {
    const { head: read, rows } = await tariffOf({
      'tariffs/t.yaml':
        'name: t\ncurrency: EUR\ntimezone: Europe/Berlin\neffectiveFrom: 2027-01-01\nrounding: { decimals: 4, mode: up }\n' +
        'rates:\n  - { prefix: +49, perMinute: 0.0100, bands: [{ days: [sat], from: "00:00", to: "24:00", perMinute: 0.005 }] }\n' +
        '  - { prefix: "*", blocked: true }\n',
    })
    expect(said(read)).toEqual({
      name: 't',
      currency: 'EUR',
      timezone: 'Europe/Berlin',
      effectiveFrom: '2027-01-01',
      rounding: { decimals: 4, mode: 'up' },
    })
    expect(rows.map(said)).toEqual([
      { prefix: '49', perMinute: '0.0100', bands: [{ days: ['sat'], from: '00:00', to: '24:00', perMinute: '0.005' }] },
      { prefix: '*', perMinute: '', blocked: true },
    ])
  })

  it('gives the bands and steps of its head to the rates of their prefix', async () => {
    const bands = '[{ days: [sat], from: "00:00", to: "24:00", perMinute: 0.005 }]'
    const { rows } = await tariffOf({
      'tariffs/t.yaml': `${head}bands: { +49: ${bands} }\nsteps: { 1: [{ fromSecond: 600, perMinute: 0.01, increment: 60 }] }\n`,
      'tariffs/t.csv': 'prefix,per_minute,direction\n49,0.01,outbound\n49,0.02,inbound\n1,0.02,\n44,0.03,\n',
    })
    expect(rows.map(({ prefix, bands: some, steps }) => [prefix, some?.length, steps?.length])).toEqual([
      ['49', 1, undefined],
      ['49', 1, undefined],
      ['1', undefined, 1],
      ['44', undefined, undefined],
    ])
  })

  it.each<readonly [what: string, files: Files, problem: string]>([
    ['no currency', { 'tariffs/t.yaml': 'rates: [{ prefix: 1, perMinute: 1 }]\n' }, 't.yaml:1:1: currency: is missing'],
    ['no rates', { 'tariffs/t.yaml': 'currency: USD\n' }, 't.yaml:1:1: rates: is missing'],
    [
      'another name than its file',
      { 'tariffs/t.yaml': 'name: u\ncurrency: USD\nrates: [{ prefix: 1, perMinute: 1 }]\n' },
      't.yaml:1:1: name: must be "t", as the file is',
    ],
    [
      'a CSV file that is not there',
      { 'tariffs/t.yaml': head },
      't.yaml:2:8: rates: there is no file "t.csv" beside this one',
    ],
    [
      'a CSV file elsewhere',
      { 'tariffs/t.yaml': 'currency: USD\nrates: ../t.csv\n' },
      't.yaml:2:8: rates: must be a list of rates or the name of a .csv file beside this one, not "../t.csv"',
    ],
    [
      'keys for rates',
      { 'tariffs/t.yaml': 'currency: USD\nrates: { prefix: 1 }\n' },
      't.yaml:2:8: rates: must be text or a list',
    ],
    [
      'a rate without a price',
      { 'tariffs/t.yaml': 'currency: USD\nrates:\n  - { prefix: 1 }\n' },
      't.yaml:3:5: rates[0].perMinute: is missing; only a blocked rate needs no price',
    ],
    [
      'a rate with a key nobody knows',
      { 'tariffs/t.yaml': 'currency: USD\nrates:\n  - { prefix: 1, perMinute: 1, minSecond: 1 }\n' },
      't.yaml:3:32: rates[0].minSecond: unknown key "minSecond"',
    ],
    [
      'a price that is none',
      { 'tariffs/t.yaml': 'currency: USD\nrates: [{ prefix: 1, perMinute: free }]\n' },
      't.yaml:2:33: rates[0].perMinute: must be a price such as "0.0125", not below zero, with at most 10 decimals, not "free"',
    ],
    [
      'a price too dear to count',
      { 'tariffs/t.yaml': 'currency: USD\nrates: [{ prefix: 1, perMinute: 9999999 }]\n' },
      't.yaml:2:33: rates[0].perMinute: 9999999 a minute is too dear to count exactly',
    ],
    [
      'a prefix twice',
      {
        'tariffs/t.yaml': 'currency: USD\nrates:\n  - { prefix: 1, perMinute: 1 }\n  - { prefix: +1, perMinute: 2 }\n',
      },
      't.yaml:4:15: rates[1].prefix: "1" is in row 1 too, for the same direction and time',
    ],
    [
      'a fee finer than a micro',
      { 'tariffs/t.yaml': 'currency: USD\nrates: [{ prefix: 1, perMinute: 1, connectFee: 0.0000001 }]\n' },
      't.yaml:2:48: rates[0].connectFee: must have at most 6 decimals, not "0.0000001"',
    ],
    [
      'bands that overlap',
      {
        'tariffs/t.yaml':
          'currency: USD\nrates:\n  - prefix: 1\n    perMinute: 1\n    bands:\n      - { days: [sat], from: "00:00", to: "24:00", perMinute: 1 }\n      - { days: [sat], from: "12:00", to: "13:00", perMinute: 1 }\n',
      },
      't.yaml:7:30: rates[0].bands[1].from: overlaps band 0 of the same rate',
    ],
    [
      'a band on no day',
      {
        'tariffs/t.yaml':
          'currency: USD\nrates: [{ prefix: 1, perMinute: 1, bands: [{ days: [], from: "00:00", to: "24:00", perMinute: 1 }] }]\n',
      },
      't.yaml:2:52: rates[0].bands[0].days: must have at least 1 entries, not a list',
    ],
    [
      'a band at an odd hour',
      {
        'tariffs/t.yaml':
          'currency: USD\nrates: [{ prefix: 1, perMinute: 1, bands: [{ days: [sat], from: "7pm", to: "24:00", perMinute: 1 }] }]\n',
      },
      't.yaml:2:65: rates[0].bands[0].from: must be a time such as "19:00", not "7pm"',
    ],
    [
      'steps that go back',
      {
        'tariffs/t.yaml':
          'currency: USD\nrates:\n  - prefix: 1\n    perMinute: 1\n    steps:\n      - { fromSecond: 60, perMinute: 1, increment: 1 }\n      - { fromSecond: 60, perMinute: 1, increment: 1 }\n',
      },
      't.yaml:7:23: rates[0].steps[1].fromSecond: is not above the step before it',
    ],
    [
      'bands for no rate',
      {
        'tariffs/t.yaml': `${head}bands:\n  49: [{ days: [sat], from: "00:00", to: "24:00", perMinute: 1 }]\n`,
        'tariffs/t.csv': 'prefix,per_minute\n1,1\n',
      },
      't.yaml:4:3: bands.49: there is no rate with this prefix in the CSV file',
    ],
    [
      'bands that overlap, in the head',
      {
        'tariffs/t.yaml': `${head}bands:\n  +1:\n    - { days: [sat], from: "00:00", to: "24:00", perMinute: 1 }\n    - { days: [sat], from: "12:00", to: "13:00", perMinute: 1 }\n`,
        'tariffs/t.csv': 'prefix,per_minute\n1,1\n',
      },
      't.yaml:6:28: bands.+1[1].from: overlaps band 0 of the same rate',
    ],
    [
      'bands of the head for its own rates',
      {
        'tariffs/t.yaml':
          'currency: USD\nrates: [{ prefix: 1, perMinute: 1 }]\nbands: { 1: [{ days: [sat], from: "00:00", to: "24:00", perMinute: 1 }] }\n',
      },
      't.yaml:3:1: bands: belongs into the rates of this file; it is for rates of a CSV file',
    ],
    [
      'too many decimals',
      { 'tariffs/t.yaml': 'currency: USD\nrounding: { decimals: 7 }\nrates: [{ prefix: 1, perMinute: 1 }]\n' },
      't.yaml:2:23: rounding.decimals: must be at most 6, not 7',
    ],
    [
      'a day that is none',
      { 'tariffs/t.yaml': 'currency: USD\neffectiveFrom: 2026-02-30\nrates: [{ prefix: 1, perMinute: 1 }]\n' },
      't.yaml:2:16: effectiveFrom: must be a day such as 2027-01-01 or an instant such as 2027-01-01T00:00:00Z',
    ],
  ])('with %s is refused', async (_, files, problem) => {
    expect(await problemsOf(files)).toEqual([`tariffs/${problem}`])
  })
})

describe('the digest of a tariff', () => {
  const rates = 'prefix,per_minute\n1,0.02\n'

  it('is the same after a change of comments and spaces only', async () => {
    const first = await tariffOf({ 'tariffs/t.yaml': head, 'tariffs/t.csv': rates })
    const second = await tariffOf({
      'tariffs/t.yaml': `# New.\n${head}`,
      'tariffs/t.csv': rates.replaceAll(',', ' , '),
    })
    expect(second.sha256).toBe(first.sha256)
  })

  it.each([
    ['a price', { 'tariffs/t.csv': 'prefix,per_minute\n1,0.03\n' }],
    ['the currency', { 'tariffs/t.yaml': head.replace('USD', 'EUR') }],
    ['the rounding', { 'tariffs/t.yaml': `${head}rounding: { decimals: 2 }\n` }],
    [
      'the bands',
      { 'tariffs/t.yaml': `${head}bands: { 1: [{ days: [sat], from: "00:00", to: "24:00", perMinute: 1 }] }\n` },
    ],
  ])('is another after a change of %s', async (_, change) => {
    const files = { 'tariffs/t.yaml': head, 'tariffs/t.csv': rates }
    expect((await tariffOf({ ...files, ...change })).sha256).not.toBe((await tariffOf(files)).sha256)
  })

  it('spares reading files that have not changed', async () => {
    const folder = await aFolder({ 'tariffs/t.yaml': head, 'tariffs/t.csv': rates })
    const source = { configDir: folder.path('.'), file: 'tariffs/t.yaml' }
    const first = await readTariff(source)
    if (first.kind === 'invalid') throw new TypeError('a good tariff')
    expect(await readTariff({ ...source, known: first.tariff })).toEqual({ kind: 'read', tariff: first.tariff })
    const again = await readTariff({ ...source, known: first.tariff })
    expect(again.kind === 'read' && again.tariff).toBe(first.tariff)
    await writeFile(folder.path('tariffs/t.csv'), `${rates}44,0.01\n`)
    const changed = await readTariff({ ...source, known: first.tariff })
    expect(changed.kind === 'read' && changed.tariff.rows).toHaveLength(2)
  })
})
