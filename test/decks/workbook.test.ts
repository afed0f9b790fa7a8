import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { ZipFile } from 'yazl'
import { fixture, readContent, readFile, type ReadTest, type TestRules, told } from './reading.ts'

const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main'

interface SheetText {
  readonly name: string
  readonly rows: string
  readonly hidden?: true
}

/** A workbook as some writers make it: no shared texts, no styles, no references of cells. */
async function workbook(sheets: readonly SheetText[], parts: Readonly<Record<string, string>> = {}): Promise<Buffer> {
  const zip = new ZipFile()
  const add = (name: string, text: string): void => zip.addBuffer(Buffer.from(text), name)
  const names = sheets.map(({ name, hidden }, at) => {
    return `<sheet name="${name}" sheetId="${at + 1}" r:id="rId${at + 1}"${hidden ? ' state="hidden"' : ''}/>`
  })
  add(
    'xl/workbook.xml',
    `<workbook xmlns="${MAIN}">${parts['properties'] ?? ''}<sheets>${names.join('')}</sheets></workbook>`,
  )
  const targets = sheets.map((_, at) => `<Relationship Id="rId${at + 1}" Target="worksheets/sheet${at + 1}.xml"/>`)
  add('xl/_rels/workbook.xml.rels', `<Relationships>${targets.join('')}</Relationships>`)
  if (parts['styles'] !== undefined) add('xl/styles.xml', parts['styles'])
  for (const [at, { rows }] of sheets.entries()) {
    add(`xl/worksheets/sheet${at + 1}.xml`, `<worksheet xmlns="${MAIN}"><sheetData>${rows}</sheetData></worksheet>`)
  }
  zip.end()
  return buffer(zip.outputStream)
}

const inline = (...texts: readonly string[]): string =>
  `<row>${texts.map((text) => `<c t="inlineStr"><is><t>${text}</t></is></c>`).join('')}</row>`

async function readSheets(sheets: readonly SheetText[], rules?: TestRules): Promise<ReadTest> {
  return readContent(await workbook(sheets), rules)
}

