import { describe, expect, it } from 'vitest'
import type { AccountProfile } from '../../src/accounts/account.ts'
import { languages } from '../../src/accounts/contacts.ts'
import { newProfile } from '../../src/accounts/profile.ts'
import { messageOf } from '../../src/notices/message.ts'
import { type Notice, noticeKinds, noticeOf } from '../../src/notices/notice.ts'
import { defaults } from '../support/offices.ts'
import { anEvent, datas } from './an-event.ts'

const NBSP = /[\u00a0\u202f]/g

function profileOf(changes: Partial<AccountProfile> = {}): AccountProfile {
  const profile = newProfile({ id: 'acme', input: { name: 'Acme' }, defaults, nowMs: 0 })
  return { ...profile, ...changes }
}

function noticed(
  type: Notice['kind'],
  data: Record<string, string> = {},
  profile = profileOf(),
  atMs?: number,
): Notice {
  const notice = noticeOf(anEvent(type, data, atMs), profile)
  if (!notice) throw new Error('no notice')
  return notice
}

function said(notice: Notice, profile = profileOf()) {
  const { subject, text } = messageOf(notice, profile, 'en')
  return { subject: subject.replace(NBSP, ' '), text: text.replace(NBSP, ' ') }
}

describe('what a notice says', () => {
  it('is in the language of the account, with its currency as it is written there', () => {
    const notice = noticed('balance.low', { available: '-1234567899', threshold: '5000000', currency: 'EUR' })
    expect(said(notice, profileOf({ language: 'de' }))).toEqual({
      subject: 'Ihr Guthaben liegt unter 5,00 €',
      text: expect.stringContaining('Konto: Acme (acme)\nVerfügbar: -1.234,57 €\nSchwelle: 5,00 €'),
    })
    expect(said(notice, profileOf({ language: 'en' }))).toMatchObject({
      subject: 'Your balance is below €5.00',
      text: expect.stringContaining('Available: -€1,234.57'),
    })
  })

  it('is in the language of the settings where the account names none', () => {
    const notice = noticed('balance.exhausted')
    expect(messageOf(notice, profileOf(), 'de').subject).toBe('Ihr Guthaben ist aufgebraucht')
    expect(messageOf(notice, profileOf(), 'en').subject).toBe('Your credit is used up')
  })

  it.each([
    ['USD', '4999999', 'Available: $4.99'],
    ['JPY', '4999999', 'Available: ¥4'],
    ['KWD', '4999999', 'Available: KWD 4.999'],
    ['USD', '9007199254740991', 'Available: $9,007,199,254.74'],
  ])('never says more of a balance in %s than there is', (currency, available, line) => {
    expect(said(noticed('balance.low', { currency, available })).text).toContain(line)
  })

  it('says amounts to the micro', () => {
    expect(said(noticed('payment.refunded', { amount: '10000001' })).subject).toBe('Refund of $10.000001')
  })

  it.each([
    ['Europe/Berlin', Date.UTC(2026, 2, 29, 0, 59), 'March 29, 2026 at 1:59 AM GMT+1'],
    ['Europe/Berlin', Date.UTC(2026, 2, 29, 1, 0), 'March 29, 2026 at 3:00 AM GMT+2'],
    ['Europe/Berlin', Date.UTC(2026, 9, 25, 0, 30), 'October 25, 2026 at 2:30 AM GMT+2'],
    ['Europe/Berlin', Date.UTC(2026, 9, 25, 1, 30), 'October 25, 2026 at 2:30 AM GMT+1'],
    ['America/New_York', Date.UTC(2026, 0, 1, 3, 0), 'December 31, 2025 at 10:00 PM EST'],
    ['Asia/Kathmandu', Date.UTC(2026, 0, 1, 0, 0), 'January 1, 2026 at 5:45 AM GMT+5:45'],
  ])('tells the time of %s', (timezone, atMs, moment) => {
    const profile = profileOf({ timezone })
    expect(said(noticed('payment.succeeded', {}, profile, atMs), profile).text).toContain(`Paid: ${moment}`)
  })

  it('names the day and month of a cap as they were told, in whichever zone', () => {
    const profile = profileOf({ timezone: 'Pacific/Kiritimati', language: 'de' })
    const day = said(noticed('spend.capped', { period: 'day', of: '2026-11-01' }), profile).text
    expect(day).toContain('Tag: 1. November 2026')
    const month = said(noticed('spend.capped', { period: 'month', of: '2026-11' }), profile).text
    expect(month).toContain('Monat: November 2026')
  })

  it('calls minutes by the name of their pool, in whole minutes, and says when there are more', () => {
    const pool = { id: 'plan', name: 'Plan <b>', resetsAtMs: Date.UTC(2026, 11, 1) }
    const profile = profileOf({ pools: [pool] as unknown as AccountProfile['pools'] })
    const notice = noticed('minutes.low', { pool: 'plan', remaining: '119', total: '18000' }, profile)
    expect(said(notice, profile).text).toContain(
      'Minutes: Plan <b>\nLeft: 1 minute of 300 minutes\nNext minutes: December 1, 2026 at 12:00 AM UTC',
    )
    expect(messageOf(notice, profile, 'en').html).toContain('<td>Plan &lt;b&gt;</td>')
    expect(said(noticed('minutes.exhausted', { pool: 'gone' })).subject).toBe('No minutes left: gone')
  })

  it('cannot be made to say another thing by a name', () => {
    const profile = profileOf({ name: '<script>alert("x")</script> & Sons\r\nBcc: thief@example.com' })
    const pools = [{ id: 'p', name: 'a\r\nBcc: thief@example.com\u2028b' }] as unknown as AccountProfile['pools']
    const notice = noticed('minutes.low', { pool: 'p' }, { ...profile, pools })
    const { subject, text, html } = messageOf(notice, profile, 'en')
    expect(subject).toBe('Few minutes left: a Bcc: thief@example.com b')
    expect(text).not.toMatch(/^Bcc:/m)
    expect(html).not.toContain('<script')
    expect(html).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; Sons Bcc')
  })

  it('has a subject of one short line, however long the name', () => {
    const pools = [{ id: 'p', name: '📞'.repeat(200) }] as unknown as AccountProfile['pools']
    const { subject } = messageOf(noticed('minutes.low', { pool: 'p' }, profileOf({ pools })), profileOf(), 'en')
    expect([...subject]).toHaveLength(200)
    expect(subject.isWellFormed()).toBe(true)
  })

  it.each([
    [{ reason: 'failures', failures: '3' }, /declined 3 times/, /3 Mal in Folge abgelehnt/],
    [{ reason: 'card_missing' }, /no card on file/, /keine Karte hinterlegt/],
    [{ reason: 'staff' }, /by hand/, /von Hand/],
  ])('says of a recharge that is paused with %j why', (data, english, german) => {
    const notice = noticeOf({ ...anEvent('recharge.paused'), data }, profileOf())
    if (!notice) throw new Error('no notice')
    expect(messageOf(notice, profileOf(), 'en').text).toMatch(english)
    expect(messageOf(notice, profileOf(), 'de').text).toMatch(german)
  })

  it('says that minutes were not renewed, when they are tried again, and why they are not any more', () => {
    const again = noticed('bundle.declined', { nextAt: '1795521600000' })
    expect(said(again).text).toMatch(/tried again on .*Amount: \$25\.00\nCard: visa 4242\nReason: card_declined/s)
    expect(said(noticed('bundle.declined')).text).toContain('It is not tried again by itself.')
    for (const [reason, words] of [
      ['staff', 'was ended'],
      ['declined', 'declined too often'],
      ['card_missing', 'no card on file'],
    ] as const)
      expect(said(noticed('bundle.stopped', { reason })).text).toContain(words)
  })

  it('says which limit a recharge reached, and what was not bought', () => {
    expect(said(noticed('recharge.capped')).text).toContain('Day: November 23, 2026\nLimit: $50.00\nNot bought: $20.00')
  })

  describe.each(languages)('in %s', (language) => {
    it.each(noticeKinds)('has a text for %s without a gap', (kind) => {
      const { subject, text, html } = messageOf(noticed(kind), profileOf(), language)
      for (const form of [subject, text, html]) expect(form).not.toMatch(/undefined|NaN|null|\[object/)
      expect(html).toContain(`<html lang="${language}">`)
    })
  })

  it.each(Object.keys(datas).filter((type) => !noticeKinds.some((kind) => kind === type)))(
    'is nothing of %s',
    (type) => {
      expect(noticeOf(anEvent(type as Notice['kind']), profileOf())).toBeUndefined()
    },
  )

  it.each([
    ['balance.low', { threshold: 'much' }],
    ['balance.low', { available: '' }],
    ['minutes.low', { remaining: 'x' }],
    ['recharge.paused', { failures: '1.5' }],
    ['bundle.stopped', { reason: 'x' }],
  ] as const)('is refused where %s has %j', (type, data) => {
    expect(() => noticeOf(anEvent(type, data), profileOf())).toThrow('that can be read')
  })
})
