/** Statements of random histories: every micro is in one line, and the lines are what the balance became. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ChargeClass, chargeClasses } from '../../src/accounts/charge-class.ts'
import type { Archive } from '../../src/archive/archive.ts'
import { cutTo } from '../../src/archive/fork.ts'
import { lockedPlace } from '../../src/archive/progress.ts'
import { formatAmount } from '../../src/base/money.ts'
import { instantOf } from '../../src/base/time.ts'
import { RedisStreams } from '../../src/store/redis-streams.ts'
import { StatementDesk } from '../../src/statements/statement-desk.ts'
import type { Statement } from '../../src/statements/statement.ts'
import { StoredUsage } from '../../src/usage/stored-usage.ts'
import { UsageDesk } from '../../src/usage/summary.ts'
import { doStep, namesOf, openTree, type RandomHistory, randomHistory } from '../calls/random-calls.ts'
import { never, TestArchives } from '../support/archives.ts'
import { World } from '../support/desk.ts'
import { PARTITIONS } from '../support/offices.ts'
import { Till } from '../support/till.ts'

const ACCOUNTS = 4

type MoneyStep =
  | { readonly do: 'fee'; readonly account: number; readonly micros: bigint; readonly of: ChargeClass | undefined }
  | { readonly do: 'owed'; readonly account: number; readonly micros: bigint }
  | {
      readonly do: 'buy'
      readonly account: number
      readonly kind: 'credit' | 'bundle' | 'dialer'
      readonly fails: boolean
    }
  | { readonly do: 'refund'; readonly account: number; readonly micros: bigint }
  | { readonly do: 'wait'; readonly days: number }

const account = fc.nat(ACCOUNTS - 1)
const micros = fc.bigInt({ min: 1n, max: 3_000_000n })

const moneyStep: fc.Arbitrary<MoneyStep> = fc.oneof(
  fc.record({ do: fc.constant('fee'), account, micros, of: fc.constantFrom(undefined, ...chargeClasses) }),
  fc.record({ do: fc.constant('owed'), account, micros }),
  fc.record({
    do: fc.constant('buy'),
    account,
    kind: fc.constantFrom('credit', 'bundle', 'dialer'),
    fails: fc.constantFrom(false, false, true),
  }),
  fc.record({ do: fc.constant('refund'), account, micros: fc.constantFrom(10_000n, 1_000_000n) }),
  fc.record({ do: fc.constant('wait'), days: fc.constantFrom(1, 9, 31) }),
)

interface History extends RandomHistory {
  readonly money: readonly MoneyStep[]
  readonly timezone: string
  /** Where periods end, in shares of the time that passed. */
  readonly cuts: readonly number[]
}

const zones = fc.constantFrom('UTC', 'America/New_York', 'Pacific/Auckland', 'Asia/Kolkata')

const history: fc.Arbitrary<History> = fc
  .record({
    calls: randomHistory,
    money: fc.array(moneyStep, { minLength: 4, maxLength: 14, size: 'max' }),
    timezone: zones,
    cuts: fc.array(fc.nat(1000), { minLength: 1, maxLength: 4 }),
  })
  .map(({ calls, ...rest }) => ({ ...calls, ...rest }))

/** What the clerk wrote down: charges of each account by class. */
class Clerk {
  readonly charged = new Map<string, bigint>()

  charge(of: string, by: ChargeClass, amount: bigint): void {
    this.charged.set(`${of} ${by}`, (this.charged.get(`${of} ${by}`) ?? 0n) + amount)
  }
}

class Teller {
  readonly clerk = new Clerk()
  readonly #world: World
  readonly #till: Till
  #operations = 0

  constructor(world: World) {
    this.#world = world
    this.#till = new Till(world.test)
  }

  async do(next: MoneyStep, names: readonly string[]): Promise<void> {
    const of = next.do === 'wait' ? '' : (names[next.account] ?? 'far')
    switch (next.do) {
      case 'wait':
        await this.#world.settleDown()
        this.#world.clock.advance(next.days * 86_400_000)
        return
      case 'fee':
        return this.#fee(of, next.micros, next.of)
      case 'owed':
        return this.#fee(of, next.micros, 'storage', { isOwed: true })
      case 'buy':
        return this.#buy(of, next)
      case 'refund':
        return this.#refund(of, next.micros)
    }
  }

