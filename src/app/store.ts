/** The store the daemon uses: the one that the settings name, or its own. */
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
  const store = new RedisStore({
    urls: embedded ? [embedded.url] : redis.urls,
    commandTimeoutMs: redis.commandTimeoutMs,
    maxInFlight: redis.maxInFlight,
    onError: (error) => {
      metrics.storeFailed('store_unavailable')
      log.debug({ err: error }, 'the connection to Redis failed')
    },
  })
  await store.open()
  await checkStore(store)
  return {
    store,
    async stop() {
      await store.close()
      await embedded?.stop()
    },
  }
}
