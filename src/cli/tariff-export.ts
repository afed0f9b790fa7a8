/** A version of a tariff as a file that `tariff import` makes the same version of. */
import { resolve } from 'node:path'
import { stringify } from 'yaml'
import { csvColumns } from '../catalog/tariff-schema.ts'
import type { RateRow } from '../rating/tariff.ts'
import type { Cli } from './cli.ts'
import { CliFailure, usageFailure } from './context.ts'
import { csvLines } from '../sheets/csv.ts'
import { activeVersion, type Book, bookOf } from './tariff-api.ts'
import { writeWhole } from './whole-file.ts'

export interface ExportAsked {
  readonly name: string
  readonly version: number | undefined
  readonly output: string
}

export async function exportTariff(cli: Cli, { name, version, output }: ExportAsked): Promise<void> {
  const isYaml = /\.yaml$/.test(output)
  if (!isYaml && !/\.csv$/.test(output)) throw usageFailure('--output must end with .csv or .yaml')
  const api = await cli.api()
  const which = version ?? (await activeVersion(api, name))
  if (which === undefined) {
    throw new CliFailure({ code: 'tariff_unknown', message: `no version of tariff "${name}" is in force: say which` })
  }
  const book = await bookOf(api, name, which)
  const file = resolve(cli.context.source.cwd, output)
  await writeWhole(file, isYaml ? [yamlText(book)] : csvTexts(book))
  cli.print({ name, version: which, rates: book.rows.length, file }, () => `Written to ${file}.`)
}

/** What it is called is the name of the file, which may be another. */
function yamlText({ head: { name: _name, ...head }, rows }: Book): string {
  return stringify({
    ...head,
    rates: rows.map(({ perMinute, ...rate }) => (perMinute === '' ? rate : { ...rate, perMinute })),
  })
}

const ROWS_AT_ONCE = 1_000

function* csvTexts({ rows }: Book): Generator<string> {
  const banded = rows.find(({ bands, steps }) => bands?.length || steps?.length)
  if (banded) {
    const message = `prefix ${banded.prefix} has bands or steps, which a .csv cannot hold: write a .yaml`
    throw new CliFailure({ code: 'export_lossy', message })
  }
  yield csvLines([Object.keys(csvColumns)])
  for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
    yield csvLines(rows.slice(from, from + ROWS_AT_ONCE).map(cellsOf))
  }
}

function cellsOf(rate: RateRow): readonly (string | number | undefined)[] {
  return Object.values(csvColumns).map((field) => {
    const value = rate[field]
    return typeof value === 'boolean' ? String(value) : value
  })
}
