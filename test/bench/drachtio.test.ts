/** The measure of calls over a drachtio-server, with few of them: it runs to its end and has all its figures. */
import { expect, it } from 'vitest'
import { measureDrachtio } from '../../scripts/bench/drachtio.ts'
import { context, figures } from './context.ts'

it('the measure of calls over drachtio sees none fail', { timeout: 120_000 }, async ({ onTestFinished }) => {
  const size = { rounds: 1, rate: 20, seconds: 1, calls: 20, atOnce: 5, held: 10 }
  const seen = figures(await measureDrachtio(await context(onTestFinished), size))
  expect(seen['calls that failed']).toBe(0)
})
