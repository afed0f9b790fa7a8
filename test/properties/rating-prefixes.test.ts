import fc from 'fast-check'
import { expect, it } from 'vitest'
import { priceOf } from '../../src/rating/charge.ts'
import { NO_ROW, numberKey, PrefixIndex, shorterKey } from '../../src/rating/prefix-index.ts'
import type { RateRow } from '../../src/rating/tariff.ts'
import { naiveRate } from '../rating/naive-rating.ts'
import { tariffOf } from '../rating/tariffs.ts'

/** Few digits, so that prefixes are often parts of each other and of the numbers. */
const digits = fc.string({ unit: fc.constantFrom('0', '1', '9'), maxLength: 15 })

it('the table of prefixes knows what a map knows', () => {
  const anyPrefix = fc.oneof(digits, fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: 15 }))
  fc.assert(
    fc.property(fc.array(anyPrefix, { maxLength: 3000, size: 'max' }), fc.array(anyPrefix), (prefixes, others) => {
      const index = new PrefixIndex()
      const known = new Map<string, number>()
      for (const [row, prefix] of prefixes.entries()) {
        index.set(numberKey(prefix), row)
        known.set(prefix, row)
      }
      expect(index.size).toBe(known.size)
      for (const prefix of [...prefixes, ...others]) {
        expect(index.get(numberKey(prefix).key)).toBe(known.get(prefix) ?? NO_ROW)
        if (known.has(prefix)) expect(index.hasLength(prefix.length)).toBe(true)
      }
    }),
    { numRuns: 30 },
  )
})

it('the key of a shorter prefix is the key without its last digit', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 15 }), (prefix) => {
      expect(shorterKey(numberKey(prefix).key)).toBe(numberKey(prefix.slice(0, -1)).key)
    }),
  )
})

it('the longest prefix with a rate for the direction and time wins', () => {
  const atMs = Date.parse('2026-11-23T18:30:00Z')
  const row = fc.record({
    prefix: digits,
    perMinute: fc.constant('0.01'),
    direction: fc.constantFrom('outbound', 'inbound', 'both'),
    blocked: fc.boolean(),
    validFrom: fc.constantFrom(undefined, '2026-11-23T18:30:00Z', '2026-11-23T18:30:01Z'),
  })
  const rows = fc.uniqueArray(row, { selector: ({ prefix, direction }) => `${prefix} ${direction}`, minLength: 1 })
  fc.assert(
    fc.property(rows, digits, fc.constantFrom('outbound', 'inbound'), (rates: RateRow[], number, direction) => {
      const call = { direction, digits: number, answeredAtMs: atMs }
      const wanted = naiveRate(rates, call, atMs)
      const answer = priceOf(tariffOf(rates), call)
      if (!wanted) expect(answer.kind).toBe('no_rate')
      else if (wanted.blocked === true) expect(answer).toEqual({ kind: 'blocked', prefix: wanted.prefix || '*' })
      else expect(answer).toMatchObject({ kind: 'priced', price: { prefix: wanted.prefix || '*' } })
    }),
    { numRuns: 500 },
  )
})
