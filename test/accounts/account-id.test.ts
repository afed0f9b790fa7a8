import { expect, it } from 'vitest'
import { isAccountId } from '../../src/accounts/profile.ts'

it.each(['a', 'A-1_b.c', '0', 'x'.repeat(64)])('%s is an id of an account', (id) => {
  expect(isAccountId(id)).toBe(true)
})

it.each(['', 'x'.repeat(65), 'a b', 'a:b', 'a/b', 'é', 'a\n', '{a}', '*'])('%j is none', (id) => {
  expect(isAccountId(id)).toBe(false)
})
