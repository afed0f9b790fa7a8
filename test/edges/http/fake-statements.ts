/** Statements of an account that was charged for trunks, a phone and two calls. */
import type { HttpParts } from '../../../src/edges/http/parts.ts'

const totals = { monthly: 30_000_000n, calls: 40_000n, payments: 20_000_000n, credits: 1_000_000n }

export function fakeStatements(note: (what: string, input: unknown) => void): HttpParts['statements'] {
  return {
    statement: async ({ id }, period) => {
      note('statement', { account: id, ...period })
      const figures = { calls: 2, seconds: 90, billedSeconds: 120, poolSeconds: 0, trunkSeconds: 0 }
      return {
        ...{ ...period, ...totals, opening: 0n, closing: -9_040_000n },
        charges: [
          { class: 'trunking', count: 1, amount: 25_000_000n },
          { class: 'sip_devices', count: 2, amount: 5_000_000n },
        ],
        usage: { ...figures, overrunSeconds: 0, overruns: 0, charge: 40_000n },
        dueAtMs: Date.UTC(2026, 11, 1, 5),
        items: [
          {
            id: '3-7',
            atMs: period.fromMs,
            what: 'fee',
            class: 'trunking',
            why: '2 trunks',
            amount: -25_000_000n,
            charge: 25_000_000n,
            poolSeconds: 0,
          },
        ],
        hasMoreItems: true,
      }
    },
    totals: async (account, query) => {
      note('totals', { account, ...query })
      return { items: [{ account, ...totals }], nextCursor: '1' }
    },
  }
}
