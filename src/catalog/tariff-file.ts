/** One tariff of the config folder: its head, its rates, and a digest that changes when they do. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type RateRow, Tariff, TariffBuilder, type TariffHead } from '../rating/tariff.ts'
import { check, problemAt } from './check.ts'
import { type ConfigPath, type ConfigProblem, ProblemList } from './problems.ts'
import { type CsvProblem, fieldColumns, readCsv, withoutPlus } from './tariff-csv.ts'
import { csvColumns, type RateValue, tariffFileSchema, type TariffFileValue } from './tariff-schema.ts'
import { type Places, readYaml } from './yaml-file.ts'

export interface TariffFile {
  /** What becomes the head of a version; the version is counted by the store. */
  readonly head: Omit<TariffHead, 'version'>
  readonly rows: readonly RateRow[]
  /** Of the head and the rows, so that comments and order of keys do not make a new version. */
  readonly sha256: string
  /** What it was read from, relative to the config folder. */
  readonly files: readonly string[]
  /** Of these files as they are on disk; the same are not read twice. */
  readonly digest: string
}

export type TariffRead =
  | { readonly kind: 'read'; readonly tariff: TariffFile }
  | { readonly kind: 'invalid'; readonly problems: readonly ConfigProblem[] }

/** Where a tariff is and what it was the last time. */
export interface TariffSource {
  readonly configDir: string
  /** Relative to the config folder: "tariffs/standard.yaml". */
  readonly file: string
  readonly known?: TariffFile | undefined
}

interface Opened {
  readonly source: TariffSource
  readonly value: TariffFileValue
  readonly places: Places
  readonly head: Omit<TariffHead, 'version'>
  readonly digest: string
}

export async function readTariff(source: TariffSource): Promise<TariffRead> {
  const { configDir, file, known } = source
  const text = await readFile(join(configDir, file), 'utf8')
  const yaml = readYaml(file, text)
  if (yaml.kind === 'invalid') return yaml
  const { places } = yaml.document
  const checked = check(tariffFileSchema, yaml.document)
  if (checked.kind === 'invalid') return checked
  const { value } = checked
  const csv = typeof value.rates === 'string' ? `${dirname(file)}/${value.rates}` : undefined
  const refusals = [...checkHead(value, source, places), ...(await checkCsv(csv, source, places))]
  if (refusals.length > 0) return { kind: 'invalid', problems: refusals }
  const digest = await digestOf(text, csv === undefined ? undefined : join(configDir, csv))
  if (known?.digest === digest) return { kind: 'read', tariff: known }
  const { currency, timezone, effectiveFrom, rounding } = value
  const head = { name: nameOf(file), currency, timezone, effectiveFrom, rounding }
  const opened: Opened = { source, value, places, head, digest }
  return csv === undefined ? readInline(opened) : readBeside(opened, csv)
}

export function nameOf(file: string): string {
  return basename(file, '.yaml')
}

async function checkCsv(
  csv: string | undefined,
  { configDir }: TariffSource,
  places: Places,
): Promise<readonly ConfigProblem[]> {
  if (csv === undefined) return []
  const found = await stat(join(configDir, csv)).catch(() => undefined)
  if (found?.isFile()) return []
  return [problemAt(places.ofValue(['rates']), ['rates'], `there is no file "${basename(csv)}" beside this one`)]
}

