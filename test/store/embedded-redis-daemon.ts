/** A process that keeps an embedded Redis, as a daemon does: it is killed by tests, or told to stop with SIGTERM. */
import { startEmbeddedRedis } from '../../src/store/embedded-redis.ts'

/** What it says first: where the server is, or why there is none. */
export interface DaemonWord {
  readonly url?: string
  readonly pid?: number
  readonly adopted?: boolean
  readonly failed?: string
}

const [dataDir = '', appendFsync = 'everysec'] = process.argv.slice(2)

function say(word: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(word)}\n`)
}

const log = {
  info: () => undefined,
  warn: () => undefined,
  error: (line: unknown) => {
    say({ log: line })
  },
}

// A daemon has other things to do meanwhile.
const busy = setInterval(() => undefined, 1_000)

try {
  const redis = await startEmbeddedRedis({
    dataDir,
    binary: process.env['TOLLGATE_REDIS_SERVER'] ?? 'redis-server',
    appendFsync: appendFsync === 'always' ? 'always' : 'everysec',
    log,
  })
  process.once('SIGTERM', () => {
    void redis.stop().then(() => {
      clearInterval(busy)
    })
  })
  say({ url: redis.url, pid: redis.pid, adopted: redis.adopted })
} catch (error) {
  clearInterval(busy)
  say({ failed: error instanceof Error ? error.message : String(error) })
}
