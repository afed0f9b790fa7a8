import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatAmount, parseAmount } from '../../src/base/money.ts'
import type { CdrChange } from '../../src/usage/changes.ts'
import { StoredUsage } from '../../src/usage/stored-usage.ts'
import { UsageDesk } from '../../src/usage/summary.ts'
import { type UsageBy, usageGroups, type UsageRow } from '../../src/usage/usage-row.ts'
import { doStep, namesOf, openTree, type RandomHistory, randomHistory } from '../calls/random-calls.ts'
import { TestArchives } from '../support/archives.ts'
import { World } from '../support/desk.ts'

const ALL = { fromMs: 0, untilMs: Date.UTC(2100, 0, 1) }

/** Pulls what is new, a few at a time, as a billing job that comes by now and then. */
class BillingJob {
  readonly changes: CdrChange[] = []
  readonly #desk: UsageDesk
  readonly #account: string
  #cursor: string | undefined

  constructor(desk: UsageDesk, account: string) {
    this.#desk = desk
    this.#account = account
  }

  async pull(): Promise<void> {
    for (let more = true; more;) {
      const place = this.#cursor === undefined ? {} : { cursor: this.#cursor }
      const page = await this.#desk.changes(this.#account, { ...place, limit: 2, includeDescendants: true })
      this.changes.push(...page.items)
      this.#cursor = page.cursor
      more = page.more
    }
  }
}

describe('usage, whatever happens', () => {
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

  async function desk(hotDays: number): Promise<UsageDesk> {
    const office = world.test.office()
    const archive = archives.open(world.test)
    if (hotDays === 0) await archive.archiver.round(() => false)
    const { usage } = archive
    return new UsageDesk({
      office,
      store: new StoredUsage(office),
      archive: usage,
      clock: world.clock,
      hotDays: () => hotDays,
    })
  }

  async function play({ tree, steps }: RandomHistory): Promise<void> {
    await world.begin()
    await archives.empty()
    await world.test.store.command((client) => client.hset(world.test.keys.meta(), 'installed_at', '1'))
    await openTree(world, tree)
    const fromArchive = await desk(0)
    const job = new BillingJob(fromArchive, namesOf(tree)[0] ?? '')
    for (const [index, step] of steps.entries()) {
      await doStep(world, tree, step)
      if (index % 5 === 4) await job.pull()
    }
    await world.settleDown()
    await job.pull()
    await expectSums(world, { tree: namesOf(tree), fromArchive, fromStore: await desk(1_000_000) })
    await expectPulledOnce(world, namesOf(tree), job.changes)
  }

  it('is the sum of the CDRs, of what was pulled, and of the journal, from the store as from the archive', async () => {
    await fc.assert(
      fc.asyncProperty(randomHistory, (history) => play(history)),
      { numRuns: 15 },
    )
  }, 300_000)
})

interface Desks {
  readonly tree: readonly string[]
  readonly fromArchive: UsageDesk
  readonly fromStore: UsageDesk
}

async function expectSums(world: World, { tree, fromArchive, fromStore }: Desks): Promise<void> {
  const posted = await postedForCalls(world)
  for (const account of tree) {
    const rowsBy = (from: UsageDesk, by: UsageBy) => from.summary(account, { ...ALL, by, includeDescendants: false })
    for (const by of usageGroups) {
      const rows = await rowsBy(fromArchive, by)
      expect(rows).toEqual(await rowsBy(fromStore, by))
      expect({ account, by, charge: sum(rows) }).toEqual({ account, by, charge: posted.get(account) ?? 0n })
    }
  }
  const [root = ''] = tree
  const whole = await fromArchive.summary(root, { ...ALL, by: 'account', includeDescendants: true })
  expect(sum(whole)).toBe(tree.reduce((total, account) => total + (posted.get(account) ?? 0n), 0n))
}

function sum(rows: readonly UsageRow[]): bigint {
  return rows.reduce((total, { charge }) => total + charge, 0n)
}

/** What the journal took for calls, less what it gave back, by account. */
async function postedForCalls(world: World): Promise<ReadonlyMap<string, bigint>> {
  const posted = new Map<string, bigint>()
  for (const { call, moves } of await world.entries()) {
    if (call === undefined) continue
    for (const [account, counter, change] of moves) {
      if (counter !== 'cp' && counter !== 'dp') continue
      posted.set(account, (posted.get(account) ?? 0n) + BigInt(counter === 'dp' ? change : -change))
    }
  }
  return posted
}

async function expectPulledOnce(world: World, tree: readonly string[], changes: readonly CdrChange[]): Promise<void> {
  const written = (await world.cdrs()).filter(({ account }) => tree.includes(account))
  const name = (cdr: { call: string; account: string; revision: number; charge: string }): string =>
    `${cdr.call} ${cdr.account} ${cdr.revision} ${cdr.charge}`
  expect(changes.map(({ cdr }) => name(cdr)).toSorted()).toEqual(written.map(name).toSorted())
  const added = changes.reduce((total, { adds }) => total + adds.charge, 0n)
  const newest = new Map(written.map((cdr) => [`${cdr.call} ${cdr.account}`, cdr.charge] as const))
  const charged = [...newest.values()].reduce((total, charge) => total + (parseAmount(charge) ?? 0n), 0n)
  expect(formatAmount(added)).toBe(formatAmount(charged))
}
