import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import type { RateRow } from '../../src/rating/tariff.ts'
import { lines, Stub } from '../cli/stub.ts'

const folder = mkdtempSync(join(tmpdir(), 'tg-files-'))
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined })
const decimal = (most: number) =>
  fc.tuple(fc.nat(most), fc.nat(999_999)).map(([units, part]) => `${units}.${String(part).padStart(6, '0')}`)
const day = fc.integer({ min: 1, max: 28 }).map((date) => `2026-12-${String(date).padStart(2, '0')}`)
const later = fc.oneof(
  fc.integer({ min: 10, max: 28 }).map((date) => `2027-01-${date}`),
  fc.constant('2027-02-01T12:30:00Z'),
)

/** Names that a spreadsheet would run, and that a parser would cut. */
const destination = fc
  .array(fc.constantFrom('U', 'K', ' ', ',', ';', '"', '=', '+', '@', '-', 'é', '|', '0'), {
    minLength: 1,
    maxLength: 12,
  })
  .map((parts) => parts.join('').trim())
  .filter((text) => text !== '')

const terms = {
  destination: maybe(destination),
  direction: maybe(fc.constantFrom('outbound' as const, 'inbound' as const, 'both' as const)),
  connectFee: maybe(decimal(9)),
  firstIncrement: maybe(fc.integer({ min: 1, max: 86_400 })),
  nextIncrement: maybe(fc.integer({ min: 1, max: 86_400 })),
  minimumSeconds: maybe(fc.nat(86_400)),
  noChargeSeconds: maybe(fc.nat(86_400)),
  validFrom: maybe(day),
  validUntil: maybe(later),
}

const band = fc.record({
  days: fc.constant(['sat', 'sun']),
  from: fc.constant('08:00'),
  to: fc.constant('20:00'),
  perMinute: decimal(4),
})

const rate = fc.oneof(
  fc.record({ ...terms, perMinute: decimal(4) }),
  fc.record({ ...terms, perMinute: fc.constant(''), blocked: fc.constant(true) }),
)

const prefixes = fc.uniqueArray(fc.oneof(fc.constant('*'), fc.integer({ min: 1, max: 999_999_999 }).map(String)), {
  minLength: 1,
  maxLength: 30,
})

const flat = prefixes.chain((keys) => fc.tuple(...keys.map((prefix) => rate.map((row) => plain({ prefix, ...row })))))

const banded = prefixes.chain((keys) =>
  fc.tuple(
    ...keys.map((prefix) => fc.tuple(rate, band).map(([row, bands]) => plain({ prefix, ...row, bands: [bands] }))),
  ),
)

/** As JSON has it: what is not said is not there, and a blocked rate has no price. */
function plain({ perMinute, ...row }: RateRow): object {
  return JSON.parse(JSON.stringify({ ...row, ...(perMinute === '' ? {} : { perMinute }) })) as object
}

/** A version that is exported to a file, and what an import of that file sends. */
async function roundTrip(rates: readonly object[], file: string): Promise<unknown> {
  const stub = new Stub()
  await stub.open()
  try {
    stub.on('GET /v1/tariffs', { body: { items: [] } })
    const head = { name: 'retail', version: 1, currency: 'USD' }
    stub.on('GET /v1/tariffs/retail/versions/1/rates', lines(head, ...rates))
    const added = { name: 'retail', version: 2, rates: rates.length, sha256: 'ab' }
    stub.on('POST /v1/tariffs/retail/versions', { status: 201, body: added })
    const path = join(folder, file)
    expect((await stub.run('tariff', 'export', 'retail', '1', '--output', path)).err).toBe('')
    // Rates that are made up may all be free, which the guard rails take for a mistake.
    const imported = await stub.run('tariff', 'import', path, '--name', 'retail', '--limit', 'free=1000')
    expect(imported.err).toBe('')
    return stub.asked.find(({ method }) => method === 'POST')?.body
  } finally {
    await stub.close()
  }
}

it('a tariff that is exported to CSV and imported is the same tariff', async () => {
  await fc.assert(
    fc.asyncProperty(flat, async (rates) => {
      expect(await roundTrip(rates, 'retail.csv')).toEqual([{ currency: 'USD' }, ...rates])
    }),
    { numRuns: 60 },
  )
}, 120_000)

it('a tariff with bands that is exported to YAML and imported is the same tariff', async () => {
  await fc.assert(
    fc.asyncProperty(banded, async (rates) => {
      expect(await roundTrip(rates, 'retail.yaml')).toEqual([{ currency: 'USD' }, ...rates])
    }),
    { numRuns: 40 },
  )
}, 120_000)
