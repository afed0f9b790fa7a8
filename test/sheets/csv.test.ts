import { describe, expect, it } from 'vitest'
import { csvFile } from '../../src/sheets/csv-file.ts'
import { csvLines } from '../../src/sheets/csv.ts'
import { jsonlFile } from '../../src/sheets/jsonl-file.ts'
import { tableOf, textOf } from './a-table.ts'

describe('a cell of CSV', () => {
  it.each([
    ['plain', 'plain'],
    ['', ''],
    ['a,b', '"a,b"'],
    ['said "bye"', '"said ""bye"""'],
    ['two\nlines', '"two\nlines"'],
    ['one\rreturn', '"one\rreturn"'],
    [' led by a space', '" led by a space"'],
    ['=1+1', `'=1+1`],
    ['+SUM(A1)', `'+SUM(A1)`],
    ['-1+2', `'-1+2`],
    ['@tag', `'@tag`],
    ['\t=1', `"'\t=1"`],
    ['＝1', `'＝1`],
    ['+442079460958', '+442079460958'],
    ['-1.500000', '-1.500000'],
    [undefined, ''],
    [-3, '-3'],
  ])('%j is written %j', (cell, written) => {
    expect(csvLines([['x', cell]])).toBe(`x,${written}\r\n`)
  })
})

const rows = [
  ['A', '+442079460958', 61, '0.020000'],
  ['B', '=cmd', 0, undefined],
] as const

describe('a table', () => {
  it('of CSV has its heading, an empty line, titles and rows of all pages', async () => {
    const heading = [
      ['account', 'acme'],
      ['period', '2026-11-01 to 2026-11-30'],
    ] as const
    expect(await textOf(csvFile({ heading, table: tableOf([rows[0]], [], [rows[1]]) }))).toBe(
      "account,acme\r\nperiod,2026-11-01 to 2026-11-30\r\n\r\ncall,to,seconds,charge\r\nA,+442079460958,61,0.020000\r\nB,'=cmd,0,\r\n",
    )
  })

  it('of CSV without a heading begins with its titles', async () => {
    expect(await textOf(csvFile({ heading: [], table: tableOf() }))).toBe('call,to,seconds,charge\r\n')
  })

  it('of JSON lines is one object for each row, its cells as they are', async () => {
    expect(await textOf(jsonlFile({ heading: [['account', 'acme']], table: tableOf([...rows]) }))).toBe(
      '{"export":{"account":"acme"}}\n{"call":"A","to":"+442079460958","seconds":61,"charge":"0.020000"}\n{"call":"B","to":"=cmd","seconds":0}\n',
    )
  })
})
