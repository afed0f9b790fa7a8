import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { fixture, readContent, readFile, told } from './reading.ts'

const increments = (first: number, next = first): object => ({ firstIncrement: first, nextIncrement: next })
const onTheFirst = { validFrom: '2026-12-01' }

describe('a carrier\u2019s deck', () => {
  it('has lines above its titles, titles once more, prose below, and several codes in a cell', async () => {
    const { form, rates, leftOut, problems } = await readFile(fixture('az-wholesale.csv'))
    expect(problems).toEqual([])
    const uk = (destination: string) => `United Kingdom ${destination}`
    expect(rates).toEqual([
      { prefix: '93', destination: 'Afghanistan', perMinute: '0.2150', ...increments(60), ...onTheFirst },
      ...['9370', '9371'].map((prefix) => {
        return { prefix, destination: 'Afghanistan Mobile AWCC', perMinute: '0.1985', ...increments(60), ...onTheFirst }
      }),
      { prefix: '1876', destination: 'Jamaica Mobile', perMinute: '0.1720', ...increments(1), ...onTheFirst },
      { prefix: '44', destination: uk('Fixed'), perMinute: '0.0041', ...increments(1), ...onTheFirst },
      ...['4471', '4472', '4473'].map((prefix) => {
        return { prefix, destination: uk('Mobile "O2"'), perMinute: '0.0110', ...increments(1), ...onTheFirst }
      }),
      {
        prefix: '4470',
        destination: uk('Personal numbers'),
        perMinute: '',
        ...increments(1),
        ...onTheFirst,
        blocked: true,
      },
    ])
    expect(leftOut).toEqual([
      '10: Country | Destination | Dial Code | Rate (USD/min) | Effective Date | Billing Increment | Status',
      "15: Rates are subject to change with seven days' notice.",
    ])
    expect(form).toMatchObject({
      currency: 'USD',
      titleRow: 5,
      form: { encoding: 'utf-8', delimiter: ',' },
      effectiveFrom: '2026-12-01',
      unused: [],
    })
  })

  it('has a decimal comma, semicolons, letters of Windows, and titles in German', async () => {
    const { form, rates, problems } = await readFile(fixture('semicolon-latin1.csv'))
    expect(problems).toEqual([])
    expect(rates.map(({ prefix, destination, perMinute }) => [prefix, destination, perMinute])).toEqual([
      ['43', 'Österreich Festnetz', '0.0125'],
      ['43650', 'Österreich Mobil', '0.0890'],
      ['43660', 'Österreich Mobil', '0.0890'],
      ['41', 'Schweiz', '1.105'],
    ])
    expect(rates[0]).toMatchObject({ ...onTheFirst, ...increments(60, 1) })
    expect(form).toMatchObject({ currency: 'EUR', form: { encoding: 'windows-1252', delimiter: ';' } })
  })

  it('has tabs, and codes of one country in a cell', async () => {
    const { rates, problems } = await readFile(fixture('freeside.tsv'))
    expect(problems).toEqual([])
    expect(rates.map(({ prefix }) => prefix)).toEqual(['6138', '6139', '614', '1204', '1226', '1227', '1228'])
  })

  it('was saved as Unicode text', async () => {
    const { form, rates, problems } = await readFile(fixture('unicode-text.txt'))
    expect(problems).toEqual([])
    expect(rates).toEqual([
      { prefix: '225', destination: "Côte d'Ivoire", perMinute: '0.1530', connectFee: '0.01' },
      { prefix: '239', destination: 'São Tomé', perMinute: '0.9' },
    ])
    expect(form).toMatchObject({ currency: 'GBP', form: { encoding: 'utf-16le', delimiter: '\t' } })
    const big = readFileSync(fixture('unicode-text.txt')).swap16()
    expect((await readContent(big)).form).toMatchObject({ form: { encoding: 'utf-16be' } })
    expect((await readContent(big.subarray(2))).rates).toEqual(rates)
  })

  it('has country and area apart, and prices of a second', async () => {
    const { form, rates, problems } = await readFile(fixture('country-and-area.psv'))
    expect(problems).toEqual([])
    const mobile = { destination: 'Germany mobile', perMinute: '0.09', connectFee: '0.01', ...increments(30, 6) }
    expect(rates).toEqual([
      { prefix: '49', destination: 'Germany', perMinute: '0.012', ...increments(1) },
      ...['4915', '4916', '4917'].map((prefix) => ({ prefix, ...mobile, validUntil: '2026-12-31' })),
    ])
    expect(form?.currency).toBe('EUR')
  })

  it('comes from another switch', async () => {
    const { rates, problems } = await readFile(fixture('switch-export.csv'))
    expect(problems).toEqual([])
    expect(rates[1]).toEqual({
      prefix: '4479',
      destination: 'UK mobile',
      perMinute: '0.12',
      connectFee: '0.05',
      ...increments(60),
      noChargeSeconds: 3,
    })
  })

  it('says what changes, and takes codes away', async () => {
    const path = fixture('amendment.csv')
    const { rates, closed, form, problems } = await readFile(path)
    expect(rates.map(({ prefix, perMinute, validFrom }) => [prefix, perMinute, validFrom])).toEqual([
      ['93', '0.2150', '2026-12-08'],
      ['9370', '0.1985', '2026-11-28'],
      ['4471', '0.011', '2026-12-08'],
    ])
    expect(closed).toEqual(['9378 2026-12-08'])
    expect(form?.unused).toEqual(['Old rate', 'Remarks'])
    expect(form?.effectiveFrom).toBeUndefined()
    expect(problems.map(({ line, message }) => [line, message])).toEqual([[5, '"N/A" is no price; see --unpriced']])
    expect((await readFile(path, { unpriced: 'skip' })).leftOut).toHaveLength(1)
    expect((await readFile(path, { unpriced: 'block' })).rates).toContainEqual(
      expect.objectContaining({ prefix: '44701', blocked: true }),
    )
  })

  it('was damaged by a spreadsheet: every row that is wrong is told in one run, with its text', async () => {
    const read = await readFile(fixture('excel-damage.csv'))
    expect(told(read)).toMatchInlineSnapshot(`
      [
        "3: prefix: "4.42E+11" was shortened by a spreadsheet: its last digits are lost; ask for the file as text or .xlsx",
        "4: prefix: "020" begins with 0: no country code does",
        "6: per_minute: "#VALUE!" is no price",
        "6: effective_from: "01/12/2026" has more than one reading: say --dates dmy, mdy or ymd",
        "7: per_minute: is missing; see --unpriced",
        "7: increments: "6-Jun" was turned into a date by a spreadsheet",
        "8: per_minute: "1,234" may be 1.234 or 1234: say --decimal comma or --decimal point",
        "9: prefix: is missing; "*" is every other number",
        "10: has 6 cells, the titles 5; a cell with a delimiter needs quotes",
        "11: per_minute: "-0.01" is no price",
        "11: increments: "often" is no increments such as "60/60"",
      ]
    `)
    expect(read.problems[0]?.text).toBe('4.42E+11 | UK ranges | 0.0110 | 2026-12-01 | 1/1')
    expect(read.rates.map(({ prefix }) => prefix)).toEqual(['44', '33', '39'])
  })
})

