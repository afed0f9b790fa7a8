/** The measures of live calls, with few of them: each runs to its end and has all its figures. What those are is for the bench. */
import { describe, expect, it } from 'vitest'
import { measureDrain } from '../../scripts/bench/drain.ts'
import { measureLiveCalls } from '../../scripts/bench/live-calls.ts'
import { measureTakeover } from '../../scripts/bench/takeover.ts'
import { context, figures } from './context.ts'

describe.concurrent('with few calls', { timeout: 60_000 }, () => {
  it('the measure of live calls sees each of them cut, none before its money ends', async ({ onTestFinished }) => {
    const size = { calls: 20, accounts: 4, talkSeconds: 6, spreadSeconds: 1, settleSeconds: 0 }
    const seen = figures(await measureLiveCalls(await context(onTestFinished), size))
    expect(seen['calls up at once']).toBe(20)
    expect(seen['cut, earliest']).toBeGreaterThanOrEqual(0)
  })

  it('the measure of a take-over sees every call extended or cut by the daemon that lives', async ({
    onTestFinished,
  }) => {
    const seen = figures(await measureTakeover(await context(onTestFinished), { calls: 40, rounds: 1 }))
    expect(seen['calls that were due meanwhile']).toBe(40)
  })

  it('the measure of a drain sees no request lost and every call extended by the other daemon', async ({
    onTestFinished,
  }) => {
    const size = { calls: 20, accounts: 4, sliceSeconds: 6, aheadSeconds: 2, spreadSeconds: 0 }
    const seen = figures(await measureDrain(await context(onTestFinished), size))
    expect(seen['requests left without an answer']).toBe(0)
    expect(seen['calls live afterwards']).toBe(20)
    expect(seen['calls extended in time by the other daemon, of all']).toBe(1)
  })
})
