import { expect, it } from 'vitest'
import { measureExports } from '../../scripts/bench/exports.ts'
import { context, figures } from './context.ts'

it('the measure of exports exports every call in every format', { timeout: 120_000 }, async ({ onTestFinished }) => {
  const seen = figures(await measureExports(await context(onTestFinished), 700))
  expect(seen['rows of all files, of the calls there are']).toBe(1)
  for (const format of ['csv', 'xlsx', 'jsonl']) expect(seen[`${format}: rows`]).toBeGreaterThan(0)
  expect(seen['the same rows, COPY to a file by psql']).toBeGreaterThan(0)
})
