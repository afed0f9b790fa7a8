/** Calls of a group that is only looked at: they go through whatever would have been decided, and nothing is kept of them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DrachtioDouble } from '../../support/drachtio/drachtio-double.ts'
import { describeIf } from '../../support/drachtio/describe-if.ts'
import { isDouble } from '../../support/drachtio/drachtio-server.ts'
import { RawPhone } from '../../support/drachtio/raw-phone.ts'
import type { LogLine } from '../../app/bench.ts'
import { ended, type Payer, SipBench } from './drachtio-bench.ts'
import { freePort, until } from './process.ts'
import { Sipp, type Note } from './sipp.ts'

const observed = { more: 'mode: observe, tryMs: 500' }
const answers = { scenario: 'uas-answers' }

let bench: SipBench
const ends: (() => Promise<void>)[] = []

beforeAll(async () => {
  bench = await SipBench.start((end) => ends.unshift(end), observed)
  ends.unshift(() => bench.hangUp())
}, 60_000)

afterAll(async () => {
  for (const end of ends) await end()
})

/** The figure of a counter; 0 while it was never counted. */
async function counted(name: string, label: string): Promise<number> {
  const text = await bench.daemon.metrics()
  return Number(
    new RegExp(`^tollgate_sip_observed_${name}_total\\{[^}]*"${label}"\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0,
  )
}

/** All that a call may change. */
async function books({ id }: Payer): Promise<unknown> {
  const { daemon } = bench
  return [await daemon.balance(id), await daemon.cdrs(id), await daemon.drifts(), await daemon.must('GET', '/v1/calls')]
}

/** The line of the payer's n-th call that ended. */
async function lineOf({ id }: Payer, nth = 1): Promise<LogLine> {
  const find = (): readonly LogLine[] =>
    bench.daemon.lines().filter(({ msg, account }) => msg === 'observed call' && account === id)
  await until(`observed call ${nth} of ${id}`, () => find().length >= nth, {
    explain: () => bench.daemon.output.slice(-4_000),
  })
  return find()[nth - 1]!
}

describe('a call that is observed', { timeout: 40_000 }, () => {
  it.each([
    ['the caller', answers, { scenario: 'uac-hangs-up', talkMs: 1_500 }],
    ['the called side', { scenario: 'uas-hangs-up', talkMs: 1_500 }, { scenario: 'uac-waits' }],
  ])('is connected, and logged with its price when %s hangs up', async (who, callee, caller) => {
    const payer = await bench.account(`observed-${who.replaceAll(' ', '-')}`, { credit: '100.00' })
    const before = await books(payer)
    const heard = await counted('ends', 'heard')
    const seen = await bench.talk(payer, callee, caller)
    expect([ended(seen.caller), ended(seen.callee)].map((notes) => notes.length)).toEqual([1, 1])
    expect(await lineOf(payer)).toMatchObject({
      code: 'ok',
      perMinute: '60',
      seconds: 2,
      price: '2.000000',
      currency: 'USD',
      trunk: payer.id,
      from: expect.stringMatching(/^\+44\*+\d{4}$/),
      to: '+44******0999',
    })
    expect(await counted('ends', 'heard')).toBe(heard + 1)
    expect(await books(payer)).toEqual(before)
    expect(bench.daemon.lines().filter(({ msg, account }) => msg === 'decision' && account === payer.id)).toEqual([])
  })

  it('is connected without credit, and counted as it would have been refused', async () => {
    const payer = await bench.account('observed-poor', {})
    const before = await books(payer)
    const { caller } = await bench.talk(payer, answers, { scenario: 'uac-hangs-up', talkMs: 1_500 })
    expect(caller.map(({ what }) => what)).toEqual(['answered', 'hungup'])
    expect(await lineOf(payer)).toMatchObject({ code: 'no_credit', perMinute: '60', seconds: 2, price: '2.000000' })
    expect(await counted('calls', 'no_credit')).toBe(1)
    expect(await books(payer)).toEqual(before)
  })

  it.each([
    ['refused by the called side', 'uas-busy', 'uac-hangs-up', { what: 'refused', status: 486 }],
    ['cancelled', 'uas-rings', 'uac-cancels', { what: 'cancelled' }],
  ])('that is %s is counted and not logged', async (what, scenario, caller, noted) => {
    const payer = await bench.account(`observed-${what.replaceAll(' ', '-')}`, { credit: '5.00' })
    const before = await books(payer)
    const unanswered = await counted('ends', 'unanswered')
    const callee = await bench.called({ scenario })
    expect(await bench.call(payer, { scenario: caller, talkMs: 300 })).toMatchObject([noted])
    await until('its end is counted', async () => (await counted('ends', 'unanswered')) === unanswered + 1)
    if (what === 'cancelled') await until('the callee is told', async () => has(await callee.notes(), 'cancelled'))
    expect(bench.daemon.lines().filter(({ msg, account }) => msg === 'observed call' && account === payer.id)).toEqual(
      [],
    )
    expect(await books(payer)).toEqual(before)
  })

  it('to an emergency number goes through, whoever calls', async () => {
    const callee = await bench.called(answers)
    const caller = { scenario: 'uac-hangs-up', talkMs: 300, dialled: '112' }
    expect(ended(await bench.call({ id: '', number: '+999' }, caller))).toHaveLength(1)
    expect(ended(await callee.notes())).toHaveLength(1)
    expect(await counted('calls', 'emergency')).toBe(1)
  })

  it('of a caller that nobody knows is refused', async () => {
    const callee = await bench.called(answers)
    const notes = await bench.call({ id: '', number: '+999' }, { scenario: 'uac-hangs-up' })
    expect(notes).toMatchObject([{ what: 'refused', status: 403, code: 'account_unknown' }])
    expect(await callee.notes()).toEqual([])
  })

  it('and the books are right afterwards', async () => {
    expect(await bench.daemon.drifts()).toEqual([])
  })
})

describeIf(isDouble)(
  'a call that is observed, and whose events the double gives to another worker',
  { timeout: 40_000 },
  () => {
    it('is counted where its end is heard', async ({ onTestFinished }) => {
      const payer = await bench.account('observed-elsewhere', { credit: '100.00' })
      const second = await bench.secondWorker()
      const { drachtio } = bench
      if (!(drachtio instanceof DrachtioDouble)) throw new Error('only the double can be told to')
      onTestFinished(async () => {
        await second.stop()
        drachtio.spoilCdrs()
      })
      drachtio.spoilCdrs({ toOthers: true })
      await bench.talk(payer, answers, { scenario: 'uac-hangs-up', talkMs: 300 })
      const unheard = async (): Promise<boolean> => {
        const texts = await Promise.all([bench.daemon, second].map((daemon) => daemon.metrics()))
        return texts.filter((text) => /^tollgate_sip_observed_ends_total\{end="unheard"\} 1$/m.test(text)).length === 1
      }
      await until('the other worker counts a BYE of a call that is not its own', unheard)
    })
  },
)

describe('a group that is observed', { timeout: 40_000 }, () => {
  it.each([
    ['is busy', async () => await Sipp.start({ scenario: 'uas-busy' })],
    ['says nothing', async () => await RawPhone.open(await freePort())],
  ])('goes on to the second hop where the first %s', async (_, first) => {
    const hop = await first()
    const atEnd: (() => Promise<void>)[] = []
    const hopsYaml = (calleePort: number): string =>
      `[{ uri: 'sip:127.0.0.1:${hop.port}' }, { uri: 'sip:127.0.0.1:${calleePort}' }]`
    const other = await SipBench.start((end) => atEnd.unshift(end), { ...observed, hopsYaml })
    try {
      const payer = await other.account('observed-twice', { credit: '100.00' })
      const { caller, callee } = await other.talk(payer, answers, { scenario: 'uac-hangs-up', talkMs: 1_500 })
      expect([ended(caller), ended(callee)].map((notes) => notes.length)).toEqual([1, 1])
      expect(await other.daemon.says('observed call')).toMatchObject([{ code: 'ok', seconds: 2, price: '2.000000' }])
    } finally {
      await other.hangUp()
      for (const end of atEnd) await end()
      await ('stop' in hop ? hop.stop() : hop.close())
    }
  })
})

it('a call over TCP is observed like any other', { timeout: 40_000 }, async ({ onTestFinished }) => {
  const hopsYaml = (port: number): string => `[{ uri: 'sip:127.0.0.1:${port};transport=tcp' }]`
  const other = await SipBench.start(onTestFinished, { ...observed, hopsYaml })
  onTestFinished(() => other.hangUp())
  const payer = await other.account('observed-tcp', { credit: '100.00' })
  const caller = { scenario: 'uac-hangs-up', talkMs: 1_500, tcp: true }
  const seen = await other.talk(payer, { ...answers, tcp: true }, caller)
  expect([ended(seen.caller), ended(seen.callee)].map((notes) => notes.length)).toEqual([1, 1])
  expect(await other.daemon.says('observed call')).toMatchObject([{ code: 'ok', seconds: 2, price: '2.000000' }])
})

function has(notes: readonly Note[], what: string): boolean {
  return notes.some((note) => note.what === what)
}
