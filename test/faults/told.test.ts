/** kill -9 of what relays events and of what works on their jobs, at every step of it: another process tells what is left. */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inTurns } from '../../src/base/in-turns.ts'
import { Process, until } from '../edges/sip/process.ts'
import { TestMailServer } from '../support/mail-server.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { Receiver } from '../webhooks/receiver.ts'
import { openTeller, type Place, type Teller } from './teller.ts'

const DOOMED = fileURLToPath(new URL('teller.ts', import.meta.url))
/** More steps than there are. */
const MOST_STEPS = 400
const AT_ONCE = 4

describe('an event on its way to mail and webhooks', () => {
  const mails = new TestMailServer()
  let redis: TestRedis
  beforeAll(async () => {
    redis = await startRedis({ appendOnly: true })
    await mails.start()
  })
  afterAll(async () => {
    await mails.stop()
    await redis.stop()
  })

  const place = (step: number): Place => ({ urls: [redis.url], prefix: `step${step}`, mailUrl: mails.url })
  const buyer = (step: number) => `step-${step}@example.com`
  const mailed = (step: number) => mails.mails.filter(({ to }) => [to].flat()[0]?.text === buyer(step))

  /** An installation with one webhook, in which a payment has just succeeded. */
  async function prepare(step: number, url: string): Promise<void> {
    const { office, webhooks, store, keys, end } = await openTeller(place(step))
    await office.put('acme', { name: 'Acme' })
    const types = ['payment.succeeded', 'receipt.sent'] as const
    await webhooks.add({ url: `${url}/${step}`, types })
    const payment = { payment: '0-p1', kind: 'credit', amount: '25000000', currency: 'USD', card: 'visa 4242' }
    const data = { ...payment, receipt: 'acme-1', buyer: buyer(step) }
    const fields = Object.entries({
      type: 'payment.succeeded',
      account: 'acme',
      at: String(Date.now()),
      ...data,
    }).flat()
    await store.command((client) => client.xadd(keys.outbox(0), '*', ...fields))
    await end()
  }

  it('is lost by no kill, nor told as two', { timeout: 600_000 }, async ({ onTestFinished }) => {
    const receiver = await Receiver.open()
    const posted = (step: number) => receiver.received.filter(({ path }) => path.endsWith(`/${step}`))
    const types = (step: number) => new Set(posted(step).map(({ body }) => body.type))
    const isTold = (step: number) => mailed(step).length > 0 && types(step).size === 2

    /** Whether it died before it had told everything. */
    const dies = async (step: number): Promise<boolean> => {
      await prepare(step, receiver.url)
      const { urls, prefix, mailUrl } = place(step)
      const args = [DOOMED, urls.join(','), prefix, mailUrl, String(step)]
      const doomed = new Process({ name: `step ${step}`, file: process.execPath, args })
      await until('it dies or has told all', () => !doomed.running || isTold(step), {
        withinMs: 60_000,
        explain: () => doomed.output,
      })
      const died = !doomed.running
      if (died) expect(doomed.output).toBe('')
      await doomed.kill()
      return died
    }

    let steps = 0
    for (let isOver = false; !isOver && steps < MOST_STEPS; steps += AT_ONCE) {
      const batch = Array.from({ length: AT_ONCE }, (_, index) => steps + index + 1)
      const outcomes = await inTurns(batch, AT_ONCE, dies)
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
      isOver = outcomes.every((outcome) => outcome.status === 'fulfilled' && !outcome.value)
    }
    expect(steps).toBeLessThan(MOST_STEPS)
    console.log(`${steps} steps`)

    const all = Array.from({ length: steps }, (_, index) => index + 1)
    const heirs: Teller[] = []
    onTestFinished(async () => {
      for (const heir of heirs) await heir.end()
    }, 60_000)
    for (const step of all) {
      const heir = await openTeller(place(step))
      heirs.push(heir)
      await heir.begin()
    }
    await until('all is told', () => all.every(isTold), {
      withinMs: 180_000,
      everyMs: 200,
      explain: () => `not of ${all.filter((step) => !isTold(step)).join(', ')}`,
    })
    const left = async ({ queues }: Teller) => {
      const lists = await Promise.all(
        (['waiting', 'delayed', 'active', 'dead'] as const).map((state) => queues.list({ state, limit: 10 })),
      )
      return lists.flatMap(({ items }) => items)
    }
    await until('nothing is left to do', async () => (await Promise.all(heirs.map(left))).flat().length === 0, {
      withinMs: 120_000,
      everyMs: 500,
    })
    for (const step of all) {
      expect(new Set(mailed(step).map(({ messageId }) => messageId)).size).toBe(1)
      expect(mailed(step).length).toBeLessThanOrEqual(2)
      const ids = new Map(posted(step).map(({ id, body }) => [id, body.type]))
      expect([...ids.values()].toSorted()).toEqual(['payment.succeeded', 'receipt.sent'])
    }
  })
})
