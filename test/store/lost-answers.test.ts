import { afterAll, beforeAll, expect, it } from 'vitest'
import { START } from '../../src/archive/progress.ts'
import { Fault } from '../../src/base/fault.ts'
import { RedisAccountOffice } from '../../src/store/redis-accounts.ts'
import { RedisStore } from '../../src/store/redis.ts'
import { RedisStreams } from '../../src/store/redis-streams.ts'
import { defaults, PARTITIONS, useStore } from '../support/offices.ts'

const test = useStore('redis')

let hasty: RedisStore

beforeAll(async () => {
  hasty = new RedisStore({ urls: test.urls, commandTimeoutMs: 50, maxInFlight: 100 })
  await hasty.open()
})

afterAll(() => hasty.close())

it('adds a credit once whose answer never came and that is sent again (C9)', async () => {
  const { keys, clock } = test
  const parts = { keys, clock, partitions: PARTITIONS, defaults: () => defaults, ids: () => 'id' }
  const office = new RedisAccountOffice({ ...parts, store: hasty })
  await test.office().put('acme', {})
  await office.chainOf('acme')
  const credit = { account: 'acme', amount: 5_000_000n, operation: 'op-1', kind: 'purchase' } as const
  await test.store.command((client) => client.call('CLIENT', 'PAUSE', '200', 'ALL'))
  const faults: Fault[] = []
  await expect
    .poll(
      () =>
        office.credit(credit).catch((error: unknown) => {
          if (!(error instanceof Fault)) throw error
          faults.push(error)
        }),
      { timeout: 5_000, interval: 10 },
    )
    .toMatchObject({ kind: 'posted' })
  expect(faults[0]).toMatchObject({ code: 'store_timeout', retryable: true })
  expect(faults.every((fault) => fault.retryable)).toBe(true)
  expect(await office.balance('acme')).toMatchObject({ credit: 5_000_000n })
  expect((await office.transactions('acme', { limit: 10 })).items).toHaveLength(1)
})

it('says of a pipeline that is not answered what it says of a command', async () => {
  const streams = new RedisStreams({ ...test.streamParts, store: hasty })
  await streams.read(0, START, 10)
  await test.store.command((client) => client.call('CLIENT', 'PAUSE', '200', 'ALL'))
  await expect(streams.read(0, START, 10)).rejects.toMatchObject({ code: 'store_timeout', retryable: true })
})