  async #fee(of: string, amount: bigint, by: ChargeClass | undefined, more: { isOwed?: true } = {}): Promise<void> {
    const operation = `fee-${(this.#operations += 1)}`
    const money = { account: of, amount, operation, kind: 'fee', ...(by ? { class: by } : {}), ...more } as const
    const posted = await this.#world.test.office().debit(money)
    if (posted.kind === 'posted') this.clerk.charge(of, by ?? 'other', amount)
  }

  async #buy(of: string, { kind, fails }: Extract<MoneyStep, { do: 'buy' }>): Promise<void> {
    const minutes = kind === 'credit' ? {} : { minutes: { seconds: 6_000, bundles: 1 } }
    const token = fails ? 'tok_decline' : 'tok_success'
    const bought = await this.#till.buy(of, { kind, amount: 5_000_000n, token, ...minutes })
    if (bought.kind === 'refused' || bought.payment.state !== 'succeeded') return
    if (kind !== 'credit') this.clerk.charge(of, 'minutes', 5_000_000n)
  }

  async #refund(of: string, amount: bigint): Promise<void> {
    const { items } = await this.#till.store.list(of, { limit: 1 })
    const [payment] = items
    if (!payment) return
    const operation = `back-${(this.#operations += 1)}`
    const back = await this.#till.cashier.refund({ account: of, payment: payment.id, amount, operation })
    if (back.kind === 'refused') return
    if (payment.minutes) this.clerk.charge(of, 'minutes', -amount)
  }
}

describe('statements, whatever happens', () => {
  const world = new World({ name: 'one Redis', on: 'redis', daemons: 2 })
  const archives = new TestArchives('PostgreSQL')
  beforeAll(async () => {
    await world.open()
    await archives.start()
  }, 60_000)
  afterAll(async () => {
    await archives.stop()
    await world.close()
  })

  async function play({ timezone, money, cuts, ...calls }: History): Promise<void> {
    await world.begin()
    const archive = await archives.opened(world.test)
    const { tree, steps } = { ...calls, tree: zoned(calls.tree, timezone) }
    await openTree(world, tree)
    const names = [...namesOf(tree), 'far']
    const teller = new Teller(world)
    const startMs = world.nowMs
    for (const [index, step] of steps.entries()) {
      await doStep(world, tree, step)
      const next = money[index / 3]
      if (next) await teller.do(next, names)
      if (index % 7 === 6) await archive.archiver.round(never)
    }
    await world.settleDown()
    const passedMs = world.nowMs - startMs
    const ends = [...cuts].toSorted((a, b) => a - b).map((cut) => startMs + Math.floor((cut * passedMs) / 1000))
    await expectLines(archive, { names, ends, clerk: teller.clerk })
    await expectOpenings(archive, { names, timezone, startMs })
  }

  async function expectLines(
    archive: Archive,
    {
      names,
      ends,
      clerk,
    }: { readonly names: readonly string[]; readonly ends: readonly number[]; readonly clerk: Clerk },
  ): Promise<void> {
    for (const name of names) {
      const whole = await statement(archive, name, { fromMs: 0, untilMs: world.nowMs + 1 })
      expectSums(whole)
      expect(whole.opening).toBe(0n)
      expect(whole.closing).toBe((await world.balance(name)).credit)
      const classes = whole.charges.filter(({ amount }) => amount !== 0n).map((each) => [each.class, each.amount])
      const expected = chargeClasses.map((of) => [of, clerk.charged.get(`${name} ${of}`) ?? 0n])
      expect([name, classes]).toEqual([name, expected.filter(([, amount]) => amount !== 0n)])
      let [fromMs, opening, monthly, callCharges] = [0, 0n, 0n, 0n]
      for (const untilMs of [...ends, world.nowMs + 1]) {
        if (untilMs <= fromMs) continue
        const part = await statement(archive, name, { fromMs, untilMs })
        expectSums(part)
        expect(part.opening).toBe(opening)
        ;[fromMs, opening] = [untilMs, part.closing]
        ;[monthly, callCharges] = [monthly + part.monthly, callCharges + part.calls]
      }
      expect([opening, monthly, callCharges]).toEqual([whole.closing, whole.monthly, whole.calls])
      expect(whole.usage.charge).toBe(whole.calls)
    }
    const desk = deskOf(archive)
    const totals = await desk.totals(names[0] ?? '', { fromMs: 0, untilMs: world.nowMs + 1, limit: 100 })
    for (const { account: of, ...each } of totals.items) {
      const { monthly, calls, payments, credits } = await statement(archive, of, {
        fromMs: 0,
        untilMs: world.nowMs + 1,
      })
      expect([of, each]).toEqual([of, { monthly, calls, payments, credits }])
    }
  }

  function deskOf(archive: Archive): StatementDesk {
    const office = world.test.office()
    const rest = { archive: archive.usage, clock: world.clock, hotDays: () => 35 }
    const usage = new UsageDesk({ office, store: new StoredUsage(office), ...rest })
    return new StatementDesk({ archive: archive.statements, usage })
  }

  async function statement(
    archive: Archive,
    name: string,
    period: { readonly fromMs: number; readonly untilMs: number },
  ): Promise<Statement> {
    const profile = await world.test.office().get(name)
    if (!profile) throw new Error(`no account ${name}`)
    return deskOf(archive).statement(profile, period)
  }

  /** Instants around the turns of months, in the zone of the accounts and in UTC. */
  async function expectOpenings(
    archive: Archive,
    {
      names,
      timezone,
      startMs,
    }: { readonly names: readonly string[]; readonly timezone: string; readonly startMs: number },
  ): Promise<void> {
    const start = new Date(startMs)
    const turns = [0, 1, 2, 3].flatMap((month) => {
      const first = { year: start.getUTCFullYear(), month: start.getUTCMonth() + 1 + month, day: 1 }
      return [instantOf(first, timezone), instantOf(first, 'UTC')]
    })
    const instants = [...turns.flatMap((at) => [at - 1, at, at + 1]), world.nowMs, world.nowMs + 1]
    for (const name of names) {
      const partition = (await world.test.office().chainOf(name))?.partition ?? 0
      for (const at of instants) {
        const [plain] = await archive.database.use(
          (sql) => sql<{ amount: string }[]>`
            select coalesce(sum(amount), 0)::numeric(20, 6)::text as amount from posting
            where account = ${name} and at < ${new Date(at)}`,
        )
        const before = await archive.statements.creditBefore(partition, name, at)
        expect([name, at, formatAmount(before)]).toEqual([name, at, plain?.amount])
      }
    }
  }

  it('have every micro in one line, in the class it was charged for, and end where the next begins', async () => {
    await fc.assert(
      fc.asyncProperty(history, (random) => play(random)),
      { numRuns: 12 },
    )
  }, 300_000)

  it('begin with the same sums after entries were lost, and when they are archived anew', async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.nat(1000), async (random, share) => {
        await play(random)
        const archive = archives.open(world.test)
        const streams = new RedisStreams(world.test.streamParts)
        for (let partition = 0; partition < PARTITIONS; partition += 1) {
          // A store forgets its last entries; those that left it were archived weeks before.
          const { number } = await streams.checkpoint(partition)
          await archive.database.transaction(async (sql) => {
            const place = await lockedPlace(sql, partition)
            if (place.journal === 0) return
            const fork = Math.max(number + 1, Math.floor((place.journal * share) / 1000))
            await cutTo(sql, { partition, fork, place })
          })
        }
        await expectSameMonths(archive)
        const names = [...namesOf(random.tree), 'far']
        const anew = archives.open(world.test)
        await anew.archiver.round(never)
        await expectSameMonths(anew)
        for (const name of names) {
          const whole = await statement(anew, name, { fromMs: 0, untilMs: world.nowMs + 1 })
          expect([name, whole.closing]).toEqual([name, (await world.balance(name)).credit])
        }
      }),
      { numRuns: 6 },
    )
  }, 300_000)
})

