/** A process of the simulation: a Redis of its own, several worlds at a time on it. */
import { startRedis } from '../support/redis.ts'
import { RedisStore } from '../../src/store/redis.ts'
import { replay, runWorld, SimulationFailure, type WorldResult } from './run.ts'
import { shortest } from './shrink.ts'

export interface WorkerTask {
  readonly firstSeed: number
  readonly worlds: number
  readonly callsEach: number
}

export type WorkerWord =
  | {
      readonly kind: 'world'
      readonly calls: number
      readonly steps: number
      readonly entries: number
      readonly counts: readonly (readonly [string, number])[]
    }
  | {
      readonly kind: 'failed'
      readonly seed: number
      readonly why: string
      readonly history: readonly string[]
      readonly of: number
    }

const AT_ONCE = 24
const SHRINK_MS = 45_000

export async function work(task: WorkerTask, say: (word: WorkerWord) => void): Promise<void> {
  const server = await startRedis()
  const store = new RedisStore({ urls: [server.url], commandTimeoutMs: 20_000, maxInFlight: 100_000 })
  await store.open()
  try {
    for (let done = 0; done < task.worlds; done += AT_ONCE) {
      const seeds = Array.from({ length: Math.min(AT_ONCE, task.worlds - done) }, (_, n) => task.firstSeed + done + n)
      const runs = seeds.map((seed) => runWorld({ seed, calls: task.callsEach, store, prefix: `w${seed}` }))
      for (const run of await Promise.allSettled(runs)) {
        if (run.status === 'fulfilled') say(wordOf(run.value))
        else {
          say(await failureOf(run.reason, store))
          return
        }
      }
      await server.flush()
    }
  } finally {
    await store.close()
    await server.stop()
  }
}

function wordOf({ calls, steps, entries, counts }: WorldResult): WorkerWord {
  return { kind: 'world', calls, steps, entries, counts: [...counts] }
}

async function failureOf(error: unknown, store: RedisStore): Promise<WorkerWord> {
  if (!(error instanceof SimulationFailure)) throw error
  const { seed, spec, history, message } = error
  let tries = 0
  const fails = async (steps: typeof history): Promise<boolean> => {
    tries += 1
    return (await replay({ store, prefix: `s${seed}-${tries}` }, spec, steps)) !== undefined
  }
  const found = await shortest(history, fails, performance.now() + SHRINK_MS)
  const why = (await replay({ store, prefix: `s${seed}-last` }, spec, found)) ?? message
  const told = [JSON.stringify(spec), ...found.map((step) => JSON.stringify(step))]
  return { kind: 'failed', seed, why: `${message}; shortened: ${why}`, history: told, of: history.length }
}

if (process.send) {
  // Its Redis ends with it.
  process.once('SIGTERM', () => process.exit(1))
  process.once('message', (task: WorkerTask) => {
    work(task, (word) => process.send?.(word)).then(
      () => process.disconnect(),
      (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
        process.exit(1)
      },
    )
  })
}
