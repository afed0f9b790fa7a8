/** One attempt to deliver an event to an endpoint, what is written about it, and what follows from it. */
import type { Clock } from '../base/time.ts'
import type { AccountEvent } from '../events/event.ts'
import { type Disabled, disabledFor, type DisabledReason, secretsInForce, type WebhookEndpoint } from './endpoint.ts'
import type {
  Delivery,
  DeliveryLog,
  DeliveryTask,
  Outbox,
  SendResult,
  WebhookEndpoints,
  WebhookSender,
} from './parts.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY_MS = 24 * HOUR

/** Pauses between attempts: three days and a few hours together. */
const PAUSES_MS = [
  5 * SECOND,
  MINUTE,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
] as const

export const DELIVERY_ATTEMPTS = PAUSES_MS.length + 1

/** Spread by a fifth, so that an endpoint that comes back is not sent everything in one second. */
export function deliveryPause(random: () => number): (failed: number) => number {
  return (failed) => Math.round((PAUSES_MS[failed - 1] ?? 24 * HOUR) * (0.8 + 0.4 * random()))
}

const GONE = 410

export interface DelivererParts {
  readonly endpoints: WebhookEndpoints
  readonly sender: WebhookSender
  readonly log: DeliveryLog
  readonly outbox: Outbox
  readonly clock: Clock
  /** The text that is sent. */
  readonly bodyOf: (event: AccountEvent) => string
  readonly disableAfterDays: () => number
}

/** What was not delivered and is to be tried again. */
class NotDelivered extends Error {}

export class Deliverer {
  readonly #parts: DelivererParts

  constructor(parts: DelivererParts) {
    this.#parts = parts
  }

  /** Resolves when it is delivered, or when there is nobody to deliver it to any more; throws NotDelivered. */
  async run({ endpoint: id, event }: DeliveryTask, attempt: number): Promise<void> {
    const { endpoints, sender, log, clock, bodyOf } = this.#parts
    const endpoint = await endpoints.find(id)
    if (!endpoint) return
    if (endpoint.disabled) return this.#tellDisabled(endpoint, endpoint.disabled)
    const secrets = secretsInForce(endpoint, clock.nowMs())
    const message = { id: event.id, type: event.type, body: bodyOf(event) }
    const result = await sender.send({ url: endpoint.url, secrets }, message)
    const outcome = outcomeOf(result, attempt)
    await log.add(id, { ...attempted(event, result), atMs: clock.nowMs(), attempt, outcome })
    if (outcome === 'delivered') return this.#succeeded(endpoint)
    if (result.kind === 'answered' && result.status === GONE) return this.#disable(endpoint, 'gone')
    await this.#failed(endpoint)
    throw new NotDelivered(result.kind === 'answered' ? `it answered ${result.status}` : result.why)
  }

  async #succeeded({ id, failingSinceMs }: WebhookEndpoint): Promise<void> {
    if (failingSinceMs === undefined) return
    await this.#parts.endpoints.change(id, ({ failingSinceMs: _, ...endpoint }) => endpoint)
  }

  async #failed(endpoint: WebhookEndpoint): Promise<void> {
    const { endpoints, clock, disableAfterDays } = this.#parts
    const nowMs = clock.nowMs()
    const { failingSinceMs } = endpoint
    if (failingSinceMs === undefined) {
      await endpoints.change(endpoint.id, (known) => ({ ...known, failingSinceMs: known.failingSinceMs ?? nowMs }))
    } else if (nowMs - failingSinceMs >= disableAfterDays() * DAY_MS) {
      await this.#disable(endpoint, 'failing')
    }
  }

  /** A daemon that dies in between is followed by the next delivery, or by this one again, which finds it disabled. */
  async #disable({ id }: WebhookEndpoint, reason: DisabledReason): Promise<void> {
    const { endpoints, clock } = this.#parts
    const atMs = clock.nowMs()
    const endpoint = await endpoints.change(id, (known) =>
      known.disabled ? known : disabledFor(known, { reason, atMs }),
    )
    if (endpoint?.disabled) await this.#tellDisabled(endpoint, endpoint.disabled)
  }

  /** Once for each time that it was disabled, by whichever of the deliveries under way; an operator knows what he did. */
  async #tellDisabled({ id, url, account = '' }: WebhookEndpoint, { reason, atMs }: Disabled): Promise<void> {
    if (reason === 'operator') return
    const event = { type: 'webhook.disabled', account, atMs, data: { endpoint: id, url, reason } } as const
    await this.#parts.outbox.tell(`${id} ${atMs}`, event)
  }
}

function attempted(
  { id, type }: AccountEvent,
  result: SendResult,
): Pick<Delivery, 'event' | 'type' | 'status' | 'why' | 'tookMs'> {
  const { tookMs } = result
  const end = result.kind === 'answered' ? { status: result.status } : { why: result.why }
  return { event: id, type, tookMs, ...end }
}

function outcomeOf(result: SendResult, attempt: number): Delivery['outcome'] {
  if (result.kind === 'answered' && result.status >= 200 && result.status <= 299) return 'delivered'
  return attempt >= DELIVERY_ATTEMPTS ? 'gave_up' : 'failed'
}
