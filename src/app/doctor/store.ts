/** The store: the Redis that the settings name, or the daemon's own if it runs now. Nothing is started. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Fault } from '../../base/fault.ts'
import type { Clock } from '../../base/time.ts'
import type { Settings } from '../../catalog/settings.ts'
import { embeddedRedisUrl } from '../../store/embedded-redis.ts'
import { storeFindings } from '../../store/fitness.ts'
import { RedisStore } from '../../store/redis.ts'
import { bad, type Check, doubtful, good } from './check.ts'

const OPEN_MS = 3_000

const WORDS = {
  version: 'store version',
  eviction: 'store eviction',
  append_only: 'store on disk',
  role: 'store role',
  clock: 'store clock',
  cluster: 'store cluster',
} as const

export async function examineStore(settings: Settings, clock: Clock): Promise<readonly Check[]> {
  const { urls } = settings.redis
  if (urls.length > 0) return examineRedis(urls, { settings, clock })
  const binary = await examineBinary(settings.redis.server ?? 'redis-server')
  const url = await embeddedRedisUrl(settings.dataDir)
  const found = url === undefined ? [notRunning()] : await examineRedis([url], { settings, clock })
  // The daemon's own server runs when the daemon does; that it does not now is no fault.
  const isAway = found.some(({ what, status }) => what === 'store' && status === 'fail')
  return [binary, ...(isAway ? [notRunning()] : found)]
}

function notRunning(): Check {
  return doubtful('store', "the daemon's own Redis does not run now, so it was not looked at")
}

async function examineBinary(binary: string): Promise<Check> {
  try {
    const { stdout } = await promisify(execFile)(binary, ['--version'], { timeout: OPEN_MS })
    const version = /v=(\S+)/.exec(stdout)?.[1] ?? 'of unknown version'
    return good('redis-server', `${binary} ${version}`)
  } catch {
    return bad(
      'redis-server',
      `${binary} cannot be run: install it, or set TOLLGATE_REDIS_SERVER or TOLLGATE_REDIS_URL`,
    )
  }
}

async function examineRedis(
  urls: readonly string[],
  { settings, clock }: { readonly settings: Settings; readonly clock: Clock },
): Promise<readonly Check[]> {
  const { commandTimeoutMs, maxInFlight } = settings.redis
  let lastError: Error | undefined
  const onError = (error: Error): void => void (lastError = error)
  const store = new RedisStore({ urls, commandTimeoutMs, maxInFlight, onError })
  try {
    await store.open(OPEN_MS)
    const findings = await storeFindings(store, clock)
    return findings.map(({ what, status, detail }) => ({ what: WORDS[what], status, detail }))
  } catch (error) {
    return [
      bad('store', `Redis cannot be asked (${why(lastError ?? error)}): look at TOLLGATE_REDIS_URL and at the server`),
    ]
  } finally {
    await store.close()
  }
}

/** What the connection says, else what we make of it; a URL may hold a password. */
function why(error: unknown): string {
  if (!(error instanceof Error)) throw error
  return error instanceof Fault ? error.code : error.message.replace(/:\/\/\S*@/g, '://')
}
