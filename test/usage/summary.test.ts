import { expect, it } from 'vitest'
import type { AccountProfile } from '../../src/accounts/account.ts'
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
