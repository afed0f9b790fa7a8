import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CallEnd, CallLevel, CallRecord, CallStep } from '../../src/calls/call.ts'
import { decodeCall, encodeCall } from '../../src/store/call-codec.ts'
import { aRecord } from '../ledger/a-plan.ts'

/** Edges may say when it was to less than a millisecond. */
const instant = fc.oneof(fc.integer({ min: 0, max: 2 ** 42 }), fc.double({ min: 0, max: 2 ** 42, noNaN: true }))
const seconds = fc.nat(200_000)
const micros = fc.bigInt({ min: 0n, max: 2n ** 53n - 1n })
const text = fc.string({ unit: 'grapheme', maxLength: 12 })
const { constantFrom: one, constant } = fc

const part = fc.record({
  pool: text,
  cycle: fc.nat(),
  seconds,
  increment: fc.nat(90),
  freeSeconds: fc.nat(90),
  onExhausted: one('finish_call', 'cut', 'spill'),
})

const level: fc.Arbitrary<CallLevel> = fc.record(
  {
    account: one('acme', 'house', ''),
    currency: one('USD', 'EUR'),
    tariff: fc.record({ name: text, version: fc.nat() }),
    hold: fc.record(
      { trunk: one('inbound', 'outbound', 'twoWay'), pools: fc.array(part), credit: micros, unpaid: constant(true) },
      { requiredKeys: ['pools', 'credit'] },
    ),
    charge: fc.record(
      { micros, billedSeconds: seconds, pools: fc.array(part), overrunSeconds: seconds, unrated: constant(true) },
      { requiredKeys: ['micros', 'billedSeconds', 'pools', 'overrunSeconds'] },
    ),
  },
  { requiredKeys: ['account', 'currency', 'hold'] },
)

const step: fc.Arbitrary<CallStep> = fc.record(
  { atMs: instant, what: text, times: fc.integer({ min: 2, max: 999 }) },
  { requiredKeys: ['atMs', 'what'] },
)

const end: fc.Arbitrary<CallEnd> = fc.record(
  {
    endedAtMs: instant,
    seconds,
    cause: text,
    presumed: fc.boolean(),
    heardAtMs: instant,
    instance: text,
    overlong: constant(true),
  },
  { requiredKeys: ['endedAtMs', 'seconds', 'cause', 'presumed', 'heardAtMs'] },
)

const always = fc.record({
  revision: fc.integer({ min: 1, max: 2 ** 31 }),
  state: one('authorized', 'answered', 'ending', 'ended', 'failed'),
  leg: fc.record({ node: text, callId: text, legId: text }),
  content: text,
  mode: one('clock', 'edge', 'whole'),
  direction: one('outbound', 'inbound'),
  media: one('voice', 'video', 'message'),
  from: text,
  to: text,
  account: one('acme', ''),
  authorizedAtMs: fc.integer({ min: 0, max: 2 ** 42 }),
  lastAliveAtMs: instant,
  absences: fc.nat(3),
  grantedSeconds: seconds,
  maxDurationSeconds: seconds,
  levels: fc.array(level, { maxLength: 5 }),
  corrections: fc.nat(3),
  history: fc.array(step, { maxLength: 5 }),
})

const few = {
  instance: text,
  attempt: text,
  requestedAtMs: instant.filter((atMs) => atMs !== 0),
  over: fc.array(fc.record({ attempt: text })),
  user: text,
  ref: fc.oneof(text, fc.dictionary(text, text)),
  answeredAtMs: instant,
  connectedAtMs: instant,
  aliveSeconds: seconds,
  absentAtMs: instant.filter((atMs) => atMs !== 0),
  finalReason: text,
  failOpen: constant(true),
  endingSinceMs: instant.filter((atMs) => atMs !== 0),
  endingReason: text,
  endAttempts: fc.integer({ min: 1, max: 9 }),
  end,
  firstAnswer: fc.record({
    reservedSeconds: seconds,
    reserved: micros,
    maxDurationSeconds: seconds,
    final: fc.boolean(),
    fundedBy: one('trunk', 'pool', 'credit', 'free', 'mixed'),
  }),
}
const sometimes = fc.record(few, { requiredKeys: [] }) as fc.Arbitrary<Partial<CallRecord>>

describe('the record of a call as text', () => {
  it('begins with its revision and leads back to the same record, whatever is in it', () => {
    fc.assert(
      fc.property(fc.nat(63), always, sometimes, (partition, usual, few) => {
        const record = aRecord('c1', partition, { ...usual, ...few })
        const written = encodeCall(record)
        expect(written.startsWith(`${record.revision}|`)).toBe(true)
        expect(decodeCall(written)).toEqual(record)
      }),
      { numRuns: 500 },
    )
  })

  it('keeps where it is kept also where its id says something else: a tombstone for another partition', () => {
    const tombstone = { ...aRecord('c1', 7), partition: 9 }
    expect(decodeCall(encodeCall(tombstone))).toEqual(tombstone)
    const odd = { ...aRecord('c1', 7), call: 'none' }
    expect(decodeCall(encodeCall(odd))).toEqual(odd)
  })

  it('is not read when it is not one', () => {
    for (const broken of ['', '{}', '|[]', 'x|[]']) expect(() => decodeCall(broken)).toThrow()
    const strange = encodeCall(aRecord('c1', 7)).replace('[0,0,0,0]', '[9,0,0,0]')
    expect(() => decodeCall(strange)).toThrow('words that are known')
  })
})
