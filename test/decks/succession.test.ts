import { describe, expect, it } from 'vitest'
import { type OpenRate, repeatsIn, setEnds } from '../../src/decks/succession.ts'

function ended(rates: readonly OpenRate[], zone = 'UTC'): readonly (string | undefined)[] {
  const copies = rates.map((rate) => ({ ...rate }))
  setEnds(copies, zone)
  return copies.map(({ validUntil }) => validUntil)
}

const from = (validFrom?: string, more: Partial<OpenRate> = {}): OpenRate => {
  return { prefix: '44', perMinute: '0.01', ...(validFrom === undefined ? {} : { validFrom }), ...more }
}

describe('rates of one prefix and direction', () => {
  it('go on until the next begins, in whatever order they stand', () => {
    expect(ended([from('2027-01-01'), from(), from('2026-12-08')])).toEqual([undefined, '2026-12-07', '2026-12-31'])
    expect(ended([from('2026-12-01'), from('2026-12-08T10:00:00Z')])).toEqual(['2026-12-08T10:00:00Z', undefined])
  })

  it('keep the end that they have', () => {
    expect(ended([from('2026-12-01', { validUntil: '2026-12-03' }), from('2026-12-08')])).toEqual([
      '2026-12-03',
      undefined,
    ])
  })

  it('stay as they are where they begin together, or go another way', () => {
    expect(ended([from('2026-12-01'), from('2026-12-01')])).toEqual([undefined, undefined])
    expect(ended([from('2026-12-01'), from('2026-12-08', { direction: 'inbound' })])).toEqual([undefined, undefined])
    expect(ended([from(), from()])).toEqual([undefined, undefined])
  })

  it('are repeats where they are the same in every word', () => {
    const rates = [
      from('2026-12-01'),
      from('2026-12-02'),
      from('2026-12-01'),
      from('2026-12-01', { perMinute: '0.010' }),
    ]
    expect([...repeatsIn(rates)]).toEqual([2])
  })
})
