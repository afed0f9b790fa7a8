/** What operators do with webhook endpoints. */
import type { Page } from '../accounts/office.ts'
import { type Clock, formatInstant } from '../base/time.ts'
import type { EventType } from '../events/event.ts'
import { cursorBefore, type EventLog } from '../events/event-stream.ts'
import { disabledFor, enabledAgain, secretsInForce, type WebhookEndpoint, withNewSecret } from './endpoint.ts'
import { tasksFor, wantsCallEndings } from './fan-out.ts'
import type {
  ChainOf,
  Delivery,
  DeliveryLog,
  DeliveryQueue,
  SendResult,
  WebhookEndpoints,
  WebhookSender,
} from './parts.ts'

/** How long the secret before the newest still signs, unless told otherwise. */
export const OLD_SECRET_SECONDS = 86_400

const REPLAYED_AT_ONCE = 500

export interface EndpointInput {
  readonly url: string
  readonly types: readonly EventType[]
  readonly description?: string
  readonly account?: string
}

/** What is absent stays. */
export interface EndpointChange {
  readonly url?: string
  readonly types?: readonly EventType[]
  readonly description?: string
  readonly disabled?: boolean
}

export type WebhookRefused =
  | { readonly kind: 'refused'; readonly code: 'url_refused'; readonly detail: string }
  | { readonly kind: 'refused'; readonly code: 'too_many_webhooks'; readonly detail: string }

/** With the secret, which is told this once. */
export interface Keyed {
  readonly kind: 'keyed'
  readonly endpoint: WebhookEndpoint
  readonly secret: string
}

export interface WebhookDeskParts {
  readonly endpoints: WebhookEndpoints
  readonly sender: WebhookSender
  readonly deliveries: DeliveryLog
  readonly queue: DeliveryQueue
  readonly events: EventLog
  readonly chainOf: ChainOf
  readonly clock: Clock
  readonly ids: () => string
  readonly newSecret: () => string
  /** Ends of calls are told from now on. */
  readonly listenToCalls: () => Promise<void>
}

export class WebhookDesk {
  readonly #parts: WebhookDeskParts

  constructor(parts: WebhookDeskParts) {
    this.#parts = parts
  }

  list(): Promise<readonly WebhookEndpoint[]> {
    return this.#parts.endpoints.list()
  }

  find(id: string): Promise<WebhookEndpoint | undefined> {
    return this.#parts.endpoints.find(id)
  }

  async add(input: EndpointInput): Promise<Keyed | WebhookRefused> {
    const { endpoints, clock, ids, newSecret } = this.#parts
    const refusal = this.#refusal(input.url)
    if (refusal) return refusal
    const secret = newSecret()
    const endpoint: WebhookEndpoint = { id: ids(), ...input, secrets: [{ secret }], createdAtMs: clock.nowMs() }
    if (await endpoints.add(endpoint)) {
      await this.#listen(endpoint)
      return { kind: 'keyed', endpoint, secret }
    }
    return { kind: 'refused', code: 'too_many_webhooks', detail: 'there are as many webhook endpoints as there may be' }
  }

  /** Undefined when it is unknown. */
  async change(id: string, change: EndpointChange): Promise<WebhookEndpoint | WebhookRefused | undefined> {
    const { endpoints, clock } = this.#parts
    const { disabled, ...rest } = change
    const refusal = rest.url === undefined ? undefined : this.#refusal(rest.url)
    if (refusal) return refusal
    const atMs = clock.nowMs()
    const endpoint = await endpoints.change(id, (known) => {
      const changed = { ...known, ...rest }
      if (disabled === undefined) return changed
      return disabled ? disabledFor(changed, { reason: 'operator', atMs }) : enabledAgain(changed)
    })
    if (endpoint) await this.#listen(endpoint)
    return endpoint
  }

  async remove(id: string): Promise<boolean> {
    const isGone = await this.#parts.endpoints.remove(id)
    await this.#parts.deliveries.forget(id)
    return isGone
  }

  /** Both the new and the old secret sign for so long. Undefined when it is unknown. */
  async rotate(id: string, oldSeconds: number): Promise<Keyed | undefined> {
    const { endpoints, clock, newSecret } = this.#parts
    const secret = newSecret()
    const untilMs = clock.nowMs() + oldSeconds * 1_000
    const endpoint = await endpoints.change(id, (known) => withNewSecret(known, { secret, untilMs }))
    return endpoint && { kind: 'keyed', endpoint, secret }
  }

  /** Sends a message that is about nothing, once, also to one that is disabled. Undefined when it is unknown. */
  async test(id: string): Promise<SendResult | undefined> {
    const { endpoints, sender, clock, ids } = this.#parts
    const endpoint = await endpoints.find(id)
    if (!endpoint) return undefined
    const nowMs = clock.nowMs()
    const timestamp = formatInstant(nowMs)
    const body = JSON.stringify({ type: 'webhook.test', timestamp, data: { endpoint: id } })
    const to = { url: endpoint.url, secrets: secretsInForce(endpoint, nowMs) }
    return sender.send(to, { id: `test-${ids()}`, type: 'webhook.test', body })
  }

  deliveries(id: string, page: { readonly cursor?: string; readonly limit: number }): Promise<Page<Delivery>> {
    return this.#parts.deliveries.page(id, page)
  }

  /** Delivers again what happened since then, as far as it is kept; answers with how many events, or undefined. */
  async replay(id: string, sinceMs: number): Promise<number | undefined> {
    const { endpoints, queue, events, chainOf, ids } = this.#parts
    const endpoint = await endpoints.find(id)
    if (!endpoint) return undefined
    const mark = `-again-${ids()}`
    const last = await events.newest()
    let replayed = 0
    let cursor = cursorBefore(sinceMs)
    // What happens meanwhile is delivered by itself.
    while (isBefore(cursor, last)) {
      const found = await events.after(cursor, REPLAYED_AT_ONCE)
      const next = found.at(-1)
      if (!next) break
      const tasks = await tasksFor(
        [endpoint],
        found.map(({ event }) => event),
        { chainOf, mark },
      )
      if (tasks.length > 0) await queue.add(tasks)
      replayed += tasks.length
      cursor = next.cursor
    }
    return replayed
  }

  /** The daemons that relay see only in a second or so that it is there. */
  async #listen(endpoint: WebhookEndpoint): Promise<void> {
    if (wantsCallEndings([endpoint])) await this.#parts.listenToCalls()
  }

  #refusal(url: string): WebhookRefused | undefined {
    const why = this.#parts.sender.refuses(url)
    return why === undefined ? undefined : { kind: 'refused', code: 'url_refused', detail: why }
  }
}

function isBefore(cursor: string, other: string): boolean {
  const [ms = 0n, sequence = 0n] = cursor.split('-').map(BigInt)
  const [otherMs = 0n, otherSequence = 0n] = other.split('-').map(BigInt)
  return ms < otherMs || (ms === otherMs && sequence < otherSequence)
}