function zoned(tree: RandomHistory['tree'], timezone: string): RandomHistory['tree'] {
  return { chain: tree.chain.map((each) => ({ ...each, timezone })), far: { ...tree.far, timezone } }
}

/** The lines of one statement. */
function expectSums({ opening, payments, credits, monthly, calls, closing, charges, items }: Statement): void {
  expect(opening + payments + credits - monthly - calls).toBe(closing)
  expect(charges.reduce((sum, { amount }) => sum + amount, 0n)).toBe(monthly)
  expect(items.reduce((sum, { charge }) => sum + charge, 0n)).toBe(monthly)
  expect(items.reduce((sum, { amount }) => sum + amount, 0n)).toBe(payments + credits - monthly)
}

async function expectSameMonths(archive: Archive): Promise<void> {
  const rows = await archive.database.use(
    (sql) => sql<{ account: string; month: string; kept: string; plain: string }[]>`
      select account, month::text, coalesce(kept.amount, 0)::text as kept, coalesce(plain.amount, 0)::text as plain
      from posting_month kept full join (
        select account, date_trunc('month', at at time zone 'UTC')::date as month, sum(amount) as amount
        from posting group by 1, 2) plain using (account, month)
      where coalesce(kept.amount, 0) <> coalesce(plain.amount, 0)`,
  )
  expect(rows).toEqual([])
}
