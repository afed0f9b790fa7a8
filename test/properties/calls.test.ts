import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dialledDigits } from '../../src/base/e164.ts'
import type { CallRecord } from '../../src/calls/call.ts'
import type { TariffBook } from '../../src/rating/book.ts'
import { charge, priceOf } from '../../src/rating/charge.ts'
import {
  doStep,
  namesOf,
  openTree,
  type RandomHistory,
  randomHistory,
  type RandomTree,
  type Step,
} from '../calls/random-calls.ts'
import type { Snapshot } from '../ledger/snapshot.ts'
import { expectNothingHeld, expectSoundBooks, World } from '../support/desk.ts'

function counter(snapshot: Snapshot, account: string, name: string): bigint {
  return BigInt(snapshot.accounts[account]?.counters[name] ?? 0)
}

/** What an account can still put aside. */
function available(snapshot: Snapshot, account: string, limit: bigint): bigint {
  return counter(snapshot, account, 'cp') - counter(snapshot, account, 'dp') - counter(snapshot, account, 'dr') + limit
}

/** Words that say what happened already: it is charged whatever is left. */
const TELLS: readonly Step['do'][] = ['start', 'alive', 'stop', 'failed', 'edge_up', 'edge_list']

interface Change {
  readonly tree: RandomTree
  readonly step: Step
  readonly before: Snapshot
  readonly after: Snapshot
}

async function expectLimits(world: World, { tree, step, before, after }: Change): Promise<void> {
  for (const account of [...namesOf(tree), 'far']) {
    const profile = await world.office().get(account)
    if (!profile) throw new Error(`no account ${account}`)
    const { creditLimit, trunks, maxCalls = Infinity } = profile
    const holdsMore = counter(after, account, 'dr') > counter(before, account, 'dr')
    if (holdsMore && !TELLS.includes(step.do)) {
      expect(available(after, account, creditLimit)).toBeGreaterThanOrEqual(0n)
    }
    const [was, is] = [before.accounts[account], after.accounts[account]]
    for (const kind of ['inbound', 'outbound', 'twoWay'] as const) {
      expect(is?.[kind].length ?? 0).toBeLessThanOrEqual(Math.max(trunks[kind], was?.[kind].length ?? 0))
    }
    if (!TELLS.includes(step.do)) {
      expect(is?.live.length ?? 0).toBeLessThanOrEqual(Math.max(maxCalls, was?.live.length ?? 0))
    }
    for (const { id, cycle } of profile.pools) {
      const [granted, held, used] = ['g', 'r', 'u'].map((which) => counter(after, account, `p:${id}:${cycle}:${which}`))
      expect((granted ?? 0n) - (held ?? 0n) - (used ?? 0n)).toBeGreaterThanOrEqual(0n)
    }
  }
}

/** What only credit paid for costs what the whole call costs, whatever slices it had and however often it was corrected. */
async function expectWholeCharge(tariffs: TariffBook, record: CallRecord): Promise<void> {
  for (const { hold, charge: charged, tariff } of record.levels) {
    const byCredit = !hold.trunk && hold.pools.length === 0 && !hold.unpaid && charged?.pools.length === 0
    if (record.state !== 'ended' || !byCredit || !tariff) continue
    const pinned = await tariffs.pinned(tariff.name, tariff.version)
    const answeredAtMs = record.connectedAtMs ?? record.authorizedAtMs
    const found =
      pinned && priceOf(pinned, { direction: record.direction, digits: dialledDigits(record.to), answeredAtMs })
    const whole = found?.kind === 'priced' ? charge(found.price, record.end?.seconds ?? 0).micros : 0n
    expect({ call: record.call, micros: charged.micros }).toEqual({ call: record.call, micros: whole })
  }
}

async function play(world: World, { tree, steps }: RandomHistory): Promise<void> {
  await world.begin()
  const { tariffs } = world.parts()
  await openTree(world, tree)
  let before = await world.snapshot()
  for (const step of steps) {
    await doStep(world, tree, step)
    const after = await world.snapshot()
    expectSoundBooks(after)
    await expectLimits(world, { tree, step, before, after })
    before = after
  }
  for (const record of Object.values(before.calls)) await expectWholeCharge(tariffs, record)
  await world.settleDown()
  const end = await world.snapshot()
  expectSoundBooks(end)
  expectNothingHeld(end)
  for (const record of Object.values(end.calls)) await expectWholeCharge(tariffs, record)
}

describe('whatever happens', () => {
  it.each([1, 2] as const)(
    'the books are sound after every step, limits hold, and nothing is held in the end (%i daemons)',
    async (daemons) => {
      const world = new World({ name: 'the model', on: 'model', daemons })
      await fc.assert(
        fc.asyncProperty(randomHistory, (history) => play(world, history)),
        { numRuns: 250 },
      )
    },
    60_000,
  )
})
