/** What measures of live calls stand on: a Redis of their own, daemons on it, and an end for everything. */
import { type AtEnd, type Daemon, Home } from '../../test/app/bench.ts'
import { startRedis, type TestRedis } from '../../test/support/redis.ts'

export interface Ground {
  readonly redis: TestRedis
  /** Starts one more daemon on that Redis; what its environment says goes before what is usual here. */
  readonly daemon: (env?: Readonly<Record<string, string>>) => Promise<Daemon>
  readonly atEnd: AtEnd
}

/** Runs a measure and ends what it started, the last thing first, however it went. More files of the config folder may be told. */
export async function onGround<T>(
  settings: string,
  work: (ground: Ground) => Promise<T>,
  files: Readonly<Record<string, string>> = {},
): Promise<T> {
  const ends: (() => Promise<void>)[] = []
  const atEnd: AtEnd = (end) => ends.unshift(end)
  process.once('SIGINT', interrupted)
  try {
    // As the embedded server of a daemon: an append-only file, written each second.
    const redis = await startRedis({ appendOnly: true, args: ['--appendfsync', 'everysec'] })
    atEnd(() => redis.stop())
    const daemon: Ground['daemon'] = async (env = {}) => {
      const home = await Home.make(atEnd, { 'tollgate.yaml': settings, ...files })
      // Without the embedded archive, which is another process's worth of work.
      return await home.daemon({ redisUrl: redis.url, env: { TOLLGATE__ROLES: 'decide,clock', ...env } })
    }
    return await work({ redis, daemon, atEnd })
  } finally {
    for (const end of ends) await end()
    process.removeListener('SIGINT', interrupted)
  }
}

/** What was started ends with the process, when that exits and is not killed by the signal. */
function interrupted(): never {
  process.exit(130)
}
