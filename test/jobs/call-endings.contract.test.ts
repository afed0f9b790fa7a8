import { describe, expect, it } from 'vitest'
import { callEndedEvent } from '../../src/store/event-entries.ts'
import { RedisCallEndings } from '../../src/store/redis-call-endings.ts'
import { type EventStreamParts, RedisEventStream } from '../../src/store/redis-event-stream.ts'
import { PARTITIONS, storeForms, type TestStore, useStore } from '../support/offices.ts'

let readers = 0

function streamParts({ store, keys }: TestStore): EventStreamParts {
  return {
    name: 'cdrs',
    store,
    reader: `reader-${(readers += 1)}`,
    key: keys.cdrs,
    read: callEndedEvent,
    from: '$',
    trims: false,
    claimAfterMs: 0,
  }
}

function storeParts({ store, keys }: TestStore) {
  return { store, keys, partitions: PARTITIONS }
}

function endings(test: TestStore): RedisCallEndings {
  return new RedisCallEndings({ ...storeParts(test), stream: new RedisEventStream(streamParts(test)) })
}

/** Closes the first partition only when it is let. */
class SlowlyClosing extends RedisEventStream {
  readonly #closing = Promise.withResolvers<undefined>()
  readonly #mayGoOn = Promise.withResolvers<undefined>()

  get isClosing(): Promise<undefined> {
    return this.#closing.promise
  }

  goOn(): void {
    this.#mayGoOn.resolve(undefined)
  }

  override async close(partition: number): Promise<void> {
    this.#closing.resolve(undefined)
    await this.#mayGoOn.promise
    return super.close(partition)
  }
}

function closing(test: TestStore) {
  const stream = new SlowlyClosing(streamParts(test))
  return { stream, here: new RedisCallEndings({ ...storeParts(test), stream }) }
}

const cdr = {
  call: 'call-1',
  account: 'acme',
  charge: '0.066000',
  startedAt: '2026-11-23T12:00:00.000Z',
  endedAt: '2026-11-23T12:01:11.000Z',
  flags: [],
}

function ends({ store, keys }: TestStore, number: number, partition = 3): Promise<unknown> {
  return store.command((client) => client.xadd(keys.cdrs(partition), `${number}-1`, 'j', JSON.stringify(cdr)))
}

describe.each(storeForms)('the ends of calls on %s', (_name, form) => {
  const test = useStore(form, { keepsBooks: false })

  it('are told from when somebody listens, once, to whichever daemon asks', async () => {
    const [listener, here, there] = [endings(test), endings(test), endings(test)]
    await ends(test, 1)
    await here.look()
    expect(await here.take(3, 10)).toEqual([])
    await listener.listen()
    await here.look()
    await there.look()
    expect(await here.take(3, 10)).toEqual([])
    await ends(test, 2)
    const told = await here.take(3, 10)
    expect(told).toMatchObject([
      {
        entry: { id: '2-1' },
        event: { id: 'call-3-2-1', type: 'call.ended', account: 'acme', data: { charge: '66000' } },
      },
    ])
    expect(await there.take(3, 10)).toEqual([])
    expect(await here.tidy(3)).toEqual({ entries: 1 })
    expect((await there.claim(3, 10)).map(({ entry }) => entry.id)).toEqual(['2-1'])
    await there.acknowledge(3, ['2-1'])
    expect(await here.tidy(3)).toEqual({ entries: 0 })
    expect(await test.store.command((client) => client.xlen(test.keys.cdrs(3)))).toBe(2)
  })

  it('are told to nobody when nobody listens any more, and leave no group behind', async () => {
    const [listener, here] = [endings(test), endings(test)]
    await listener.listen()
    await here.look()
    await test.store.command((client) => client.del(test.keys.listening()))
    await ends(test, 1)
    await here.look()
    expect(await here.take(3, 10)).toEqual([])
    expect(await test.store.command((client) => client.xinfo('GROUPS', test.keys.cdrs(3)))).toEqual([])
    await listener.listen()
    await here.look()
    expect(await here.take(3, 10)).toEqual([])
    await ends(test, 2)
    expect(await here.take(3, 10)).toHaveLength(1)
  })

  it('that cannot be read are given as such, beside those that can', async () => {
    const here = endings(test)
    await here.listen()
    for (const [number, text] of [
      [1, 'no JSON'],
      [2, '{"call":"call-1"}'],
      [3, JSON.stringify({ ...cdr, endedAt: 7 })],
    ] as const)
      await test.store.command((client) => client.xadd(test.keys.cdrs(3), `${number}-1`, 'j', text))
    await ends(test, 4)
    const told = await here.take(3, 10)
    expect(told.map(({ entry, event }) => [entry.id, event?.type])).toEqual([
      ['1-1', undefined],
      ['2-1', undefined],
      ['3-1', undefined],
      ['4-1', 'call.ended'],
    ])
  })

  it('are told from when somebody listens also where another daemon was closing what nobody heard', async () => {
    const { stream, here } = closing(test)
    const listener = endings(test)
    const looking = here.look()
    await stream.isClosing
    await listener.listen()
    stream.goOn()
    await looking
    await ends(test, 1)
    await here.look()
    expect(await here.take(3, 10)).toHaveLength(1)
  })

  it('go on being told to those that listen when another begins to', async () => {
    const [listener, other, here] = [endings(test), endings(test), endings(test)]
    await listener.listen()
    await here.look()
    await ends(test, 1)
    await other.listen()
    await here.look()
    expect(await here.take(3, 10)).toHaveLength(1)
  })
})
