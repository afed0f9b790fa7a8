/** Two daemons, each with folders of its own, on one Redis: what one does holds for the other. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Daemon } from './bench.ts'
import { twoDaemons } from './pair.ts'

const ends: (() => Promise<void>)[] = []
let one: Daemon
let other: Daemon

beforeAll(async () => {
  ;[one, other] = await twoDaemons((end) => ends.unshift(end))
}, 30_000)

afterAll(async () => {
  for (const end of ends) await end()
}, 30_000)

/** Half of them by each daemon, all at once. */
async function authorizeByBoth(account: string, calls: number): Promise<ReadonlyMap<string, number>> {
  const daemons = Array.from({ length: calls }, (_, call) => (call % 2 === 0 ? one : other))
  const answers = await Promise.all(daemons.map((daemon, call) => daemon.authorize(account, `${account}-${call}`)))
  const counts = new Map<string, number>()
  for (const { code } of answers) counts.set(code, (counts.get(code) ?? 0) + 1)
  return counts
}

describe('two daemons on one Redis', () => {
  it('share a call: one authorizes it, the other extends and settles it', async () => {
    const account = await one.account('shared', { credit: '200.00' })
    const { call } = await one.authorize(account, 'shared', { mode: 'edge' })
    await other.event('start', 'shared')
    const extended = await other.must('POST', '/v1/calls/extend', { callId: 'shared', usedSeconds: 60 })
    expect(extended).toMatchObject({ allow: true, call, maxDurationSeconds: 120, reserved: '120.000000' })
    expect((await one.balance(account)).reserved).toBe('120.000000')
    expect(await other.event('stop', 'shared', { seconds: 70 })).toMatchObject({ call, charge: '70.000000' })
    expect(await one.event('stop', 'shared', { seconds: 70 })).toMatchObject({ charge: '70.000000', ignored: true })
    expect(await one.balance(account)).toMatchObject({ credit: '130.000000', reserved: '0.000000', calls: 0 })
  })

  it('price by a version from the next decision after its activation by one of them', async () => {
    await one.account('priced', { credit: '1000.00' })
    const before = await other.authorize('priced', 'priced-before')
    expect(before.reserved).toBe('60.000000')
    const rates = [{ prefix: '44', perMinute: '120', firstIncrement: 1, nextIncrement: 1 }]
    const { version } = await one.must('POST', '/v1/tariffs/bench/versions', { currency: 'USD', rates })
    expect((await other.authorize('priced', 'priced-between')).reserved).toBe('60.000000')
    await one.must('POST', `/v1/tariffs/bench/versions/${String(version)}/activate`)
    try {
      expect((await other.authorize('priced', 'priced-after')).reserved).toBe('120.000000')
      for (const callId of ['priced-before', 'priced-after']) await one.event('stop', callId, { seconds: 10 })
      const cdrs = await other.cdrs('priced')
      expect(cdrs.map(({ callId, charge }) => [callId, charge]).toSorted()).toEqual([
        ['priced-after', '20.000000'],
        ['priced-before', '10.000000'],
      ])
    } finally {
      await one.must('POST', `/v1/tariffs/bench/versions/${Number(version) - 1}/activate`)
    }
    expect((await other.authorize('priced', 'priced-again')).reserved).toBe('60.000000')
  })

  it('refuse the calls of an account at once when one of them suspends it', async () => {
    const account = await one.account('suspended', { credit: '1000.00' })
    expect((await other.authorize(account, 'suspended-1')).allow).toBe(true)
    await one.must('PATCH', `/v1/accounts/${account}`, { status: 'suspended' })
    expect(await other.authorize(account, 'suspended-2')).toMatchObject({ code: 'account_suspended', sipCode: 403 })
    await other.must('PATCH', `/v1/accounts/${account}`, { status: 'active' })
    expect((await one.authorize(account, 'suspended-3')).allow).toBe(true)
  })

  it('refuse a key within a second of its revocation by one of them', async () => {
    const { id, key } = await one.must('POST', '/v1/keys', { scopes: ['tariffs:read'] })
    const status = async (): Promise<number> => {
      return (await other.ask('GET', '/v1/tariffs', { key: String(key) })).status
    }
    expect(await status()).toBe(200)
    await one.must('DELETE', `/v1/keys/${String(id)}`)
    const revokedMs = performance.now()
    for (let answer = 200; answer !== 401;) {
      const askedMs = performance.now()
      answer = await status()
      if (askedMs - revokedMs > 1_000) expect(answer).toBe(401)
    }
  })

  it.each([1, 2, 3, 4, 5])('let one of 30 calls through on credit for one, time %i', async (time) => {
    const account = await one.account(`for-one-${time}`, { credit: '1.00' })
    expect(await authorizeByBoth(account, 30)).toEqual(
      new Map([
        ['ok', 1],
        ['no_credit', 29],
      ]),
    )
    expect(await other.balance(account)).toMatchObject({ reserved: '1.000000', available: '0.000000', calls: 1 })
  })

  it.each([1, 2, 3, 4, 5])('let ten of 100 calls through on a trunk of ten, time %i', async (time) => {
    const account = await one.account(`trunk-${time}`, { trunks: { inbound: 0, outbound: 10, twoWay: 0 } })
    expect(await authorizeByBoth(account, 100)).toEqual(
      new Map([
        ['ok', 10],
        ['trunk_limit', 90],
      ]),
    )
    expect((await other.balance(account)).trunks.outbound).toEqual({ limit: 10, used: 10 })
  })

  it('keep books that add up', async () => {
    expect(await one.drifts()).toEqual([])
  })

  it('go on when the other is killed, also with its calls', async () => {
    const account = await one.account('left', { credit: '100.00' })
    const { call } = await one.authorize(account, 'left')
    await one.event('start', 'left')
    await one.kill()
    expect(await other.event('stop', 'left', { seconds: 3 })).toMatchObject({ call, charge: '3.000000' })
    expect(await other.balance(account)).toMatchObject({ credit: '97.000000', reserved: '0.000000' })
    expect(await other.drifts()).toEqual([])
  })
})
