/** Short runs of the simulation: seeds of bugs that it found, a cluster, and ledgers that are broken on purpose. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RedisStore } from '../../src/store/redis.ts'
import { overheardLedger } from '../ledger/overheard-ledger.ts'
import { startCluster, startRedis, type TestCluster, type TestRedis } from '../support/redis.ts'
import { replay, runWorld, SimulationFailure } from './run.ts'
import { shortest } from './shrink.ts'
import type { Wrap } from './stage.ts'

let server: TestRedis
let store: RedisStore

beforeAll(async () => {
  server = await startRedis()
  store = new RedisStore({ urls: [server.url], commandTimeoutMs: 10_000, maxInFlight: 10_000 })
  await store.open()
})

afterAll(async () => {
  await store.close()
  await server.stop()
})

describe('the simulation', () => {
  it.each([
    [152, 'an account whose credit comes first was given a trunk on credit remembered as empty'],
    [20_261_504, 'channels that a plan had not asked for were taken as free when it was made again'],
    [20_261_574, 'a call that was up again after it was given up'],
    [7, 'any other'],
  ])(
    'of seed %i is as the model says (%s)',
    async (seed) => {
      const { calls, entries, counts } = await runWorld({ seed, calls: 250, store, prefix: `seed${seed}` })
      expect(calls).toBeGreaterThanOrEqual(250)
      expect(entries).toBeGreaterThan(50)
      expect([...counts.keys()]).toEqual(expect.arrayContaining(['unknown authorize', 'fault reply_lost', 'answer ok']))
    },
    60_000,
  )

  it('is the same again from the same seed', async () => {
    const runs = [1, 2].map((n) => runWorld({ seed: 42, calls: 60, store, prefix: `again${n}` }))
    const [one, other] = await Promise.all(runs)
    expect(one).toEqual(other)
  }, 60_000)
})

/** Breaks one method of every daemon's ledger. */
function broken(method: string, change: (argument: Record<string, unknown>) => void): Wrap {
  return (ledger) =>
    overheardLedger(ledger, {
      before: (name, argument) => {
        if (name === method) change(argument as Record<string, unknown>)
      },
    })
}

function everyLevel(argument: Record<string, unknown>, change: (level: Record<string, unknown>) => void): void {
  for (const level of argument['levels'] as Record<string, unknown>[]) change(level)
}

describe('a broken ledger', () => {
  it.each<[string, Wrap]>([
    [
      'that forgets to release is noticed',
      broken('settle', (settlement) => {
        everyLevel(settlement, (level) => (level['reserved'] = 0n))
      }),
    ],
    [
      'that charges a micro less is noticed',
      broken('settle', (settlement) => {
        everyLevel(settlement, (level) => {
          if ((level['debit'] as bigint) > 0n) level['debit'] = (level['debit'] as bigint) - 1n
        })
      }),
    ],
    [
      'that keeps a channel is noticed',
      broken('settle', (settlement) => {
        everyLevel(settlement, (level) => delete level['frees'])
      }),
    ],
    [
      'that lets calls in below the floor is noticed',
      broken('reserve', (reservation) => (reservation['forced'] = true)),
    ],
  ])(
    '%s, and the history that shows it is short',
    async (name, wrap) => {
      const failure = await someFailure(wrap, name)
      expect(failure.history.length).toBeGreaterThan(0)
      const fails = async (steps: typeof failure.history): Promise<boolean> => {
        tries += 1
        return (await replay({ store, prefix: `short${tries}`, wrap }, failure.spec, steps)) !== undefined
      }
      const found = await shortest(failure.history, fails, performance.now() + 15_000)
      expect(found.length).toBeLessThanOrEqual(8)
      expect(await fails(found)).toBe(true)
    },
    120_000,
  )
})

let tries = 0

/** The first world that shows it, of some. */
async function someFailure(wrap: Wrap, name: string): Promise<SimulationFailure> {
  for (let seed = 1; seed <= 20; seed += 1) {
    const prefix = `${name.replaceAll(/\W/g, '')}${seed}`
    const failure = await runWorld({ seed, calls: 80, store, prefix, wrap }).then(
      () => undefined,
      (error: unknown) => error,
    )
    if (failure instanceof SimulationFailure) return failure
    expect(failure).toBeUndefined()
  }
  throw new Error('no world shows it')
}

describe('on a cluster of three masters', () => {
  let cluster: TestCluster
  let clustered: RedisStore

  beforeAll(async () => {
    cluster = await startCluster()
    clustered = new RedisStore({ urls: cluster.urls, commandTimeoutMs: 10_000, maxInFlight: 10_000 })
    await clustered.open()
  }, 60_000)

  afterAll(async () => {
    await clustered.close()
    await cluster.stop()
  })

  it.each([11, 12, 13])(
    'seed %i is as the model says',
    async (seed) => {
      await runWorld({ seed, calls: 120, store: clustered, prefix: `cluster${seed}` })
    },
    90_000,
  )
})