describe('the titles of a deck', () => {
  const FINNISH = 'Hinnasto\nSuuntanumero;Maa;Hinta senttiä/min EUR\n44;Iso-Britannia;1,25\n'

  it('in words that are not known are told to say what they are', async () => {
    const { form, rates, problems } = await readContent(FINNISH)
    expect({ form, rates }).toEqual({ form: undefined, rates: [] })
    expect(problems).toEqual([
      {
        line: 2,
        field: '',
        message:
          'column "prefix" is missing; say --map \'<title>=prefix\' of one of "Suuntanumero", "Maa", "Hinta senttiä/min EUR"',
        text: 'Suuntanumero | Maa | Hinta senttiä/min EUR',
      },
    ])
  })

  it('are what --map says they are', async () => {
    const mappings = [
      { column: 'suuntanumero', field: 'prefix' },
      { column: '2', field: 'destination' },
      { column: 'Hinta senttiä / min (EUR)', field: 'per_minute' },
    ] as const
    const { form, rates } = await readContent(FINNISH, { mappings })
    expect(rates).toEqual([{ prefix: '44', destination: 'Iso-Britannia', perMinute: '1.25' }])
    expect(form).toMatchObject({
      currency: 'EUR',
      columns: { Suuntanumero: 'prefix', Maa: 'destination', 'Hinta senttiä/min EUR': 'per_minute' },
    })
  })

  it('that may both be the price are refused until one is ruled out', async () => {
    const deck = 'Code,Rate,New rate\n44,0.02,0.01\n'
    expect(told(await readContent(deck))).toEqual([
      '1: "Rate" and "New rate" may both be per_minute: say --map \'…=ignore\' of one',
    ])
    const { rates } = await readContent(deck, { mappings: [{ column: 'Rate', field: 'ignore' }] })
    expect(rates).toEqual([{ prefix: '44', perMinute: '0.01' }])
  })

  it('may be absent where columns are told by their number', async () => {
    const mappings = [
      { column: '2', field: 'prefix' },
      { column: '3', field: 'per_minute' },
    ] as const
    const { rates } = await readContent('UK;44;0,01\nFrance;33;0,02\n', { mappings })
    expect(rates).toEqual([
      { prefix: '44', perMinute: '0.01' },
      { prefix: '33', perMinute: '0.02' },
    ])
  })

  it('that --map names must be there', async () => {
    const read = await readContent('Code,Rate\n44,0.02\n', { mappings: [{ column: 'Fee', field: 'connect_fee' }] })
    expect(told(read)).toEqual(['1: --map: there is no column "Fee"; there are "Code", "Rate"'])
  })

  it('say another currency than was told', async () => {
    const read = await readContent('Code,Rate EUR\n44,0.02\n', { currency: 'USD' })
    expect(told(read)).toEqual(['1: currency: the deck is in EUR, the tariff in USD'])
    const column = await readContent('Code,Rate,Currency\n44,0.02,EUR\n', { currency: 'USD' })
    expect(told(column)).toEqual(['2: currency: is EUR, the tariff is in USD'])
    expect((await readContent('Currency:,EUR\nCode,Rate\n44,0.02\n')).form?.currency).toBe('EUR')
  })

  it('are not looked for for ever', async () => {
    const read = await readContent(`${'nothing,here\n'.repeat(60)}Code,Rate\n44,0.01\n`)
    expect(told(read)[0]).toContain('column "prefix" is missing')
  })
})

