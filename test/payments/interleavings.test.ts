/**
 * Random interleavings: providers that answer, decline, lose answers or charge long after; daemons that die between any two
 * steps; webhooks that come twice, early and late; refunds; bundles that are bought again. Whatever happens, what was charged
 * is credited: never twice, never lost. PAYMENT_INTERLEAVINGS says how many accounts live through it; the seed is printed when
 * one does not.
 */
import fc from 'fast-check'
import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { SIGNATURE_HEADER, type SandboxMemory } from '../../src/edges/payments/sandbox.ts'
import { type Payment, secondsTaken } from '../../src/payments/payment.ts'
import type { PaymentStore } from '../../src/payments/payment-store.ts'
import type { ChargeAsk, PaymentProvider, ProviderCharge, RefundAsk } from '../../src/payments/provider.ts'
import { reconcile } from '../../src/payments/reconcile.ts'
import { useStore } from '../support/offices.ts'
import { SECRET, Till } from '../support/till.ts'

const INTERLEAVINGS = Number(process.env['PAYMENT_INTERLEAVINGS'] ?? 10_000)
const ACCOUNTS_AT_ONCE = 50

/** Then the cycle of the bundles turns. */
const STEPS_OF_MONTH = 6
const MONTH_MS = 31 * 86_400_000
const HOUR_MS = 3_600_000

const tokens = [
  'tok_success',
  'tok_decline',
  'tok_authentication',
  'tok_timeout',
  'tok_lost',
  'tok_webhook_first',
  'tok_webhook_twice',
  'tok_refund_timeout',
  'tok_refund_decline',
] as const

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('buy' as const),
      token: fc.constantFrom(...tokens),
      op: fc.nat(5),
      crash: fc.nat(12),
      late: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('bundle' as const),
      token: fc.constantFrom(...tokens),
      recurring: fc.boolean(),
      op: fc.nat(5),
      crash: fc.nat(12),
      late: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('refund' as const),
      of: fc.nat(5),
      op: fc.nat(2),
      units: fc.integer({ min: 1, max: 30 }),
      crash: fc.nat(12),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('webhook' as const),
      of: fc.nat(5),
      agrees: fc.boolean(),
      crash: fc.nat(8),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('look' as const),
      afterMs: fc.constantFrom(0, 6_000, 100_000, 400_000),
      crash: fc.nat(20),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('renew' as const), crash: fc.nat(12), late: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('late charges' as const) }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** By daemons that live. */
const RENEW: Step = { do: 'renew', crash: 0, late: false }

class Killed extends Error {}

/** Dies at the given step; a daemon takes one before and one after each visit to the store or the provider. */
class Life {
  #left: number

  constructor(steps: number) {
    // Half of them live through it.
    this.#left = steps === 0 || steps > 8 ? Infinity : steps
  }

  step(): void {
    this.#left -= 1
    if (this.#left <= 0) throw new Killed()
  }
}

class MapMemory implements SandboxMemory {
  readonly #texts = new Map<string, string>()

