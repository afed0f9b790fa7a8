/** The scripts of the calls' side: each says no before it writes anything, and is sent what its header names. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { LevelReservation, Reservation } from '../../src/calls/call-ledger.ts'
import { RedisCallLedger } from '../../src/store/redis-call-ledger.ts'
import type { RedisReply, RedisStore } from '../../src/store/redis.ts'
import { usd } from '../support/a-call.ts'
import { digest } from '../support/desk.ts'
import { TestStore } from '../support/offices.ts'
import { aLevel, aMark, aRecord, aReservation, aSettledLevel, aSettlement, NOW_MS } from './a-plan.ts'
import { dumpOf, snapshotOf } from './snapshot.ts'

interface Run {
  readonly name: string
  readonly keys: readonly string[]
  readonly args: readonly (string | number)[]
  readonly answer: string
}

const HERE = 7
const test = new TestStore()
const runs: Run[] = []
let ledger: RedisCallLedger

/** The store, as if it were a cluster if told so, with an ear on it. */
function overheard(isCluster = false): RedisStore {
  const { store } = test
  const run = async (
    name: string,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<RedisReply> => {
    const reply = await store.run(name, keys, args)
    runs.push({ name, keys, args, answer: String(Array.isArray(reply) ? reply[0] : reply) })
    return reply
  }
  const changed = { run, isCluster } as const
  return new Proxy(store, {
    get: (target, name) => {
      if (name in changed) return changed[name as keyof typeof changed]
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

function ledgerOn(store: RedisStore): RedisCallLedger {
  return new RedisCallLedger({ store, keys: test.keys, digest, legTtlMs: 1_000_000 })
}

async function write(work: (client: RedisStore['client']) => Promise<unknown>): Promise<void> {
  await test.store.command(work)
}

/** Ten units of credit of which nine are put aside, one trunk that is busy, and half a minute of a pool. */
async function open(account: string): Promise<void> {
  const { keys } = test
  const counters = { cp: usd('10'), dr: usd('9'), 'p:a:1:g': 90, 'p:a:1:r': 40, 'p:a:1:u': 20 }
  const spent = { sd: `2026-11-23 ${usd('5')}`, sm: `2026-11 ${usd('7')}` }
  const fields = Object.entries({ v: 1, ...counters, ...spent }).map(([name, value]) => [name, String(value)])
  await write((client) =>
    client.hset(keys.account(HERE, account), Object.fromEntries(fields) as Record<string, string>),
  )
  await write((client) => client.sadd(keys.live(HERE, account), 'x', 'y'))
  await write((client) => client.sadd(keys.channels(HERE, account, 'outbound'), 'x'))
  await write((client) => client.sadd(keys.channels(HERE, account, 'twoWay'), 'y'))
}

async function dump(): Promise<unknown> {
  const legs = await test.store.command((client) => client.keys('tg:leg:*'))
  const claims = await Promise.all(legs.toSorted().map(async (key) => [key, await test.store.client.get(key)]))
  return { ...(await dumpOf(test.store)), claims }
}

async function untouched(work: () => Promise<{ readonly kind: string }>): Promise<string> {
  const before = await dump()
  const { kind } = await work()
  expect(await dump()).toEqual(before)
  return kind
}

beforeAll(() => test.open('redis'))
afterAll(() => test.close())
beforeEach(async () => {
  await test.empty()
  ledger = ledgerOn(overheard())
  await open('acme')
  await open('house')
})

const pool = { pool: 'a', cycle: 1, reserved: 0, used: 0 }

describe('reserve', () => {
  const unfit: readonly (readonly [string, Partial<LevelReservation>])[] = [
    ['more credit than is available', { credit: usd('1.000001') }],
    ['more credit than is available within the limit', { credit: usd('2.000001'), creditLimit: usd('1') }],
    ['credit that is not exactly what it was', { credit: usd('0.5'), exactlyAvailable: usd('0.999999') }],
    ['less credit that is not exactly what it was', { credit: -1n, exactlyAvailable: usd('1.000001') }],
    ['more than the day may cost', { credit: 1n, spend: { day: '2026-11-23', month: '2026-11', dayCap: usd('14') } }],
    [
      'more than the month may cost',
      { credit: 1n, spend: { day: '2026-11-23', month: '2026-11', monthCap: usd('16') } },
    ],
    ['a channel of its direction that is busy', { trunkLimits: { own: 1, twoWay: 0 }, takesTrunk: 'outbound' }],
    ['a two-way channel that is busy', { trunkLimits: { own: 1, twoWay: 1 }, takesTrunk: 'twoWay' }],
    ['a two-way channel though its own is free', { trunkLimits: { own: 2, twoWay: 2 }, takesTrunk: 'twoWay' }],
    ['no channel though its own is free', { trunkLimits: { own: 2, twoWay: 0 } }],
    ['no channel though a two-way one is free', { trunkLimits: { own: 1, twoWay: 2 } }],
    ['a call more than the account may have', { joins: true, callLimit: 2 }],
    ['more seconds than a pool has', { pools: [{ ...pool, reserved: 31 }] }],
    ['seconds of a pool that are not exactly what they were', { pools: [{ ...pool, reserved: 10, exactly: 31 }] }],
    ['seconds of a cycle that never was', { pools: [{ ...pool, cycle: 2, reserved: 1 }] }],
  ]

  it.each(unfit)('is unfit with %s, at the payer or above it', async (_what, changes) => {
    const fits = aLevel('house', { joins: true, credit: 1n, pools: [{ ...pool, reserved: 1 }] })
    for (const levels of [[aLevel('acme', changes)], [{ ...fits, account: 'acme' }, aLevel('house', changes)]]) {
      const record = aRecord('c1', HERE)
      expect(await untouched(() => ledger.reserve(aReservation(record, levels)))).toBe('unfit')
    }
  })

  it('tells the figures that it found, all that it was asked for', async () => {
    const asked = { trunkLimits: { own: 2, twoWay: 0 }, takesTrunk: 'outbound', callLimit: 9 } as const
    const spend = { day: '2026-11-23', month: '2026-11', dayCap: usd('99') }
    const answer = await ledger.reserve(
      aReservation(aRecord('c1', HERE), [aLevel('acme', { credit: usd('2'), pools: [pool], spend, ...asked })]),
    )
    expect(answer).toEqual({
      kind: 'unfit',
      figures: [
        {
          credit: usd('10'),
          reserved: usd('9'),
          calls: 2,
          ownUsed: 1,
          twoWayUsed: 1,
          spentToday: usd('5'),
          spentThisMonth: usd('7'),
          pools: { a: 30 },
        },
      ],
    })
  })

  it('counts nothing as spent in another day and month', async () => {
    const spend = { day: '2026-12-01', month: '2026-12', dayCap: usd('9.5'), monthCap: usd('9.5') }
    const level = (credit: bigint) => [aLevel('acme', { credit, spend })]
    expect(await untouched(() => ledger.reserve(aReservation(aRecord('c1', HERE), level(usd('0.500001')))))).toBe(
      'unfit',
    )
    expect((await ledger.reserve(aReservation(aRecord('c1', HERE), level(usd('0.5'))))).kind).toBe('reserved')
  })

  it.each([
    ['takes credit below its floor', { credit: usd('50') }],
    [
      'passes over caps',
      { credit: usd('1'), spend: { day: '2026-11-23', month: '2026-11', dayCap: 0n, monthCap: 0n } },
    ],
    ['counts a call more', { joins: true, callLimit: 0 }],
  ] as const)('%s only when it is forced', async (_what, changes) => {
    const plan = (forced: boolean): Reservation =>
      aReservation(aRecord('c1', HERE), [aLevel('acme', changes)], { forced })
    expect(await untouched(() => ledger.reserve(plan(false)))).toBe('unfit')
    expect((await ledger.reserve(plan(true))).kind).toBe('reserved')
  })

  it.each([
    ['a busy channel', { trunkLimits: { own: 1, twoWay: 0 }, takesTrunk: 'outbound' }],
    ['seconds that no pool has', { pools: [{ ...pool, reserved: 31 }] }],
  ] as const)('takes %s not even when it is forced', async (_what, changes) => {
    const plan = aReservation(aRecord('c1', HERE), [aLevel('acme', changes)], { forced: true })
    expect(await untouched(() => ledger.reserve(plan))).toBe('unfit')
  })

  it('only looks when it is told to', async () => {
    const plan = aReservation(aRecord('c1', HERE), [aLevel('acme', { credit: 1n, joins: true })], { lookOnly: true })
    expect(await untouched(() => ledger.reserve(plan))).toBe('unfit')
  })

  it('has changed when the record is another, or there is one, or none', async () => {
    const level = [aLevel('acme', { credit: 1n })]
    await ledger.reserve(aReservation(aRecord('c1', HERE, { revision: 1 }), level))
    for (const [revision, callId] of [
      [1, 'c1'],
      [3, 'c1'],
      [2, 'c2'],
    ] as const) {
      const plan = aReservation(aRecord(callId, HERE, { revision }), level)
      expect(await untouched(() => ledger.reserve(plan))).toBe('changed')
    }
    expect(await ledger.reserve(aReservation(aRecord('c1', HERE), level))).toMatchObject({
      record: { revision: 1, leg: { callId: 'c1' } },
    })
  })

  it('is stale with another profile, at the payer or above it', async () => {
    const stale = [
      [aLevel('acme', { profileVersion: 2 })],
      [aLevel('acme', { credit: 1n }), aLevel('house', { profileVersion: 0 })],
      [aLevel('nobody')],
    ]
    for (const levels of stale) {
      expect(await untouched(() => ledger.reserve(aReservation(aRecord('c1', HERE), levels)))).toBe('stale_profile')
    }
    const figures = {
      partition: HERE,
      levels: [aLevel('acme', { profileVersion: 2 })],
      nowMs: NOW_MS,
      tariffRevision: 0,
    }
    expect(await untouched(() => ledger.figures(figures))).toBe('stale_profile')
  })

  it('is stale with another tariff book', async () => {
    const plan = aReservation(aRecord('c1', HERE), [aLevel('acme', { credit: 1n })], { tariffRevision: 3 })
    expect(await untouched(() => ledger.reserve(plan))).toBe('stale_tariffs')
    await write((client) => client.hset(test.keys.head(HERE), 't', '3'))
    expect(await untouched(() => ledger.reserve({ ...plan, tariffRevision: 2 }))).toBe('stale_tariffs')
    const figures = { partition: HERE, levels: [aLevel('acme')], nowMs: NOW_MS, tariffRevision: 2 }
    expect(await untouched(() => ledger.figures(figures))).toBe('stale_tariffs')
    expect((await ledger.reserve(plan)).kind).toBe('reserved')
  })

  it.each([false, true])(
    'is elsewhere when the leg has a record in another partition (on a cluster: %s)',
    async (isCluster) => {
      const one = ledgerOn(overheard(isCluster))
      await one.reserve(aReservation(aRecord('c1', HERE), [aLevel('acme', { credit: 1n })]))
      const there = aReservation(aRecord('c1', HERE + 1), [aLevel('far')])
      await write((client) => client.hset(test.keys.account(HERE + 1, 'far'), 'v', '1'))
      expect(await untouched(() => one.reserve(there))).toBe('leg_elsewhere')
      expect(await untouched(() => one.reserve({ ...there, lookOnly: true }))).toBe('leg_elsewhere')
      expect(await one.reserve(there)).toEqual({
        kind: 'leg_elsewhere',
        ref: { partition: HERE, legKey: there.record.legKey },
      })
      expect((await one.reserve({ ...there, legBefore: HERE })).kind).toBe('reserved')
      expect(await one.findLeg(there.record.leg)).toMatchObject({ partition: HERE + 1 })
    },
  )

  it('lets one of two have a leg that both claim for partitions of their own, whoever is slower (on a cluster)', async () => {
    const store = overheard(true)
    const arrived = Promise.withResolvers<undefined>()
    const goesOn = Promise.withResolvers<undefined>()
    const run: RedisStore['run'] = async (name, ...rest) => {
      if (name === 'reserve') {
        arrived.resolve(undefined)
        await goesOn.promise
      }
      return store.run(name, ...rest)
    }
    const slow = ledgerOn(
      new Proxy(store, { get: (target, name) => (name === 'run' ? run : (Reflect.get(target, name) as unknown)) }),
    )
    const first = slow.reserve(aReservation(aRecord('c1', HERE), [aLevel('acme', { credit: 1n, joins: true })]))
    await arrived.promise
    await write((client) => client.hset(test.keys.account(HERE + 1, 'far'), 'v', '1'))
    const there = aReservation(aRecord('c1', HERE + 1), [aLevel('far', { joins: true })])
    const second = await ledgerOn(store).reserve(there)
    goesOn.resolve(undefined)
    expect([(await first).kind, second.kind]).toEqual(['changed', 'reserved'])
    const { accounts } = await snapshotOf(test.store)
    expect([accounts['acme']?.live.length, accounts['far']?.live.length]).toEqual([2, 1])
    expect(await ledger.findLeg(there.record.leg)).toMatchObject({ partition: HERE + 1 })
  })

  it.each([false, true])('takes over a claim that nothing came of (on a cluster: %s)', async (isCluster) => {
    const one = ledgerOn(overheard(isCluster))
    const record = aRecord('c1', HERE)
    await write((client) => client.set(test.keys.leg(record.legKey), String(HERE + 1)))
    expect((await one.reserve(aReservation(record, [aLevel('acme')]))).kind).toBe('reserved')
    expect(await one.findLeg(record.leg)).toMatchObject({ partition: HERE })
  })
})

describe('settle', () => {
  it('is unfit when a pool has not what it takes beyond the hold, at the payer or above it', async () => {
    const record = aRecord('c1', HERE, { revision: 2 })
    await ledger.reserve(aReservation(aRecord('c1', HERE), [aLevel('acme')]))
    const takes = (changes: Partial<typeof pool> & { exactly?: number }) => ({ pools: [{ ...pool, ...changes }] })
    const cases = [
      takes({ reserved: -10, used: 41 }),
      takes({ used: 31 }),
      takes({ used: 1, exactly: 29 }),
      takes({ exactly: 31 }),
    ]
    for (const changes of cases) {
      const fits = aSettledLevel('acme', { debit: 5n, cdr: '{}' })
      for (const levels of [[aSettledLevel('acme', changes)], [fits, aSettledLevel('house', changes)]]) {
        expect(await untouched(() => ledger.settle(aSettlement(record, levels)))).toBe('unfit')
      }
    }
    expect(await ledger.settle(aSettlement(record, [aSettledLevel('acme', takes({ used: 31 }))]))).toMatchObject({
      figures: [{ pools: { a: 30 } }],
    })
  })

  it('has changed when the record is another, or there is none', async () => {
    await ledger.reserve(aReservation(aRecord('c1', HERE), [aLevel('acme')]))
    for (const [revision, callId] of [
      [1, 'c1'],
      [3, 'c1'],
      [2, 'c2'],
    ] as const) {
      const plan = aSettlement(aRecord(callId, HERE, { revision }), [aSettledLevel('acme', { debit: 5n, cdr: '{}' })])
      expect(await untouched(() => ledger.settle(plan))).toBe('changed')
    }
  })
})

describe('settle, when it fits', () => {
  it('moves money, minutes, channels, books, journal and CDRs of all levels in one step', async () => {
    const takes = { joins: true, credit: usd('0.5'), pools: [{ ...pool, reserved: 20 }] }
    const record = aRecord('c1', HERE)
    const trunk = { trunkLimits: { own: 9, twoWay: 0 }, takesTrunk: 'outbound' } as const
    await ledger.reserve(aReservation(record, [aLevel('acme', takes), aLevel('house', { joins: true, ...trunk })]))
    const spends = { reserved: -usd('0.5'), debit: usd('0.4'), pools: [{ ...pool, reserved: -20, used: 15 }] }
    const answer = await ledger.settle(
      aSettlement({ ...record, revision: 2, state: 'ended' }, [
        aSettledLevel('acme', { leaves: true, ...spends, cdr: '{"level":0}' }),
        aSettledLevel('house', { leaves: true, frees: 'outbound', debit: -usd('0.1'), cdr: '{"level":1}' }),
      ]),
    )
    expect(answer).toEqual({ kind: 'settled' })
    const { accounts, partitions } = await snapshotOf(test.store)
    const [acme, house] = [accounts['acme'], accounts['house']]
    expect(acme).toMatchObject({
      live: ['x', 'y'],
      outbound: ['x'],
      transactions: ['2'],
      cdrOrder: ['2-1'],
      cdrs: {},
    })
    expect(acme?.counters).toMatchObject({ dp: '400000', dr: '9000000', 'p:a:1:r': '40', 'p:a:1:u': '35' })
    expect(acme?.spent).toEqual({ '2026-11-23': '5400000', '2026-11': '7400000' })
    expect(house).toMatchObject({
      live: ['x', 'y'],
      outbound: ['x'],
      transactions: ['2'],
      cdrOrder: ['2-2'],
      cdrs: {},
    })
    expect(house?.counters).toMatchObject({ cp: '10100000' })
    expect(partitions[HERE]).toMatchObject({
      books: { 'USD:revenue': '300000' },
      due: {},
      cdrs: [{ id: '2-1' }, { id: '2-2' }],
    })
    expect(partitions[HERE]?.journal.map(({ balances }) => balances)).toEqual(['', 'acme=9600000 house=10100000'])
    expect(await test.store.client.pttl(test.keys.call(HERE, record.legKey))).toBeGreaterThan(900_000)
  })

  it('counts and adds exactly up to 2^53 micros', async () => {
    const most = 2n ** 53n - 1n
    await write((client) => client.hset(test.keys.account(HERE, 'acme'), { cp: String(most), dr: '0' }))
    const record = aRecord('c1', HERE)
    expect(
      await untouched(() =>
        ledger.reserve(aReservation(record, [aLevel('acme', { credit: most, exactlyAvailable: most - 1n })])),
      ),
    ).toBe('unfit')
    expect((await ledger.reserve(aReservation(record, [aLevel('acme', { credit: most })]))).kind).toBe('reserved')
    await ledger.settle(
      aSettlement({ ...record, revision: 2 }, [
        aSettledLevel('acme', { reserved: -most, debit: most - 2n, cdr: '{}' }),
      ]),
    )
    const { counters } = (await snapshotOf(test.store)).accounts['acme'] ?? { counters: {} }
    expect(counters).toMatchObject({ cp: String(most), dp: String(most - 2n) })
    expect(counters).not.toHaveProperty('dr')
    const answer = await ledger.figures({ partition: HERE, levels: [aLevel('acme')], nowMs: NOW_MS, tariffRevision: 0 })
    expect(answer).toMatchObject({ figures: [{ credit: 2n }] })
  })
})

describe('mark', () => {
  it('has changed when the record is another, or there is one, or none', async () => {
    await ledger.mark(aMark(aRecord('c1', HERE)))
    for (const [revision, callId] of [
      [1, 'c1'],
      [3, 'c1'],
      [2, 'c2'],
    ] as const) {
      expect(await untouched(() => ledger.mark(aMark(aRecord(callId, HERE, { revision }))))).toBe('changed')
    }
  })

  it.each([false, true])(
    'is elsewhere when the leg has a record in another partition (on a cluster: %s)',
    async (isCluster) => {
      const one = ledgerOn(overheard(isCluster))
      await one.mark(aMark(aRecord('c1', HERE)))
      expect(await untouched(() => one.mark(aMark(aRecord('c1', HERE + 1))))).toBe('leg_elsewhere')
    },
  )

  it('keeps a record for ever, or for a while, and puts it in its place', async () => {
    const record = aRecord('c1', HERE)
    const key = test.keys.call(HERE, record.legKey)
    await ledger.mark(aMark(record, { rememberMs: 5_000, dueAtMs: undefined }))
    expect(await test.store.client.pttl(key)).toBeGreaterThan(4_000)
    expect(await ledger.liveCalls(HERE, 0, 10)).toEqual([])
    await ledger.mark(aMark({ ...record, revision: 2 }))
    expect(await test.store.client.pttl(key)).toBe(-1)
    expect(await ledger.liveCalls(HERE, 0, 10)).toMatchObject([{ revision: 2 }])
  })
})

describe('claim_due', () => {
  it('takes what is due, earliest first, as much as it may, and each for as long as it says', async () => {
    for (const [callId, dueAtMs] of [
      ['a', 30],
      ['b', 10],
      ['c', 20],
      ['d', 41],
    ] as const) {
      await ledger.mark(aMark(aRecord(callId, HERE), { dueAtMs: NOW_MS + dueAtMs }))
    }
    const claim = async (afterMs: number, limit: number) => {
      const refs = await ledger.claimDue({ partition: HERE, nowMs: NOW_MS + afterMs, leaseMs: 100, limit })
      return Promise.all(refs.map(async (ref) => (await ledger.readCall(ref))?.leg.callId))
    }
    expect(await claim(9, 10)).toEqual([])
    expect(await claim(40, 2)).toEqual(['b', 'c'])
    expect(await claim(40, 10)).toEqual(['a'])
    expect(await claim(139, 10)).toEqual(['d'])
    expect((await claim(140, 10)).toSorted()).toEqual(['a', 'b', 'c'])
  })
})

/** What a header says of KEYS or ARGV: so many, and for each level so many more. */
interface Counted {
  readonly fixed: number
  readonly perLevel: number
}

function headerOf(name: string): Readonly<Record<'KEYS' | 'ARGV' | 'RETURNS', string>> {
  const text = readFileSync(`src/store/lua/${name}.lua`, 'utf8')
  const part = (title: string): string => {
    const [, rest] = text.split(`\n  ${title}\n`)
    if (rest === undefined) throw new Error(`${name}.lua has no ${title}`)
    return rest.split('\n\n')[0] ?? ''
  }
  return { KEYS: part('KEYS'), ARGV: part('ARGV'), RETURNS: part('RETURNS') }
}

function named(lines: string): number {
  return [...lines.matchAll(/^ {4}(\w+)/gm)].length
}

function keysOf(name: string): Counted {
  const [fixed = '', each = ''] = headerOf(name).KEYS.split(/^ {4}then for each level\n/m)
  return { fixed: named(fixed), perLevel: named(each) }
}

/** The part for each level is a list; its last item says how many pools follow. */
function argumentsOf(name: string): Counted {
  const [fixed = '', each = ''] = headerOf(name).ARGV.split('; then for each\n')
  const [level = ''] = each.split(', and for each:')
  const items = level.replaceAll(/\([^)]*\)/g, '').split(',')
  return { fixed: named(fixed), perLevel: each === '' ? 0 : items.length }
}

const scripts = ['reserve', 'settle', 'mark', 'claim_due', 'claim_leg']

describe.each(scripts)('%s is sent what its header names', (name) => {
  const ofScript = () => runs.filter((run) => run.name === name)

  it('and answers with every word of it', () => {
    const words = new Set([...headerOf(name).RETURNS.matchAll(/^ {4}(\w+)/gm)].map(([, word]) => word))
    expect(new Set(ofScript().map(({ answer }) => answer))).toEqual(words)
  })

  it('and as many keys and arguments', () => {
    const [keyCount, argCount] = [keysOf(name), argumentsOf(name)]
    for (const { keys, args } of ofScript()) {
      const levels = argCount.perLevel === 0 ? 0 : Number(args[argCount.fixed - 1])
      expect(keys).toHaveLength(keyCount.fixed + levels * keyCount.perLevel)
      let at = argCount.fixed
      for (let level = 0; level < levels; level += 1) {
        at += argCount.perLevel
        at += Number(args[at - 1]) * 6
      }
      expect(args).toHaveLength(at)
    }
    expect(ofScript().length).toBeGreaterThan(0)
  })
})
