import { describe, expect, it } from 'vitest'
import type { CallRecord } from '../../src/calls/call.ts'
import { encodeEntry, type JournalEntry } from '../../src/ledger/journal.ts'
import { encodeCall } from '../../src/store/call-codec.ts'
import { storeForms, type TestStore, useStore } from '../support/offices.ts'

async function accounts(test: TestStore): Promise<number> {
  const office = test.office()
  await office.put('acme', {})
  await office.put('shop', { parent: 'acme' })
  await office.put('other', {})
  await office.credit({ account: 'acme', amount: 10_000_000n, operation: 'op-1', kind: 'purchase' })
  await office.debit({ account: 'acme', amount: 1_000_000n, operation: 'op-2', kind: 'fee' })
  await office.addPool('shop', { id: 'plan', name: 'Plan', seconds: 600 })
  return (await office.chainOf('acme'))?.partition ?? -1
}

function callOf(partition: number, credit: bigint): CallRecord {
  return {
    revision: 1,
    call: '01JDC0000000000000LEGLEGLE',
    partition,
    legKey: 'LEG',
    leg: { node: 'default', callId: 'a', legId: '' },
    state: 'authorized',
    content: 'x',
    mode: 'clock',
    direction: 'outbound',
    from: '1',
    to: '2',
    media: 'voice',
    account: 'acme',
    authorizedAtMs: 0,
    lastAliveAtMs: 0,
    absences: 0,
    grantedSeconds: 60,
    maxDurationSeconds: 60,
    levels: [{ account: 'acme', currency: 'USD', hold: { pools: [], credit } }],
    corrections: 0,
    history: [],
  }
}

describe.each(storeForms)('the audit of %s', (_name, form) => {
  const test = useStore(form, { keepsBooks: false })

  it('finds nothing where nothing is wrong, and says how much it looked at', async () => {
    expect(await test.audit().verify()).toEqual({
      partitions: 16,
      entries: 0,
      checkpointed: 0,
      accounts: 0,
      drifts: [],
    })
    await accounts(test)
    expect(await test.audit().verify()).toEqual({
      partitions: 16,
      entries: 3,
      checkpointed: 0,
      accounts: 3,
      drifts: [],
    })
  })

  it.each([
    ['acme', 'cp', '10000000'],
    ['acme', 'dp', '1000000'],
    ['acme', 'dr', '0'],
    ['shop', 'p:plan:1:g', '600'],
    ['shop', 'p:plan:1:u', '0'],
    ['other', 'cp', '0'],
  ])('sees the account %s off by one in %s', async (account, counter, journal) => {
    await accounts(test)
    const { partition = -1 } = (await test.office().chainOf(account)) ?? {}
    for (const change of [1, -1]) {
      await test.store.command((client) => client.hincrby(test.keys.account(partition, account), counter, change))
      const { drifts } = await test.audit().verify()
      expect(drifts).toEqual([{ partition, account, counter, journal, live: String(Number(journal) + change) }])
      await test.store.command((client) => client.hincrby(test.keys.account(partition, account), counter, -change))
    }
  })

  it('sees a book off by one', async () => {
    const partition = await accounts(test)
    await test.store.command((client) => client.hincrby(test.keys.books(partition), 'USD:revenue', 1))
    expect((await test.audit().verify()).drifts).toEqual([
      { partition, account: '', counter: 'USD:revenue', journal: '1000000', live: '1000001' },
    ])
  })

  it('sees an account that lost its counters, and an entry that is gone', async () => {
    const partition = await accounts(test)
    await test.store.command((client) => client.del(test.keys.account(partition, 'acme')))
    expect((await test.audit().verify()).drifts.map(({ counter }) => counter)).toEqual(['cp', 'dp'])
    await test.store.command((client) => client.xdel(test.keys.journal(partition), '0-3'))
    expect((await test.audit().verify()).drifts.map(({ counter }) => counter)).toContain('entry 3')
  })

  it('sees a call in a set that no entry put there', async () => {
    const partition = await accounts(test)
    await test.store.command((client) => client.sadd(test.keys.channels(partition, 'shop', 'twoWay'), 'LEG'))
    expect((await test.audit().verify()).drifts).toEqual([
      { partition, account: 'shop', counter: 'twoWay:LEG', journal: '0', live: '1' },
    ])
  })

  it('holds what records of calls put aside against what is reserved', async () => {
    const partition = await accounts(test)
    const entry: JournalEntry = {
      kind: 'reserve',
      atMs: 0,
      legKey: 'LEG',
      moves: [['acme', 'dr', 20_000]],
      members: [['acme', 'live', 1]],
      books: [],
    }
    const { keys } = test
    const write = async (credit: bigint): Promise<void> => {
      await test.store.command((client) =>
        client.set(keys.call(partition, 'LEG'), encodeCall(callOf(partition, credit))),
      )
    }
    await test.store.command(async (client) => {
      await client.hincrby(keys.account(partition, 'acme'), 'dr', 20_000)
      await client.sadd(keys.live(partition, 'acme'), 'LEG')
      await client.zadd(keys.due(partition), 0, 'LEG')
      await client.xadd(keys.journal(partition), '0-*', 'e', encodeEntry(entry))
    })
    await write(20_000n)
    expect((await test.audit().verify()).drifts).toEqual([])
    await write(19_999n)
    const drift = { partition, account: 'acme', counter: 'LEG dr', journal: '20000' }
    expect((await test.audit().verify()).drifts).toEqual([{ ...drift, live: '19999' }])
    await test.store.command((client) => client.del(keys.call(partition, 'LEG')))
    expect((await test.audit().verify()).drifts).toEqual([{ ...drift, live: '0' }])
  })

  it('finds nothing while money moves', async () => {
    await accounts(test)
    const office = test.office()
    let done = false
    let posted = 0
    const traffic = async (account: string): Promise<void> => {
      while (!done) {
        posted += 1
        await office.credit({ account, amount: 7n, operation: `t-${posted}`, kind: 'adjustment' })
        await office.debit({ account, amount: 3n, operation: `u-${posted}`, kind: 'fee' })
      }
    }
    const running = ['acme', 'shop', 'other'].map(traffic)
    for (let round = 0; round < 5; round += 1) expect((await test.audit().verify()).drifts).toEqual([])
    done = true
    await Promise.all(running)
    expect(posted).toBeGreaterThan(20)
  })

  it('replays more entries than are read at once', async () => {
    await accounts(test)
    const office = test.office()
    await Promise.all(
      Array.from({ length: 1_200 }, (_, n) =>
        office.credit({ account: 'acme', amount: 1n, operation: `c-${n}`, kind: 'adjustment' }),
      ),
    )
    expect(await test.audit().verify()).toMatchObject({ entries: 1_203, drifts: [] })
  })
})