async function digestOf(head: string, csv: string | undefined): Promise<string> {
  const hash = createHash('sha256').update(head)
  if (csv !== undefined) for await (const chunk of createReadStream(csv)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

function checkHead(value: TariffFileValue, { file }: TariffSource, places: Places): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  const refuse = (path: ConfigPath, message: string): void => {
    problems.push(problemAt(places.ofKey(path), path, message))
  }
  if (value.name !== undefined && value.name !== nameOf(file))
    refuse(['name'], `must be "${nameOf(file)}", as the file is`)
  if (typeof value.rates === 'string') return problems
  if (value.bands) refuse(['bands'], 'belongs into the rates of this file; it is for rates of a CSV file')
  if (value.steps) refuse(['steps'], 'belongs into the rates of this file; it is for rates of a CSV file')
  return problems
}

/** What a tariff in the making has gathered. */
class Gathering {
  readonly rows: RateRow[] = []
  readonly #builder: TariffBuilder
  readonly #hash = createHash('sha256')

  constructor(head: Omit<TariffHead, 'version'>) {
    this.#builder = new TariffBuilder({ ...head, version: 1 })
    this.#hash.update(JSON.stringify(head))
  }

  add(row: RateRow, number: number): void {
    this.rows.push(row)
    this.#hash.update(JSON.stringify(row))
    this.#builder.add(row, number)
  }

  finish(): ReturnType<TariffBuilder['finish']> {
    return this.#builder.finish()
  }

  sha256(): string {
    return this.#hash.digest('hex')
  }
}

function readInline({ source, value, places, head, digest }: Opened): TariffRead {
  const gathering = new Gathering(head)
  const rates = typeof value.rates === 'string' ? [] : value.rates
  for (const [at, rate] of rates.entries()) gathering.add(rowOf(rate), at + 1)
  const built = gathering.finish()
  if (built instanceof Tariff) {
    const tariff = { head, rows: gathering.rows, sha256: gathering.sha256(), files: [source.file], digest }
    return { kind: 'read', tariff }
  }
  const problems = built.problems.map(({ row, field, message }) => {
    const path: ConfigPath = row === 0 ? splitField(field) : ['rates', row - 1, ...splitField(field)]
    return problemAt(places.ofValue(path), path, message)
  })
  return { kind: 'invalid', problems }
}

function rowOf(rate: RateValue): RateRow {
  return { ...rate, prefix: withoutPlus(rate.prefix), perMinute: rate.perMinute ?? '' }
}

/** "bands[0].from" to ["bands", 0, "from"]. */
function splitField(field: string): ConfigPath {
  return field.split(/[.[\]]+/).flatMap((part) => (part === '' ? [] : [/^\d+$/.test(part) ? Number(part) : part]))
}

/** Rates of a CSV file, with the bands and steps that the head has for their prefixes. */
async function readBeside(opened: Opened, csv: string): Promise<TariffRead> {
  const { source, value, places, head, digest } = opened
  const path = join(source.configDir, csv)
  const gathering = new Gathering(head)
  const found = new ProblemList()
  const faults: CsvProblem[] = []
  const parts = new PartsByPrefix(value)
  const columns = await readCsv(path, {
    row: (row, line) => {
      gathering.add(parts.joined(row, line), line)
      return true
    },
    problem: (fault) => {
      faults.push(fault)
      return faults.length < MAX_FAULTS
    },
  })
  const built = gathering.finish()
  const refused = built instanceof Tariff || (faults.length > 0 && gathering.rows.length === 0) ? [] : built.problems
  for (const { row, field, message } of refused) {
    const headPath = parts.headPath(splitField(field), row)
    if (headPath) found.add(problemAt(places.ofValue(headPath), headPath, message))
    else faults.push({ line: row, field: columnOf(field), message })
  }
  if (faults.length === 0) found.add(...parts.unused(places))
  found.add(...(await placed(faults, { path, csv, columns })))
  if (!found.empty) return { kind: 'invalid', problems: found.toSorted() }
  const files = [source.file, csv]
  return { kind: 'read', tariff: { head, rows: gathering.rows, sha256: gathering.sha256(), files, digest } }
}

/** Rows of the file that cannot be read at all; more are not looked for. */
const MAX_FAULTS = 100

function columnOf(field: string): string {
  const column = Object.entries(csvColumns).find(([, name]) => name === field)
  return column ? column[0] : field
}

interface CsvFile {
  readonly path: string
  readonly csv: string
  readonly columns: readonly string[]
}

async function placed(
  faults: readonly CsvProblem[],
  { path, csv, columns }: CsvFile,
): Promise<readonly ConfigProblem[]> {
  if (faults.length === 0) return []
  const starts = await fieldColumns(path, new Set(faults.map(({ line }) => line)))
  return faults.map(({ line, field, fieldAt, message }) => {
    const column = starts.get(line)?.[fieldAt ?? columns.indexOf(field)] ?? 1
    return { file: csv, line: Math.max(line, 1), column, path: field, message }
  })
}

/** Bands and steps of the head, handed to the rows of their prefix. */
class PartsByPrefix {
  readonly #bands: ReadonlyMap<string, Named<'bands'>>
  readonly #steps: ReadonlyMap<string, Named<'steps'>>
  readonly #used = new Set<string>()
  readonly #prefixes = new Map<number, string>()

  constructor(value: TariffFileValue) {
    this.#bands = byPrefix(value.bands)
    this.#steps = byPrefix(value.steps)
  }

  joined(row: RateRow, line: number): RateRow {
    const bands = this.#bands.get(row.prefix)
    const steps = this.#steps.get(row.prefix)
    if (!bands && !steps) return row
    this.#used.add(row.prefix)
    this.#prefixes.set(line, row.prefix)
    return { ...row, bands: bands?.parts, steps: steps?.parts }
  }

  /** Where a problem of a row stands when it comes from the head. */
  headPath([part, ...rest]: ConfigPath, line: number): ConfigPath | undefined {
    if (part !== 'bands' && part !== 'steps') return undefined
    const named = (part === 'bands' ? this.#bands : this.#steps).get(this.#prefixes.get(line) ?? '')
    return named && [part, named.key, ...rest]
  }

  unused(places: Places): readonly ConfigProblem[] {
    const left = (part: 'bands' | 'steps', map: ReadonlyMap<string, { readonly key: string }>): ConfigProblem[] =>
      [...map]
        .filter(([prefix]) => !this.#used.has(prefix))
        .map(([, { key }]) => {
          return problemAt(places.ofKey([part, key]), [part, key], 'there is no rate with this prefix in the CSV file')
        })
    return [...left('bands', this.#bands), ...left('steps', this.#steps)]
  }
}

interface Named<Part extends 'bands' | 'steps'> {
  /** As the head writes it, perhaps with "+". */
  readonly key: string
  readonly parts: NonNullable<RateRow[Part]>
}

function byPrefix<Parts>(
  parts: Readonly<Record<string, Parts>> | undefined,
): ReadonlyMap<string, { key: string; parts: Parts }> {
  return new Map(Object.entries(parts ?? {}).map(([key, list]) => [withoutPlus(key), { key, parts: list }]))
}
