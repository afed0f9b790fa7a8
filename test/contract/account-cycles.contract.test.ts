/** Minutes are filled again though nobody asks: in every zone, on every cycle day, early, late, and by two daemons at once. */
import { describe, expect, it } from 'vitest'
import { poolCounter } from '../../src/accounts/cycles.ts'
import { turnCycles } from '../../src/app/self-work.ts'
import { encodeEntry } from '../../src/ledger/journal.ts'
import { DueAccounts } from '../../src/store/due-accounts.ts'
import { PARTITIONS, storeForms, type TestStore, useStore } from '../support/offices.ts'

const HOUR_MS = 3_600_000
const SECONDS = 6_000

interface Holder {
  readonly account: string
  readonly timezone: string
  readonly cycleDay: number
  readonly rollover?: { readonly minSeconds: number; readonly maxSeconds: number }
}

const holders: readonly Holder[] = [
  { account: 'berlin', timezone: 'Europe/Berlin', cycleDay: 1 },
  { account: 'new-york', timezone: 'America/New_York', cycleDay: 31 },
  { account: 'sydney', timezone: 'Australia/Sydney', cycleDay: 29, rollover: { minSeconds: 0, maxSeconds: 2_500 } },
  { account: 'tokyo', timezone: 'Asia/Tokyo', cycleDay: 15, rollover: { minSeconds: 600, maxSeconds: 600 } },
]

/** Hour by hour through the calendar on the wall, as a clerk would. */
function isCycleStart(holder: Holder, atMs: number): boolean {
  const [year, month, day] = onTheWall(holder, atMs)
  const last = new Date(Date.UTC(year, month, 0)).getUTCDate()
  const isNewDay = onTheWall(holder, atMs - HOUR_MS)[2] !== day
  return isNewDay && day === Math.min(holder.cycleDay, last)
}

const formats = new Map<string, Intl.DateTimeFormat>()

function onTheWall({ timezone }: Holder, atMs: number): readonly [year: number, month: number, day: number] {
  const known = formats.get(timezone) ?? new Intl.DateTimeFormat('en-CA', { timeZone: timezone, dateStyle: 'short' })
  formats.set(timezone, known)
  const [year = 0, month = 0, day = 0] = known.format(atMs).split('-').map(Number)
  return [year, month, day]
}

async function turnDue(test: TestStore): Promise<void> {
  const { store, keys, clock } = test
  const turnAll = async (): Promise<void> => {
    const office = test.office()
    const due = new DueAccounts({ store, keys, partitions: PARTITIONS }, 'turns')
    await turnCycles({ office, clock }, due)
  }
  await Promise.all([turnAll(), turnAll()])
}

async function open(test: TestStore, { account, timezone, cycleDay, rollover }: Holder): Promise<void> {
  const office = test.office()
  await office.put(account, { timezone, cycleDay })
  const pool = { id: 'plan', name: 'Plan', seconds: SECONDS, resets: 'cycle' as const }
  await office.addPool(account, { ...pool, ...(rollover === undefined ? {} : { rollover }) })
}

/** As a call would, with the entry that explains it. */
async function use(test: TestStore, account: string, seconds: number): Promise<void> {
  const chain = await test.office().chainOf(account)
  const pool = chain?.levels[0]?.pools[0]
  if (!chain || !pool) throw new Error(`${account} has no pool`)
  const counter = poolCounter(pool, 'u')
  const moves = [[account, counter, seconds] as const]
  const entry = encodeEntry({ kind: 'settle', atMs: test.clock.nowMs(), moves, members: [], books: [] })
  await test.store.command(async (client) => {
    await client.hincrby(test.keys.account(chain.partition, account), counter, seconds)
    await client.xadd(test.keys.journal(chain.partition), '0-*', 'e', entry, 'b', `${account}=0`)
  })
}

async function poolOf(test: TestStore, account: string) {
  return (await test.office().balance(account))?.pools[0]
}

async function told(test: TestStore): Promise<readonly string[]> {
  const names = Array.from({ length: PARTITIONS }, (_none, partition) => test.keys.outbox(partition))
  const streams = await Promise.all(names.map((name) => test.store.command((client) => client.xrange(name, '-', '+'))))
  return streams.flat().map(([, fields]) => `${fields[3] ?? ''} ${fields[7] ?? ''} ${fields[9] ?? ''}`)
}