describe('rows of a deck', () => {
  it('that are blank are no end', async () => {
    expect((await readContent('Code,Rate\n44,0.01\n,\n\n33,0.02\n')).rates).toHaveLength(2)
  })

  it('with dates of two readings are refused until the order is told', async () => {
    const deck = 'Code,Rate,Effective date\n44,0.01,01/12/2026\n'
    expect(told(await readContent(deck))).toEqual([
      '2: effective_from: "01/12/2026" has more than one reading: say --dates dmy, mdy or ymd',
    ])
    expect((await readContent(deck, { dates: 'dmy' })).rates[0]?.validFrom).toBe('2026-12-01')
    expect((await readContent(deck, { dates: 'mdy' })).rates[0]?.validFrom).toBe('2026-01-12')
  })

  it('with area codes need a country', async () => {
    const read = await readContent('Country code,Area code,Rate\n,20,0.01\nUK,20,0.01\n')
    expect(told(read)).toEqual(['2: country_code: is missing', '3: area_code: "UK 20" is no code: it must be digits'])
  })

  it('with a status that nobody knows are refused', async () => {
    expect(told(await readContent('Code,Rate,Status\n44,0.01,perhaps\n'))[0]).toContain('"perhaps" is no status')
  })

  it('with prices of a second are told so', async () => {
    expect((await readContent('Code,Rate\n44,0.0001\n', { perSecond: true })).rates[0]?.perMinute).toBe('0.006')
  })

  it('with a quote inside are whole; one that is never closed is told', async () => {
    expect((await readContent('Code,Name,Rate\n44,UK 5" x,0.01\n33,F,0.02\n')).rates).toHaveLength(2)
    expect(told(await readContent('Code,Name,Rate\n44,"UK,0.01\n33,F,0.02\n'))).toEqual([
      '2: has a quote that is never closed',
    ])
  })
})

describe('a file that is no deck', () => {
  it.each([
    ['an old Excel file', Buffer.from('d0cf11e0a1b11ae1', 'hex'), 'is an old Excel file (.xls) or has a password'],
    ['a PDF', '%PDF-1.7', 'is a PDF'],
    ['a web page', '<html><table><tr><td>44</td></tr></table></html>', 'is a web page'],
    ['an archive', Buffer.from('1f8b08000000', 'hex'), 'is an archive'],
    ['a damaged workbook', 'PK\u0003\u0004 and nothing more', 'the file is damaged'],
    ['empty', '', 'is empty'],
  ])('%s is refused, with what to do', async (_what, content, why) => {
    expect(told(await readContent(content))).toEqual([expect.stringContaining(why)])
  })

  it('may end its lines in several ways', async () => {
    const { rates, problems } = await readContent('Code,Rate\r\n44,0.01\n33,0.02\r34,"0.03"\r\n')
    expect(problems).toEqual([])
    expect(rates.map(({ prefix }) => prefix)).toEqual(['44', '33', '34'])
  })

  it('with a quote that is never closed names the row where it begins', async () => {
    const read = await readContent('Code,Name,Rate\n1,US,0.01\n44,"UK,0.01\n33,France,0.02\n34,Spain,0.03\n')
    expect(told(read)).toEqual(['3: has a quote that is never closed'])
  })

  it('with zero bytes is no text', async () => {
    expect(told(await readContent('Code,Name,Rate\n44,U\0K,0.01\n'))).toEqual(['0: is no text: it has zero bytes'])
  })
})
