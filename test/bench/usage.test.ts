import { expect, it } from 'vitest'
import { measureUsage } from '../../scripts/bench/usage.ts'
import { context, figures } from './context.ts'

it(
  'the measure of usage sums what psql sums, of one account and of a tree',
  { timeout: 120_000 },
  async ({ onTestFinished }) => {
    const size = { cdrs: 1_400, treeAccounts: 4, baseCalls: 120, days: 35 }
    const seen = figures(await measureUsage(await context(onTestFinished), size))
    expect(seen).toHaveProperty(['30 days of one account, 1200 CDRs, by day'])
    expect(seen).toHaveProperty(['35 days of a tree of 4 accounts, 1400 CDRs, by account'])
  },
)
