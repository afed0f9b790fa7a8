/** Calls over SIP while the store cannot answer: those that the account allows are held to their cap by the edge itself. */
import { describe, expect, it } from 'vitest'
import { ended, SipBench } from './drachtio-bench.ts'
import { until } from './process.ts'
import { talkedMs } from './sipp.ts'

describe('with the store away', { timeout: 60_000 }, () => {
  it('a call that is allowed all the same is cut at its cap, at both ends, and charged for it when the store is back', async ({
    onTestFinished,
  }) => {
    const bench = await SipBench.start(onTestFinished)
    const payer = await bench.account('capped', { credit: '100.00' })
    await bench.daemon.must('PATCH', `/v1/accounts/${payer.id}`, {
      onEngineError: 'allowCapped',
      engineErrorSeconds: 2,
    })
    // So that this worker knows the account.
    await bench.talk(payer, { scenario: 'uas-answers' }, { scenario: 'uac-hangs-up', talkMs: 200 })
    const callee = await bench.called({ scenario: 'uas-answers' })
    const lift = await stopStore(bench)
    try {
      const caller = await bench.ring(payer, { scenario: 'uac-waits' })
      await until('it is cut', async () => ended(await caller.notes()).length === 1, { withinMs: 12_000 })
      await until('at both ends', async () => ended(await callee.notes()).length === 1)
      const [talked = 0] = talkedMs(await caller.notes())
      expect(talked).toBeGreaterThan(1_500)
      expect(talked).toBeLessThan(2_500)
    } finally {
      await lift()
    }
    const cdrs = await bench.settled(payer, 2, 20_000)
    expect(cdrs.find(({ cause }) => cause === 'max_duration')).toMatchObject({ seconds: 2, charge: '2.000000' })
    await bench.legsOver()
    expect(await bench.daemon.drifts()).toEqual([])
  })

  it('a call is cut at its cap also where its server is out of reach just then: as soon as it is back', async ({
    onTestFinished,
  }) => {
    const bench = await SipBench.start(onTestFinished)
    const payer = await bench.account('unreached', { credit: '100.00' })
    await bench.daemon.must('PATCH', `/v1/accounts/${payer.id}`, {
      onEngineError: 'allowCapped',
      engineErrorSeconds: 2,
    })
    await bench.talk(payer, { scenario: 'uas-answers' }, { scenario: 'uac-hangs-up', talkMs: 200 })
    await bench.called({ scenario: 'uas-answers' })
    const lift = await stopStore(bench)
    try {
      const caller = await bench.ring(payer, { scenario: 'uac-waits' })
      const isAnswered = async (): Promise<boolean> => (await caller.notes()).some(({ what }) => what === 'answered')
      await until('it is up', isAnswered, { withinMs: 12_000 })
      const backAtMs = Date.now() + 3_000
      const keepApart = (): boolean => {
        bench.drachtio.dropSockets()
        return Date.now() > backAtMs
      }
      await until('its time is up', keepApart)
      await until('it is cut', async () => ended(await caller.notes()).length === 1, { withinMs: 12_000 })
    } finally {
      await lift()
    }
    await bench.settled(payer, 2, 20_000)
    await bench.legsOver()
  })

  it('a call that is not allowed is refused with 503, rings nobody, and costs nothing', async ({ onTestFinished }) => {
    const bench = await SipBench.start(onTestFinished)
    const payer = await bench.account('denied', { credit: '100.00' })
    const callee = await bench.called({ scenario: 'uas-answers' })
    const lift = await stopStore(bench)
    try {
      const notes = await bench.call(payer, { scenario: 'uac-hangs-up' })
      expect(notes).toMatchObject([{ what: 'refused', status: 503, code: 'engine_unavailable' }])
    } finally {
      await lift()
    }
    expect(await callee.notes()).toEqual([])
    await bench.daemon.heldNothing(payer.id)
    expect(await bench.cdrs(payer.id)).toEqual([])
  })
})

/** It hangs, until what is answered is called. */
async function stopStore(bench: SipBench): Promise<() => Promise<void>> {
  const [pid = 0] = await bench.home.redisPids()
  expect(pid).toBeGreaterThan(1)
  process.kill(pid, 'SIGSTOP')
  const isBack = async (): Promise<boolean> => (await bench.daemon.ask('GET', '/v1/accounts')).status === 200
  return async () => {
    process.kill(pid, 'SIGCONT')
    await until('the store answers again', isBack)
  }
}
