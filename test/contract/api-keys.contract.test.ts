import { describe, expect, it } from 'vitest'
import { hasScope, mayReach } from '../../src/accounts/api-keys.ts'
import { RedisApiKeys } from '../../src/store/redis-api-keys.ts'
import { storeForms, type TestStore, useStore } from '../support/offices.ts'

function keysOf({ store, keys, clock }: TestStore): RedisApiKeys {
  return new RedisApiKeys({ store, keys, clock })
}

describe.each(storeForms)('API keys on %s', (_name, form) => {
  const test = useStore(form)

  it('are known by their text, which is told once', async () => {
    const keys = keysOf(test)
    const { text, record } = await keys.create({ name: 'switch', scopes: ['calls:decide'], account: 'acme' })
    expect(text).toMatch(new RegExp(`^tg_${record.id}_[A-Za-z0-9_-]{32}$`))
    expect(await keys.verify(text)).toEqual({ id: record.id, scopes: ['calls:decide'], account: 'acme' })
    expect(await keysOf(test).verify(text)).toEqual({ id: record.id, scopes: ['calls:decide'], account: 'acme' })
    expect(await keys.list()).toEqual([record])
    const stored = await test.store.command((client) => client.hgetall(test.keys.apiKeys()))
    const secret = text.split('_').slice(2).join('_')
    expect(JSON.stringify([stored, await keys.list()])).not.toContain(secret)
    expect(JSON.stringify(await keys.list())).not.toContain('hash')
  })

  it('are not known by another secret, id or form', async () => {
    const keys = keysOf(test)
    const { text, record } = await keys.create({ scopes: ['*'] })
    const wrong = text.endsWith('A') ? `${text.slice(0, -1)}B` : `${text.slice(0, -1)}A`
    for (const other of [
      wrong,
      `${text}x`,
      `tg_${'0'.repeat(12)}_${'x'.repeat(32)}`,
      record.id,
      `Bearer ${text}`,
      '',
    ]) {
      expect(await keys.verify(other)).toBeUndefined()
    }
  })

  it('are refused within a second of their revocation by every daemon, and at once by the one that revoked', async () => {
    const [here, there] = [keysOf(test), keysOf(test)]
    const { text, record } = await here.create({ scopes: ['*'] })
    expect(await there.verify(text)).toBeDefined()
    expect(await here.revoke(record.id)).toBe(true)
    expect(await here.verify(text)).toBeUndefined()
    test.clock.advance(1_000)
    expect(await there.verify(text)).toBeUndefined()
    expect(await here.list()).toEqual([{ ...record, revokedAtMs: test.clock.nowMs() - 1_000 }])
    expect(await here.revoke(record.id)).toBe(true)
    expect(await here.revoke('nobody')).toBe(false)
  })

  it('end when they expire', async () => {
    const keys = keysOf(test)
    const { text } = await keys.create({ scopes: ['*'], expiresAtMs: test.clock.nowMs() + 500 })
    expect(await keys.verify(text)).toBeDefined()
    test.clock.advance(500)
    expect(await keys.verify(text)).toBeUndefined()
  })

  it('have the scopes they were given and no other', () => {
    expect(hasScope({ id: '1', scopes: ['usage:read'] }, 'usage:read')).toBe(true)
    expect(hasScope({ id: '1', scopes: ['usage:read'] }, 'credit:write')).toBe(false)
    expect(hasScope({ id: '1', scopes: ['*'] }, 'credit:write')).toBe(true)
  })

  it('of an account reach it and those below it, and no other (O9)', async () => {
    const office = test.office()
    await office.put('root', {})
    await office.put('acme', { parent: 'root' })
    await office.put('shop', { parent: 'acme' })
    await office.put('other', { parent: 'root' })
    const key = { id: '1', scopes: ['*'], account: 'acme' }
    const reached: Record<string, boolean> = {}
    for (const account of ['root', 'acme', 'shop', 'other']) {
      const chain = await office.chainOf(account)
      reached[account] = chain !== undefined && mayReach(key, chain)
    }
    expect(reached).toEqual({ root: false, acme: true, shop: true, other: false })
    const chain = await office.chainOf('root')
    expect(chain && mayReach({ id: '1', scopes: ['*'] }, chain)).toBe(true)
  })
})

describe('API keys while the store is away', () => {
  const test = useStore('redis', { keepsBooks: false })

  it('that were good a moment ago are good, as calls still need a decision; others are not known', async () => {
    const keys = keysOf(test)
    const { text } = await keys.create({ scopes: ['*'] })
    const other = await keys.create({ scopes: ['*'] })
    expect(await keys.verify(text)).toBeDefined()
    await test.close()
    test.clock.advance(60_000)
    expect(await keys.verify(text)).toBeDefined()
    await expect(keys.verify(other.text)).rejects.toMatchObject({ name: 'Fault', retryable: true })
    test.clock.advance(3_600_000)
    await expect(keys.verify(text)).rejects.toMatchObject({ name: 'Fault' })
  })
})
