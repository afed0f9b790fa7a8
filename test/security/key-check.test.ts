/** However wrong a key is, checking it does the same: nothing of it can be told from how long that takes. */
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { bootstrapKey } from '../../src/app/bootstrap-key.ts'
import { RedisApiKeys } from '../../src/store/redis-api-keys.ts'
import { useStore } from '../support/offices.ts'

const test = useStore('redis')

const compared = vi.spyOn(crypto, 'timingSafeEqual')

beforeAll(() => syncBuiltinESMExports())
afterAll(() => {
  compared.mockRestore()
  syncBuiltinESMExports()
})

async function lengthsComparedFor(check: () => unknown): Promise<readonly number[]> {
  compared.mockClear()
  expect(await check()).toBeUndefined()
  return compared.mock.calls.flatMap(([a, b]) => [a.byteLength, b.byteLength])
}

describe('one comparison of digests, in constant time,', () => {
  it.each([
    ['whose first character is wrong', (key: string) => key.replace(/^(tg_[^_]+_)(.)/, firstOther)],
    ['whose last character is wrong', (key: string) => key.slice(0, -1) + other(key.at(-1)!)],
    ['that is longer', (key: string) => `${key}x`],
    ['that is shorter', (key: string) => key.slice(0, -1)],
    ['of an id that is not known', (key: string) => key.replace(/^tg_[^_]+/, 'tg_nobody')],
  ])('is made for a key %s', async (_, spoil) => {
    const keys = new RedisApiKeys(test)
    const { text } = await keys.create({ scopes: ['*'] })
    expect(await keys.verify(text)).toMatchObject({ scopes: ['*'] })
    expect(await lengthsComparedFor(() => keys.verify(spoil(text)))).toEqual([64, 64])
  })

  it('is made for a key that was revoked', async () => {
    const keys = new RedisApiKeys(test)
    const { text, record } = await keys.create({ scopes: ['*'] })
    await keys.revoke(record.id)
    expect(await lengthsComparedFor(() => keys.verify(text))).toEqual([64, 64])
  })
})

it('the first key is compared whole, wherever it is wrong', async () => {
  const named = 'tg_boot_0123456789abcdef'
  const key = await bootstrapKey(named, '/nowhere')
  expect(key.verify(named)).toMatchObject({ scopes: ['*'] })
  for (const wrong of ['tg_boot_x123456789abcdef', 'tg_boot_0123456789abcdex']) {
    expect(await lengthsComparedFor(() => key.verify(wrong))).toEqual([named.length, named.length])
  }
})

function firstOther(_: string, head: string, first: string): string {
  return head + other(first)
}

function other(character: string): string {
  return character === 'a' ? 'b' : 'a'
}
