/** Joins outgoing webhooks to their store, their queue and the network. */
import { randomBytes } from 'node:crypto'
import { lookup } from 'node:dns'
import type { Settings } from '../catalog/settings.ts'
import { eventMessage } from '../edges/events/message.ts'
import { HttpWebhookSender } from '../edges/webhooks/sender.ts'
import type { EventLog, EventSink } from '../events/event-stream.ts'
import type { JobKind } from '../jobs/job-kind.ts'
import type { JobQueues } from '../jobs/job-queues.ts'
import type { Logger } from '../observe/log.ts'
import { RedisDeliveries } from '../store/redis-deliveries.ts'
import { RedisOutbox } from '../store/redis-outbox.ts'
import { RedisWebhooks } from '../store/redis-webhooks.ts'
import { Deliverer, DELIVERY_ATTEMPTS, deliveryPause } from '../webhooks/deliver.ts'
import { WebhookDesk } from '../webhooks/desk.ts'
import { wantsCallEndings, WebhookFanOut } from '../webhooks/fan-out.ts'
import type { ChainOf, DeliveryTask } from '../webhooks/parts.ts'
import type { Core } from './core.ts'

/** An endpoint that is slow must not hold up the others. */
const DELIVERIES_AT_ONCE = 50

const ID_BYTES = 8
const SECRET_BYTES = 32

export interface WebhooksParts {
  readonly core: Core
  readonly settings: () => Settings
  readonly queues: JobQueues
  readonly events: EventLog
  readonly random: () => number
  readonly listenToCalls: () => Promise<void>
  readonly log: Logger
}

export interface Webhooks {
  readonly desk: WebhookDesk
  readonly sink: EventSink
  /** Whether some endpoint is to be told of the ends of calls. */
  readonly wantCallEndings: () => Promise<boolean>
}

export function openWebhooks(parts: WebhooksParts): Webhooks {
  const { core, settings, queues, events, random, listenToCalls, log } = parts
  const { store, keys, clock, office } = core
  const unfit = (webhook: string, why: string): void => {
    log.error({ webhook, why }, 'a webhook in the store cannot be read and is sent nothing')
  }
  const endpoints = new RedisWebhooks({ store, keys, clock, unfit })
  const sender = new HttpWebhookSender({ clock, settings: () => settings().webhooks, resolve: lookup })
  const deliveries = new RedisDeliveries(store, keys)
  const deliverer = new Deliverer({
    endpoints,
    sender,
    log: deliveries,
    outbox: new RedisOutbox(core),
    clock,
    bodyOf: (event) => JSON.stringify(eventMessage(event)),
    disableAfterDays: () => settings().webhooks.disableAfterDays,
  })
  const kind: JobKind<DeliveryTask> = {
    name: 'webhooks',
    attempts: DELIVERY_ATTEMPTS,
    pauseMs: deliveryPause(random),
    atOnce: DELIVERIES_AT_ONCE,
    about: ({ endpoint, event: { id, type, account } }) => ({ endpoint, event: id, type, account }),
    run: (task, attempt) => deliverer.run(task, attempt),
  }
  const queue = queues.open(kind)
  const chainOf: ChainOf = async (account) => (await office.chainOf(account))?.levels.map(({ id }) => id) ?? []
  const ids = (): string => randomBytes(ID_BYTES).toString('hex')
  const newSecret = (): string => `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`
  return {
    desk: new WebhookDesk({
      endpoints,
      sender,
      deliveries,
      queue,
      events,
      chainOf,
      clock,
      ids,
      newSecret,
      listenToCalls,
    }),
    sink: new WebhookFanOut({ endpoints, queue, chainOf }),
    wantCallEndings: async () => wantsCallEndings(await endpoints.remembered()),
  }
}
