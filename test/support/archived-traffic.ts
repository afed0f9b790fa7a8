/** Traffic for the tests of archives, and the audit of an archive's journal. */
import type { Archive } from '../../src/archive/archive.ts'
import { RedisAudit } from '../../src/store/redis-audit.ts'
import type { World } from './desk.ts'
import { PARTITIONS } from './offices.ts'

/** A reseller and its customer, with money, minutes and a trunk, and calls that each of them pays for. */
export async function traffic(world: World): Promise<void> {
  await world.test.store.command((client) =>
    client.hset(world.test.keys.meta(), { installed_at: '1', partitions: PARTITIONS }),
  )
  await world.account('house', { tariff: 'wholesale', credit: 50_000_000n })
  const plan = { name: 'plan', seconds: 120, onExhausted: 'spill' } as const
  await world.account('acme', { parent: 'house', credit: 10_000_000n, pools: [plan] })
  await world.account('far', { credit: 1_000_000n, trunks: { inbound: 0, outbound: 1, twoWay: 0 } })
  for (const [callId, account, seconds] of [
    ['a', 'acme', 100],
    ['b', 'acme', 61],
    ['c', 'far', 30],
  ] as const) {
    const call = world.call(callId, { account })
    await call.authorize()
    await call.start()
    await call.talk(seconds)
    await call.stop()
  }
  const silent = world.call('d')
  await silent.authorize()
  await silent.start()
  await silent.talk(60)
  await world.settleDown()
  await silent.stop({ seconds: 42 })
}

export function auditOf(world: World, archive: Archive): RedisAudit {
  return new RedisAudit({ ...world.test.streamParts, journal: archive })
}
