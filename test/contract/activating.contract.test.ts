import { describe, expect, it } from 'vitest'
import { activate } from '../../src/app/activating.ts'
import type { ActivationInput } from '../../src/edges/http/parts.ts'
import type { RateRow } from '../../src/rating/tariff.ts'
import { RedisTariffBook } from '../../src/store/redis-tariffs.ts'
import { PARTITIONS, storeForms, useStore } from '../support/offices.ts'

const HOUR_MS = 3_600_000

function rates(count: number, perMinute: string): readonly RateRow[] {
  return Array.from({ length: count }, (_, at) => ({ prefix: String(4400 + at), perMinute }))
}

describe.each(storeForms)('putting a version in force on %s', (_name, form) => {
  const test = useStore(form)

  async function book(...versions: readonly (readonly RateRow[])[]) {
    const { store, keys, clock } = test
    const tariffs = new RedisTariffBook({ store, keys, clock, partitions: PARTITIONS })
    for (const rows of versions) await tariffs.addVersion({ name: 'gold', currency: 'USD' }, rows)
    const put = (version: number, asked: ActivationInput = {}) =>
      activate({ book: tariffs, clock }, { name: 'gold', version, ...asked })
    const inForce = () => tariffs.inForce('gold', clock.nowMs())?.head.version
    return { put, inForce, nowMs: clock.nowMs() }
  }

  it('is refused past the guard rails, and changes nothing, until it is confirmed', async () => {
    const { put, inForce } = await book(rates(30, '0.02'), rates(30, '2'))
    expect(await put(1)).toMatchObject({ kind: 'activated', version: 1 })
    const refused = await put(2, { limit: {} })
    expect(refused).toMatchObject({ kind: 'refused', against: 1 })
    expect(refused?.kind === 'refused' && refused.guards.map(({ limit }) => limit)).toEqual(['dearer', 'jump'])
    expect(inForce()).toBe(1)
    expect(await put(2, { limit: { jump: 200 } })).toMatchObject({ guards: [{ limit: 'dearer' }] })
    expect(inForce()).toBe(1)
    expect(await put(2, { limit: { jump: 200, dearer: 100 } })).toMatchObject({ kind: 'activated' })
    expect(inForce()).toBe(2)
    expect(await put(1, { limit: {} })).toMatchObject({ kind: 'refused', against: 2 })
    expect(await put(1)).toMatchObject({ kind: 'activated' })
    expect(inForce()).toBe(1)
  })

  it('is held against the version that is in force by then', async () => {
    const { put, nowMs } = await book(rates(30, '0.02'), rates(30, '0.1'), rates(30, '0.11'))
    await put(1)
    await put(2, { atMs: nowMs + HOUR_MS })
    expect(await put(3, { atMs: nowMs + HOUR_MS / 2, limit: {} })).toMatchObject({ kind: 'refused', against: 1 })
    expect(await put(3, { atMs: nowMs + 2 * HOUR_MS, limit: {} })).toMatchObject({ kind: 'activated' })
    expect(await put(9)).toBeUndefined()
  })

  it('is held to them only where limits are named, and not against itself', async () => {
    const { put } = await book(rates(3, '0.02'), rates(3, '2'))
    await put(1)
    expect(await put(2, { limit: {} })).toMatchObject({ guards: [{ limit: 'jump' }] })
    expect(await put(2)).toMatchObject({ kind: 'activated' })
    expect(await put(2, { limit: {} })).toMatchObject({ kind: 'activated' })
  })
})
