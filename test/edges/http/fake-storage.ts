/** Storage of an account that had a dear October. */
import type { HttpParts } from '../../../src/edges/http/parts.ts'
import type { MonthView } from '../../../src/storage-fee/storage-desk.ts'

const october: MonthView = {
  ...{ month: '2026-10', state: 'billed', measuredBytes: 12_500_000_000, units: 3, amount: 300_000n },
  why: 'storage in 2026-10: peak',
  days: [{ day: '2026-10-14', bytes: 12_500_000_000 }],
  entry: '3-7',
}

const november: MonthView = {
  ...{ month: '2026-11', state: 'open', measuredBytes: 5, units: 0, amount: 0n, why: '' },
  days: [{ day: '2026-11-14', bytes: 5 }],
  closesAtMs: Date.UTC(2026, 11, 2, 5),
}

export function fakeStorage(note: (what: string, input: unknown) => void): HttpParts['storage'] {
  return {
    report: async (report) => {
      note('storage', report)
      if (report.day >= '2026-12-01') return { kind: 'refused', code: 'storage_day_invalid', detail: 'has not begun' }
      if (report.day < '2026-11-01') return { kind: 'refused', code: 'storage_billed', detail: 'was billed' }
      return { kind: 'reported', month: november }
    },
    view: async (account) => ({
      ...{ account, currency: 'USD', timezone: 'America/New_York', months: [october, november] },
      terms: {
        ...{ price: 100_000n, unitBytes: 1_000_000_000, thresholdBytes: 10_000_000_000 },
        ...{ charged: 'above', measure: 'peak' },
      },
    }),
  }
}
