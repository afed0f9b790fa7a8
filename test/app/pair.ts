import { startRedis } from '../support/redis.ts'
import { type AtEnd, type Daemon, Home } from './bench.ts'

/** Two daemons, each with folders of its own, on one Redis. What is handed over first is to be ended last. */
export async function twoDaemons(atEnd: AtEnd): Promise<readonly [one: Daemon, other: Daemon]> {
  const redis = await startRedis({ appendOnly: true })
  atEnd(async () => redis.stop())
  const start = async (): Promise<Daemon> => {
    const home = await Home.make(atEnd)
    return await home.daemon({ redisUrl: redis.url })
  }
  return Promise.all([start(), start()])
}
