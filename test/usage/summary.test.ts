import { describe, expect, it } from 'vitest'
import type { AccountProfile } from '../../src/accounts/account.ts'
import { Fault } from '../../src/base/fault.ts'
import { type UsageParts, UsageDesk } from '../../src/usage/summary.ts'

/** r; r.0 to r.129; below each of those two more, and below each of these one. */
function below(parent: string): readonly string[] {
  const levels = parent.split('.').length
  return Array.from({ length: [130, 2, 1, 0][levels - 1] ?? 0 }, (_, n) => `${parent}.${n}`)
}

const PAGE = 50

/** Pages are shorter than what was asked for. */
const office = {
  chainOf: async () => ({ partition: 3 }),
  list: async ({ parent = '', cursor = '0' }: { parent?: string; cursor?: string }) => {
    const [all, from] = [below(parent), Number(cursor)]
    const items = all.slice(from, from + PAGE).map((id) => ({ id }) as AccountProfile)
    return all.length > from + PAGE ? { items, nextCursor: String(from + PAGE) } : { items }
  },
}

it('usage with descendants is of every account below, however deep and however many, each once', async () => {
  const desk = new UsageDesk({ office } as unknown as UsageParts)
  const { partition, accounts } = await desk.whose('r', true)
  const children = below('r')
  const wanted = ['r', ...children, ...children.flatMap(below), ...children.flatMap(below).flatMap(below)]
  expect(partition).toBe(3)
  expect(accounts.toSorted()).toEqual(wanted.toSorted())
  expect((await desk.whose('r', false)).accounts).toEqual(['r'])
})

describe('usage of lately, where the archive is away', () => {
  const row = {
    key: 'x',
    currency: 'USD',
    calls: 1,
    seconds: 1,
    billedSeconds: 1,
    poolSeconds: 0,
    trunkSeconds: 0,
    overrunSeconds: 0,
    overruns: 0,
    charge: 1n,
  }
  const query = { fromMs: 0, untilMs: 1, by: 'user', includeDescendants: false } as const

  function deskOf(calls: number, isOpen: boolean): UsageDesk {
    const archive = {
      isOpen,
      rows: () => {
        throw new Fault('archive_unavailable', 'it is away', { retryable: true })
      },
    }
    const store = {
      async *rows() {
        for (let call = 0; call < calls; call += 1) yield row
      },
    }
    const found = { ...office, get: async () => ({ timezone: 'UTC' }) }
    const clock = { nowMs: () => 0 }
    return new UsageDesk({ office: found, archive, store, clock, hotDays: () => 35 } as unknown as UsageParts)
  }

  it.each([true, false])('is summed from the store, up to a bound (asked before: %s)', async (isOpen) => {
    const [sum] = await deskOf(20_000, isOpen).summary('r', query)
    expect(sum).toMatchObject({ calls: 20_000, charge: 20_000n })
    await expect(deskOf(20_001, isOpen).summary('r', query)).rejects.toMatchObject({ code: 'archive_unavailable' })
  })
})
