/** What is said in a call before it is answered: reliable provisional answers, UPDATE and INFO; over UDP and over TCP. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ended, type Payer, type Phone, SipBench } from './drachtio-bench.ts'
import { until } from './process.ts'

let bench: SipBench
const ends: (() => Promise<void>)[] = []

describe.each([
  ['UDP', false],
  ['TCP', true],
])('over %s', { timeout: 40_000 }, (transport, tcp) => {
  beforeAll(async () => {
    const hopsYaml = (port: number): string => `[{ uri: 'sip:127.0.0.1:${port}${tcp ? ';transport=tcp' : ''}' }]`
    bench = await SipBench.start((end) => ends.unshift(end), { hopsYaml })
    ends.unshift(() => bench.hangUp())
  }, 60_000)

  afterAll(async () => {
    for (const end of ends.splice(0)) await end()
  })

  /** Both sides to the end, and the one CDR of it. */
  async function charged(payer: Payer, callee: string, caller: Phone): Promise<void> {
    const seen = await bench.talk(payer, { scenario: callee, tcp }, { talkMs: 1_500, tcp, ...caller })
    expect([ended(seen.caller), ended(seen.callee)].map((notes) => notes.length)).toEqual([1, 1])
    expect(await bench.settled(payer, 1)).toMatchObject([{ seconds: 2, charge: '2.000000', cause: 'caller_hung_up' }])
    await bench.legsOver()
  }

  function account(what: string): Promise<Payer> {
    return bench.account(`early-${transport.toLowerCase()}-${what}`, { credit: '100.00' })
  }

  it('a call is connected and charged to the second', async () => {
    await charged(await account('plain'), 'uas-answers', { scenario: 'uac-hangs-up' })
  })

  it('a reliable 183 is acknowledged on both sides, and the call is charged from its answer', async () => {
    await charged(await account('reliable'), 'uas-rings-reliably', { scenario: 'uac-pracks' })
  })

  it('a caller without 100rel hears a reliable 183 as any other', async () => {
    await charged(await account('unaware'), 'uas-requires-reliability', { scenario: 'uac-hears' })
  })

  it('a caller that requires 100rel gets a reliable answer from a called side that has none', async () => {
    await charged(await account('requires'), 'uas-plays', { scenario: 'uac-pracks', reliability: 'Require' })
  })

  it('an UPDATE and an INFO of the caller reach the called side, and its answers come back', async () => {
    await charged(await account('asks'), 'uas-is-asked-early', { scenario: 'uac-asks-early', reliability: 'Require' })
  })

  it('an UPDATE of the called side has to wait for the answer', async () => {
    await charged(await account('asked'), 'uas-asks-early', { scenario: 'uac-pracks' })
  })

  it('a call that is cancelled after a reliable 183 costs nothing and holds nothing', async () => {
    const payer = await account('cancelled')
    const callee = await bench.called({ scenario: 'uas-rings-reliably-on', tcp })
    expect(await bench.call(payer, { scenario: 'uac-pracks-and-cancels', tcp })).toMatchObject([{ what: 'cancelled' }])
    await until('the called side is told', async () => (await callee.notes()).some(({ what }) => what === 'cancelled'))
    await bench.daemon.heldNothing(payer.id)
    expect((await bench.cdrs(payer.id)).filter(({ charge }) => Number(charge) > 0)).toEqual([])
    await bench.legsOver()
  })
})
