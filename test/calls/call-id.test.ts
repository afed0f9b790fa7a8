import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { legKey, makeCallId, parseCallId } from '../../src/calls/call-id.ts'
import { digest } from '../support/desk.ts'

describe('the id of a call', () => {
  it('leads to where the call is kept, and sorts by time', () => {
    fc.assert(
      fc.property(fc.nat(1023), fc.string(), fc.integer({ min: 0, max: 2 ** 48 - 2 }), (partition, callId, atMs) => {
        const ref = { partition, legKey: legKey({ node: 'n', callId, legId: '' }, digest) }
        const id = makeCallId(ref, atMs)
        expect(id).toMatch(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/)
        expect(parseCallId(id)).toEqual(ref)
        expect(makeCallId(ref, atMs + 1) > id).toBe(true)
      }),
    )
  })

  it.each([
    '',
    'x',
    '8ZZZZZZZZZZZZZZZZZZZZZZZZZ',
    '01M844DZG008DKJTFRZD9ZXF6U',
    '01M844DZG008DKJTFRZD9ZXF6QQ',
    '01m844dzg008dkjtfrzd9zxf6q',
  ])('is not %j', (text) => {
    expect(parseCallId(text)).toBeUndefined()
  })
})

describe('the key of a leg', () => {
  it('is another for every other leg, wherever its parts begin', () => {
    const part = fc.string({ unit: 'binary', maxLength: 3 })
    const leg = fc.record({ node: part, callId: part, legId: part })
    fc.assert(
      fc.property(leg, leg, (one, other) => {
        const same = one.node === other.node && one.callId === other.callId && one.legId === other.legId
        expect(legKey(one, digest) === legKey(other, digest)).toBe(same)
      }),
      {
        examples: [
          [
            { node: 'a', callId: '1', legId: '' },
            { node: 'a1', callId: '', legId: '' },
          ],
        ],
        numRuns: 300,
      },
    )
  })

  it('is always the same for the same leg', () => {
    expect(legKey({ node: 'edge-1', callId: 'c1', legId: 'tag' }, digest)).toBe('VSMCFH47RMEEZ9')
  })
})
