/** Messages of somebody who knows a call, or another's number: they change nobody's charge. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { RawPhone } from '../../support/drachtio/raw-phone.ts'
import type { SipMessage } from '../../support/drachtio/sip-message.ts'
import { type Payer, SipBench } from './drachtio-bench.ts'
import { Phones } from './phones.ts'
import { until } from './process.ts'

let bench: SipBench
let callee: RawPhone
let payer: Payer
let other: Payer
let phones: Phones
let stranger: RawPhone
const ends: (() => Promise<void>)[] = []

beforeAll(async () => {
  callee = await RawPhone.open(0)
  bench = await SipBench.start((end) => ends.unshift(end), { hops: [callee.port] })
  payer = await bench.account('honest', { credit: '1000.00' })
  other = await bench.account('other', { credit: '1000.00' })
}, 60_000)

afterAll(async () => {
  callee.close()
  for (const end of ends) await end()
})

beforeEach(async ({ onTestFinished }) => {
  phones = await Phones.open(bench, { payer, callee }, onTestFinished)
  stranger = await RawPhone.open(bench.drachtio.sipPort)
  onTestFinished(() => stranger.close())
})

/** A BYE of the stranger that says to be of the call. */
function forged(near: SipMessage, change: (bye: SipMessage) => void): SipMessage {
  const bye = stranger.request('BYE', { cseq: 50 })
  for (const name of ['From', 'To', 'Call-ID']) bye.set(name, near.get(name))
  change(bye)
  return bye
}

describe('a forged BYE', { timeout: 30_000 }, () => {
  it.for([
    ['with another tag of the caller', (bye: SipMessage) => bye.set('From', '<sip:anybody@phone>;tag=forged')],
    ['with another tag of the called side', (bye: SipMessage) => bye.set('To', '<sip:called@phone>;tag=forged')],
    ['without a tag', (bye: SipMessage) => bye.set('To', '<sip:called@phone>')],
  ] as const)('%s is refused, and the call goes on', async ([, change], { onTestFinished }) => {
    const { near } = await phones.connect()
    stranger.say(forged(near, change))
    await until('it is refused', () => stranger.statuses('BYE').some((status) => status >= 400))
    await bench.up(payer)
    expect(callee.requests('BYE')).toEqual([])
    await phones.hangUp(near)
    await phones.another(onTestFinished)
  })

  it('that the server relays elsewhere, and tells as the end of the call, ends nothing', async ({ onTestFinished }) => {
    const { near } = await phones.connect()
    const before = (await bench.cdrs(payer.id)).length
    const bye = forged(near, (message) => message.add('Route', `<sip:127.0.0.1:${bench.drachtio.sipPort};lr>`))
    Object.assign(bye, { uri: `sip:elsewhere@127.0.0.1:${stranger.port}` })
    stranger.say(bye)
    await until('it is relayed', () => stranger.requests('BYE').length > 0)
    // Longer than such an end is waited for before it is looked into.
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    await bench.up(payer)
    expect(await bench.cdrs(payer.id)).toHaveLength(before)
    await phones.hangUp(near)
    await phones.another(onTestFinished)
  })
})

it(
  "another's P-Asserted-Identity is not believed of a caller that is not trusted, and not passed on",
  { timeout: 20_000 },
  async ({ onTestFinished }) => {
    const headers = {
      'P-Asserted-Identity': `<sip:${other.number}@phone>`,
      'P-Preferred-Identity': `<sip:${other.number}@phone>`,
    }
    const { near, far } = await phones.connect({ headers })
    expect(far.get('P-Asserted-Identity') + far.get('P-Preferred-Identity')).toBe('')
    await bench.up(payer)
    expect((await bench.daemon.balance(other.id)).reserved).toBe('0.000000')
    await phones.hangUp(near)
    await phones.another(onTestFinished)
    expect(await bench.cdrs(other.id)).toEqual([])
  },
)
