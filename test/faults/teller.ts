/**
 * What acts on events in a daemon, put together as the daemon does: the relay, and the jobs that send mail and webhooks and
 * charge cards. Run as a process it is killed at a step of its work: a command to Redis, a mail or a webhook that it is about to
 * send.
 */
import { Redis } from 'ioredis'
import { openJobs } from '../../src/app/jobs.ts'
import { openNotices } from '../../src/app/notices.ts'
import { openPayments } from '../../src/app/payments.ts'
import type { Core } from '../../src/app/core.ts'
import { accountDefaults } from '../../src/catalog/new-account.ts'
import { settingsSchema } from '../../src/catalog/settings-schema.ts'
import { SmtpMailer } from '../../src/edges/mail/smtp-mailer.ts'
import { HttpWebhookSender } from '../../src/edges/webhooks/sender.ts'
import { createLog } from '../../src/observe/log.ts'
import { Metrics } from '../../src/observe/metrics.ts'
import { Keys } from '../../src/store/keys.ts'
import { RedisAccountOffice } from '../../src/store/redis-accounts.ts'
import { RedisStore } from '../../src/store/redis.ts'

export interface Place {
  readonly urls: readonly string[]
  /** Of the keys: each is an installation of its own. */
  readonly prefix: string
  readonly mailUrl: string
  /** Of a daemon that comes later: so far is its clock ahead, and it looks after payments. */
  readonly laterMs?: number
}

export type Teller = Awaited<ReturnType<typeof openTeller>>

export async function openTeller({ urls, prefix, mailUrl, laterMs }: Place) {
  const store = new RedisStore({ urls, commandTimeoutMs: 10_000, maxInFlight: 10_000 })
  await store.open()
  const keys = new Keys(prefix)
  const clock = { nowMs: () => Date.now() + (laterMs ?? 0) }
  const ids = () => 'id'
  const read = settingsSchema.parse({
    configDir: '.',
    defaults: { tariff: 'none', currency: 'USD', timezone: 'UTC' },
    mail: { url: mailUrl, from: 'billing@tollgate.example', allowPlain: true, timeoutSeconds: 5 },
    webhooks: { allowPrivate: true },
  })
  const settings = () => read
  const office = new RedisAccountOffice({
    store,
    keys,
    partitions: 1,
    clock,
    defaults: () => accountDefaults(read),
    ids,
  })
  const core = { store, keys, partitions: 1, clock, office } as unknown as Core
  const log = createLog({ level: 'error' })
  const parts = { core, settings, log, metrics: new Metrics() }
  const notices = openNotices(parts)
  const payments = await openPayments(parts)
  const consumers = [...payments.consumers, notices.consumer]
  const jobs = await openJobs({ ...parts, consumers, periodic: laterMs === undefined ? [] : payments.periodic })
  let stop = async (): Promise<void> => undefined
  return {
    ...jobs,
    payments: payments.port,
    core,
    keys,
    store,
    office,
    begin: async () => {
      stop = await jobs.start()
    },
    end: async () => {
      await stop()
      await notices.stop()
      await jobs.close()
      await store.close()
    },
  }
}

/** What is sent again and again whether or not there is anything to do. */
const IDLE = new Set(['xreadgroup', 'xautoclaim', 'bzpopmin', 'exists', 'hgetall', 'ping', 'info'])

function dieAt(step: number): void {
  let steps = 0
  const next = (): void => {
    steps += 1
    if (steps === step) process.kill(process.pid, 'SIGKILL')
  }
  const before = <Form extends object, Name extends keyof Form>(
    form: Form,
    name: Name,
    isStep: (...args: never[]) => boolean,
  ) => {
    const original = form[name] as (...args: never[]) => unknown
    form[name] = function (this: unknown, ...args: never[]) {
      if (isStep(...args)) next()
      return original.apply(this, args)
    } as Form[Name]
  }
  before(Redis.prototype, 'sendCommand', ({ name }: { readonly name: string }) => !IDLE.has(name))
  before(SmtpMailer.prototype, 'send', () => true)
  before(HttpWebhookSender.prototype, 'send', () => true)
}

if (import.meta.main) {
  const [urls = '', prefix = '', mailUrl = '', step = ''] = process.argv.slice(2)
  const teller = await openTeller({ urls: urls.split(','), prefix, mailUrl })
  dieAt(Number(step))
  await teller.begin()
}
