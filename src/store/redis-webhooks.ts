/** Webhook endpoints in one hash: whoever changes one writes over what he read, or reads again. */
import { Fault, invariant } from '../base/fault.ts'
import type { Clock } from '../base/time.ts'
import { z } from 'zod'
import type { EventType } from '../events/event.ts'
import type { WebhookEndpoint } from '../webhooks/endpoint.ts'
import type { WebhookEndpoints } from '../webhooks/parts.ts'
import { untilDone } from './attempts.ts'
import { json } from './json.ts'
import type { Keys } from './keys.ts'
import type { RedisStore } from './redis.ts'
import { wordsOf } from './replies.ts'

const MAX_ENDPOINTS = 1_000
const FRESH_MS = 1_000

const kept = json.pipe(
  z.object({
    id: z.string(),
    url: z.string(),
    description: z.string().exactOptional(),
    // A daemon of a later version may have written types that this one does not know: none of its events has them.
    types: z.array(z.string()).transform((types) => types as EventType[]),
    account: z.string().exactOptional(),
    secrets: z.array(z.object({ secret: z.string(), untilMs: z.int().exactOptional() })),
    createdAtMs: z.int(),
    disabled: z.object({ reason: z.enum(['operator', 'gone', 'failing']), atMs: z.int() }).exactOptional(),
    failingSinceMs: z.int().exactOptional(),
  }),
)

export interface WebhooksParts {
  readonly store: RedisStore
  readonly keys: Keys
  readonly clock: Clock
  /** Told once of each that cannot be read: it is passed over where all are asked for. */
  readonly unfit: (id: string, why: string) => void
}

export class RedisWebhooks implements WebhookEndpoints {
  readonly #parts: WebhooksParts
  readonly #unfit = new Set<string>()
  #known: { readonly endpoints: readonly WebhookEndpoint[]; readonly atMs: number } | undefined

  constructor(parts: WebhooksParts) {
    this.#parts = parts
  }

  async remembered(): Promise<readonly WebhookEndpoint[]> {
    const nowMs = this.#parts.clock.nowMs()
    if (this.#known && nowMs - this.#known.atMs < FRESH_MS) return this.#known.endpoints
    const endpoints = await this.list()
    this.#known = { endpoints, atMs: nowMs }
    return endpoints
  }

  async list(): Promise<readonly WebhookEndpoint[]> {
    const { store, keys } = this.#parts
    const texts = await store.command((client) => client.hgetall(keys.webhooks()))
    const endpoints = Object.entries(texts).flatMap(([id, text]) => this.#readable(id, text))
    return endpoints.sort((a, b) => a.createdAtMs - b.createdAtMs || a.id.localeCompare(b.id))
  }

  #readable(id: string, text: string): readonly WebhookEndpoint[] {
    const read = kept.safeParse(text)
    if (read.success) return [read.data]
    if (!this.#unfit.has(id)) this.#parts.unfit(id, z.prettifyError(read.error))
    this.#unfit.add(id)
    return []
  }

  async find(id: string): Promise<WebhookEndpoint | undefined> {
    const text = await this.#read(id)
    return text === '' ? undefined : decode(text)
  }

  async add(endpoint: WebhookEndpoint): Promise<boolean> {
    const word = await this.#swap(endpoint.id, { before: '', after: JSON.stringify(endpoint) })
    if (word === 'changed') throw new Fault('unexpected', `there is a webhook ${endpoint.id}`, { retryable: true })
    return word === 'swapped'
  }

  async change(id: string, edit: (endpoint: WebhookEndpoint) => WebhookEndpoint): Promise<WebhookEndpoint | undefined> {
    const { changed } = await untilDone(async () => {
      const before = await this.#read(id)
      if (before === '') return { changed: undefined }
      const after = edit(decode(before))
      const word = await this.#swap(id, { before, after: JSON.stringify(after) })
      return word === 'swapped' ? { changed: after } : undefined
    })
    return changed
  }

  async remove(id: string): Promise<boolean> {
    return untilDone(async () => {
      const before = await this.#read(id)
      if (before === '') return false
      return (await this.#swap(id, { before, after: '' })) === 'swapped' ? true : undefined
    })
  }

  async #read(id: string): Promise<string> {
    const { store, keys } = this.#parts
    return (await store.command((client) => client.hget(keys.webhooks(), id))) ?? ''
  }

  async #swap(id: string, { before, after }: { readonly before: string; readonly after: string }): Promise<string> {
    const { store, keys } = this.#parts
    const reply = await store.run('swap_field', [keys.webhooks()], [id, before, after, MAX_ENDPOINTS])
    this.#known = undefined
    const [word] = wordsOf(reply)
    invariant(word === 'swapped' || word === 'changed' || word === 'full', `swap_field answered ${word}`)
    return word
  }
}

function decode(text: string): WebhookEndpoint {
  const read = kept.safeParse(text)
  if (read.success) return read.data
  throw new Fault('store_unfit', `a webhook in the store cannot be read: ${z.prettifyError(read.error)}`)
}
