import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AccountProfile } from '../../src/accounts/account.ts'
import { newProfile } from '../../src/accounts/profile.ts'
import { MAX_MICROS } from '../../src/base/money.ts'
import { decodeProfile, encodeProfile } from '../../src/store/profile-codec.ts'
import { canonicalJson, contentOf } from '../../src/store/operation.ts'
import { defaults } from '../support/offices.ts'

const profile = newProfile({ id: 'acme', input: {}, defaults, nowMs: 0 })

describe('a stored profile', () => {
  it('gives back every amount to the micro', () => {
    const micros = fc.bigInt({ min: 0n, max: MAX_MICROS })
    fc.assert(
      fc.property(micros, micros, micros, (creditLimit, day, threshold) => {
        const account: AccountProfile = { ...profile, creditLimit, spendCaps: { day }, lowBalance: { threshold } }
        expect(decodeProfile(encodeProfile(account))).toEqual(account)
      }),
    )
  })

  it('writes money as digits, so that no reader makes a double of it', () => {
    const text = encodeProfile({ ...profile, creditLimit: MAX_MICROS })
    expect(JSON.parse(text)).toMatchObject({ creditLimit: '9007199254740991' })
  })

  it.each([
    ['a broken amount', { creditLimit: '1.5' }],
    ['a broken id', { id: 'a b' }],
    ['an unknown status', { status: 'asleep' }],
    ['an amount that is no text', { creditLimit: 5 }],
  ])('that has %s is a fault of the store', (_what, changes) => {
    const stored = JSON.parse(encodeProfile(profile)) as object
    expect(() => decodeProfile(JSON.stringify({ ...stored, ...changes }))).toThrow('cannot be read')
  })

  it('is refused before it is stored when it does not fit', () => {
    expect(() => encodeProfile({ ...profile, creditLimit: MAX_MICROS + 1n })).toThrow('cannot be stored')
    expect(() => encodeProfile({ ...profile, cycleDay: 32 })).toThrow('cannot be stored')
  })
})

describe('the content of an operation', () => {
  it('is the same whatever the order of fields and what is left out', () => {
    expect(contentOf({ a: 1, b: [{ c: 2n, d: undefined }] })).toBe(contentOf({ b: [{ c: 2n }], a: 1 }))
    expect(contentOf({ a: 1 })).not.toBe(contentOf({ a: '1' }))
    expect(contentOf(['debit', 5n])).not.toBe(contentOf(['credit', 5n]))
  })

  it('is JSON with sorted names', () => {
    expect(canonicalJson({ b: 1n, a: [null, 'x"', true], c: undefined })).toBe('{"a":[null,"x\\"",true],"b":"1"}')
  })
})
