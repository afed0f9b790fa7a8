/** Re-rating of a daemon that has one version and one call. */
import type { HttpParts } from '../../../src/edges/http/parts.ts'
import { tariffOf } from '../../rating/tariffs.ts'

export function fakeRerating(note: (what: string, input: unknown) => void): HttpParts['rerating'] {
  return {
    tariffOf: async (name, version = 2) => {
      if (version !== 2) return undefined
      return tariffOf([{ prefix: '44', perMinute: '0.12' }], {
        name,
        version,
        currency: name === 'euro' ? 'EUR' : 'USD',
      })
    },
    page: async ({ tariff, ...query }) => {
      note('rerate', { ...query, tariff: tariff.head.name, version: tariff.head.version })
      const call = {
        call: 'A',
        from: '+1',
        to: '+44',
        seconds: 30,
        before: 30_000n,
        after: 60_000n,
        posted: query.post,
      }
      return {
        calls: 3,
        changed: [call],
        left: { no_rate: 1, blocked: 0, unexplained: 1 },
        reachedMs: Date.UTC(2026, 10, 2, 4, 30),
        nextCursor: '7',
      }
    },
  }
}
