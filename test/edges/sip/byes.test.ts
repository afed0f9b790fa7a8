/** BYEs of dialogs that nobody knows, of which strangers may send any number. */
import { describe, expect, it } from 'vitest'
import { Byes } from '../../../src/edges/sip/byes.ts'
import type { SipMessage } from '../../../src/edges/sip/drachtio.ts'
import { DrachtioLink } from '../../../src/edges/sip/link.ts'
import { RawPhone } from '../../support/drachtio/raw-phone.ts'
import { SipBench } from './drachtio-bench.ts'
import { Phones } from './phones.ts'
import { until } from './process.ts'

const link = Object.create(DrachtioLink.prototype) as DrachtioLink

describe('a flood of BYEs', { timeout: 30_000 }, () => {
  it('is looked into for so many calls at a time, and once for each', async () => {
    const asked: string[] = []
    const byes = new Byes({
      desk: {
        find: () => Promise.resolve(undefined),
        callOf: ({ callId }) => {
          asked.push(callId)
          return Promise.resolve(undefined)
        },
      },
      node: 'sip',
      nowMs: () => 0,
      isOurs: (callId) => callId === 'ours',
      found: () => Promise.resolve(),
      unheard: () => undefined,
      failed: (error) => {
        throw error
      },
    })
    const calls = ['ours', ...[...Array(20_000).keys()].map((nth) => `call-${nth}`)]
    await Promise.all(
      calls.flatMap((callId) => [byeOf(callId), byeOf(callId)]).map((bye) => byes.seen(link, 'network', bye)),
    )
    expect(asked).toHaveLength(500)
    expect(new Set(asked).size).toBe(500)
    await byes.seen(link, 'network', byeOf('later'))
    expect(asked.at(-1)).toBe('later')
  })

  it('through the server changes no call, and the next is served', async ({ onTestFinished }) => {
    const callee = await RawPhone.open(0)
    onTestFinished(() => callee.close())
    const bench = await SipBench.start(onTestFinished, { hops: [callee.port] })
    const payer = await bench.account('flooded', { credit: '100.00' })
    const phones = await Phones.open(bench, { payer, callee }, onTestFinished)
    const { near } = await phones.connect()
    const started = performance.now()
    for (let nth = 0; nth < 300; nth += 1) {
      const bye = phones.caller.request('BYE', { toTag: 'anybody', cseq: nth })
      Object.assign(bye, { uri: `sip:anybody@127.0.0.1:${callee.port}` })
      bye.set('Call-ID', `stranger-${nth}`)
      bye.add('Route', `<sip:127.0.0.1:${bench.drachtio.sipPort};lr>`)
      phones.caller.say(bye)
      // The phones do not say again what was lost.
      await until('it has passed', () => callee.requests('BYE').length > nth, { everyMs: 1 })
      phones.reply(callee.requests('BYE')[nth]!, 200)
    }
    callee.got.length = 0
    await phones.hangUp(near, 900)
    const [cdr] = await bench.settled(payer, 1)
    expect(cdr?.seconds).toBeLessThanOrEqual(Math.ceil((performance.now() - started) / 1000) + 1)
    await phones.another(onTestFinished)
  })
})

function byeOf(callId: string): SipMessage {
  const values: Record<string, string> = { 'call-id': callId, from: '<sip:a@b>;tag=1', to: '<sip:c@d>' }
  return {
    headers: values,
    get: (name) => values[name],
    has: (name) => name in values,
    getParsedHeader: () => {
      throw new Error('not asked for')
    },
  }
}
