import { hash } from 'node:crypto'
import { expect, it } from 'vitest'
import { CallDesk } from '../../src/calls/desk.ts'
import type { CallPolicy } from '../../src/calls/parts.ts'
import { partitionOf } from '../../src/store/keys.ts'
import { RedisCallLedger } from '../../src/store/redis-call-ledger.ts'
import { RedisTariffBook } from '../../src/store/redis-tariffs.ts'
import { PARTITIONS, useStore } from '../support/offices.ts'

const test = useStore('redis')

const policy: CallPolicy = {
  sliceSeconds: 60,
  extendAheadSeconds: 15,
  setupSeconds: 180,
  guardMs: 1_500,
  warnSeconds: 0,
  aliveWithinSeconds: 120,
  maxCallSeconds: 14_400,
  unattendedSeconds: 600,
  failedMemorySeconds: 300,
  rememberDays: 7,
  endRetrySeconds: 3,
  shortenWithinSeconds: 10,
  defaultTariff: 'retail',
  emergencyNumbers: ['112'],
  modeOf: () => 'clock',
}

const nothing = async (): Promise<void> => undefined

function deskOf(tariffs: RedisTariffBook): CallDesk {
  const { store, keys, clock } = test
  const digest = (text: string): string => hash('sha256', text, 'hex')
  return new CallDesk({
    ledger: new RedisCallLedger({ store, keys, digest, legTtlMs: 86_400_000 }),
    accounts: test.office(),
    tariffs,
    policy: () => policy,
    identify: () => undefined,
    controlOf: () => ({
      canEnd: false,
      canRaise: false,
      canList: false,
      end: nothing,
      raise: nothing,
      list: async () => [],
    }),
    observer: { decided: () => undefined, ended: () => undefined, late: () => undefined, happened: () => undefined },
    parking: { park: nothing },
    clock,
    digest,
    partitions: PARTITIONS,
    partitionOf: (text) => partitionOf(text, PARTITIONS),
  })
}

async function openBook(): Promise<RedisTariffBook> {
  const { store, keys, clock } = test
  const tariffs = new RedisTariffBook({ store, keys, clock, partitions: PARTITIONS })
  for (const [name, perMinute] of [
    ['retail', '0.06'],
    ['wholesale', '0.03'],
  ] as const) {
    await tariffs.addVersion({ name, currency: 'USD' }, [
      { prefix: '1', perMinute, firstIncrement: 1, nextIncrement: 1 },
    ])
    await tariffs.activate(name, 1, clock.nowMs())
  }
  return tariffs
}

it('explains every counter while calls begin, go on and end at two levels, by trunk, pool and credit', async () => {
  const tariffs = await openBook()
  const office = test.office()
  await office.put('reseller', { tariff: 'wholesale' })
  await office.put('acme', { parent: 'reseller', tariff: 'retail', trunks: { inbound: 0, outbound: 2, twoWay: 1 } })
  await office.addPool('acme', { name: 'Minutes', seconds: 600, onExhausted: 'spill', increment: 1, freeSeconds: 0 })
  for (const account of ['reseller', 'acme']) {
    await office.credit({ account, amount: 5_000_000n, operation: 'op', kind: 'purchase' })
  }
  const desks = [deskOf(tariffs), deskOf(tariffs)] as const
  const fundedBy = new Set<string>()
  const call = async (n: number): Promise<void> => {
    const desk = desks[n % 2 === 0 ? 0 : 1]
    const leg = { node: 'default', callId: `call-${n}`, legId: '' }
    const answer = await desk.authorize({
      leg,
      account: 'acme',
      direction: 'outbound',
      from: '15550001',
      to: '15550002',
      media: 'voice',
    })
    if (answer.kind !== 'allowed') return
    fundedBy.add(answer.fundedBy)
    if (n % 5 === 0) {
      await desk.event({ type: 'failed', leg, tsMs: test.clock.nowMs() })
      return
    }
    await desk.event({ type: 'start', leg, tsMs: test.clock.nowMs() })
    await desk.extend({ leg, usedSeconds: 40 })
    if (n % 7 !== 0) await desk.event({ type: 'stop', leg, seconds: (n * 13) % 130, tsMs: test.clock.nowMs() })
  }
  const calls = Promise.all(Array.from({ length: 240 }, (_, n) => call(n)))
  for (let round = 0; round < 5; round += 1) expect((await test.audit().verify()).drifts).toEqual([])
  await calls
  expect(fundedBy.size).toBeGreaterThan(2)
  const { entries, drifts } = await test.audit().verify()
  expect(drifts).toEqual([])
  expect(entries).toBeGreaterThan(150)
  const { reserved, calls: live } = (await office.balance('acme')) ?? {}
  expect(live).toBeGreaterThan(0)
  expect(reserved).toBeGreaterThan(0n)
  const history = await office.transactions('acme', { limit: 500 })
  const posted = history.items.reduce((sum, { amount }) => sum + amount, 0n)
  expect(posted).toBe((await office.balance('acme'))?.credit)
})
