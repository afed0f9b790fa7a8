import { lookup } from 'node:dns'
import { beforeEach, describe, expect, it } from 'vitest'
import { eventMessage } from '../../src/edges/events/message.ts'
import { HttpWebhookSender } from '../../src/edges/webhooks/sender.ts'
import type { AccountEvent, EventType } from '../../src/events/event.ts'
import { outboxEvent } from '../../src/store/event-entries.ts'
import { RedisDeliveries } from '../../src/store/redis-deliveries.ts'
import { RedisEventLog } from '../../src/store/redis-event-log.ts'
import { RedisOutbox } from '../../src/store/redis-outbox.ts'
import { RedisWebhooks } from '../../src/store/redis-webhooks.ts'
import { streamEntries } from '../../src/store/replies.ts'
import { Deliverer, DELIVERY_ATTEMPTS, deliveryPause } from '../../src/webhooks/deliver.ts'
import { type EndpointInput, type Keyed, WebhookDesk } from '../../src/webhooks/desk.ts'
import { wantsCallEndings, WebhookFanOut } from '../../src/webhooks/fan-out.ts'
import { until } from '../edges/sip/process.ts'
import { daemon } from '../jobs/rig.ts'
import { PARTITIONS, storeForms, type TestStore, useStore } from '../support/offices.ts'
import { isSignedBy, Receiver } from './receiver.ts'

const DAY_MS = 86_400_000

let events = 0

function event(account: string, type: EventType = 'balance.low', atMs = 0): AccountEvent {
  const data = { currency: 'USD', available: '4999999', arming: '1' }
  return { id: `0-${(events += 1)}-0`, type, account, atMs, data }
}

/** Everything between events and receivers, as one daemon has it. */
async function rig(test: TestStore) {
  const { store, keys, clock } = test
  const here = await daemon(test)
  const office = test.office()
  const unfit: string[] = []
  const endpoints = new RedisWebhooks({ store, keys, clock, unfit: (id) => unfit.push(id) })
  const settings = { allowPrivate: true, deadlineSeconds: 5 }
  const sender = new HttpWebhookSender({
    clock: { nowMs: () => Date.now() },
    settings: () => settings,
    resolve: lookup,
  })
  const deliveries = new RedisDeliveries(store, keys)
  const log = new RedisEventLog(store, keys, () => 1_000)
  const deliverer = new Deliverer({
    endpoints,
    sender,
    log: deliveries,
    outbox: new RedisOutbox({ store, keys, partitions: PARTITIONS }),
    clock,
    bodyOf: (told) => JSON.stringify(eventMessage(told)),
    disableAfterDays: () => 5,
  })
  const queue = here.queues.open({
    name: 'webhooks',
    attempts: DELIVERY_ATTEMPTS,
    pauseMs: () => 1,
    atOnce: 10,
    about: ({ endpoint }: { readonly endpoint: string; readonly event: AccountEvent }) => ({ endpoint }),
    run: (task, attempt) => deliverer.run(task, attempt),
  })
  const chainOf = async (account: string) => (await office.chainOf(account))?.levels.map(({ id }) => id) ?? []
  let ids = 0
  let listened = 0
  const desk = new WebhookDesk({
    endpoints,
    sender,
    deliveries,
    queue,
    events: log,
    chainOf,
    clock,
    listenToCalls: async () => void (listened += 1),
    ids: () => `wh${(ids += 1)}`,
    newSecret: () => `whsec_${Buffer.alloc(32, (ids += 1)).toString('base64')}`,
  })
  const add = async (input: Partial<EndpointInput> & { readonly url: string }): Promise<Keyed> => {
    const made = await desk.add({ types: [], ...input })
    if (made.kind !== 'keyed') throw new Error(made.detail)
    return made
  }
  here.work()
  return {
    ...here,
    office,
    unfit,
    endpoints,
    deliverer,
    log,
    desk,
    queue,
    listened: () => listened,
    add,
    fanOut: new WebhookFanOut({ endpoints, queue, chainOf }),
  }
}