  async add(name: string, text: string): Promise<string> {
    if (!this.#texts.has(name)) this.#texts.set(name, text)
    return this.#texts.get(name) ?? text
  }

  async get(name: string): Promise<string | undefined> {
    return this.#texts.get(name)
  }

  async *all(beginning: string): AsyncGenerator<readonly [string, string]> {
    for (const each of this.#texts) if (each[0].startsWith(beginning)) yield each
  }
}

function webhookOf(payment: string, type: string) {
  const body = Buffer.from(JSON.stringify({ type, payment }))
  const signature = `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`
  return { body, headers: { [SIGNATURE_HEADER]: signature } }
}

describe('payments', () => {
  const test = useStore('redis')

  /** What one account lives through; each step is done by a daemon of its own, which may die. */
  class World {
    readonly account: string
    readonly memory: MapMemory
    readonly late: (() => Promise<unknown>)[] = []
    #tills = 0

    constructor(account: string, memory: MapMemory) {
      this.account = account
      this.memory = memory
    }

    till(life: Life, isLate = false): Till {
      const around = <T>(form: T): T =>
        new Proxy(form as object, {
          get: (target, name) => {
            const member: unknown = Reflect.get(target, name)
            if (typeof member !== 'function' || name === 'list' || name === 'openedSince' || name === 'coin')
              return member
            return async (...args: unknown[]) => {
              life.step()
              const answer: unknown = await member.apply(target, args)
              life.step()
              return answer
            }
          },
        }) as T
      return new Till(test, {
        memory: this.memory,
        name: `${this.account}-${(this.#tills += 1)}`,
        store: (store: PaymentStore) => around(store),
        provider: (provider) => around(isLate ? this.#delayed(provider) : provider),
      })
    }

    /** The request is on its way when we give it up, and arrives at some time. */
    #delayed(provider: PaymentProvider): PaymentProvider {
      const lost = { kind: 'unknown', reason: 'lost' } as const
      return new Proxy(provider, {
        get: (target, name) => {
          if (name === 'charge' || name === 'refund') {
            return async (ask: ChargeAsk & RefundAsk) => {
              this.late.push(() => (name === 'charge' ? target.charge(ask) : target.refund(ask)))
              return lost
            }
          }
          const member: unknown = Reflect.get(target, name)
          return typeof member === 'function' ? (member.bind(target) as unknown) : member
        },
      })
    }

    async payments(): Promise<readonly Payment[]> {
      return (await new Till(test).store.list(this.account, { limit: 100 })).items
    }

    async take(step: Step): Promise<void> {
      try {
        await this.#take(step)
      } catch (error) {
        if (!(error instanceof Killed)) throw error
      }
    }

    async #take(step: Step): Promise<void> {
      if (step.do === 'late charges') {
        for (const charge of this.late.splice(0)) await charge()
        return
      }
      const till = this.till(new Life(step.crash), 'late' in step && step.late)
      if (step.do === 'buy' || step.do === 'bundle') await this.#buy(till, step)
      else if (step.do === 'renew') await till.renewals.attempt(this.account, true)
      else if (step.do === 'look') {
        test.clock.advance(step.afterMs)
        await till.cashier.lookAfterDue()
      } else {
        const found = (await this.payments())[step.of]
        if (!found) return
        if (step.do === 'webhook') {
          const type = step.agrees ? 'charge.authenticated' : 'charge.updated'
          await till.cashier.hear(till.provider, webhookOf(found.id, type))
        } else {
          const amount = BigInt(step.units) * 1_000_000n
          await till.cashier.refund({ account: this.account, payment: found.id, operation: `r${step.op}`, amount })
        }
      }
    }

    async #buy(till: Till, bought: Extract<Step, { do: 'buy' | 'bundle' }>): Promise<void> {
      const { do: what, token, op } = bought
      const recurring = 'recurring' in bought && bought.recurring
      const minutes = { kind: 'bundle', minutes: { bundles: 1, seconds: 6_000 }, recurring } as const
      const operation = { id: `${what}-${op}`, content: what }
      await till.buy(this.account, { token, operation, ...(what === 'bundle' ? minutes : {}) })
    }

    async check(charges: readonly ProviderCharge[]): Promise<void> {
      let [charged, refundedBack] = [0n, 0n]
      const seconds = new Map<number | undefined, number>()
      const payments = new Map((await this.payments()).map((payment) => [payment.id, payment]))
      for (const { payment = '', amount, outcome, refunds } of charges) {
        const ours = payments.get(payment)
        if (!ours) continue
        expect(ours.state === 'succeeded', `${payment}: ${outcome.kind}, ${ours.state}`).toBe(
          outcome.kind === 'succeeded',
        )
        if (outcome.kind !== 'succeeded') continue
        if (ours.minutes) {
          const { cycle } = ours.minutes
          seconds.set(cycle, (seconds.get(cycle) ?? 0) + ours.minutes.seconds - secondsTaken(ours))
          continue
        }
        charged += amount
        for (const refund of refunds) if (refund.outcome.kind === 'succeeded') refundedBack += refund.amount
      }
      const renewals = [...payments.values()].flatMap(({ renewal }) => renewal ?? [])
      const attempts = renewals.map(({ cycle, attempt }) => `${cycle} ${attempt}`)
      expect(new Set(attempts).size, 'of renewals one opens after another').toBe(attempts.length)
      const balance = await test.office().balance(this.account)
      expect(balance).toMatchObject({ credit: charged - refundedBack, reserved: 0n })
      for (const { pool, total } of balance?.pools ?? []) expect(total).toBe(seconds.get(pool.cycle) ?? 0)
      expect(balance?.pools.length ?? 0).toBe(seconds.size === 0 ? 0 : 1)
      expect([...payments.values()].filter(({ state }) => state === 'opened' || state === 'unknown')).toEqual([])
    }
  }

  /** Everything that is under way comes to its end; answers with what the provider charged, all of which is ours. */
  async function end(worlds: readonly World[], memory: MapMemory): Promise<readonly ProviderCharge[]> {
    for (const world of worlds) for (const charge of world.late.splice(0)) await charge()
    // Long after, nothing is under way any more.
    test.clock.advance(25 * HOUR_MS)
    const till = new Till(test, { memory })
    const observer = { moved: () => undefined, disagreed: () => undefined }
    const { disagreements } = await reconcile({ cashier: till.cashier, store: till.store, observer }, till.provider, 0)
    expect(disagreements.filter(({ kind }) => kind !== 'refunds_differ')).toEqual([])
    const look = async (world: World): Promise<void> => {
      for (const { id } of await world.payments()) await till.cashier.lookUp(id)
    }
    await Promise.all(worlds.map(look))
    const charges: ProviderCharge[] = []
    for await (const charge of till.provider.list(0)) charges.push(charge)
    return charges
  }

  it('credit what was charged, never twice, never lost', { timeout: 1_200_000 }, async () => {
    let lived = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { minLength: 1, maxLength: 2 * STEPS_OF_MONTH }), {
          minLength: ACCOUNTS_AT_ONCE,
          maxLength: ACCOUNTS_AT_ONCE,
        }),
        async (lives) => {
          await test.empty()
          const memory = new MapMemory()
          const worlds = await Promise.all(
            lives.map(async (_, index) => {
              await test.office().put(`a${index}`, {})
              await new Till(test).useCard(`a${index}`, tokens[index % tokens.length])
              return new World(`a${index}`, memory)
            }),
          )
          for (const from of [0, STEPS_OF_MONTH]) {
            if (from > 0) test.clock.advance(MONTH_MS)
            await Promise.all(
              worlds.map(async (world, index) => {
                if (from > 0) await Promise.all([world.take(RENEW), world.take(RENEW)])
                const steps = (lives[index] ?? []).slice(from, from + STEPS_OF_MONTH)
                // Two daemons at a time.
                for (let at = 0; at < steps.length; at += 2) {
                  await Promise.all(steps.slice(at, at + 2).map((each) => world.take(each)))
                }
              }),
            )
          }
          const charges = await end(worlds, memory)
          await Promise.all(worlds.map((world) => world.check(charges)))
          expect((await test.audit().verify()).drifts).toEqual([])
          lived += worlds.length
        },
      ),
      { numRuns: Math.ceil(INTERLEAVINGS / ACCOUNTS_AT_ONCE), endOnFailure: true },
    )
    expect(lived).toBeGreaterThanOrEqual(INTERLEAVINGS)
  })
})