describe('a workbook', () => {
  it('has its rates on one of its sheets, in numbers, texts, dates and formulas', async () => {
    const { form, rates, leftOut, problems } = await readFile(fixture('az-wholesale.xlsx'))
    expect(problems).toEqual([])
    const onTheFirst = { validFrom: '2026-12-01' }
    expect(rates).toEqual([
      {
        prefix: '49',
        destination: 'Germany Fixed',
        perMinute: '0.0125',
        firstIncrement: 60,
        nextIncrement: 1,
        ...onTheFirst,
      },
      ...['4915', '4916'].map((prefix) => ({
        prefix,
        destination: 'Germany Mobile (all)',
        perMinute: '0.3',
        connectFee: '0.01',
        firstIncrement: 60,
        nextIncrement: 60,
        ...onTheFirst,
      })),
      {
        prefix: '882160000000',
        destination: 'Satellite Thuraya',
        perMinute: '0.0125',
        connectFee: '0',
        firstIncrement: 1,
        nextIncrement: 1,
        ...onTheFirst,
      },
      {
        prefix: '33',
        destination: 'France Fixed',
        perMinute: '0.025',
        firstIncrement: 1,
        nextIncrement: 1,
        ...onTheFirst,
      },
    ])
    expect(leftOut).toEqual(['9: Rates are confidential'])
    expect(form).toMatchObject({ currency: 'EUR', titleRow: 3, form: { sheet: 'Rates' }, effectiveFrom: '2026-12-01' })
  })

  it('has a sheet that is asked for by its name', async () => {
    const path = fixture('az-wholesale.xlsx')
    expect((await readFile(path, { sheet: 'Old rates' })).rates).toEqual([{ prefix: '44', perMinute: '0.5' }])
    expect(told(await readFile(path, { sheet: 'Prices' }))).toEqual([
      '0: has no sheet "Prices"; there are "Cover", "Old rates", "Rates"',
    ])
  })

  it('may have cells without references and texts in place', async () => {
    const rows = `${inline('Code', 'Name', 'Rate')}<row><c><v>44</v></c><c t="str"><v>UK &amp; more</v></c><c><v>1.2500000000000001E-2</v></c></row>`
    const { rates } = await readSheets([{ name: 'A', rows }])
    expect(rates).toEqual([{ prefix: '44', destination: 'UK & more', perMinute: '0.0125' }])
  })

  it('names rows and cells that are wrong as a spreadsheet does', async () => {
    const rows = `${inline('Code', 'Rate')}<row r="7"><c r="A7"><v>44</v></c><c r="B7" t="e"><v>#N/A</v></c></row>`
    const read = await readSheets([{ name: 'A', rows }])
    expect(told(read)).toEqual(['7: per_minute: "#N/A" is no price'])
    expect(read.problems[0]?.text).toBe('44 | #N/A')
  })

  it('with two sheets of rates is read when one is named; hidden ones do not count', async () => {
    const rows = `${inline('Code', 'Rate')}${inline('44', '0.01')}`
    const two = [
      { name: 'A-Z', rows },
      { name: 'Promo', rows },
    ]
    expect(told(await readSheets(two))).toEqual(['0: has more than one sheet of rates, "A-Z", "Promo": say --sheet'])
    expect((await readSheets(two, { sheet: 'Promo' })).rates).toHaveLength(1)
    expect(
      (
        await readSheets([
          { name: 'Old', rows, hidden: true },
          { name: 'A-Z', rows },
        ])
      ).form?.form,
    ).toEqual({ sheet: 'A-Z' })
  })

  it('of an old Mac counts its days from 1904', async () => {
    const styles = '<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>'
    const rows = `${inline('Code', 'Rate', 'Effective date')}<row><c><v>44</v></c><c><v>1</v></c><c s="1"><v>44895</v></c></row>`
    const book = async (properties: string): Promise<Buffer> => workbook([{ name: 'A', rows }], { styles, properties })
    expect((await readContent(await book('<workbookPr date1904="1"/>'))).rates[0]?.validFrom).toBe('2026-12-01')
    expect((await readContent(await book(''))).rates[0]?.validFrom).toBe('2022-11-30')
  })

  it('has prices in the currency that their format shows, and formulas that have a value', async () => {
    const formats = ['[$€-407] 0.0000', '£0.00', '&quot;$&quot;0.00'].map((code, at) => {
      return `<numFmt numFmtId="${at + 164}" formatCode="${code}"/>`
    })
    const xfs = [0, 164, 165, 166, 10].map((id) => `<xf numFmtId="${id}"/>`).join('')
    const styles = `<styleSheet><numFmts>${formats.join('')}</numFmts><cellXfs>${xfs}</cellXfs></styleSheet>`
    const row = (code: number, cell: string): string => `<row><c><v>${code}</v></c>${cell}</row>`
    const price = (code: number, style: number): string => row(code, `<c s="${style}"><v>1.2500000000000001E-2</v></c>`)
    const rows = [
      inline('Code', 'Rate'),
      ...[0, 1, 2, 3, 4].map((style) => price(41 + style, style)),
      row(46, '<c><f>B1*2</f></c>'),
      row(47, '<c><f>B1*2</f><v>0.5</v></c>'),
    ].join('')
    const read = await readContent(await workbook([{ name: 'A', rows }], { styles }), { unpriced: 'skip' })
    expect(read.rates.map(({ prefix, perMinute }) => [prefix, perMinute])).toEqual([
      ['41', '0.0125'],
      ['44', '0.0125'],
      ['47', '0.5'],
    ])
    expect(told(read)).toEqual([
      '3: per_minute: is in EUR, the tariff in USD',
      '4: per_minute: is in GBP, the tariff in USD',
      '6: per_minute: "1.25%" is no price',
      '7: per_minute: "= (a formula without a value)" is no price',
    ])
  })

  it('with a text that does not end is refused before it fills memory', async () => {
    const rows = `<row><c t="inlineStr"><is><t>${' '.repeat(3 * 2 ** 20)}</t></is></c></row>`
    expect(told(await readSheets([{ name: 'A', rows }]))).toEqual([
      '0: the file is damaged: it has a text of more than 1048576 bytes',
    ])
  })

  it('that is another archive, or broken inside, is refused', async () => {
    const zip = new ZipFile()
    zip.addBuffer(Buffer.from('Code,Rate\n44,0.01\n'), 'rates.csv')
    zip.end()
    expect(told(await readContent(await buffer(zip.outputStream)))).toEqual([
      '0: is an archive and no .xlsx workbook: unpack it',
    ])
    const rows = '<row><c t="inlineStr"><is><t>Code</t></row>'
    expect(told(await readSheets([{ name: 'A', rows }]))[0]).toContain('the file is damaged')
  })
})
