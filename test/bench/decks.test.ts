import { expect, it } from 'vitest'
import { measureDecks } from '../../scripts/bench/decks.ts'
import { context, figures } from './context.ts'

it('the measure of decks reads every row of them', { timeout: 60_000 }, async ({ onTestFinished }) => {
  const seen = figures(await measureDecks(await context(onTestFinished), { rows: 3_000, rounds: 1 }))
  expect(seen['a deck, read to a checked tariff']).toBeGreaterThan(0)
})
