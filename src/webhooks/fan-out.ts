/** Which endpoints are to be told of events, and the tasks of telling them. */
import type { AccountEvent } from '../events/event.ts'
import type { EventSink } from '../events/event-stream.ts'
import { listensTo, type WebhookEndpoint } from './endpoint.ts'
import type { ChainOf, DeliveryQueue, DeliveryTask, WebhookEndpoints } from './parts.ts'

export interface FanOutParts {
  readonly endpoints: WebhookEndpoints
  readonly queue: DeliveryQueue
  readonly chainOf: ChainOf
}

interface Task {
  readonly id: string
  readonly data: DeliveryTask
}

/** One task for each endpoint that listens; `mark` tells the tasks of a replay from those before. */
export async function tasksFor(
  endpoints: readonly WebhookEndpoint[],
  events: readonly AccountEvent[],
  { chainOf, mark = '' }: { readonly chainOf: ChainOf; readonly mark?: string },
): Promise<readonly Task[]> {
  const tasks: Task[] = []
  for (const event of events) {
    // Most installations have no endpoint of one account, and need no chain.
    const chain = endpoints.some(({ account }) => account !== undefined) ? await chainOf(event.account) : []
    for (const endpoint of endpoints) {
      if (!listensTo(endpoint, event, chain)) continue
      tasks.push({ id: `${endpoint.id}-${event.id}${mark}`, data: { endpoint: endpoint.id, event } })
    }
  }
  return tasks
}

export class WebhookFanOut implements EventSink {
  readonly #parts: FanOutParts

  constructor(parts: FanOutParts) {
    this.#parts = parts
  }

  async put(events: readonly AccountEvent[]): Promise<void> {
    const { endpoints, queue } = this.#parts
    const known = await endpoints.remembered()
    if (known.length === 0) return
    const tasks = await tasksFor(known, events, this.#parts)
    if (tasks.length > 0) await queue.add(tasks)
  }
}

export function wantsCallEndings(endpoints: readonly WebhookEndpoint[]): boolean {
  return endpoints.some(({ disabled, types }) => !disabled && (types.length === 0 || types.includes('call.ended')))
}
