import { afterAll, beforeAll, expect, it } from 'vitest'
import { Fault } from '../../src/base/fault.ts'
import { RedisAccountOffice } from '../../src/store/redis-accounts.ts'
import { RedisStore } from '../../src/store/redis.ts'
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
  const faults: unknown[] = []
  for (;;) {
    const answer = await office.credit(credit).catch((error: unknown) => {
      faults.push(error)
    })
    if (answer?.kind === 'posted') break
  }
  expect(faults.length).toBeGreaterThan(0)
  for (const fault of faults) expect(fault).toMatchObject({ code: 'store_timeout', retryable: true })
  expect(faults[0]).toBeInstanceOf(Fault)
  expect(await office.balance('acme')).toMatchObject({ credit: 5_000_000n })
  expect((await office.transactions('acme', { limit: 10 })).items).toHaveLength(1)
})
