import { describe, expect, it } from 'vitest'
import type { PoolBalance, SavedPool } from '../../src/accounts/office.ts'
import { type CounterMove, encodeEntry, type JournalEntry } from '../../src/ledger/journal.ts'
import type { RedisAccountOffice } from '../../src/store/redis-accounts.ts'
import { storeForms, type TestStore, useStore } from '../support/offices.ts'

function saved(answer: { kind: string }): SavedPool {
  if (answer.kind !== 'saved') throw new Error(JSON.stringify(answer))
  return answer as SavedPool
}

async function poolsOf(office: RedisAccountOffice, account = 'acme'): Promise<readonly PoolBalance[]> {
  return (await office.balance(account))?.pools ?? []
}

async function remaining(office: RedisAccountOffice): Promise<readonly number[]> {
  return (await poolsOf(office)).map((pool) => pool.remaining)
}

/** Counts seconds as used and put aside, as calls would, with the journal entry that explains them. */
async function use(
  test: TestStore,
  seconds: { pool: string; cycle: number; used: number; reserved?: number },
): Promise<void> {
  const { partition = 0 } = (await test.office().chainOf('acme')) ?? {}
  const { pool, cycle, used, reserved = 0 } = seconds
  const field = `p:${pool}:${cycle}:` as const
  const moves: readonly CounterMove[] = [
    ['acme', `${field}u`, used],
    ['acme', `${field}r`, reserved],
  ]
  const entry: JournalEntry = { kind: 'settle', atMs: test.clock.nowMs(), moves, members: [], books: [] }
  await test.store.command(async (client) => {
    await client.hincrby(test.keys.account(partition, 'acme'), `${field}u`, used)
    await client.hincrby(test.keys.account(partition, 'acme'), `${field}r`, reserved)
    await client.xadd(test.keys.journal(partition), '0-*', 'e', encodeEntry(entry), 'b', 'acme=0')
  })
}

