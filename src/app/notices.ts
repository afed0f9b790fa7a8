/** Mail, the consumer of events that sends it, and receipts. */
import type { Settings } from '../catalog/settings.ts'
import { SmtpMailer } from '../edges/mail/smtp-mailer.ts'
import type { EventConsumer } from '../events/event.ts'
import { Notifier } from '../notices/notifier.ts'
import { ReceiptDesk } from '../notices/receipt-desk.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { createNoticeObserver } from '../observe/notice-observer.ts'
import { RedisNotices } from '../store/redis-notices.ts'
import { RedisPayments } from '../store/redis-payments.ts'
import type { Core } from './core.ts'
import { paidReceipts } from './paid-receipts.ts'

export interface NoticeParts {
  readonly core: Core
  readonly settings: () => Settings
  readonly log: Logger
  readonly metrics: Metrics
}

export interface Notices {
  readonly consumer: EventConsumer
  readonly receipts: ReceiptDesk
  readonly stop: () => Promise<void>
}

export function openNotices({ core, settings, log, metrics }: NoticeParts): Notices {
  const mailer = openMailer(settings().mail)
  const parts = {
    accounts: core.office,
    log: new RedisNotices(core.store, core.keys),
    mailer,
    observer: createNoticeObserver({ log, metrics }),
    settings: () => settings().notices,
    clock: core.clock,
  }
  return {
    consumer: new Notifier(parts),
    receipts: new ReceiptDesk({ ...parts, receipts: paidReceipts(new RedisPayments(core)) }),
    stop: () => Promise.resolve(mailer?.close()),
  }
}

const MS = 1_000

function openMailer({ url, from, fromName, replyTo, allowPlain, timeoutSeconds }: Settings['mail']) {
  if (url === undefined || from === undefined) return undefined
  return new SmtpMailer({
    url,
    from,
    allowPlain,
    timeoutMs: timeoutSeconds * MS,
    ...(fromName === undefined ? {} : { fromName }),
    ...(replyTo === undefined ? {} : { replyTo }),
  })
}
