import { expect, it } from 'vitest'
import { measureArchive } from '../../scripts/bench/archive.ts'
import { context, figures } from './context.ts'

it(
  'the measure of the archive archives every call and sums every CDR',
  { timeout: 120_000 },
  async ({ onTestFinished }) => {
    const seen = figures(await measureArchive(await context(onTestFinished), { calls: 200, rounds: 1, cdrs: 1_000 }))
    expect(seen).toHaveProperty(['usage of all accounts, 1000 CDRs'])
    expect(seen['CDRs archived, with their entries and postings']).toBeGreaterThan(0)
  },
)
