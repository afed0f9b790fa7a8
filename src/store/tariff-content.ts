/**
 * The head and rates of a tariff version as they are kept: gzip of lines, the head first and then arrays of rows. Large
 * price books are read and compiled a line at a time, so that calls are answered in between.
 */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { createGzip, gunzip } from 'node:zlib'
import { Fault } from '../base/fault.ts'
import type { NewTariffHead } from '../rating/book.ts'
import { type RateRow, Tariff, TariffBuilder, type TariffProblem } from '../rating/tariff.ts'
import { canonicalJson } from './operation.ts'

/** Some milliseconds of work. */
const ROWS_AT_ONCE = 2_000

const expand = promisify(gunzip)

export interface PackedTariff {
  readonly bytes: Buffer
  /** The same for the same head and rows, whatever the order of their fields. */
  readonly sha256: string
}

function* parts(rows: readonly RateRow[]): Generator<readonly RateRow[]> {
  for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) yield rows.slice(from, from + ROWS_AT_ONCE)
}

/** Two tariffs of different names may have one content. */
export async function packTariff(
  { name: _name, ...head }: NewTariffHead,
  rows: readonly RateRow[],
): Promise<PackedTariff> {
  const first = canonicalJson(head)
  const hash = createHash('sha256').update(first)
  const lines = [first]
  for (const part of parts(rows)) {
    const line = `\n${canonicalJson(part)}`
    hash.update(line)
    lines.push(line)
    await nextTurn()
  }
  return { bytes: await buffer(Readable.from(lines).pipe(createGzip())), sha256: hash.digest('hex') }
}

/** The rows of a packed tariff, some thousands at a time. */
export async function* unpackRows(bytes: Buffer): AsyncGenerator<readonly RateRow[]> {
  const text = await expand(bytes)
  let from = text.indexOf('\n')
  while (from >= 0) {
    const to = text.indexOf('\n', from + 1)
    yield JSON.parse(text.toString('utf8', from + 1, to < 0 ? undefined : to)) as readonly RateRow[]
    await nextTurn()
    from = to
  }
}

/** What is wrong with a tariff that is to be stored; rows are numbered from 1. */
export async function problemsOf(head: NewTariffHead, rows: readonly RateRow[]): Promise<readonly TariffProblem[]> {
  const builder = new TariffBuilder({ ...head, version: 1 })
  let number = 0
  for (const part of parts(rows)) {
    for (const row of part) builder.add(row, (number += 1))
    await nextTurn()
  }
  const built = builder.finish()
  return built instanceof Tariff ? [] : built.problems
}

/** Compiles a stored version; it was checked when it was stored. */
export async function compileTariff(head: NewTariffHead, version: number, bytes: Buffer): Promise<Tariff> {
  const builder = new TariffBuilder({ ...head, version })
  let number = 0
  for await (const part of unpackRows(bytes)) {
    for (const row of part) builder.add(row, (number += 1))
  }
  const built = builder.finish()
  if (built instanceof Tariff) return built
  const [first] = built.problems
  throw new Fault(
    'store_unfit',
    `version ${version} of tariff ${head.name} cannot be read: ${first?.field ?? ''} ${first?.message ?? ''}`,
  )
}
