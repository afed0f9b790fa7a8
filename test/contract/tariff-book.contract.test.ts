import { describe, expect, it } from 'vitest'
import type { NewTariffHead } from '../../src/rating/book.ts'
import type { RateRow, Tariff } from '../../src/rating/tariff.ts'
import { RedisNews } from '../../src/store/news.ts'
import { RedisTariffBook } from '../../src/store/redis-tariffs.ts'
import { PARTITIONS, storeForms, type TestStore, useStore } from '../support/offices.ts'

const HOUR_MS = 3_600_000

const head: NewTariffHead = { name: 'gold', currency: 'USD' }

function rates(perMinute: string, prefixes: readonly string[] = ['1', '44', '4420']): RateRow[] {
  return prefixes.map((prefix) => ({ prefix, perMinute }))
}

function bookOf({ store, keys, clock }: TestStore, maxSpareRates?: number): RedisTariffBook {
  return new RedisTariffBook({
    store,
    keys,
    clock,
    partitions: PARTITIONS,
    ...(maxSpareRates === undefined ? {} : { maxSpareRates }),
  })
}

function versionOf(tariff: Tariff | undefined): number | undefined {
  return tariff?.head.version
}

/** The revision that decisions of each partition must name. */
async function partitionRevisions({ store, keys }: TestStore): Promise<readonly (string | null)[]> {
  const heads = Array.from({ length: PARTITIONS }, (_, partition) => keys.head(partition))
  return Promise.all(heads.map((head) => store.command((client) => client.hget(head, 't'))))
}

