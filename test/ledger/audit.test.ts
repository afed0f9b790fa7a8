import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Replay } from '../../src/ledger/audit.ts'
import type { Checkpoint } from '../../src/ledger/checkpoint.ts'
import type { Counter, JournalEntry } from '../../src/ledger/journal.ts'

function entry(changes: Partial<JournalEntry>): JournalEntry {
  return { kind: 'settle', atMs: 0, moves: [], members: [], books: [], ...changes }
}

const nobody = { live: [], inbound: [], outbound: [], twoWay: [] }

const credit = entry({ kind: 'credit', moves: [['acme', 'cp', 10]], books: [['USD:funding', -10]] })
const reserve = entry({
  kind: 'reserve',
  legKey: 'LEG',
  moves: [
    ['acme', 'dr', 4],
    ['acme', 'p:plan:1:r', 60],
  ],
  members: [
    ['acme', 'live', 1],
    ['acme', 'outbound', 1],
  ],
})
const settle = entry({
  legKey: 'LEG',
  moves: [
    ['acme', 'dr', -4],
    ['acme', 'dp', 3],
    ['acme', 'p:plan:1:r', -60],
    ['acme', 'p:plan:1:u', 60],
  ],
  members: [
    ['acme', 'live', -1],
    ['acme', 'outbound', -1],
  ],
  books: [['USD:revenue', 3]],
})

function replayed(...entries: readonly JournalEntry[]): Replay {
  const replay = new Replay(7)
  for (const [index, each] of entries.entries()) replay.add(index + 1, each)
  return replay
}

function figures(counters: Record<string, number>): ReadonlyMap<string, bigint> {
  return new Map(Object.entries(counters).map(([name, figure]) => [name, BigInt(figure)]))
}

describe('a replay', () => {
  it('gives counters, sets, books and holds after each entry', () => {
    const during = replayed(credit, reserve)
    expect(
      during.compareAccount({
        account: 'acme',
        counters: figures({ cp: 10, dr: 4, 'p:plan:1:r': 60 }),
        members: { ...nobody, live: ['LEG'], outbound: ['LEG'] },
      }),
    ).toEqual([])
    const pools = [{ pool: 'plan', cycle: 1, seconds: 60 }]
    expect(during.compareCall({ legKey: 'LEG', levels: [{ account: 'acme', hold: { credit: 4n, pools } }] })).toEqual(
      [],
    )
    const after = replayed(credit, reserve, settle)
    const counters = figures({ cp: 10, dp: 3, dr: 0, 'p:plan:1:r': 0, 'p:plan:1:u': 60 })
    expect(after.compareAccount({ account: 'acme', counters, members: nobody })).toEqual([])
    expect(after.compareBooks(figures({ 'USD:funding': -10, 'USD:revenue': 3 }))).toEqual([])
    expect([...after.calls]).toEqual([])
    expect([...after.accounts]).toEqual(['acme'])
    expect(after.drifts).toEqual([])
  })

  it.each([
    ['a counter that is one micro more', { cp: 11 }, [{ counter: 'cp', journal: '10', live: '11' }]],
    ['a counter that is gone', {}, [{ counter: 'cp', journal: '10', live: '0' }]],
    ['a counter that no entry made', { cp: 10, dr: 1 }, [{ counter: 'dr', journal: '0', live: '1' }]],
  ])('sees %s', (_what, counters, drifts) => {
    const found = replayed(credit).compareAccount({ account: 'acme', counters: figures(counters), members: nobody })
    expect(found).toEqual(drifts.map((drift) => ({ partition: 7, account: 'acme', ...drift })))
  })

  it('sees a call that is in a set too many or too few', () => {
    const members = { ...nobody, live: ['LEG', 'OTHER'] }
    const counters = figures({ cp: 10, dr: 4, 'p:plan:1:r': 60 })
    expect(replayed(credit, reserve).compareAccount({ account: 'acme', counters, members })).toEqual([
      { partition: 7, account: 'acme', counter: 'live:OTHER', journal: '0', live: '1' },
      { partition: 7, account: 'acme', counter: 'outbound:LEG', journal: '1', live: '0' },
    ])
  })

  it('sees a call whose record holds something else, or is gone', () => {
    const pools = [{ pool: 'plan', cycle: 1, seconds: 60 }]
    const replay = replayed(credit, reserve)
    const more = { legKey: 'LEG', levels: [{ account: 'acme', hold: { credit: 5n, pools } }] }
    expect(replay.compareCall(more)).toEqual([
      { partition: 7, account: 'acme', counter: 'LEG dr', journal: '4', live: '5' },
    ])
    expect(replay.compareCall({ legKey: 'LEG', levels: [] })).toHaveLength(2)
    expect(replay.compareCall({ legKey: 'NONE', levels: more.levels })).toHaveLength(2)
  })

  it('sees a book that is not the other side', () => {
    expect(replayed(credit).compareBooks(figures({ 'USD:funding': -9 }))).toEqual([
      { partition: 7, account: '', counter: 'USD:funding', journal: '-10', live: '-9' },
    ])
  })

  it('sees an entry that is not balanced, and one that is missing', () => {
    const replay = replayed(credit, entry({ moves: [['acme', 'dp', 3]], books: [['USD:revenue', 2]] }))
    replay.add(5, credit)
    expect(replay.drifts).toEqual([
      { partition: 7, account: '', counter: 'entry 2', journal: 'sums to zero', live: '-1' },
      { partition: 7, account: '', counter: 'entry 3', journal: 'missing', live: 'to 4' },
    ])
  })
})

