import fc from 'fast-check'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Fault } from '../../src/base/fault.ts'
import type { EventSink } from '../../src/events/event-stream.ts'
import { Relay } from '../../src/jobs/relay.ts'
import { createLog } from '../../src/observe/log.ts'
import { RedisStreams } from '../../src/store/redis-streams.ts'
import { until } from '../edges/sip/process.ts'
import { PARTITIONS, storeForms, type TestStore, useStore } from '../support/offices.ts'
import { CLAIM_AFTER_MS, Collector, daemon, write } from './rig.ts'

function entries({ store, keys }: TestStore, partition: number): Promise<number> {
  return store.command((client) => client.xlen(keys.outbox(partition)))
}

/** A daemon that dies in this step. */
const dies: EventSink = { put: () => Promise.reject(new Error('killed')) }

describe.each(storeForms)('the relay on %s', (_name, form) => {
  const test = useStore(form)

  it('makes a job of what a script wrote, once, and drops the entry after', async () => {
    const here = await daemon(test)
    const collector = new Collector()
    const relay = here.relay(here.sink(collector))
    here.work()
    const office = test.office()
    await office.put('acme', {})
    await office.patch('acme', { lowBalance: { threshold: 5n } })
    await office.credit({ account: 'acme', amount: 4n, operation: 'a few micros', kind: 'adjustment' })
    const { partition = 0 } = (await office.chainOf('acme')) ?? {}
    expect(await relay.move()).toBe(false)
    await until('the job is done', () => collector.told.length === 1)
    expect(collector.told).toMatchObject([
      {
        id: expect.stringMatching(new RegExp(`^${partition}-\\d+-0$`)),
        type: 'balance.low',
        account: 'acme',
        atMs: test.clock.nowMs(),
        data: { currency: 'USD', available: '4', arming: '1' },
      },
    ])
    expect(await entries(test, partition)).toBe(1)
    expect(await relay.tidy()).toEqual({ entries: 0 })
    expect(await entries(test, partition)).toBe(0)
    await relay.move()
    await relay.claim()
    expect(await here.queues.list({ state: 'waiting', limit: 10 })).toEqual({ items: [] })
  })

  it('leaves what a daemon took and did not carry to the others, who do it once', async () => {
    const [dead, alive] = [await daemon(test), await daemon(test)]
    await Promise.all([0, 1, 2, 3].map((partition) => write(test, partition, `account-${partition}`)))
    await expect(dead.relay(dies).move()).rejects.toThrow('killed')
    const collector = new Collector()
    const relay = alive.relay(alive.sink(collector))
    alive.work()
    await relay.move()
    expect(collector.told).toEqual([])
    await pause(CLAIM_AFTER_MS)
    await relay.claim()
    await until('all are done', () => collector.told.length === 4)
    expect(await relay.tidy()).toEqual({ entries: 0 })
    await pause(CLAIM_AFTER_MS)
    await relay.claim()
    expect(collector.texts).toEqual([0, 1, 2, 3].map((partition) => `account-${partition} balance.low`))
  })

  it('makes one job of what was carried and not acknowledged when the daemon died', async () => {
    const [dead, alive] = [await daemon(test), await daemon(test)]
    const collector = new Collector()
    const sink = alive.sink(collector)
    await write(test, 0, 'acme')
    await expect(dead.relay(dead.sink(new Collector()), dies).move()).rejects.toThrow('killed')
    await pause(CLAIM_AFTER_MS)
    alive.work()
    await alive.relay(sink).claim()
    await until('it is done', () => collector.told.length === 1)
    await pause(CLAIM_AFTER_MS)
    await alive.relay(sink).claim()
    expect(await alive.queues.list({ state: 'waiting', limit: 10 })).toEqual({ items: [] })
    expect(collector.told).toHaveLength(1)
  })

  it('shares the events among the daemons', async () => {
    const [one, other] = [await daemon(test), await daemon(test)]
    const collector = new Collector()
    const relays = [one, other].map((each) => each.relay(each.sink(collector)))
    const accounts = Array.from({ length: 300 }, (_, index) => `account-${index}`)
    await Promise.all(accounts.map((account, index) => write(test, index % PARTITIONS, account)))
    one.work()
    other.work()
    for (let round = 0; round < 2; round += 1) await Promise.all(relays.map((relay) => relay.move()))
    await until('all are done', () => collector.told.length >= accounts.length)
    expect(collector.texts).toEqual(accounts.map((account) => `${account} balance.low`).sort())
  })

  it('says when there is more than one look takes', async () => {
    const here = await daemon(test)
    const relay = here.relay(here.sink(new Collector()))
    for (let index = 0; index < 101; index += 1) await write(test, 0, `account-${index}`)
    expect(await relay.move()).toBe(true)
    expect(await relay.move()).toBe(false)
  })

  it('passes over what it cannot read, says so, and leaves it with the dead letters', async () => {
    const here = await daemon(test)
    const entry = await write(test, 0, 'acme', 'balance.imagined')
    const collector = new Collector()
    const relay = here.relay(here.sink(collector))
    await write(test, 0, 'acme')
    await relay.move()
    expect(here.lines).toMatchObject([{ level: 'warn', source: 'outbox', partition: 0, entry }])
    expect(await relay.tidy()).toEqual({ entries: 0 })
    here.work()
    await until('the other is told', () => collector.told.length === 1)
    const dead = async () => (await here.queues.list({ state: 'dead', limit: 10 })).items
    await until('it is given up', async () => (await dead()).length === 1)
    expect(await dead()).toMatchObject([
      { queue: 'untold', id: `outbox-0-${entry}`, about: { source: 'outbox', partition: '0', entry } },
    ])
  })

  it('passes over what a sink cannot take, tells the rest, and tells it when that is mended', async () => {
    const here = await daemon(test)
    const collector = new Collector()
    let isMended = false
    const picky: EventSink = {
      async put(events) {
        if (!isMended && events.some(({ account }) => account === 'account-2'))
          throw new Fault('store_unfit', 'a stored account cannot be read')
      },
    }
    const relay = here.relay(picky, here.sink(collector))
    for (const number of [1, 2, 3]) await write(test, 0, `account-${number}`)
    await relay.move()
    expect(await relay.tidy()).toEqual({ entries: 0 })
    here.work()
    const dead = async () => (await here.queues.list({ state: 'dead', limit: 10 })).items
    await until('it is given up', async () => (await dead()).length === 1)
    expect(collector.texts).toEqual(['account-1 balance.low', 'account-3 balance.low'])
    const [letter] = await dead()
    expect(letter).toMatchObject({ queue: 'untold', reason: 'a stored account cannot be read' })
    isMended = true
    expect(await here.queues.retry('untold', letter?.id ?? '')).toBe(true)
    await until('it is told', () => collector.told.length === 3)
  })

  it('passes over nothing when it cannot put it aside either', async () => {
    const here = await daemon(test)
    await write(test, 0, 'acme')
    const refuses: EventSink = { put: () => Promise.reject(new Fault('store_unfit', 'no')) }
    const { outbox, lines } = here
    const log = createLog({ level: 'info', to: { write: (line) => lines.push(JSON.parse(line) as never) } })
    const untold = () => Promise.reject(new Error('the queue is away'))
    const relay = new Relay({ sources: [outbox], sinks: [refuses], untold, partitions: PARTITIONS, log })
    await expect(relay.move()).rejects.toThrow('the queue is away')
    expect(await relay.tidy()).toMatchObject({ entries: 1 })
  })

  it('moves the other partitions when one fails, and says so', async () => {
    const here = await daemon(test)
    const collector = new Collector()
    const relay = here.relay(here.sink(collector))
    await test.store.command((client) => client.set(test.keys.outbox(3), 'not a stream'))
    await write(test, 4, 'acme')
    await expect(relay.move()).rejects.toThrow('WRONGTYPE')
    expect((await here.queues.list({ state: 'waiting', limit: 10 })).items).toHaveLength(1)
  })

  it('counts what is left, and since when', async () => {
    const here = await daemon(test)
    const relay = here.relay(dies)
    expect(await relay.tidy()).toEqual({ entries: 0 })
    const first = await write(test, 0, 'acme')
    await expect(relay.move()).rejects.toThrow('killed')
    await write(test, 0, 'acme')
    await write(test, 1, 'acme')
    const found = await relay.tidy()
    expect(found).toEqual({ entries: 3, oldestMs: Number(first.split('-')[0]) })
    await expect(relay.move()).rejects.toThrow('killed')
    expect(await relay.tidy()).toEqual({ entries: 3, oldestMs: Number(first.split('-')[0]) })
  })

  it('forgets readers that are gone and owe nothing, and no others', async () => {
    const [gone, owing, here] = [await daemon(test), await daemon(test), await daemon(test)]
    const key = test.keys.outbox(0)
    await write(test, 0, 'acme')
    await owing.outbox.take(0, 1)
    await gone.outbox.take(0, 1)
    await pause(5)
    const tidy = (): Promise<unknown> => test.store.run('tidy_stream', [key], ['jobs', 0, 1])
    await here.outbox.take(0, 1)
    await pause(2)
    await tidy()
    const left = await test.store.command((client) => client.xinfo('CONSUMERS', key, 'jobs'))
    expect((left as unknown[][]).map((reader) => reader[3])).toEqual([1])
  })

  it('drops nothing that the archive has not read, and it says so by where it reads on', async () => {
    const here = await daemon(test)
    const relay = here.relay(here.sink(new Collector()))
    const archive = new RedisStreams({ store: test.store, keys: test.keys, partitions: PARTITIONS })
    const place = { journal: 0, cdr: { number: 0, level: 0 }, event: '0-0', record: 0 }
    await archive.read(0, place, 10)
    const first = await write(test, 0, 'acme')
    const second = await write(test, 0, 'acme')
    await relay.move()
    expect(await relay.tidy()).toEqual({ entries: 0 })
    expect(await entries(test, 0)).toBe(2)
    expect((await archive.read(0, place, 10)).events.map(({ id }) => id)).toEqual([first, second])
    await archive.read(0, { ...place, event: first }, 10)
    await relay.tidy()
    expect(await entries(test, 0)).toBe(1)
    await archive.read(0, { ...place, event: second }, 10)
    await relay.tidy()
    expect(await entries(test, 0)).toBe(0)
  })

  it('never drops what some group has not acknowledged, and in the end drops everything', async () => {
    const key = test.keys.outbox(0)
    const step = fc.oneof(
      fc.record({ what: fc.constant('write' as const) }),
      fc.record({ what: fc.constantFrom('read' as const, 'ack' as const), group: fc.constantFrom('jobs', 'archive') }),
      fc.record({ what: fc.constant('tidy' as const) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
        await test.empty()
        const here = await daemon(test)
        const open = { jobs: new Set<string>(), archive: new Set<string>() }
        const taken = { jobs: [] as string[], archive: [] as string[] }
        for (const group of ['jobs', 'archive'])
          await test.store.command((client) => client.xgroup('CREATE', key, group, '0', 'MKSTREAM'))
        const read = async (group: 'jobs' | 'archive'): Promise<void> => {
          const found = await test.store.command((client) =>
            client.xreadgroup('GROUP', group, 'r', 'COUNT', 2, 'STREAMS', key, '>'),
          )
          const [stream] = (found ?? []) as [string, [string, unknown][]][]
          taken[group].push(...(stream?.[1] ?? []).map(([id]) => id))
        }
        const ack = async (group: 'jobs' | 'archive', place: number): Promise<void> => {
          const [id] = taken[group].splice(place, 1)
          if (id === undefined) return
          await test.store.command((client) => client.xack(key, group, id))
          open[group].delete(id)
        }
        const stored = async (): Promise<readonly string[]> =>
          (await test.store.command((client) => client.xrange(key, '-', '+'))).map(([id]) => id)
        for (const [place, one] of steps.entries()) {
          if (one.what === 'write') {
            const id = await write(test, 0, 'acme')
            for (const group of Object.values(open)) group.add(id)
          } else if (one.what === 'tidy') {
            const lag = await here.outbox.tidy(0)
            expect(await stored()).toEqual(expect.arrayContaining([...open.jobs, ...open.archive]))
            expect(lag.entries).toBe(open.jobs.size)
          } else {
            const { group } = one
            await (one.what === 'read' ? read(group) : ack(group, place % Math.max(1, taken[group].length)))
          }
        }
        for (const group of ['jobs', 'archive'] as const) {
          for (let left = steps.length; left > 0; left -= 1) await read(group)
          while (taken[group].length > 0) await ack(group, 0)
        }
        await here.outbox.tidy(0)
        expect(await stored()).toEqual([])
      }),
      { numRuns: form === 'redis' ? 60 : 10 },
    )
  })
})
