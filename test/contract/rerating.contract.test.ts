import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Archive } from '../../src/archive/archive.ts'
import { parseAmount } from '../../src/base/money.ts'
import type { CallLedger } from '../../src/calls/call-ledger.ts'
import type { Tariff } from '../../src/rating/tariff.ts'
import { Rerating, type ReratingParts } from '../../src/rerating/rerating.ts'
import { RedisAudit } from '../../src/store/redis-audit.ts'
import { StoredUsage } from '../../src/usage/stored-usage.ts'
import { UsageDesk } from '../../src/usage/summary.ts'
import { usd } from '../support/a-call.ts'
import { archiveForms, never, TestArchives } from '../support/archives.ts'
import { type OpenAccount, useWorld } from '../support/desk.ts'

const BY_SECOND = { firstIncrement: 1, nextIncrement: 1 } as const
const DAY_SECONDS = 86_400

describe.each(archiveForms)('re-rating, with the archive on %s', (form) => {
  const world = useWorld({ name: 'one Redis', on: 'redis', daemons: 2 })
  const archives = new TestArchives(form)
  let archive: Archive
  beforeAll(() => archives.start(), 60_000)
  afterAll(() => archives.stop())
  beforeEach(async () => {
    archive = await archives.opened(world.test)
  }, 60_000)

  function rerating(changes: Partial<ReratingParts> = {}): Rerating {
    const { ledger, accounts, tariffs, clock } = world.parts()
    const rememberMs = () => 7 * DAY_SECONDS * 1000
    return new Rerating({
      usage: usage(),
      archive: archive.usage,
      ledger,
      accounts,
      tariffs,
      clock,
      rememberMs,
      ...changes,
    })
  }

  function usage(): UsageDesk {
    const office = world.test.office()
    const rest = { archive: archive.usage, clock: world.clock, hotDays: () => 35 }
    return new UsageDesk({ office, store: new StoredUsage(office), ...rest })
  }

  async function talked(callId: string, account: string, seconds: number, to?: string): Promise<void> {
    const call = world.call(callId, { account, ...(to === undefined ? {} : { to }) })
    await call.authorize()
    await call.start()
    await call.talk(seconds)
    await call.stop()
  }

  /** Retail at twice the price, as version 2, in force from never on. */
  async function dearer(): Promise<Tariff> {
    await world.activate([{ prefix: '44', perMinute: '0.12', ...BY_SECOND }], { name: 'retail' }, Infinity)
    const tariff = await world.parts().tariffs.pinned('retail', 2)
    if (!tariff) throw new Error('no version')
    return tariff
  }

  const page = (of: Rerating, tariff: Tariff, post: boolean, account = 'acme') =>
    of.page({ account, tariff, post, limit: 100 })

  async function isClean(): Promise<void> {
    const live = await world.test.audit().verify()
    expect(live.drifts).toEqual([])
    const archived = await new RedisAudit({ ...world.test.streamParts, journal: archive }).verify()
    expect(archived.drifts).toEqual([])
    expect(await archive.problems()).toEqual([])
  }

  const charges = async (account = 'acme') =>
    (await world.cdrs(account)).map(({ revision, charge, flags }) => [revision, charge, flags.join(' ')])

  const open: OpenAccount = { credit: usd('10') }

  it('shows the difference and posts nothing unless it is told to', async () => {
    await world.account('acme', open)
    await talked('a', 'acme', 30)
    const tariff = await dearer()
    const shown = await page(rerating(), tariff, false)
    expect(shown).toMatchObject({
      calls: 1,
      changed: [{ seconds: 30, before: usd('0.03'), after: usd('0.06'), posted: false }],
    })
    expect((await world.balance('acme')).credit).toBe(usd('9.97'))
  })

  it('posts the difference once, as a correction that billing jobs are told of', async () => {
    await world.account('acme', open)
    await talked('a', 'acme', 30)
    const { cursor } = await usage().changes('acme', { includeDescendants: false, limit: 10 })
    const tariff = await dearer()
    expect((await page(rerating(), tariff, true)).changed).toMatchObject([{ posted: true }])
    expect((await page(rerating(), tariff, true)).changed).toEqual([])
    expect((await world.balance('acme')).credit).toBe(usd('9.94'))
    expect(await charges()).toEqual([
      [0, '0.030000', ''],
      [1, '0.060000', 'rerated'],
    ])
    const { items } = await usage().changes('acme', { includeDescendants: false, limit: 10, cursor })
    expect(items).toMatchObject([
      {
        kind: 'correction',
        adds: { calls: 0, seconds: 0, charge: usd('0.03') },
        cdr: {
          revision: 1,
          charge: '0.060000',
          fundedBy: 'credit',
          rate: { tariff: 'retail', version: 2, perMinute: '0.12' },
        },
      },
    ])
    await isClean()
  })

  it('gives back what was too much, and a late stop is priced by the new version then', async () => {
    await world.account('acme', open)
    const call = world.call('a', { account: 'acme' })
    await call.authorize()
    await call.start()
    await world.settleDown()
    await world.activate([{ prefix: '44', perMinute: '0.03', ...BY_SECOND }], { name: 'retail' }, Infinity)
    const tariff = await world.parts().tariffs.pinned('retail', 2)
    if (!tariff) throw new Error('no version')
    expect((await page(rerating(), tariff, true)).changed).toMatchObject([{ before: usd('0.06'), after: usd('0.03') }])
    expect((await world.balance('acme')).credit).toBe(usd('9.97'))
    await call.stop({ endedAtMs: (call.answeredAtMs ?? 0) + 20_000 })
    expect((await world.balance('acme')).credit).toBe(usd('9.99'))
    expect((await world.cdrs('acme')).at(-1)).toMatchObject({ revision: 2, charge: '0.010000' })
    expect((await page(rerating(), tariff, true)).changed).toEqual([])
    await isClean()
  })

  it('posts the rest after a crash in the middle', async () => {
    await world.account('acme', open)
    for (const callId of ['a', 'b', 'c']) await talked(callId, 'acme', 30)
    const tariff = await dearer()
    const { ledger } = world.parts()
    let settled = 0
    const dying: Pick<CallLedger, 'readCall' | 'settle'> = {
      readCall: (ref) => ledger.readCall(ref),
      settle: async (settlement) => {
        if (settled === 2) throw new Error('killed')
        settled += 1
        return ledger.settle(settlement)
      },
    }
    await expect(page(rerating({ ledger: dying }), tariff, true)).rejects.toThrow('killed')
    expect((await world.balance('acme')).credit).toBe(usd('10') - usd('0.09') - usd('0.06'))
    expect((await page(rerating(), tariff, true)).changed).toHaveLength(1)
    expect((await world.balance('acme')).credit).toBe(usd('10') - usd('0.18'))
    await isClean()
  })

  it('of two at once posts each call once', async () => {
    await world.account('acme', open)
    for (const callId of ['a', 'b', 'c']) await talked(callId, 'acme', 30)
    const tariff = await dearer()
    const pages = await Promise.all([1, 2, 3].map(() => page(rerating(), tariff, true)))
    expect(pages.flatMap(({ changed }) => changed.filter(({ posted }) => posted))).toHaveLength(3)
    expect((await world.balance('acme')).credit).toBe(usd('10') - usd('0.18'))
    await isClean()
  })

  it('corrects calls that the store remembers no more, and those that only the archive has', async () => {
    await world.account('acme', open)
    await talked('a', 'acme', 30)
    await world.elapse(8 * DAY_SECONDS)
    const [cdr] = await world.cdrs('acme')
    const tariff = await dearer()
    expect((await page(rerating(), tariff, true)).changed).toMatchObject([{ call: cdr?.call, posted: true }])
    expect((await page(rerating(), tariff, true)).changed).toEqual([])
    await world.elapse(60 * DAY_SECONDS)
    await talked('b', 'acme', 1)
    await talked('c', 'acme', 1)
    await archive.archiver.round(never)
    const back = await world.parts().tariffs.pinned('retail', 1)
    if (!back) throw new Error('no version')
    const all = { account: 'acme', tariff: back, limit: 1, post: true }
    let cursor: string | undefined
    let posted = 0
    do {
      const found = await rerating().page({ ...all, ...(cursor === undefined ? {} : { cursor }) })
      posted += found.changed.filter((each) => each.posted).length
      cursor = found.nextCursor
    } while (cursor !== undefined)
    expect(posted).toBe(1)
    expect((await world.balance('acme')).credit).toBe(usd('10') - usd('0.032'))
    await isClean()
  })

  it('changes one level of a chain; the others get a revision that adds nothing', async () => {
    await world.account('house', { tariff: 'wholesale', credit: usd('50') })
    await world.account('acme', { ...open, parent: 'house' })
    await talked('a', 'acme', 30)
    const tariff = await dearer()
    await page(rerating(), tariff, true)
    expect((await world.balance('acme')).credit).toBe(usd('9.94'))
    expect((await world.balance('house')).credit).toBe(usd('50') - usd('0.015'))
    const { items } = await usage().changes('house', { includeDescendants: false, limit: 10 })
    expect(items.map(({ kind, adds }) => [kind, adds.calls, adds.charge])).toEqual([
      ['call', 1, usd('0.015')],
      ['correction', 0, 0n],
    ])
    await isClean()
  })

  it('leaves what trunks and minutes paid, and what has no price or is free for another reason', async () => {
    const pools = [{ name: 'plan', seconds: 60, freeSeconds: 30, increment: 60, onExhausted: 'spill' } as const]
    await world.account('acme', { ...open, pools })
    await talked('a', 'acme', 20)
    await talked('b', 'acme', 60)
    await world.account('far', { ...open, trunks: { inbound: 0, outbound: 1, twoWay: 0 } })
    await talked('c', 'far', 30)
    const tariff = await dearer()
    expect(await page(rerating(), tariff, true)).toMatchObject({ calls: 2, changed: [], left: { unexplained: 1 } })
    expect(await page(rerating(), tariff, true, 'far')).toMatchObject({ calls: 1, changed: [] })
    await world.account('other', open)
    await talked('d', 'other', 10, '+8005550100')
    expect(await page(rerating(), tariff, true, 'other')).toMatchObject({ changed: [], left: { no_rate: 1 } })
  })

  it('keeps the minutes of a call that minutes paid in part', async () => {
    const pools = [{ name: 'plan', seconds: 60, freeSeconds: 0, increment: 1, onExhausted: 'spill' } as const]
    await world.account('acme', { ...open, pools })
    await talked('a', 'acme', 90)
    const tariff = await dearer()
    const { changed } = await page(rerating(), tariff, true)
    expect(changed).toMatchObject([{ before: usd('0.03'), after: usd('0.06'), posted: true }])
    const [, last] = await world.cdrs('acme')
    expect(last).toMatchObject({ fundedBy: 'mixed', billedSeconds: 90 })
    expect(last?.parts.map(({ source, seconds }) => [source, seconds])).toEqual([
      ['pool', 60],
      ['credit', 30],
    ])
    expect(parseAmount(last?.charge ?? '')).toBe(usd('0.06'))
    await isClean()
  })
})
