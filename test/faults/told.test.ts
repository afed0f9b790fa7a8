/** kill -9 of what relays events and of what works on their jobs, at every step of it: another process does what is left. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RedisAudit } from '../../src/store/redis-audit.ts'
import { RedisCards } from '../../src/store/redis-cards.ts'
import { RedisStreams } from '../../src/store/redis-streams.ts'
import { until } from '../edges/sip/process.ts'
import { TestMailServer } from '../support/mail-server.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { cardOf } from '../support/till.ts'
import { Receiver } from '../webhooks/receiver.ts'
import { killAtEachStep } from './doomed.ts'
import { openTeller, type Place, type Teller } from './teller.ts'

const TEN_MINUTES = 600_000

describe('an event that is on its way when its daemon is killed', { timeout: TEN_MINUTES }, () => {
  const mails = new TestMailServer()
  let redis: TestRedis
  const heirs: Teller[] = []
  beforeAll(async () => {
    redis = await startRedis()
    await mails.start()
  })
  afterAll(async () => {
    for (const heir of heirs) await heir.end()
    await mails.stop()
    await redis.stop()
  }, 60_000)

  const placeOf =
    (name: string) =>
    (step: number): Place => {
      return { urls: [redis.url], prefix: `${name}${step}`, mailUrl: mails.url }
    }

  /** Daemons that come after those that died, ten minutes later by their clock. */
  async function inherit(places: readonly Place[]): Promise<readonly Teller[]> {
    for (const heir of heirs.splice(0)) await heir.end()
    for (const place of places) {
      const heir = await openTeller({ ...place, laterMs: TEN_MINUTES })
      heirs.push(heir)
      await heir.begin()
    }
    return heirs
  }

  async function nothingIsLeft(): Promise<void> {
    const left = async ({ queues }: Teller) => {
      const states = ['waiting', 'delayed', 'active', 'dead'] as const
      const lists = await Promise.all(states.map((state) => queues.list({ state, limit: 10 })))
      return lists.flatMap(({ items }) => items)
    }
    let found: readonly unknown[] = []
    const look = async (): Promise<boolean> => {
      found = (await Promise.all(heirs.map(left))).flat()
      return found.length === 0
    }
    const explain = (): string => JSON.stringify(found.slice(0, 10))
    await until('nothing is left to do', look, { withinMs: 180_000, everyMs: 500, explain })
  }

  it('is told by mail and webhook, and not as two', async () => {
    const receiver = await Receiver.open()
    const place = placeOf('told')
    const buyer = (step: number) => `step-${step}@example.com`
    const mailed = (step: number) => mails.mails.filter(({ to }) => [to].flat()[0]?.text === buyer(step))
    const posted = (step: number) => receiver.received.filter(({ path }) => path.endsWith(`/${step}`))
    const isDone = (step: number) =>
      mailed(step).length > 0 && new Set(posted(step).map(({ body }) => body.type)).size === 2

    const steps = await killAtEachStep({
      place,
      isDone,
      async prepare(step) {
        const { office, webhooks, store, keys, end } = await openTeller(place(step))
        await office.put('acme', { name: 'Acme' })
        const types = ['payment.succeeded', 'receipt.sent'] as const
        await webhooks.add({ url: `${receiver.url}/${step}`, types })
        const payment = { payment: '0-p1', kind: 'credit', amount: '25000000', currency: 'USD', card: 'visa 4242' }
        const event = { type: 'payment.succeeded', account: 'acme', at: String(Date.now()) }
        const fields = Object.entries({ ...event, ...payment, receipt: 'acme-1', buyer: buyer(step) }).flat()
        await store.command((client) => client.xadd(keys.outbox(0), '*', ...fields))
        await end()
      },
    })
    await inherit(steps.map(place))
    await until('all is told', () => steps.every(isDone), {
      withinMs: 180_000,
      everyMs: 200,
      explain: () => `not of ${steps.filter((step) => !isDone(step)).join(', ')}`,
    })
    await nothingIsLeft()
    for (const step of steps) {
      expect(new Set(mailed(step).map(({ messageId }) => messageId)).size).toBe(1)
      expect(mailed(step).length).toBeLessThanOrEqual(2)
      const ids = new Map(posted(step).map(({ id, body }) => [id, body.type]))
      expect([...ids.values()].toSorted()).toEqual(['payment.succeeded', 'receipt.sent'])
    }
  })

  it('charges the card for a recharge once, and what was charged is credited', async () => {
    const place = placeOf('paid')
    const looking = new Map<number, Teller>()
    const creditOf = async ({ office }: Teller) => (await office.balance('acme'))?.credit
    const steps = await killAtEachStep({
      place,
      isDone: async (step) => {
        const teller = looking.get(step)
        return teller !== undefined && (await creditOf(teller)) === 20_000_000n
      },
      async prepare(step) {
        const teller = await openTeller(place(step))
        looking.set(step, teller)
        const { office, store, keys } = teller
        const cards = new RedisCards({ store, keys, office })
        await office.put('acme', { name: 'Acme' })
        const card = cardOf('tok_success')
        await cards.changeCards('acme', () => ({ customers: { sandbox: 'cus' }, cards: [card], recurring: card.id }))
        await office.patch('acme', { recharge: { enabled: true, threshold: 5_000_000n, amount: 20_000_000n } })
      },
    })
    for (const teller of looking.values()) await teller.end()
    const tellers = await inherit(steps.map(place))
    const payments = async ({ payments: { desk } }: Teller) => (await desk.payments('acme', { limit: 10 })).items
    const isSettled = async (teller: Teller): Promise<boolean> => {
      const paid = await payments(teller)
      return paid.length > 0 && paid.every(({ state }) => state === 'succeeded' || state === 'failed')
    }
    const areSettled = async () => (await Promise.all(tellers.map(isSettled))).every(Boolean)
    await until('every payment is settled', areSettled, { withinMs: 240_000, everyMs: 500 })
    await nothingIsLeft()
    let credited = 0
    for (const teller of tellers) {
      const { sums, disagreements } = await teller.payments.reconcile(0)
      const { charged = 0n, credited: known = 0n } = sums['USD'] ?? {}
      expect(disagreements).toEqual([])
      expect([charged, known]).toEqual([await creditOf(teller), charged])
      expect([0n, 20_000_000n]).toContain(charged)
      if (charged > 0n) credited += 1
      const { store, keys } = teller
      const parts = { store, keys, partitions: 1 }
      expect((await new RedisAudit({ ...parts, journal: new RedisStreams(parts) }).verify()).drifts).toEqual([])
    }
    // Where it died before the card was asked, it is tried again in an hour.
    expect(credited).toBeGreaterThan(steps.length / 2)
  })
})
