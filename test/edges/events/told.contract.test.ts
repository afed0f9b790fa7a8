/** What is told is what the catalogue says: every event is made to happen, and has its fields and no others. */
import { lookup } from 'node:dns'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { catalogue } from '../../../src/edges/events/catalogue.ts'
import { eventMessage } from '../../../src/edges/events/message.ts'
import { HttpWebhookSender } from '../../../src/edges/webhooks/sender.ts'
import { type AccountEvent, eventTypes } from '../../../src/events/event.ts'
import { callEndedEvent, outboxEvent } from '../../../src/store/event-entries.ts'
import { RedisDeliveries } from '../../../src/store/redis-deliveries.ts'
import { RedisNotices } from '../../../src/store/redis-notices.ts'
import { RedisOutbox } from '../../../src/store/redis-outbox.ts'
import { RedisWebhooks } from '../../../src/store/redis-webhooks.ts'
import { streamEntries } from '../../../src/store/replies.ts'
import { Deliverer } from '../../../src/webhooks/deliver.ts'
import { allowed, codeOf, usd } from '../../support/a-call.ts'
import { forms, useWorld, type World } from '../../support/desk.ts'
import { PARTITIONS, type TestStore } from '../../support/offices.ts'
import { Till } from '../../support/till.ts'
import { Receiver } from '../../webhooks/receiver.ts'

const form = forms.find(({ name }) => name === 'one Redis')

async function talk(world: World, account: string, seconds: number): Promise<void> {
  const call = world.call(`${account}-${seconds}`, { account })
  allowed(await call.authorize())
  await call.start()
  await call.stop({ seconds })
}

/** Credit and minutes run low and out, come again, and a cap refuses. */
async function useUp(world: World): Promise<void> {
  await world.account('credit', { credit: usd('0.1'), lowBalance: { threshold: usd('0.06') } })
  await talk(world, 'credit', 60)
  await world.credit('credit', usd('1'))
  await world.credit('credit', usd('-1.04'))
  const pool = { name: 'plan', seconds: 600, freeSeconds: 0, increment: 1, resets: 'cycle', lowAt: ['50%'] } as const
  await world.account('minutes', { pools: [pool] })
  await talk(world, 'minutes', 400)
  await talk(world, 'minutes', 200)
  await world.account('capped', { credit: usd('10'), spendCaps: { day: usd('0.06') } })
  await talk(world, 'capped', 60)
  expect(codeOf(await world.call('one-more', { account: 'capped' }).authorize())).toBe('spend_cap')
  world.clock.advance(31 * 86_400_000)
  await world.office().get('minutes')
}

/** Cards are charged, decline and do not say; what was paid is given back; recharges do all they can. */
async function pay({ test, clock }: World): Promise<void> {
  const till = new Till(test)
  const { office, cashier } = till
  await office.put('payer', {})
  const { id } = await till.must('payer', { buyer: 'buyer@example.com' })
  await cashier.refund({ account: 'payer', payment: id, amount: 1_000_000n, operation: 'back' })
  const minutes = { bundles: 2, seconds: 12_000 }
  await till.must('payer', { kind: 'bundle', minutes, buyer: 'buyer@example.com' })
  await till.must('payer', { kind: 'dialer', minutes: { seconds: 60 }, buyer: 'buyer@example.com' })
  await till.must('payer', { token: 'tok_decline', buyer: 'buyer@example.com' })
  await till.must('payer', { token: 'tok_timeout', buyer: 'buyer@example.com' })

  const { recharging } = till
  const recharge = { enabled: true, threshold: 5_000_000n, amount: 20_000_000n, dayCap: 30_000_000n, maxFailures: 2 }
  for (const [account, token] of [
    ['recharged', 'tok_success'],
    ['declined', 'tok_decline'],
  ] as const) {
    await office.put(account, { recharge })
    await till.useCard(account, token)
    await recharging.attempt(account)
  }
  await office.debit({ account: 'recharged', amount: 20_000_000n, operation: 'fee', kind: 'fee' })
  await recharging.attempt('recharged')
  await recharging.pause('recharged')
  clock.advance(3_600_000)
  await recharging.attempt('declined')
}

