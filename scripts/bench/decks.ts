/** A carrier's deck of half a million rows: read to checked rates, against reading the same file and no more. */
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { parse } from 'csv-parse'
import { readDeck } from '../../src/decks/deck.ts'
import { Tariff, TariffBuilder } from '../../src/rating/tariff.ts'
import { median, round } from './figures.ts'
import type { BenchContext, Section } from './section.ts'

const ROUNDS = 3
const ROWS = 500_000

export async function decks(context: BenchContext): Promise<Section> {
  return await measureDecks(context, { rows: ROWS, rounds: ROUNDS })
}

export interface DecksSize {
  readonly rows: number
  readonly rounds: number
}

export async function measureDecks({ folder, say }: BenchContext, { rows, rounds }: DecksSize): Promise<Section> {
  const file = join(folder, 'deck.csv')
  say(`writing ${rows} rows`)
  await writeDeck(file, rows)
  const micros: Record<'plain' | 'deck', number[]> = { plain: [], deck: [] }
  for (let turn = 0; turn <= rounds; turn += 1) {
    say(turn === 0 ? 'warming up' : `round ${turn} of ${rounds}`)
    const plain = await cpuMicros(async () => expectRows(await plainRows(file), rows + 3))
    const deck = await cpuMicros(async () => expectRows(await ratesOf(file), rows))
    if (turn === 0) continue
    micros.plain.push(plain / rows)
    micros.deck.push(deck / rows)
  }
  return section(median(micros.plain), median(micros.deck))
}

/** As carriers write them: lines above, decimal commas, dates and increments in every row. */
async function writeDeck(file: string, rows: number): Promise<void> {
  const out = createWriteStream(file)
  out.write(
    'Carrier A-Z;;;;;\nAll rates in EUR;;;;;\nCountry;Destination;Dial code;Rate EUR/min;Effective date;Increment\n',
  )
  for (let n = 0; n < rows; n += 1_000) {
    const lines = Array.from({ length: Math.min(1_000, rows - n) }, (_, at) => rowText(n + at))
    if (!out.write(lines.join(''))) await once(out, 'drain')
  }
  out.end()
  await finished(out)
}

function rowText(n: number): string {
  const price = String(1_000 + ((n * 37) % 9_000)).padStart(4, '0')
  return `Country ${n % 200};Network ${n % 3_000};${10_000_000 + n * 7};0,${price};01.12.2026;60/1\n`
}

async function plainRows(file: string): Promise<number> {
  let count = 0
  for await (const _record of createReadStream(file).pipe(parse({ delimiter: ';', relax_column_count: true })))
    count += 1
  return count
}

async function ratesOf(file: string): Promise<number> {
  const builder = new TariffBuilder({ name: 'bench', version: 1, currency: 'EUR' })
  const problems: string[] = []
  await readDeck(
    file,
    { mappings: [], usualCurrency: 'EUR', zone: 'UTC' },
    {
      rate: (rate, line) => builder.add(rate, line),
      closed: () => undefined,
      leftOut: () => undefined,
      problem: ({ message }) => problems.push(message),
      progress: () => undefined,
    },
  )
  const built = builder.finish()
  return built instanceof Tariff && problems.length === 0 ? built.size : -1
}

function expectRows(found: number, expected: number): void {
  if (found !== expected) throw new Error(`the deck has ${found} rows, not ${expected}`)
}

async function cpuMicros(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

function section(plain: number, deck: number): Section {
  return {
    title: 'A deck of half a million rows',
    command: 'npm run bench -- decks',
    rows: [
      { name: 'CSV rows, read and thrown away', value: round(1e6 / plain, 0), unit: 'rows/s of CPU' },
      { name: 'a deck, read to a checked tariff', value: round(1e6 / deck, 0), unit: 'rows/s of CPU' },
    ],
    bars: [{ name: 'CPU of a deck, of reading the same file', ratio: round(deck / plain), atMost: 5 }],
    notes: ['The deck has lines above its titles, decimal commas, and a date and increments in every row.'],
  }
}
