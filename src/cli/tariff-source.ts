/** A tariff as a file: a YAML head with its rates, or a CSV file of rates alone. */
import { stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import type { ConfigProblem } from '../catalog/problems.ts'
import { readCsv } from '../catalog/tariff-csv.ts'
import { readTariff } from '../catalog/tariff-file.ts'
import { csvColumns } from '../catalog/tariff-schema.ts'
import { type RateRow, Tariff, TariffBuilder, type TariffHead } from '../rating/tariff.ts'

const MAX_PROBLEMS = 100

export type SourceHead = Omit<TariffHead, 'version'>

export type TariffSource =
  | { readonly kind: 'read'; readonly file: string; readonly head: SourceHead; readonly rows: readonly RateRow[] }
  | { readonly kind: 'invalid'; readonly file: string; readonly problems: readonly ConfigProblem[] }

/** What a CSV file does not say of itself. */
export type HeadOfCsv = Pick<SourceHead, 'name' | 'currency' | 'timezone'>

export async function readTariffSource(file: string, cwd: string, csv: HeadOfCsv): Promise<TariffSource> {
  const path = resolve(cwd, file)
  const found = await stat(path).catch(() => undefined)
  if (!found?.isFile()) return invalid(file, [{ line: 0, field: '', message: 'there is no such file' }])
  if (/\.csv$/i.test(file)) return readCsvSource(file, path, csv)
  if (!file.endsWith('.yaml')) {
    return invalid(file, [{ line: 0, field: '', message: 'must be a .yaml head or a .csv file of rates' }])
  }
  const read = await readTariff({ configDir: dirname(path), file: basename(path) })
  if (read.kind === 'read') return { kind: 'read', file, head: read.tariff.head, rows: read.tariff.rows }
  const folder = dirname(file)
  const problems = read.problems.map((problem) => {
    return { ...problem, file: folder === '.' ? problem.file : `${folder}/${basename(problem.file)}` }
  })
  return { kind: 'invalid', file, problems }
}

interface Found {
  readonly line: number
  readonly field: string
  readonly message: string
}

async function readCsvSource(file: string, path: string, csv: HeadOfCsv): Promise<TariffSource> {
  const head: SourceHead = csv
  const builder = new TariffBuilder({ ...head, version: 1 })
  const rows: RateRow[] = []
  const found: Found[] = []
  await readCsv(path, {
    row(row, line) {
      rows.push(row)
      builder.add(row, line)
      return true
    },
    problem(problem) {
      found.push(problem)
      return found.length < MAX_PROBLEMS
    },
  })
  const built = builder.finish()
  // A file without a single row that can be read is told by its problems, not by its emptiness.
  if (!(built instanceof Tariff) && (rows.length > 0 || found.length === 0)) {
    found.push(...built.problems.map(({ row, field, message }) => ({ line: row, field: columnOf(field), message })))
  }
  return found.length > 0 ? invalid(file, found) : { kind: 'read', file, head, rows }
}

function columnOf(field: string): string {
  return Object.entries(csvColumns).find(([, name]) => name === field)?.[0] ?? field
}

function invalid(file: string, found: readonly Found[]): TariffSource {
  const problems = found
    .toSorted((a, b) => a.line - b.line)
    .slice(0, MAX_PROBLEMS)
    .map(({ line, field, message }) => ({ file, line, column: line === 0 ? 0 : 1, path: field, message }))
  return { kind: 'invalid', file, problems }
}

/** The rows as the API takes them: what is absent is not said, and a blocked rate needs no price. */
export function apiRates(rows: readonly RateRow[]): readonly object[] {
  return rows.map(({ perMinute, ...rest }) => ({ ...rest, ...(perMinute === '' ? {} : { perMinute }) }))
}