async function told(test: TestStore): Promise<readonly AccountEvent[]> {
  const found: AccountEvent[] = []
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const entries = await test.store.command((client) => client.xrange(test.keys.outbox(partition), '-', '+'))
    found.push(...streamEntries(entries).flatMap((entry) => outboxEvent(partition, entry) ?? []))
  }
  return found
}

describe.each(storeForms)('webhooks on %s', (_name, form) => {
  const test = useStore(form)
  let receiver: Receiver
  beforeEach(async () => {
    receiver = await Receiver.open()
  })

  it('are sent what they listen to, signed, with amounts as text', async () => {
    const { add, fanOut } = await rig(test)
    const { secret } = await add({ url: receiver.url, types: ['balance.low'] })
    const [first, other] = [event('acme', 'balance.low', Date.UTC(2026, 10, 23, 12)), event('acme', 'receipt.sent')]
    await fanOut.put([first, other])
    await fanOut.put([first])
    await until('it arrives', () => receiver.received.length === 1)
    const [received] = receiver.received
    expect(received && isSignedBy(secret, received)).toBe(true)
    expect(received?.id).toBe(first.id)
    expect(received?.body).toEqual({
      type: 'balance.low',
      timestamp: '2026-11-23T12:00:00.000Z',
      data: { account: 'acme', currency: 'USD', available: '4.999999', arming: 1 },
    })
  })

  it('of one account are sent events of it and of those below, and no others', async () => {
    const { add, fanOut, office } = await rig(test)
    for (const [id, parent] of [['root'], ['mid', 'root'], ['leaf', 'mid'], ['beside', 'root']] as const)
      await office.put(id, parent === undefined ? {} : { parent })
    await add({ url: receiver.url, account: 'mid' })
    const all = ['root', 'mid', 'leaf', 'beside', '', 'unknown'].map((account) => event(account))
    await fanOut.put(all)
    await until('they arrive', () => receiver.received.length === 2)
    expect(receiver.received.map(({ body }) => body.data['account']).toSorted()).toEqual(['leaf', 'mid'])
  })

  it('are tried again and signed anew each time until they are taken, and each attempt is written down', async () => {
    const { add, fanOut, desk } = await rig(test)
    const { endpoint, secret } = await add({ url: receiver.url })
    receiver.answers = (_request, response) => response.writeHead(receiver.received.length < 4 ? 503 : 200).end()
    await fanOut.put([event('acme')])
    const attempts = async () => (await desk.deliveries(endpoint.id, { limit: 10 })).items
    await until('it is delivered', async () => (await attempts()).length === 4)
    expect(new Set(receiver.ids).size).toBe(1)
    expect(receiver.received.every((received) => isSignedBy(secret, received))).toBe(true)
    expect((await attempts()).map(({ attempt, outcome, status }) => [attempt, outcome, status])).toEqual([
      [4, 'delivered', 200],
      [3, 'failed', 503],
      [2, 'failed', 503],
      [1, 'failed', 503],
    ])
    await until('it is failing no more', async () => (await desk.find(endpoint.id))?.failingSinceMs === undefined)
    const page = await desk.deliveries(endpoint.id, { limit: 3 })
    const rest = await desk.deliveries(endpoint.id, { limit: 3, cursor: page.nextCursor ?? '' })
    expect([page.items.length, rest.items.map(({ attempt }) => attempt), rest.nextCursor]).toEqual([3, [1], undefined])
  })

  it('that are never taken are dead letters after all attempts, and go on when they are retried', async () => {
    const { add, fanOut, desk, queues } = await rig(test)
    const { endpoint } = await add({ url: receiver.url })
    receiver.answer(500)
    const failing = event('acme')
    await fanOut.put([failing])
    await until('it is given up', async () => (await queues.list({ state: 'dead', limit: 10 })).items.length === 1)
    expect(receiver.received).toHaveLength(DELIVERY_ATTEMPTS)
    const [last] = (await desk.deliveries(endpoint.id, { limit: 1 })).items
    expect(last).toMatchObject({ attempt: DELIVERY_ATTEMPTS, outcome: 'gave_up', status: 500 })
    receiver.answer(204)
    const [dead] = (await queues.list({ state: 'dead', limit: 10 })).items
    expect(dead).toMatchObject({ reason: 'it answered 500', about: { endpoint: endpoint.id } })
    expect(await queues.retry('webhooks', dead?.id ?? '')).toBe(true)
    await until('it is delivered', () => receiver.received.length === DELIVERY_ATTEMPTS + 1)
    expect(receiver.ids.at(-1)).toBe(failing.id)
  })

  it('that say that they are gone are sent nothing more, and it is told', async () => {
    const { add, fanOut, desk } = await rig(test)
    const { endpoint } = await add({ url: receiver.url, account: 'acme' })
    await (await rig(test)).office.put('acme', {})
    receiver.answer(410)
    await fanOut.put([event('acme')])
    await until('it is disabled', async () => (await desk.find(endpoint.id))?.disabled !== undefined)
    expect((await desk.find(endpoint.id))?.disabled).toEqual({ reason: 'gone', atMs: test.clock.nowMs() })
    expect(await told(test)).toMatchObject([
      { type: 'webhook.disabled', account: 'acme', data: { endpoint: endpoint.id, url: receiver.url, reason: 'gone' } },
    ])
    await fanOut.put([event('acme')])
    const again = await desk.change(endpoint.id, { disabled: false })
    expect(again).not.toHaveProperty('disabled')
    receiver.answer(200)
    await fanOut.put([event('acme')])
    await until('it is sent again', () => receiver.received.length === 2)
  })

  it('that are disabled are told of once, however many deliveries find it so, and again when they are disabled again', async () => {
    const { add, desk, deliverer } = await rig(test)
    const { endpoint } = await add({ url: receiver.url })
    receiver.answer(410)
    const deliver = (count: number) =>
      Promise.all(
        Array.from({ length: count }, () => deliverer.run({ endpoint: endpoint.id, event: event('acme') }, 1)),
      )
    await deliver(20)
    await deliver(3)
    expect(await told(test)).toHaveLength(1)
    await desk.change(endpoint.id, { disabled: true })
    await deliver(3)
    await desk.change(endpoint.id, { disabled: false })
    test.clock.advance(1)
    await deliver(20)
    expect(await told(test)).toHaveLength(2)
  })

  it('that were disabled by a daemon that died before it told so are told of by the next delivery', async () => {
    const { add, endpoints, deliverer } = await rig(test)
    const { endpoint } = await add({ url: receiver.url })
    const disabled = { reason: 'gone', atMs: test.clock.nowMs() } as const
    await endpoints.change(endpoint.id, (known) => ({ ...known, disabled }))
    expect(await told(test)).toEqual([])
    await deliverer.run({ endpoint: endpoint.id, event: event('acme') }, 2)
    expect(await told(test)).toMatchObject([{ type: 'webhook.disabled', data: { reason: 'gone' } }])
    expect(receiver.received).toEqual([])
  })

  it('to which nothing can be delivered for days are disabled, and it is told', async () => {
    const { add, desk, deliverer } = await rig(test)
    const { endpoint } = await add({ url: receiver.url })
    receiver.answer(500)
    const startedMs = test.clock.nowMs()
    const attempt = (number: number): Promise<void> =>
      deliverer.run({ endpoint: endpoint.id, event: event('acme') }, number)
    await expect(attempt(1)).rejects.toThrow('it answered 500')
    expect((await desk.find(endpoint.id))?.failingSinceMs).toBe(startedMs)
    test.clock.advance(5 * DAY_MS - 1)
    await expect(attempt(2)).rejects.toThrow('it answered 500')
    expect((await desk.find(endpoint.id))?.disabled).toBeUndefined()
    receiver.answer(200)
    await attempt(3)
    expect((await desk.find(endpoint.id))?.failingSinceMs).toBeUndefined()
    receiver.answer(500)
    test.clock.advance(1)
    await expect(attempt(1)).rejects.toThrow('it answered 500')
    test.clock.advance(5 * DAY_MS)
    await expect(attempt(2)).rejects.toThrow('it answered 500')
    expect((await desk.find(endpoint.id))?.disabled).toMatchObject({ reason: 'failing' })
    expect(await told(test)).toMatchObject([{ type: 'webhook.disabled', account: '', data: { reason: 'failing' } }])
    await attempt(3)
    expect(receiver.received).toHaveLength(5)
  })

  it('sign with the secret before for a while when they get another', async () => {
    const { add, desk, deliverer } = await rig(test)
    const { endpoint, secret: before } = await add({ url: receiver.url })
    const { secret: after } = (await desk.rotate(endpoint.id, 60)) ?? { secret: '' }
    const signed = async (): Promise<readonly boolean[]> => {
      await deliverer.run({ endpoint: endpoint.id, event: event('acme') }, 1)
      const received = receiver.received.at(-1)
      return [before, after].map((secret) => received !== undefined && isSignedBy(secret, received))
    }
    expect(await signed()).toEqual([true, true])
    test.clock.advance(60_000)
    expect(await signed()).toEqual([false, true])
    await desk.rotate(endpoint.id, 60)
    await desk.rotate(endpoint.id, 60)
    expect((await desk.find(endpoint.id))?.secrets).toHaveLength(2)
    expect(await signed()).toEqual([false, false])
  })

  it('are sent again what happened since an instant, with the ids of then', async () => {
    const { add, desk, fanOut, log } = await rig(test)
    const { endpoint } = await add({ url: receiver.url, types: ['balance.low'] })
    const some = Array.from({ length: 12 }, (_, index) =>
      event('acme', index % 2 === 0 ? 'balance.low' : 'receipt.sent'),
    )
    await log.append(some)
    await fanOut.put(some)
    await until('they arrive', () => receiver.received.length === 6)
    expect(await desk.replay(endpoint.id, 0)).toBe(6)
    await until('they arrive again', () => receiver.received.length === 12)
    expect(receiver.ids.toSorted()).toEqual(
      [...receiver.ids]
        .filter((id, place, all) => all.indexOf(id) === place)
        .flatMap((id) => [id, id])
        .toSorted(),
    )
    expect(await desk.replay(endpoint.id, Date.now() + 60_000)).toBe(0)
    expect(await desk.replay('unknown', 0)).toBeUndefined()
  })

  it('are tested at once, also where they are disabled', async () => {
    const { add, desk } = await rig(test)
    const { endpoint, secret } = await add({ url: receiver.url })
    await desk.change(endpoint.id, { disabled: true })
    expect(await desk.test(endpoint.id)).toMatchObject({ kind: 'answered', status: 204 })
    const [received] = receiver.received
    expect(received && isSignedBy(secret, received)).toBe(true)
    expect(received?.body).toMatchObject({ type: 'webhook.test', data: { endpoint: endpoint.id } })
    expect(await desk.test('unknown')).toBeUndefined()
  })

  it('that were taken away are sent nothing more, and leave nothing', async () => {
    const { add, desk, deliverer, fanOut } = await rig(test)
    const { endpoint } = await add({ url: receiver.url })
    await deliverer.run({ endpoint: endpoint.id, event: event('acme') }, 1)
    expect(await desk.remove(endpoint.id)).toBe(true)
    expect(await desk.remove(endpoint.id)).toBe(false)
    await deliverer.run({ endpoint: endpoint.id, event: event('acme') }, 2)
    await fanOut.put([event('acme')])
    expect(receiver.received).toHaveLength(1)
    expect(await desk.deliveries(endpoint.id, { limit: 10 })).toEqual({ items: [] })
    expect(await desk.change(endpoint.id, { disabled: true })).toBeUndefined()
    expect(await desk.rotate(endpoint.id, 1)).toBeUndefined()
  })

  it('are refused where they may not be sent to, and keep all changes that are made at once', async () => {
    const { add, desk, endpoints } = await rig(test)
    const { endpoint } = await add({ url: receiver.url })
    expect(await desk.add({ url: 'ftp://example.com', types: [] })).toMatchObject({ code: 'url_refused' })
    expect(await desk.change(endpoint.id, { url: 'nowhere' })).toMatchObject({ code: 'url_refused' })
    await Promise.all(
      Array.from({ length: 10 }, () =>
        endpoints.change(endpoint.id, (known) => ({ ...known, failingSinceMs: (known.failingSinceMs ?? 0) + 1 })),
      ),
    )
    expect((await desk.find(endpoint.id))?.failingSinceMs).toBe(10)
    expect((await desk.list()).map(({ id }) => id)).toEqual([endpoint.id])
  })

  it('that cannot be read hold up no others, are named once, and can be taken away', async () => {
    const { add, fanOut, desk, endpoints, unfit } = await rig(test)
    await add({ url: receiver.url })
    for (const [id, text] of [
      ['torn', '{"id":"torn"'],
      ['strange', '{"id":"strange","types":["balance.imagined"]}'],
    ] as const)
      await test.store.command((client) => client.hset(test.keys.webhooks(), id, text))
    await fanOut.put([event('acme')])
    await until('it arrives', () => receiver.received.length === 1)
    test.clock.advance(2_000)
    await fanOut.put([event('acme')])
    await until('the next arrives', () => receiver.received.length === 2)
    expect(await desk.list()).toHaveLength(1)
    expect(unfit.toSorted()).toEqual(['strange', 'torn'])
    await expect(endpoints.find('torn')).rejects.toMatchObject({ code: 'store_unfit' })
    expect(await desk.remove('torn')).toBe(true)
  })

  it('that listen to types of a later version are sent those that this one knows', async () => {
    const { add, fanOut, endpoints } = await rig(test)
    const { endpoint } = await add({ url: receiver.url, types: ['balance.low'] })
    await endpoints.change(endpoint.id, (known) => ({ ...known, types: ['balance.imagined' as never, 'balance.low'] }))
    await fanOut.put([event('acme', 'receipt.sent'), event('acme', 'balance.low')])
    await until('it arrives', () => receiver.received.length === 1)
    expect(receiver.received[0]?.body.type).toBe('balance.low')
  })

  it('are sent again also past an event that this version cannot read', async () => {
    const { add, desk, log } = await rig(test)
    const { endpoint } = await add({ url: receiver.url, types: ['balance.low'] })
    await log.append([event('acme')])
    for (const text of ['{', '{"id":"1","type":"balance.imagined","account":"acme","atMs":1,"data":{}}'])
      await test.store.command((client) => client.xadd(test.keys.events(), '*', 'e', text))
    await log.append([event('acme')])
    expect((await log.after('0-0', 1)).length).toBe(1)
    expect(await desk.replay(endpoint.id, 0)).toBe(2)
  })

  it('listen to the ends of calls where they ask for them or for everything', async () => {
    const { add, desk, endpoints, listened } = await rig(test)
    expect(wantsCallEndings(await endpoints.list())).toBe(false)
    await add({ url: receiver.url, types: ['balance.low'] })
    expect(wantsCallEndings(await endpoints.list())).toBe(false)
    expect(listened()).toBe(0)
    const { endpoint } = await add({ url: receiver.url })
    expect(listened()).toBe(1)
    expect(wantsCallEndings(await endpoints.list())).toBe(true)
    await desk.change(endpoint.id, { disabled: true })
    expect(wantsCallEndings(await endpoints.list())).toBe(false)
  })
})

describe('the pauses between attempts', () => {
  it('add up to more than three days, spread by a fifth', () => {
    const sum = (random: number): number => {
      const pause = deliveryPause(() => random)
      return (
        Array.from({ length: DELIVERY_ATTEMPTS - 1 }, (_, failed) => pause(failed + 1)).reduce((a, b) => a + b) / DAY_MS
      )
    }
    expect(sum(0.5)).toBeGreaterThan(3)
    expect(sum(0.5)).toBeLessThan(3.5)
    expect(sum(0) / sum(0.5)).toBeCloseTo(0.8)
    expect(sum(1) / sum(0.5)).toBeCloseTo(1.2)
  })
})
