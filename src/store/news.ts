/**
 * What daemons tell each other so that caches are dropped at once. It may be lost: scripts refuse old versions and
 * revisions, so news only saves a second try.
 */
import { z } from 'zod'
import type { Keys } from './keys.ts'
import type { RedisStore } from './redis.ts'

const news = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('account'), account: z.string() }),
  z.object({ kind: z.literal('tariffs') }),
  z.object({ kind: z.literal('api_key'), id: z.string() }),
])

export type News = z.infer<typeof news>

export class RedisNews {
  readonly #store: RedisStore
  readonly #channel: string

  constructor(store: RedisStore, keys: Keys) {
    this.#store = store
    this.#channel = keys.news()
  }

  /** What was written stands whether or not the others hear of it. */
  tell(message: News): void {
    this.#store.command((client) => client.publish(this.#channel, JSON.stringify(message))).catch(() => undefined)
  }

  /** Listens on a connection of its own; the answer ends it. */
  async listen(hear: (message: News) => void): Promise<() => Promise<void>> {
    const twin = await this.#store.duplicate()
    twin.client.on('message', (_channel: string, text: string) => {
      const message = readNews(text)
      if (message) hear(message)
    })
    await twin.command((client) => client.subscribe(this.#channel))
    return () => twin.close()
  }
}

/** Undefined for what another version of the daemon says that we do not know. */
function readNews(text: string): News | undefined {
  try {
    return news.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