const change = fc.integer({ min: -5, max: 5 })
const account = fc.constantFrom('acme', 'shop')
const anEntry: fc.Arbitrary<JournalEntry> = fc.record({
  kind: fc.constantFrom('reserve' as const, 'settle' as const),
  atMs: fc.constant(0),
  legKey: fc.constantFrom('LEG', 'GEL'),
  moves: fc.array(fc.tuple(account, fc.constantFrom<Counter>('cp', 'dp', 'dr', 'p:plan:1:r', 'p:plan:1:u'), change)),
  members: fc.array(fc.tuple(account, fc.constantFrom('live' as const, 'twoWay' as const), fc.constantFrom(1, -1))),
  books: fc.array(fc.tuple(fc.constantFrom('USD:revenue' as const, 'USD:payments' as const), change)),
  note: fc.record({ payment: fc.constantFrom('one', 'two') }),
})

/** As the store adds the sums of a stretch to its checkpoint. */
function added(before: Checkpoint, { number, sums: more }: Checkpoint): Checkpoint {
  const sums = new Map(before.sums)
  for (const [name, sum] of more) {
    const both = (sums.get(name) ?? 0n) + sum
    if (both === 0n) sums.delete(name)
    else sums.set(name, both)
  }
  return { number, sums }
}

describe('a checkpoint', () => {
  it('goes on as if all entries were replayed, and is the sum of those of its stretches', () => {
    const journals = fc.array(fc.array(anEntry, { maxLength: 6 }), { maxLength: 6 })
    const checked = fc.property(journals, (stretches) => {
      const whole = replayed(...stretches.flat()).checkpoint
      let summed: Checkpoint = { number: 0, sums: new Map() }
      let resumed = summed
      for (const stretch of stretches) {
        const apart = new Replay(7, { number: summed.number, sums: new Map() })
        const onward = new Replay(7, resumed)
        for (const each of stretch) for (const replay of [apart, onward]) replay.add(replay.last + 1, each)
        summed = added(summed, apart.checkpoint)
        resumed = onward.checkpoint
      }
      expect(summed).toEqual(whole)
      expect(resumed).toEqual(whole)
    })
    fc.assert(checked, { numRuns: 500 })
  })
})