/** Bundles are bought again, decline, and are stopped. */
async function renew({ test, clock }: World): Promise<void> {
  const till = new Till(test, { name: 'renewing' })
  for (const token of ['tok_success', 'tok_decline']) {
    await till.office.put(token, {})
    await till.useCard(token, token)
    await till.must(token, { kind: 'bundle', minutes: { bundles: 1, seconds: 6_000 }, recurring: true })
  }
  clock.advance(31 * 86_400_000)
  for (const account of ['tok_success', 'tok_decline']) await till.renewals.attempt(account)
  await till.renewals.stop('tok_success')
}

async function receipts({ test, nowMs }: World): Promise<void> {
  const log = new RedisNotices(test.store, test.keys)
  const receipt = { receipt: 'payer-1', payment: '3-p1', to: 'buyer@example.com' }
  for (const outcome of ['sent', 'refused'] as const)
    await log.done({ partition: 3, account: 'payer', news: outcome, id: outcome, nowMs }, outcome, receipt)
}

async function disable({ test: { store, keys }, clock }: World): Promise<void> {
  const receiver = await Receiver.open()
  receiver.answer(410)
  const endpoints = new RedisWebhooks({ store, keys, clock, unfit: () => undefined })
  const secrets = [{ secret: `whsec_${Buffer.alloc(32).toString('base64')}` }]
  await endpoints.add({ id: 'wh1', url: receiver.url, types: [], secrets, createdAtMs: 0 })
  const settings = () => ({ allowPrivate: true, deadlineSeconds: 5 })
  const deliverer = new Deliverer({
    endpoints,
    sender: new HttpWebhookSender({ clock, settings, resolve: lookup }),
    log: new RedisDeliveries(store, keys),
    outbox: new RedisOutbox({ store, keys, partitions: PARTITIONS }),
    clock,
    bodyOf: (event) => JSON.stringify(eventMessage(event)),
    disableAfterDays: () => 5,
  })
  const event = { id: '0-1-0', type: 'balance.low', account: 'credit', atMs: 0, data: {} } as const
  await deliverer.run({ endpoint: 'wh1', event }, 1)
}

/** What a relay would read. */
async function told({ store, keys }: TestStore): Promise<readonly AccountEvent[]> {
  const all: AccountEvent[] = []
  const streams = [
    [keys.outbox, outboxEvent],
    [keys.cdrs, callEndedEvent],
  ] as const
  for (const [key, read] of streams) {
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const entries = streamEntries(await store.command((client) => client.xrange(key(partition), '-', '+')))
      all.push(...entries.map((entry) => read(partition, entry)).filter((event) => event !== undefined))
    }
  }
  return all
}

describe('every event that is told', () => {
  if (!form) throw new Error('there is no such form')
  const world = useWorld(form)

  it('has the fields that the catalogue says, in their form, and each field of the catalogue is told', async () => {
    await useUp(world)
    await pay(world)
    await renew(world)
    await receipts(world)
    await disable(world)
    const events = await told(world.test)
    const seen = new Map(eventTypes.map((type) => [type, new Set<string>()]))
    for (const { type, data } of events) {
      const { error } = z.strictObject(catalogue[type].data.shape).safeParse(data)
      expect(error && `${type} ${JSON.stringify(data)}: ${z.prettifyError(error)}`).toBeUndefined()
      for (const name of Object.keys(data)) seen.get(type)?.add(name)
    }
    for (const [type, names] of seen) {
      // A call that nobody interfered with has no flags.
      const fields = Object.keys(catalogue[type].data.shape).filter((name) => name !== 'flags')
      expect([type, [...names].filter((name) => name !== 'flags').toSorted()]).toEqual([type, fields.toSorted()])
    }
  })
})
