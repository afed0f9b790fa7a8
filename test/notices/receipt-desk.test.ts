import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { SmtpMailer } from '../../src/edges/mail/smtp-mailer.ts'
import { ReceiptDesk } from '../../src/notices/receipt-desk.ts'
import type { PaidReceipt } from '../../src/notices/receipts.ts'
import { RedisNotices } from '../../src/store/redis-notices.ts'
import { streamEntries } from '../../src/store/replies.ts'
import { TestMailServer } from '../support/mail-server.ts'
import { useStore } from '../support/offices.ts'

const paid: PaidReceipt = {
  receipt: 'acme-7',
  payment: '3-p1',
  account: 'acme',
  kind: 'credit',
  amount: 25_000_000n,
  currency: 'EUR',
  card: 'visa 4242',
  buyer: 'buyer@example.com',
  paidAtMs: Date.UTC(2026, 9, 25, 1, 30),
}

describe('a receipt that is sent again', () => {
  const test = useStore('redis')
  const server = new TestMailServer()
  let mailer: SmtpMailer
  let receipts: readonly PaidReceipt[]

  beforeAll(() => server.start())
  afterAll(() => server.stop())
  beforeEach(async () => {
    server.behaviour = 'takes'
    server.mails = []
    receipts = [paid]
    mailer = new SmtpMailer({ url: server.url, from: 'billing@tollgate.example', allowPlain: true, timeoutMs: 500 })
    await test.office().put('acme', { name: 'Acme', language: 'de', timezone: 'Europe/Berlin' })
  })
  afterEach(() => {
    mailer.close()
  })

  function desk(isOff = false): ReceiptDesk {
    return new ReceiptDesk({
      accounts: test.office(),
      receipts: {
        find: async (account, receipt) => receipts.find((one) => one.account === account && one.receipt === receipt),
        list: async () => ({ items: receipts }),
      },
      log: new RedisNotices(test.store, test.keys),
      mailer: isOff ? undefined : mailer,
      settings: () => ({ language: 'en', mostPerHour: 3 }),
      clock: test.clock,
      observer: { noticed: () => undefined },
    })
  }

  const ask = { account: 'acme', receipt: 'acme-7', operation: 'k1' } as const

  it('says what the first said, and goes to who bought or to the address that is named', async () => {
    expect(await desk().resend(ask)).toEqual({ kind: 'resent', to: ['buyer@example.com'] })
    expect(await desk().resend({ ...ask, to: 'cfo@example.com' })).toEqual({ kind: 'resent', to: ['cfo@example.com'] })
    expect(server.mails.map(({ to }) => [to].flat()[0]?.text)).toEqual(['buyer@example.com', 'cfo@example.com'])
    const [first] = server.mails
    expect(first?.subject?.replace(/\s/g, ' ')).toBe('Beleg acme-7: 25,00 €')
    expect(first?.text).toContain('Bezahlt: 25. Oktober 2026 um 02:30 MEZ')
    const { partition = 0 } = (await test.office().chainOf('acme')) ?? {}
    const told = await test.store.command((client) => client.xrange(test.keys.outbox(partition), '-', '+'))
    expect(streamEntries(told).map(({ fields }) => [fields['type'], fields['to']])).toEqual([
      ['receipt.sent', 'buyer@example.com'],
      ['receipt.sent', 'cfo@example.com'],
    ])
  })

  it('is sent once for each operation', async () => {
    for (const operation of ['k1', 'k1', 'k2']) {
      expect(await desk().resend({ ...ask, operation })).toMatchObject({ kind: 'resent' })
    }
    expect(server.mails).toHaveLength(2)
  })

  it('goes to the contacts that want receipts where nobody bought by hand', async () => {
    const { buyer: _nobody, ...automatic } = paid
    receipts = [{ ...automatic, kind: 'recharge' }]
    expect(await desk().resend(ask)).toMatchObject({ code: 'recipient_unknown' })
    const contacts = [{ email: 'cfo@example.com' }, { email: 'ops@example.com', topics: ['balance'] }] as const
    await test.office().patch('acme', { contacts })
    expect(await desk().resend(ask)).toEqual({ kind: 'resent', to: ['cfo@example.com'] })
  })

  it('is refused where it cannot be sent', async () => {
    expect(await desk().resend({ ...ask, account: 'nobody' })).toMatchObject({ code: 'account_unknown' })
    expect(await desk().resend({ ...ask, receipt: 'acme-8' })).toMatchObject({ code: 'receipt_unknown' })
    expect(await desk(true).resend(ask)).toMatchObject({ code: 'mail_off' })
    server.behaviour = 'refuses'
    expect(await desk().resend(ask)).toMatchObject({ code: 'mail_refused' })
  })

  it('is held back after so many in an hour', async () => {
    for (let n = 0; n < 3; n += 1) await desk().resend({ ...ask, operation: `k${n}` })
    expect(await desk().resend({ ...ask, operation: 'one more' })).toMatchObject({ code: 'mail_held_back' })
    expect(server.mails).toHaveLength(3)
  })

  it('may be asked for again when the server does not answer', async () => {
    server.behaviour = 'busy'
    await expect(desk().resend(ask)).rejects.toMatchObject({ retryable: true })
    server.behaviour = 'takes'
    expect(await desk().resend(ask)).toMatchObject({ kind: 'resent' })
  })
})
