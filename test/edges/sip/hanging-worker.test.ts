/** A worker that hangs while phones hang up, and hears of it when it wakes: calls are charged to when they ended. */
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RawPhone } from '../../support/drachtio/raw-phone.ts'
import { SipBench } from './drachtio-bench.ts'
import { Phones } from './phones.ts'

const HANGS_MS = 6_000

let bench: SipBench
let callee: RawPhone
const ends: (() => Promise<void>)[] = []

beforeAll(async () => {
  callee = await RawPhone.open(0)
  bench = await SipBench.start((end) => ends.unshift(end), { hops: [callee.port] })
}, 60_000)

afterAll(async () => {
  callee.close()
  for (const end of ends) await end()
})

describe('a worker that hangs', { timeout: 40_000 }, () => {
  it.for([
    ['with money for longer', '100.00'],
    ['while the money ends', '4.00'],
  ] as const)('does not charge for the time that it hung, %s', async ([, credit], { onTestFinished }) => {
    const payer = await bench.account(`hangs-${credit}`, { credit })
    const phones = await Phones.open(bench, { payer, callee }, onTestFinished)
    const { near } = await phones.connect()
    const answeredAtMs = performance.now()
    await bench.up(payer)
    bench.daemon.signal('SIGSTOP')
    await pause(300)
    phones.caller.say(phones.within('BYE', 2, near))
    const talkedMs = performance.now() - answeredAtMs
    await pause(HANGS_MS)
    bench.daemon.signal('SIGCONT')
    phones.reply(await phones.heard(callee, 'BYE'), 200)
    const [cdr, ...more] = await bench.settled(payer, 1, 15_000)
    expect(more).toEqual([])
    expect(cdr?.seconds).toBeGreaterThanOrEqual(Math.floor(talkedMs / 1000))
    expect(cdr?.seconds).toBeLessThanOrEqual(Math.ceil(talkedMs / 1000) + 1)
    expect(cdr?.charge).toBe(`${cdr?.seconds}.000000`)
    await bench.legsOver()
  })

  it('and the books are right afterwards', async () => {
    expect(await bench.daemon.drifts()).toEqual([])
  })
})
