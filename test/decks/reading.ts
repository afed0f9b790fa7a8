/** A deck of a test, read: what became rates, what was left out, and what is wrong. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type DeckForm, type DeckProblem, type DeckRules, readDeck } from '../../src/decks/deck.ts'
import type { RateRow } from '../../src/rating/tariff.ts'

export interface ReadTest {
  readonly form: DeckForm | undefined
  readonly rates: readonly RateRow[]
  readonly closed: readonly string[]
  /** Row and text. */
  readonly leftOut: readonly string[]
  readonly problems: readonly DeckProblem[]
}

export type TestRules = Partial<DeckRules>

export function fixture(name: string): string {
  return fileURLToPath(new URL(`files/${name}`, import.meta.url))
}

export async function readFile(path: string, rules: TestRules = {}): Promise<ReadTest> {
  const rates: RateRow[] = []
  const closed: string[] = []
  const leftOut: string[] = []
  const problems: DeckProblem[] = []
  const form = await readDeck(
    path,
    { mappings: [], usualCurrency: 'USD', zone: 'UTC', ...rules },
    {
      // What is not said is left out, so that a test says what it expects.
      rate: (rate) => rates.push(JSON.parse(JSON.stringify(rate)) as RateRow),
      closed: ({ prefix, from = '' }) => closed.push(`${prefix} ${from}`.trim()),
      leftOut: (line, text) => leftOut.push(`${line}: ${text}`),
      problem: (problem) => problems.push(problem),
      progress: () => undefined,
    },
  )
  return { form, rates, closed, leftOut, problems }
}

export async function readContent(content: string | Uint8Array, rules?: TestRules): Promise<ReadTest> {
  const folder = mkdtempSync(join(tmpdir(), 'tg-deck-'))
  try {
    const path = join(folder, 'deck.csv')
    writeFileSync(path, content)
    return await readFile(path, rules)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** "4: per_minute: …" of each problem. */
export function told({ problems }: ReadTest): readonly string[] {
  return problems.map(({ line, field, message }) =>
    [String(line), field, message].filter((part) => part !== '').join(': '),
  )
}