describe.each(storeForms)('pools on %s', (_name, form) => {
  const test = useStore(form)

  it('have their defaults, and the minutes at once (M1, M5, M8, R1)', async () => {
    const office = test.office()
    await office.put('acme', {})
    test.clock.set('2026-11-23T12:00:00Z')
    const { pool, created } = saved(await office.addPool('acme', { name: 'Plan', seconds: 18_000, resets: 'cycle' }))
    expect(created).toBe(true)
    expect(pool).toEqual({
      id: 'id-1',
      name: 'Plan',
      seconds: 18_000,
      priority: 100,
      resets: 'cycle',
      cycle: 1,
      resetsAtMs: Date.parse('2026-12-01T00:00:00Z'),
      directions: ['outbound'],
      prefixes: [],
      freeSeconds: 30,
      increment: 60,
      onExhausted: 'finish_call',
      createdAtMs: test.clock.nowMs(),
    })
    expect(await poolsOf(office)).toEqual([{ pool, total: 18_000, remaining: 18_000, reserved: 0 }])
  })

  it('show what remains of them at any time (M2, M13)', async () => {
    const office = test.office()
    await office.put('acme', {})
    saved(await office.addPool('acme', { id: 'plan', name: 'Plan', seconds: 600 }))
    await use(test, { pool: 'plan', cycle: 1, used: 120 })
    expect(await poolsOf(test.office())).toMatchObject([{ total: 600, remaining: 480, reserved: 0 }])
  })

  it('turn on the cycle date, and roll nothing over (M6, M7)', async () => {
    const office = test.office()
    await office.put('acme', { cycleDay: 15, timezone: 'America/New_York' })
    saved(await office.addPool('acme', { id: 'plan', name: 'Plan', seconds: 18_000, resets: 'cycle' }))
    saved(await office.addPool('acme', { id: 'bundle', name: 'Bundle', seconds: 6_000, resets: 'never' }))
    await use(test, { pool: 'plan', cycle: 1, used: 13_200 })
    test.clock.set('2026-12-15T04:59:59.999Z')
    expect(await remaining(office)).toEqual([4_800, 6_000])
    test.clock.set('2026-12-15T05:00:00Z')
    expect(await remaining(office)).toEqual([18_000, 6_000])
    expect(await poolsOf(office)).toMatchObject([
      { total: 18_000, pool: { cycle: 2, resetsAtMs: Date.parse('2027-01-15T05:00:00Z') } },
      { total: 6_000, pool: { cycle: 2 } },
    ])
    const [turn] = (await office.transactions('acme', { limit: 1 })).items
    expect(turn).toMatchObject({ what: 'reset', amount: 0n, poolSeconds: 18_000 })
  })

  it('turn on the last day of months that are too short (G6)', async () => {
    const office = test.office()
    await office.put('acme', { cycleDay: 31 })
    saved(await office.addPool('acme', { name: 'Plan', seconds: 60, resets: 'cycle' }))
    const turns: string[] = []
    for (let month = 0; month < 4; month += 1) {
      const at = (await poolsOf(office))[0]?.pool.resetsAtMs ?? 0
      turns.push(new Date(at).toISOString().slice(0, 10))
      test.clock.set(at)
    }
    expect(turns).toEqual(['2026-11-30', '2026-12-31', '2027-01-31', '2027-02-28'])
  })

  it('are turned by the next call that asks for the chain', async () => {
    const office = test.office()
    await office.put('root', {})
    await office.put('acme', { parent: 'root' })
    for (const account of ['root', 'acme']) {
      saved(await office.addPool(account, { id: 'plan', name: 'Plan', seconds: 60, resets: 'cycle' }))
    }
    await office.chainOf('acme')
    test.clock.set('2026-12-01T00:00:00Z')
    const chain = await office.chainOf('acme')
    expect(chain?.levels.map(({ pools }) => pools[0]?.cycle)).toEqual([2, 2])
  })

  it('turn once, however many daemons see that it is time, and pass over months that nobody saw (M7)', async () => {
    await test.office().put('acme', {})
    saved(await test.office().addPool('acme', { id: 'plan', name: 'Plan', seconds: 60, resets: 'cycle' }))
    test.clock.set('2027-03-09T00:00:00Z')
    await Promise.all(Array.from({ length: 8 }, () => test.office().turnCycles('acme')))
    await test.office().turnCycles('acme')
    await test.office().turnCycles('nobody')
    expect(await poolsOf(test.office())).toMatchObject([
      { total: 60, pool: { cycle: 2, resetsAtMs: Date.parse('2027-04-01T00:00:00Z') } },
    ])
    const turns = (await test.office().transactions('acme', { limit: 50 })).items.filter(({ what }) => what === 'reset')
    expect(turns).toHaveLength(1)
  })

  it('leave deposited credit alone when they turn (C10)', async () => {
    const office = test.office()
    await office.put('acme', {})
    saved(await office.addPool('acme', { name: 'Plan', seconds: 60, resets: 'cycle' }))
    await office.credit({ account: 'acme', amount: 5_000_000n, operation: 'op-1', kind: 'purchase' })
    test.clock.set('2028-01-01T00:00:00Z')
    expect(await office.balance('acme')).toMatchObject({ credit: 5_000_000n, pools: [{ pool: { cycle: 2 } }] })
  })

  it('stand still once they have expired', async () => {
    const office = test.office()
    await office.put('acme', {})
    const expiresAtMs = Date.parse('2026-11-30T00:00:00Z')
    saved(await office.addPool('acme', { name: 'Trial', seconds: 60, resets: 'cycle', expiresAtMs }))
    expect(await remaining(office)).toEqual([60])
    test.clock.set('2026-12-05T00:00:00Z')
    expect(await poolsOf(office)).toMatchObject([{ remaining: 0, pool: { cycle: 1 } }])
  })

  it('are dropped a while after they expired, when another is added', async () => {
    const office = test.office()
    await office.put('acme', {})
    const expiresAtMs = Date.parse('2026-11-30T00:00:00Z')
    saved(await office.addPool('acme', { id: 'trial', name: 'Trial', seconds: 60, expiresAtMs }))
    test.clock.set('2026-12-05T00:00:00Z')
    saved(await office.addPool('acme', { id: 'b', name: 'B', seconds: 60 }))
    expect((await poolsOf(office)).map(({ pool }) => pool.id)).toEqual(['trial', 'b'])
    test.clock.set('2027-01-10T00:00:00Z')
    saved(await office.addPool('acme', { id: 'c', name: 'C', seconds: 60 }))
    expect((await poolsOf(office)).map(({ pool }) => pool.id)).toEqual(['b', 'c'])
    saved(await office.addPool('acme', { id: 'trial', name: 'Trial', seconds: 30 }))
    expect((await poolsOf(office)).at(-1)).toMatchObject({ pool: { id: 'trial' }, total: 30, remaining: 30 })
  })

  it('are granted or lose the difference when their seconds change, in the cycle in force', async () => {
    const office = test.office()
    await office.put('acme', {})
    saved(await office.addPool('acme', { id: 'plan', name: 'Plan', seconds: 600 }))
    await use(test, { pool: 'plan', cycle: 1, used: 120 })
    const more = saved(await office.patchPool('acme', 'plan', { seconds: 900, onExhausted: 'spill' }))
    expect(more).toMatchObject({ created: false, pool: { seconds: 900, onExhausted: 'spill', name: 'Plan' } })
    expect(await remaining(office)).toEqual([780])
    saved(await office.patchPool('acme', 'plan', { seconds: 300 }))
    expect(await remaining(office)).toEqual([180])
  })

  it('have the seconds that they are given when more is used, and then nothing remains', async () => {
    const office = test.office()
    await office.put('acme', {})
    saved(await office.addPool('acme', { id: 'plan', name: 'Plan', seconds: 600, resets: 'cycle' }))
    await use(test, { pool: 'plan', cycle: 1, used: 120, reserved: 60 })
    saved(await office.patchPool('acme', 'plan', { seconds: 60 }))
    expect(await poolsOf(office)).toMatchObject([{ total: 60, remaining: 0, reserved: 60, pool: { seconds: 60 } }])
    const [taken] = (await office.transactions('acme', { limit: 1 })).items
    expect(taken).toMatchObject({ what: 'pool', poolSeconds: -540, why: 'the pool was changed' })
    saved(await office.patchPool('acme', 'plan', { name: 'Plan 60' }))
    await use(test, { pool: 'plan', cycle: 1, used: 0, reserved: -60 })
    expect(await poolsOf(office)).toMatchObject([{ total: 60, remaining: 0, reserved: 0 }])
    saved(await office.patchPool('acme', 'plan', { seconds: 240 }))
    expect(await poolsOf(office)).toMatchObject([{ total: 240, remaining: 120 }])
    test.clock.set('2026-12-01T00:00:00Z')
    expect(await remaining(office)).toEqual([240])
  })

  it('lose their end and their scope when these are patched with null', async () => {
    const office = test.office()
    await office.put('acme', {})
    const expiresAtMs = Date.parse('2026-11-30T00:00:00Z')
    const scope = { directions: ['inbound' as const], prefixes: ['44'] }
    saved(await office.addPool('acme', { id: 'plan', name: 'Plan', seconds: 600, expiresAtMs, ...scope }))
    saved(await office.patchPool('acme', 'plan', { name: 'Plan 2' }))
    expect(await poolsOf(office)).toMatchObject([{ pool: { expiresAtMs, ...scope } }])
    saved(await office.patchPool('acme', 'plan', { expiresAtMs: null, directions: null, prefixes: null }))
    const [plan] = await poolsOf(office)
    expect(plan?.pool).toMatchObject({ name: 'Plan 2', directions: ['outbound'], prefixes: [] })
    expect(plan?.pool).not.toHaveProperty('expiresAtMs')
  })

  it('begin and stop to turn when that is changed', async () => {
    const office = test.office()
    await office.put('acme', {})
    saved(await office.addPool('acme', { id: 'plan', name: 'Plan', seconds: 600 }))
    saved(await office.patchPool('acme', 'plan', { resets: 'cycle' }))
    expect((await poolsOf(office))[0]?.pool.resetsAtMs).toBe(Date.parse('2026-12-01T00:00:00Z'))
    saved(await office.patchPool('acme', 'plan', { resets: 'never' }))
    expect((await poolsOf(office))[0]?.pool.resetsAtMs).toBeUndefined()
  })

  it('turn by the new cycle day once it is changed', async () => {
    const office = test.office()
    await office.put('acme', {})
    saved(await office.addPool('acme', { name: 'Plan', seconds: 600, resets: 'cycle' }))
    await office.patch('acme', { cycleDay: 25 })
    expect((await poolsOf(office))[0]?.pool.resetsAtMs).toBe(Date.parse('2026-11-25T00:00:00Z'))
  })

  it('are added once for an operation', async () => {
    await test.office().put('acme', {})
    const input = { name: 'Bundle', seconds: 6_000 }
    const answers = await Promise.all(Array.from({ length: 10 }, () => test.office().addPool('acme', input, 'order-1')))
    expect(new Set(answers.map((answer) => saved(answer).pool.id)).size).toBe(1)
    expect(await remaining(test.office())).toEqual([6_000])
    const other = await test.office().addPool('acme', { ...input, seconds: 60 }, 'order-1')
    expect(other).toMatchObject({ kind: 'refused', code: 'request_conflict' })
    await test.office().addPool('acme', input, 'order-2')
    expect(await remaining(test.office())).toEqual([6_000, 6_000])
  })

  it('with an id are added once, and not over another of that id', async () => {
    const office = test.office()
    await office.put('acme', {})
    const input = { id: 'plan', name: 'Plan', seconds: 6_000 }
    expect(saved(await office.addPool('acme', input)).created).toBe(true)
    expect(saved(await office.addPool('acme', input)).created).toBe(false)
    expect(await office.addPool('acme', { ...input, seconds: 60 })).toMatchObject({ code: 'request_conflict' })
    expect(await remaining(office)).toEqual([6_000])
  })

  it('of an operation are found by its repeat, whatever has become of them', async () => {
    const office = test.office()
    await office.put('acme', {})
    const input = { id: 'plan', name: 'Plan', seconds: 6_000 }
    saved(await office.addPool('acme', input, 'order-1'))
    saved(await office.patchPool('acme', 'plan', { seconds: 9_000 }))
    expect(saved(await office.addPool('acme', input, 'order-1')).pool.seconds).toBe(9_000)
    expect(await office.addPool('acme', { ...input, name: 'x' }, 'order-1')).toMatchObject({ code: 'request_conflict' })
    expect(await remaining(office)).toEqual([9_000])
  })

  it('are all there when many are added at once', async () => {
    await test.office().put('acme', {})
    await Promise.all(
      Array.from({ length: 8 }, (_, n) => test.office().addPool('acme', { id: `p${n}`, name: 'P', seconds: 60 })),
    )
    expect(await remaining(test.office())).toEqual(Array.from({ length: 8 }, () => 60))
  })

  it('need an account and a pool that are there', async () => {
    const office = test.office()
    expect(await office.addPool('nobody', { name: 'x', seconds: 1 })).toMatchObject({ code: 'account_unknown' })
    expect(await office.patchPool('nobody', 'x', {})).toMatchObject({ code: 'account_unknown' })
    await office.put('acme', {})
    expect(await office.patchPool('acme', 'x', {})).toMatchObject({ code: 'pool_unknown' })
    await expect(office.addPool('acme', { id: 'a:b', name: 'x', seconds: 1 })).rejects.toThrow('no id of a pool')
    await expect(office.addPool('acme', { name: 'x', seconds: 2 ** 31 + 1 })).rejects.toThrow('cannot be stored')
    await expect(office.addPool('acme', { name: 'x', seconds: 1.5 })).rejects.toThrow('cannot be stored')
    expect(await remaining(office)).toEqual([])
  })
})

describe.each(storeForms)('trunks on %s', (_name, form) => {
  const test = useStore(form)

  it('are limited per kind, and lowering a limit leaves the others as they are (T4)', async () => {
    const office = test.office()
    await office.put('acme', { trunks: { inbound: 1, outbound: 2, twoWay: 3 } })
    await office.patch('acme', { trunks: { inbound: 1, outbound: 0, twoWay: 3 } })
    expect((await office.balance('acme'))?.trunks).toEqual({
      inbound: { limit: 1, used: 0 },
      outbound: { limit: 0, used: 0 },
      twoWay: { limit: 3, used: 0 },
    })
    expect((await office.chainOf('acme'))?.levels[0]?.trunks.outbound).toBe(0)
  })
})
