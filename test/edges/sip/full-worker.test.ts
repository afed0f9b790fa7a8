/** A worker with as many INVITEs under way as it takes. */
import { expect, it } from 'vitest'
import { describeIf } from '../../support/drachtio/describe-if.ts'
import { isDouble } from '../../support/drachtio/drachtio-server.ts'
import { RawPhone } from '../../support/drachtio/raw-phone.ts'
import { responseTo, type SipMessage } from '../../support/drachtio/sip-message.ts'
import { type Payer, SipBench } from './drachtio-bench.ts'
import { until } from './process.ts'

/** As many as it takes. */
const MOST = 2_000
const AT_ONCE = 50

// A real server has shorter queues than 2,000 INVITEs need here.
describeIf(isDouble)('a worker that has enough to do', { timeout: 120_000 }, () => {
  it('refuses with 503 whoever calls, and connects who needs help', async ({ onTestFinished }) => {
    const callee = await RawPhone.open(0)
    onTestFinished(() => callee.close())
    const bench = await SipBench.start(onTestFinished, {
      hops: [callee.port],
      sip: 'invitesPerSecond: { source: 10000, account: 10000 }',
    })
    const payer = await bench.account('many', { credit: '100000.00' })
    const phone = await RawPhone.open(bench.drachtio.sipPort)
    onTestFinished(() => phone.close())
    for (let sent = 0; sent < MOST; sent += AT_ONCE) {
      for (let nth = sent; nth < sent + AT_ONCE; nth += 1) phone.say(inviteOf(phone, { bench, payer, nth }))
      const ringing = new Set<string>()
      const ring = (): boolean => {
        for (const invite of callee.got.splice(0)) {
          ringing.add(invite.get('Call-ID'))
          callee.say(responseTo(invite, 180, 'Ringing'), bench.drachtio.sipPort)
        }
        return ringing.size >= AT_ONCE
      }
      await until('all of them ring', ring, { withinMs: 30_000 })
    }
    phone.say(inviteOf(phone, { bench, payer, nth: MOST }))
    await until('one more is refused', () => phone.statuses('INVITE').includes(503))
    const refused = phone.got.find(({ status }) => status === 503)
    expect([refused?.get('X-Tollgate-Code'), refused?.get('Retry-After')]).toEqual(['overloaded', '10'])
    phone.say(inviteOf(phone, { bench, payer, nth: MOST + 1, called: '112' }))
    await until('who needs help is connected', () => callee.got.some(({ uri }) => uri.startsWith('sip:112@')))
  })
})

interface Wanted {
  readonly bench: SipBench
  readonly payer: Payer
  readonly nth: number
  readonly called?: string
}

function inviteOf(phone: RawPhone, { bench, payer, nth, called = '+442079460999' }: Wanted): SipMessage {
  const invite = phone.request('INVITE', { cseq: nth + 1 })
  invite.set('From', `<sip:${payer.number}@phone>;tag=${nth}`)
  invite.set('Call-ID', `many-${nth}`)
  Object.assign(invite, { uri: `sip:${called}@127.0.0.1:${bench.drachtio.sipPort}` })
  return invite
}