describe.each(storeForms)('the tariff book on %s', (_name, form) => {
  const test = useStore(form)

  it('numbers versions from 1, and gives equal content the version that it has', async () => {
    const book = bookOf(test)
    const first = await book.addVersion(head, rates('0.01'))
    expect(first).toMatchObject({ kind: 'added', created: true, version: { version: 1, rates: 3, currency: 'USD' } })
    const reordered = rates('0.01').map(({ prefix, perMinute }) => ({ destination: undefined, perMinute, prefix }))
    expect(await bookOf(test).addVersion(head, reordered)).toEqual({ ...first, created: false })
    expect(await book.addVersion(head, rates('0.02'))).toMatchObject({ version: { version: 2 } })
    expect(await book.addVersion(head, rates('0.01'))).toMatchObject({ created: true, version: { version: 3 } })
    expect(await book.addVersion({ ...head, currency: 'EUR' }, rates('0.01'))).toMatchObject({
      version: { version: 4 },
    })
    expect(await book.addVersion({ ...head, name: 'other' }, rates('0.01'))).toMatchObject({ version: { version: 1 } })
    expect((await book.versions('gold'))?.map(({ version }) => version)).toEqual([4, 3, 2, 1])
  })

  it('refuses what cannot be priced, by row and field, and keeps nothing of it', async () => {
    const book = bookOf(test)
    const bad: RateRow[] = [...rates('0.01'), { prefix: '49', perMinute: 'x' }]
    expect(await book.addVersion(head, bad)).toMatchObject({
      kind: 'invalid',
      problems: [{ row: 4, field: 'perMinute' }],
    })
    expect(await book.addVersion({ ...head, name: ':revision' }, rates('0.01'))).toMatchObject({
      problems: [{ field: 'name' }],
    })
    expect(await book.list()).toEqual([])
    expect(await book.versions('gold')).toBeUndefined()
  })

  it('makes one version of one content that many daemons bring at once', async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => bookOf(test).addVersion(head, rates('0.01'))))
    expect(answers.filter((answer) => answer.kind === 'added' && answer.created)).toHaveLength(1)
    expect(await bookOf(test).versions('gold')).toHaveLength(1)
  })

  it('loses no version of many that are added at once', async () => {
    await Promise.all(Array.from({ length: 6 }, (_, n) => bookOf(test).addVersion(head, rates(`0.0${n + 1}`))))
    const versions = (await bookOf(test).versions('gold')) ?? []
    expect(versions.map(({ version }) => version)).toEqual([6, 5, 4, 3, 2, 1])
    expect(new Set(versions.map(({ sha256 }) => sha256)).size).toBe(6)
  })

  it('has in force what was activated last before the instant', async () => {
    const book = bookOf(test)
    const nowMs = test.clock.nowMs()
    for (const perMinute of ['0.01', '0.02', '0.03']) await book.addVersion(head, rates(perMinute))
    expect(book.inForce('gold', nowMs)).toBeUndefined()
    await book.activate('gold', 1, nowMs)
    await book.activate('gold', 3, nowMs + 2 * HOUR_MS)
    await book.activate('gold', 2, nowMs + HOUR_MS)
    expect([-1, 0, HOUR_MS - 1, HOUR_MS, 2 * HOUR_MS].map((ms) => versionOf(book.inForce('gold', nowMs + ms)))).toEqual(
      [undefined, 1, 1, 2, 3],
    )
    await book.activate('gold', 1, nowMs + HOUR_MS)
    expect(versionOf(book.inForce('gold', nowMs + HOUR_MS))).toBe(1)
    expect(await book.activate('gold', 9, nowMs)).toEqual({ kind: 'version_unknown' })
    expect(await book.activate('silver', 1, nowMs)).toEqual({ kind: 'version_unknown' })
    expect(book.inForce('silver', nowMs)).toBeUndefined()
  })

  it('reaches the other daemons with the next refresh, whole', async () => {
    const [here, there] = [bookOf(test), bookOf(test)]
    await there.refresh()
    await here.addVersion(head, rates('0.01'))
    await here.activate('gold', 1, test.clock.nowMs())
    expect(there.revision).toBeLessThan(here.revision)
    expect(there.inForce('gold', test.clock.nowMs())).toBeUndefined()
    await there.refresh()
    expect(there.revision).toBe(here.revision)
    expect(versionOf(there.inForce('gold', test.clock.nowMs()))).toBe(1)
  })

  it('tells the other daemons', async () => {
    const there = bookOf(test)
    const news = new RedisNews(test.store, test.keys)
    const heard = Promise.withResolvers<undefined>()
    const stop = await news.listen(({ kind }) => {
      if (kind === 'tariffs') heard.resolve(undefined)
    })
    await bookOf(test).addVersion(head, rates('0.01'))
    await heard.promise
    await there.refresh()
    expect(there.revision).toBe(1)
    await stop()
  })

  it('tells every partition its revision before a daemon uses it', async () => {
    const book = bookOf(test)
    await book.addVersion(head, rates('0.01'))
    await book.activate('gold', 1, test.clock.nowMs())
    expect(new Set(await partitionRevisions(test))).toEqual(new Set(['2']))
    expect(book.revision).toBe(2)
  })

  it('is brought up to date by any daemon when the one that changed it died half-way', async () => {
    await bookOf(test).addVersion(head, rates('0.01'))
    // The book was changed, and no partition was told.
    await test.store.command((client) => client.hincrby(test.keys.tariffs(), ':revision', 1))
    const book = bookOf(test)
    await book.refresh()
    expect(new Set(await partitionRevisions(test))).toEqual(new Set([String(book.revision)]))
  })

  it('heals when the store lost the last change, of the book or of a partition', async () => {
    const book = bookOf(test)
    await book.addVersion(head, rates('0.01'))
    await book.addVersion(head, rates('0.02'))
    await test.store.command((client) => client.hset(test.keys.tariffs(), ':revision', '1'))
    test.clock.advance(10_000)
    await book.refresh()
    expect(book.revision).toBe(2)
    await test.store.command((client) => client.hset(test.keys.head(3), 't', '1'))
    test.clock.advance(10_000)
    await book.refresh()
    expect(new Set(await partitionRevisions(test))).toEqual(new Set(['2']))
  })

  it('gives a call the version that it began with, whatever is in force (pinned price)', async () => {
    const book = bookOf(test, 0)
    await book.addVersion(head, rates('0.01'))
    await book.addVersion(head, rates('0.02'))
    await book.activate('gold', 2, test.clock.nowMs())
    const [first, again] = await Promise.all([book.pinned('gold', 1), book.pinned('gold', 1)])
    expect(versionOf(first)).toBe(1)
    expect(again).toBe(first)
    expect(await book.pinned('gold', 3)).toBeUndefined()
    expect(await book.pinned('silver', 1)).toBeUndefined()
    expect(versionOf(await bookOf(test).pinned('gold', 2))).toBe(2)
  })

  it('still knows the price of a call that began before the last change', async () => {
    await bookOf(test).addVersion(head, rates('0.01'))
    await bookOf(test).addVersion(head, rates('0.02'))
    const startMs = test.clock.nowMs()
    await bookOf(test).activate('gold', 1, startMs)
    test.clock.advance(HOUR_MS)
    await bookOf(test).activate('gold', 2, test.clock.nowMs())
    const book = bookOf(test)
    await book.refresh()
    expect(versionOf(book.inForce('gold', startMs))).toBe(1)
  })

  it('lists tariffs and shows versions with their rates, by prefix and page', async () => {
    const book = bookOf(test)
    const nowMs = test.clock.nowMs()
    const rows = rates(
      '0.01',
      Array.from({ length: 12_000 }, (_, n) => String(100_000 + n)),
    )
    await book.addVersion({ ...head, timezone: 'Europe/London' }, rows)
    await book.addVersion(head, rates('0.02'))
    await book.activate('gold', 1, nowMs)
    await book.activate('gold', 2, nowMs + HOUR_MS)
    expect(await book.list()).toMatchObject([
      { name: 'gold', versions: 2, newest: { version: 2 }, inForce: { version: 1 }, scheduled: [{ version: 2 }] },
    ])
    expect(await book.versions('gold')).toMatchObject([
      { version: 2, activations: [{ version: 2, atMs: nowMs + HOUR_MS }] },
      { version: 1, rates: 12_000, head: { timezone: 'Europe/London' }, createdAtMs: nowMs },
    ])
    const found: string[] = []
    let cursor: string | undefined
    do {
      const page = await book.show({
        name: 'gold',
        version: 1,
        prefix: '1110',
        limit: 30,
        ...(cursor ? { cursor } : {}),
      })
      found.push(...(page?.rows ?? []).map(({ prefix }) => prefix))
      cursor = page?.nextCursor
    } while (cursor !== undefined)
    expect(found).toEqual(Array.from({ length: 100 }, (_, n) => String(111_000 + n)))
    expect(await book.show({ name: 'gold', version: 3, limit: 1 })).toBeUndefined()
    expect(book.inForce('gold', nowMs)?.size).toBe(12_000)
  })

  it('answers other work while a large tariff is compiled', async () => {
    const book = bookOf(test)
    const rows = rates(
      '0.01',
      Array.from({ length: 60_000 }, (_, n) => String(1_000_000 + n)),
    )
    await book.addVersion(head, rows)
    const other = bookOf(test)
    let turns = 0
    let done = false
    const turn = (): void => {
      turns += 1
      if (!done) setImmediate(turn)
    }
    turn()
    await other.pinned('gold', 1)
    done = true
    expect(turns).toBeGreaterThan(10)
  })

  it('is read again for those who ask while it is being read', async () => {
    const book = bookOf(test)
    const running = book.refresh()
    await bookOf(test).addVersion(head, rates('0.01'))
    await Promise.all([book.refresh(), book.refresh(), running])
    expect(book.revision).toBe(1)
  })
})
