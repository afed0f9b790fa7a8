/** The store the daemon uses: the one that the settings name, or its own. */
import { Fault } from '../base/fault.ts'
import type { Settings } from '../catalog/settings.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { startEmbeddedRedis } from '../store/embedded-redis.ts'
import { checkStore } from '../store/fitness.ts'
import { RedisStore } from '../store/redis.ts'

export interface StartedStore {
  readonly store: RedisStore
  /** Closes the connection, and ends the embedded server when no other daemon uses it. */
  readonly stop: () => Promise<void>
}

export async function startStore(settings: Settings, log: Logger, metrics: Metrics): Promise<StartedStore> {
  const { redis, dataDir } = settings
  const binary = redis.server ?? 'redis-server'
  const embedded =
    redis.urls.length > 0
      ? undefined
      : await startEmbeddedRedis({ dataDir, binary, appendFsync: redis.appendFsync, log })
  const urls = embedded ? [embedded.url] : redis.urls
  let lastError: Error | undefined
  const store = new RedisStore({
    urls,
    commandTimeoutMs: redis.commandTimeoutMs,
    maxInFlight: redis.maxInFlight,
    onError: (error) => {
      lastError = error
      metrics.storeFailed('store_unavailable')
      log.debug({ err: error }, 'the connection to Redis failed')
    },
  })
  const stop = async (): Promise<void> => {
    await store.close()
    await embedded?.stop()
  }
  try {
    await store.open().catch((error: unknown) => {
      throw unreachable(urls, lastError ?? error)
    })
    // A Redis of the operator's own may be kept safe by other means; doctor still calls it unfit.
    await checkStore(store, { log, accept: embedded ? [] : ['append_only'] })
  } catch (error) {
    await stop()
    throw error
  }
  return { store, stop }
}

/** Said without passwords: it is written for everybody to read. */
function unreachable(urls: readonly string[], why: unknown): Fault {
  const places = urls.map((url) => url.replace(/:\/\/\S*@/, '://')).join(', ')
  const reason = why instanceof Error ? why.message : String(why)
  return new Fault('store_unavailable', `Redis at ${places} cannot be used: ${reason}`, { retryable: true, cause: why })
}
