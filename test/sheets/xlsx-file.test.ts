import { createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { openWorkbook } from '../../src/decks/workbook.ts'
import { openPackage } from '../../src/decks/zip-part.ts'
import type { Heading } from '../../src/exports/heading.ts'
import type { Cell, Row } from '../../src/exports/table.ts'
import { xlsxFile } from '../../src/sheets/xlsx-file.ts'
import { columns, tableOf } from './a-table.ts'

const folder = mkdtempSync(join(tmpdir(), 'tg-xlsx-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Written {
  readonly pages: readonly (readonly (readonly Cell[])[])[]
  readonly heading?: Heading
  readonly rowsOfASheet?: number
}

async function write({ pages, heading = [], rowsOfASheet }: Written): Promise<string> {
  const path = join(folder, 'table.xlsx')
  await pipeline(xlsxFile({ heading, table: tableOf(...pages) }, rowsOfASheet), createWriteStream(path))
  return path
}

/** The cells of a sheet as another program of ours reads them. */
async function read(path: string, sheet = 'Sheet1'): Promise<readonly (readonly string[])[]> {
  const opened = await openWorkbook({ path, sheet, mappings: [], progress: () => undefined })
  const rows: (readonly string[])[] = []
  for await (const { cells } of opened.rows()) rows.push(cells)
  return rows
}

const call = (name: string): readonly Cell[] => [name, '+442079460958', 61, '0.020000']

describe('a workbook', () => {
  it('has the titles and every row, text as it is and numbers as numbers', async () => {
    const strange = ['=1+1', '<&>"', 0, undefined] as const
    expect(await read(await write({ pages: [[call('A')], [], [strange]] }))).toEqual([
      ['call', 'to', 'seconds', 'charge'],
      ['A', '+442079460958', '61', '0.02'],
      ['=1+1', '<&>"', '0', ''],
    ])
  })

  it('types text as text, so that nothing is run and numbers of telephones keep their plus', async () => {
    const parts = await openPackage(await write({ pages: [[['=1+1', '+442079460958', 1, '0.020000']]] }))
    const sheet = await text(await parts.open('xl/worksheets/sheet1.xml'))
    parts.close()
    for (const cell of ['=1+1', '+442079460958']) {
      expect(sheet).toContain(`<c t="inlineStr"><is><t xml:space="preserve">${cell}</t></is></c>`)
    }
    expect(sheet).toContain('<c><v>1</v></c><c s="1"><v>0.020000</v></c>')
    expect(sheet).not.toContain('<f>')
  })

  it('says above the titles what it is of', async () => {
    const rows = await read(await write({ pages: [[call('A')]], heading: [['account', 'acme']] }))
    expect(rows.map((cells) => cells[0])).toEqual(expect.arrayContaining(['account', 'call', 'A']))
    expect(rows.findIndex(([first]) => first === 'account')).toBeLessThan(rows.findIndex(([first]) => first === 'call'))
  })

  it('goes on in another sheet where one is full, each with the titles', async () => {
    const names = ['A', 'B', 'C', 'D', 'E']
    const path = await write({ pages: [names.slice(0, 3).map(call), names.slice(3).map(call)], rowsOfASheet: 3 })
    const firsts = []
    for (const sheet of ['Sheet1', 'Sheet2', 'Sheet3']) firsts.push((await read(path, sheet)).map(([first]) => first))
    expect(firsts).toEqual([
      ['call', 'A', 'B'],
      ['call', 'C', 'D'],
      ['call', 'E'],
    ])
  })

  it('of nothing has its titles', async () => {
    expect(await read(await write({ pages: [] }))).toEqual([['call', 'to', 'seconds', 'charge']])
  })

  it('holds what XML cannot as spreadsheet programs write it', async () => {
    const [, row] = await read(await write({ pages: [[['a\u0000b_x0041_\ud800', '', 1, '1']]] }))
    expect(row?.[0]).toMatch(/^a(_x0000_b_x005F_x0041_|\u0000b_x0041_)\ufffd$/)
  })

  it('whose rows fail is not finished', async () => {
    async function* pages(): AsyncGenerator<readonly Row[]> {
      yield [{ cells: call('A') }]
      throw new Error('the archive went away')
    }
    const file = xlsxFile({ heading: [], table: { columns, pages: pages() } })
    await expect(pipeline(file, createWriteStream(join(folder, 'broken.xlsx')))).rejects.toThrow(
      'the archive went away',
    )
  })
})
