import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ProfileInput } from '../../src/accounts/office.ts'
import { failuresOf, inTurns } from '../../src/base/in-turns.ts'
import { SmtpMailer } from '../../src/edges/mail/smtp-mailer.ts'
import type { AccountEvent } from '../../src/events/event.ts'
import { consumerJobs } from '../../src/jobs/consumers.ts'
import { exponentialPause } from '../../src/jobs/job-kind.ts'
import type { Mailer } from '../../src/notices/mail.ts'
import { Notifier } from '../../src/notices/notifier.ts'
import type { NoticeLog } from '../../src/notices/notice-log.ts'
import { RedisNotices } from '../../src/store/redis-notices.ts'
import { streamEntries } from '../../src/store/replies.ts'
import { expireIn, lifetimesOf } from '../ledger/snapshot.ts'
import { TestMailServer } from '../support/mail-server.ts'
import { storeForms, useStore } from '../support/offices.ts'
import { anEvent, AT_MS } from './an-event.ts'

describe.each(storeForms)('notices on %s', (_name, form) => {
  const test = useStore(form)
  const server = new TestMailServer()
  let mailer: SmtpMailer
  let noticed: string[]

  beforeAll(() => server.start())
  afterAll(() => server.stop())
  beforeEach(() => {
    server.behaviour = 'takes'
    server.behaviours.clear()
    server.mails = []
    noticed = []
    mailer = new SmtpMailer({ url: server.url, from: 'billing@tollgate.example', allowPlain: true, timeoutMs: 500 })
  })
  afterEach(() => {
    mailer.close()
  })

  interface Changes {
    readonly mostPerHour?: number
    readonly isOff?: boolean
    readonly mailer?: Mailer
    readonly log?: NoticeLog
  }

  function notifier({ mostPerHour = 20, isOff = false, log, ...changes }: Changes = {}): Notifier {
    return new Notifier({
      accounts: test.office(),
      log: log ?? new RedisNotices(test.store, test.keys),
      mailer: isOff ? undefined : (changes.mailer ?? mailer),
      settings: () => ({ language: 'en', mostPerHour }),
      clock: test.clock,
      observer: { noticed: (kind, outcome) => noticed.push(`${kind} ${outcome}`) },
    })
  }

  const contacts = [{ email: 'ops@example.com' }, { email: 'cfo@example.com', topics: ['receipts'] }] as const

  async function account(input: ProfileInput = { contacts }): Promise<void> {
    await test.office().put('acme', { name: 'Acme', ...input })
  }

  async function outbox(): Promise<readonly Readonly<Record<string, string>>[]> {
    const entries = await test.store.command((client) => client.xrange(test.keys.outbox(8), '-', '+'))
    return streamEntries(entries).map(({ fields }) => fields)
  }

  it('are sent to the contacts that want to know', async () => {
    await account()
    await notifier().handle(anEvent('balance.low'))
    expect(server.summary).toEqual(['ops@example.com: Your balance is below $5.00'])
    await notifier().handle(anEvent('payment.succeeded', { buyer: '', kind: 'recharge' }))
    expect(server.summary.slice(1).toSorted()).toEqual([
      'cfo@example.com: Receipt acme-7: $25.00',
      'ops@example.com: Receipt acme-7: $25.00',
    ])
  })

  it('are sent to nobody where there is no contact, no account or no mail', async () => {
    await notifier().handle(anEvent('balance.low'))
    await account({})
    await notifier().handle(anEvent('balance.low'))
    expect(noticed).toEqual([])
    await account()
    await notifier({ isOff: true }).handle(anEvent('balance.low'))
    expect(noticed).toEqual(['balance.low off'])
    expect(server.mails).toEqual([])
  })

  it('send the receipt to who bought, and tell that it was sent (M10)', async () => {
    await account()
    await notifier().handle(anEvent('payment.succeeded'))
    expect(server.summary).toEqual(['buyer@example.com: Receipt acme-7: $25.00'])
    expect(await outbox()).toEqual([
      {
        type: 'receipt.sent',
        account: 'acme',
        receipt: 'acme-7',
        payment: '3-p1',
        to: 'buyer@example.com',
        at: String(test.clock.nowMs()),
      },
    ])
  })

  it('tell that a receipt was refused, and do not try again', async () => {
    await account()
    server.behaviour = 'refuses'
    const event = anEvent('payment.succeeded')
    await notifier().handle(event)
    await notifier().handle(event)
    expect((await outbox()).map(({ type }) => type)).toEqual(['receipt.failed'])
    expect(noticed).toEqual(['payment.succeeded refused', 'payment.succeeded done'])
  })

  it('are sent once however often the event is told, by whichever daemon', async () => {
    await account()
    const event = anEvent('balance.exhausted')
    for (let n = 0; n < 3; n += 1) await notifier().handle(event)
    expect(server.mails).toHaveLength(1)
    expect(noticed).toEqual(['balance.exhausted sent', 'balance.exhausted done', 'balance.exhausted done'])
  })

  it.each(['busy', 'hangs'] as const)('are tried again when the server %s, and reach each reader once', async (how) => {
    await account({ contacts: [{ email: 'ops@example.com' }, { email: 'late@example.com' }] })
    if (how === 'hangs') server.behaviour = how
    else server.behaviours.set('late@example.com', how)
    const event = anEvent('minutes.exhausted')
    await expect(notifier().handle(event)).rejects.toMatchObject({ retryable: true })
    server.behaviour = 'takes'
    server.behaviours.clear()
    await notifier().handle(event)
    expect(server.summary.toSorted()).toEqual([
      'late@example.com: No minutes left: plan',
      'ops@example.com: No minutes left: plan',
    ])
  })

  it('wait for their turn before they are handed over, as the deadline of a mail begins then', async () => {
    await account({ contacts: Array.from({ length: 6 }, (_, n) => ({ email: `reader-${n}@example.com` })) })
    let [underWay, most] = [0, 0]
    const counting: Mailer = {
      atOnce: mailer.atOnce,
      async send(mail) {
        most = Math.max(most, (underWay += 1))
        const handed = await mailer.send(mail)
        underWay -= 1
        return handed
      },
    }
    const jobs = consumerJobs(notifier({ mailer: counting }), () => 0)
    const events = Array.from({ length: 3 }, () => anEvent('balance.low'))
    expect(failuresOf(await inTurns(events, jobs.atOnce, (event) => jobs.run(event, 1)))).toEqual([])
    expect(server.mails).toHaveLength(18)
    expect(most).toBeLessThanOrEqual(mailer.atOnce)
  })

  it('are known for longer than they may be tried again', async () => {
    await account()
    const event = anEvent('payment.succeeded')
    await notifier().handle(event)
    const days = 86_400_000
    await expireIn(test.store, 33 * days)
    test.clock.advance(33 * days)
    await notifier().handle(event)
    expect(server.mails).toHaveLength(1)
  })

  it('are tried again for three days', () => {
    const pauseMs = exponentialPause(() => 0.5)
    const { attempts } = consumerJobs(notifier(), pauseMs)
    const pauses = Array.from({ length: attempts - 1 }, (_, failed) => pauseMs(failed + 1))
    expect(pauses.reduce((sum, ms) => sum + ms) / 86_400_000).toBeCloseTo(3, 1)
  })

  it('have the same Message-ID where it is not known whether the first arrived', async () => {
    await account()
    server.behaviour = 'drops'
    const event = anEvent('recharge.failed')
    await expect(notifier().handle(event)).rejects.toMatchObject({ retryable: true })
    server.behaviour = 'takes'
    await notifier().handle(event)
    expect(new Set(server.mails.map(({ messageId }) => messageId)).size).toBe(1)
  })

  it('have the same Message-ID where the daemon died before it noted what it sent', async () => {
    await account()
    const log = new RedisNotices(test.store, test.keys)
    const forgetful: NoticeLog = {
      admit: (...args) => log.admit(...args),
      done: () => Promise.reject(new Error('killed')),
    }
    const event = anEvent('payment.succeeded')
    await expect(notifier({ log: forgetful }).handle(event)).rejects.toThrow('killed')
    await notifier().handle(event)
    expect(server.mails).toHaveLength(2)
    expect(new Set(server.mails.map(({ messageId }) => messageId)).size).toBe(1)
    expect((await outbox()).map(({ type }) => type)).toEqual(['receipt.sent'])
  })

  it('are so many to one account in an hour, by all daemons together; receipts come on top', async () => {
    await account()
    const storm = Array.from({ length: 10 }, () => anEvent('balance.low'))
    await Promise.all(storm.map((event) => notifier({ mostPerHour: 3 }).handle(event)))
    expect(server.mails).toHaveLength(3)
    expect(noticed.filter((line) => line.endsWith('held_back'))).toHaveLength(7)
    await notifier({ mostPerHour: 3 }).handle(anEvent('payment.succeeded'))
    expect(server.mails).toHaveLength(4)
    test.clock.advance(3_600_000)
    await notifier({ mostPerHour: 3 }).handle(anEvent('balance.low'))
    expect(server.mails).toHaveLength(5)
  })

  it('of one event count once among those of the hour, however many read them', async () => {
    const readers = Array.from({ length: 5 }, (_, n) => ({ email: `reader-${n}@example.com` }))
    await account({ contacts: readers })
    for (let n = 0; n < 3; n += 1) await notifier({ mostPerHour: 2 }).handle(anEvent('balance.low'))
    expect(server.mails).toHaveLength(10)
    expect(new Set(server.summary).size).toBe(5)
  })

  it('that wait for the server count once among those of the hour', async () => {
    await account()
    server.behaviour = 'busy'
    const event = anEvent('balance.low')
    for (let n = 0; n < 5; n += 1) await expect(notifier({ mostPerHour: 2 }).handle(event)).rejects.toThrow()
    server.behaviour = 'takes'
    await notifier({ mostPerHour: 2 }).handle(event)
    await notifier({ mostPerHour: 2 }).handle(anEvent('balance.exhausted'))
    expect(server.mails).toHaveLength(2)
  })

  it('are not sent when they are no news any more; a receipt is', async () => {
    await account()
    const day = 86_400_000
    await notifier().handle(anEvent('balance.low', {}, AT_MS - day - 1))
    await notifier().handle(anEvent('payment.succeeded', {}, AT_MS - 30 * day))
    expect(noticed).toEqual(['balance.low stale', 'payment.succeeded sent'])
  })

  it('leave nothing in the store for ever, and no address in the name of a key', async () => {
    await account()
    await notifier().handle(anEvent('balance.low'))
    const event: AccountEvent = anEvent('payment.succeeded')
    await notifier().handle(event)
    const keys = [...(await lifetimesOf(test.store))].filter(([name]) => name.includes(':notice'))
    expect(keys).toHaveLength(3)
    for (const [name, ttlMs] of keys) {
      expect(name).not.toContain('@')
      expect(ttlMs).toBeGreaterThan(0)
      expect(ttlMs).toBeLessThanOrEqual(34 * 86_400_000)
    }
  })

  it('move no balance, whatever becomes of the mail', async () => {
    await account()
    const before = await test.office().balance('acme')
    for (const behaviour of ['takes', 'refuses', 'busy', 'drops'] as const) {
      server.behaviour = behaviour
      await notifier()
        .handle(anEvent('payment.succeeded'))
        .catch(() => undefined)
    }
    expect(await test.office().balance('acme')).toEqual(before)
  })
})
