/** What is asked of callers before any decision: a password where the rules want one, and not too many calls a second. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { RawPhone } from '../../support/drachtio/raw-phone.ts'
import type { SipMessage } from '../../support/drachtio/sip-message.ts'
import { type Payer, SipBench } from './drachtio-bench.ts'
import { until } from './process.ts'

const CALLED = '+442079460999'
const PASSWORD = 'correct-horse'

describe('a trunk rule that wants a password', { timeout: 60_000 }, () => {
  it('lets in who proves to know it, and charges the call', async ({ onTestFinished }) => {
    const bench = await SipBench.start(onTestFinished)
    const payer = await bench.account('acme', { credit: '100.00', password: PASSWORD })
    const caller = { scenario: 'uac-logs-in', account: 'acme', password: PASSWORD, talkMs: 1_500 }
    const { caller: notes } = await bench.talk(payer, { scenario: 'uas-answers' }, caller)
    expect(notes.map(({ what }) => what)).toEqual(['answered', 'hungup'])
    expect(await bench.settled(payer, 1)).toMatchObject([{ seconds: 2, charge: '2.000000' }])
  })

  it.for([
    ['a wrong password', { account: 'acme', password: 'wrong-horse' }],
    ["another's name", { account: 'other', password: PASSWORD }],
    ["a name that is nobody's", { account: 'nobody-at-all', password: PASSWORD }],
  ] as const)('refuses %s with 403', async ([, claim], { onTestFinished }) => {
    const bench = await SipBench.start(onTestFinished)
    const payer = await bench.account('acme', { credit: '100.00', password: PASSWORD })
    await bench.account('other', { credit: '100.00', password: 'other-password' })
    const notes = await bench.call(payer, { scenario: 'uac-logs-in', ...claim })
    expect(notes).toMatchObject([{ what: 'refused', status: 403, code: 'credentials_wrong' }])
    await bench.daemon.heldNothing('acme')
  })

  it('takes an answer once, for that call, that number and a minute', async ({ onTestFinished }) => {
    const bench = await SipBench.start(onTestFinished)
    const payer = await bench.account('acme', { credit: '100.00', password: PASSWORD })
    const phone = await RawPhone.open(bench.drachtio.sipPort)
    onTestFinished(() => phone.close())
    const first = inviteOf(phone, bench, payer)
    const nonce = await challenged(phone, first)
    const answer = authorization(first.uri, nonce)
    const others: readonly [string, (invite: SipMessage) => void][] = [
      ['another Call-ID', (invite) => invite.set('Call-ID', 'overheard')],
      ['another tag', (invite) => invite.set('From', `<sip:${payer.number}@phone>;tag=2`)],
    ]
    for (const [what, change] of others) {
      const invite = inviteOf(phone, bench, payer)
      invite.set('Authorization', answer)
      change(invite)
      phone.say(invite)
      const reply = await replyTo(phone, invite)
      expect([what, reply.status, reply.get('WWW-Authenticate')]).toEqual([
        what,
        401,
        expect.stringContaining('stale=true'),
      ])
    }
    const elsewhere = inviteOf(phone, bench, payer, '+442079460111')
    elsewhere.set('Call-ID', first.get('Call-ID'))
    elsewhere.set('Authorization', answer)
    phone.say(elsewhere)
    expect((await replyTo(phone, elsewhere)).status).toBe(403)
    const ours = inviteOf(phone, bench, payer)
    ours.set('Call-ID', first.get('Call-ID'))
    ours.set('Authorization', authorization(first.uri, `${nonce}x`))
    phone.say(ours)
    expect((await replyTo(phone, ours)).status).toBe(401)
    await bench.daemon.heldNothing('acme')
  })

  it('is not heard of by emergency calls', async ({ onTestFinished }) => {
    const bench = await SipBench.start(onTestFinished)
    const payer = await bench.account('acme', { password: PASSWORD })
    await bench.called({ scenario: 'uas-answers' })
    const notes = await bench.call(payer, { scenario: 'uac-hangs-up', dialled: '112', talkMs: 300 })
    expect(notes.map(({ what }) => what)).toEqual(['answered', 'hungup'])
  })
})

describe('more INVITEs a second than are taken', { timeout: 60_000 }, () => {
  it.for([
    ['from one address', 'source: 5'],
    ['for one account', 'account: 5'],
  ] as const)(
    '%s are answered 503 with Retry-After, and the next second is served',
    async ([, limit], { onTestFinished }) => {
      const bench = await SipBench.start(onTestFinished, { sip: `invitesPerSecond: { ${limit} }` })
      const payer = await bench.account('busy', { credit: '100.00' })
      await bench.called({ scenario: 'uas-answers' })
      const notes = await bench.call(payer, { scenario: 'uac-hangs-up', calls: 20, rate: 100, talkMs: 100 })
      const refused = notes.filter(({ what }) => what === 'refused')
      expect(refused.length).toBeGreaterThanOrEqual(10)
      expect(refused.length).toBeLessThanOrEqual(15)
      expect(new Set(refused.map(({ status, code }) => `${status} ${code}`))).toEqual(new Set(['503 too_many_calls']))
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      expect(await bench.call(payer, { scenario: 'uac-hangs-up', talkMs: 100 })).toHaveLength(2)
    },
  )
})

let cseq = 0

function inviteOf(phone: RawPhone, bench: SipBench, { number }: Payer, called = CALLED): SipMessage {
  cseq += 1
  const invite = phone.request('INVITE', { cseq })
  invite.set('From', `<sip:${number}@phone>;tag=1`)
  Object.assign(invite, { uri: `sip:${called}@127.0.0.1:${bench.drachtio.sipPort}` })
  return invite
}

async function challenged(phone: RawPhone, invite: SipMessage): Promise<string> {
  phone.say(invite)
  const reply = await replyTo(phone, invite)
  expect(reply.status).toBe(401)
  const [, nonce = ''] = /nonce="([^"]+)"/.exec(reply.get('WWW-Authenticate')) ?? []
  return nonce
}

async function replyTo(phone: RawPhone, invite: SipMessage): Promise<SipMessage> {
  const { branch } = invite
  const find = (): SipMessage | undefined => phone.got.find((each) => each.status >= 200 && each.branch === branch)
  await until('a final answer comes', () => find() !== undefined)
  const reply = find()
  if (!reply) throw new Error('no answer')
  phone.acknowledge(invite, reply)
  return reply
}

function authorization(uri: string, nonce: string): string {
  const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
  const ha1 = md5(`acme:tollgate:${PASSWORD}`)
  const response = md5(`${ha1}:${nonce}:00000001:c:auth:${md5(`INVITE:${uri}`)}`)
  return `Digest username="acme", realm="tollgate", nonce="${nonce}", uri="${uri}", qop=auth, nc=00000001, cnonce="c", response="${response}"`
}