describe.each(storeForms)('the turn of cycles on %s', (_name, form) => {
  const test = useStore(form)

  it(
    'comes at each cycle start of 36 months, once, and nobody has to ask (M6, M7, G6)',
    { timeout: 120_000 },
    async () => {
      test.clock.set('2026-01-01T00:00:00Z')
      const startMs = test.clock.nowMs()
      for (const holder of holders) await open(test, holder)
      const has = new Map(holders.map(({ account }) => [account, { total: SECONDS, used: 0, turns: 0 }]))
      let turns = 0
      for (let atMs = startMs + HOUR_MS; atMs < Date.parse('2029-01-02T00:00:00Z'); atMs += HOUR_MS) {
        const starting = holders.filter((holder) => isCycleStart(holder, atMs))
        if (starting.length === 0) continue
        test.clock.advance(atMs - 1 - test.clock.nowMs())
        await turnDue(test)
        for (const [account, { total, used }] of has) {
          expect(await poolOf(test, account), account).toMatchObject({ total, remaining: total - used })
        }
        test.clock.advance(1)
        await turnDue(test)
        // Before anybody reads a balance, as that would turn the cycle too.
        turns += starting.length
        expect(await told(test)).toHaveLength(turns)
        for (const { account, rollover = { minSeconds: 0, maxSeconds: 0 } } of starting) {
          const before = has.get(account)
          if (!before) throw new Error(account)
          const left = before.total - before.used
          const total = SECONDS + Math.min(rollover.maxSeconds, Math.max(rollover.minSeconds, left))
          const used = (before.turns * 977) % total
          has.set(account, { total, used, turns: before.turns + 1 })
          await use(test, account, used)
          expect(await poolOf(test, account), account).toMatchObject({ total, remaining: total - used })
        }
      }
      expect([...has.values()].map(({ turns }) => turns)).toEqual([36, 36, 36, 36])
      expect((await told(test)).filter((line) => line.startsWith('sydney plan'))).toHaveLength(36)
    },
  )

  it('is the same when it comes three years late as when it comes each month', async () => {
    test.clock.set('2026-01-10T12:00:00Z')
    const rollover = { minSeconds: 100, maxSeconds: 9_000 }
    const punctual = { account: 'punctual', timezone: 'Europe/Berlin', cycleDay: 31, rollover }
    const late = { ...punctual, account: 'late' }
    for (const holder of [punctual, late]) {
      await open(test, holder)
      await use(test, holder.account, 4_000)
    }
    const office = test.office()
    for (let month = 0; month < 36; month += 1) {
      test.clock.advance(31 * 24 * HOUR_MS)
      await office.turnCycles('punctual')
    }
    await turnDue(test)
    const { pool, total } = (await poolOf(test, 'late')) ?? {}
    expect(total).toBe(SECONDS + 9_000)
    expect(await poolOf(test, 'punctual')).toMatchObject({ total, pool: { resetsAtMs: pool?.resetsAtMs } })
  })

  it('comes for every account but one that cannot be read, of which it tells', async () => {
    for (const holder of holders) await open(test, holder)
    for (const { account } of holders.slice(0, 2)) {
      const { partition = 0 } = (await test.office().chainOf(account)) ?? {}
      await test.store.command((client) => client.set(test.keys.profile(partition, account), '{'))
    }
    test.clock.advance(62 * 24 * HOUR_MS)
    await expect(turnDue(test)).rejects.toThrow(SyntaxError)
    const turned = (await told(test)).map((line) => line.split(' ')[0])
    expect(turned.toSorted()).toEqual(holders.slice(2).map(({ account }) => account))
  })

  it('gives what a live call holds back to nobody', async () => {
    const rollover = { minSeconds: 0, maxSeconds: SECONDS }
    await open(test, { account: 'acme', timezone: 'UTC', cycleDay: 1, rollover })
    const { partition = 0 } = (await test.office().chainOf('acme')) ?? {}
    const moves = [['acme', 'p:plan:1:r', 1_000] as const]
    const entry = encodeEntry({ kind: 'reserve', atMs: test.clock.nowMs(), moves, members: [], books: [] })
    await test.store.command(async (client) => {
      await client.hincrby(test.keys.account(partition, 'acme'), 'p:plan:1:r', 1_000)
      await client.xadd(test.keys.journal(partition), '0-*', 'e', entry)
    })
    test.clock.advance(31 * 24 * HOUR_MS)
    await turnDue(test)
    expect(await poolOf(test, 'acme')).toMatchObject({ total: 2 * SECONDS - 1_000 })
  })

  it('takes terms that roll over, changes and clears them, and keeps what rolled over when the plan grows', async () => {
    const rollover = { minSeconds: 0, maxSeconds: 1_000 }
    await open(test, { account: 'acme', timezone: 'UTC', cycleDay: 1, rollover })
    test.clock.advance(31 * 24 * HOUR_MS)
    await turnDue(test)
    await test.office().patchPool('acme', 'plan', { seconds: SECONDS + 60 })
    expect(await poolOf(test, 'acme')).toMatchObject({ total: SECONDS + 1_060, pool: { rollover } })
    await test.office().patchPool('acme', 'plan', { rollover: null })
    expect((await poolOf(test, 'acme'))?.pool.rollover).toBeUndefined()
    test.clock.advance(31 * 24 * HOUR_MS)
    await turnDue(test)
    expect(await poolOf(test, 'acme')).toMatchObject({ total: SECONDS + 60 })
  })
})
