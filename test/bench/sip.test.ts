/** The measure of calls through Kamailio, with few of them: it runs to its end and has all its figures. */
import { expect, it } from 'vitest'
import { measureSip } from '../../scripts/bench/sip.ts'
import { context, figures } from './context.ts'

it(
  'the measure of calls through Kamailio sees none fail, asking or alone',
  { timeout: 60_000 },
  async ({ onTestFinished }) => {
    const size = { rounds: 1, rate: 20, seconds: 1, calls: 20, atOnce: 5 }
    const seen = figures(await measureSip(await context(onTestFinished), size))
    expect(seen['calls that failed']).toBe(0)
  },
)
