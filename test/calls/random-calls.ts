/** Random installations and what happens in them: accounts of two trees, calls, clocks, operators and edges. */
import fc from 'fast-check'
import type { FundingSource } from '../../src/accounts/account.ts'
import type { Share } from '../../src/accounts/thresholds.ts'
import type { PoolInput } from '../../src/accounts/office.ts'
import type { OpenAccount, World } from '../support/desk.ts'

/** From the root down: the last one pays. */
export interface RandomTree {
  readonly chain: readonly OpenAccount[]
  /** The payer of another tree, for legs that change their payer. */
  readonly far: OpenAccount
}

export type Step =
  | { readonly do: 'authorize'; readonly call: number; readonly asks: Asks }
  | { readonly do: 'start' | 'alive' | 'failed'; readonly call: number; readonly payer: Payer }
  | { readonly do: 'stop'; readonly call: number; readonly payer: Payer; readonly seconds?: number }
  | { readonly do: 'extend'; readonly call: number; readonly usedSeconds: number; readonly requestSeconds?: number }
  | { readonly do: 'end'; readonly call: number }
  | { readonly do: 'play'; readonly seconds: number }
  | { readonly do: 'credit'; readonly level: number; readonly micros: bigint }
  | { readonly do: 'pool'; readonly pool: PoolInput }
  | { readonly do: 'trunks'; readonly outbound: number; readonly twoWay: number }
  | { readonly do: 'cap'; readonly perMinute: string | undefined }
  | { readonly do: 'edge_up'; readonly instance: string }
  | { readonly do: 'edge_list'; readonly calls: readonly number[] }
  | { readonly do: 'edge'; readonly canEnd: boolean; readonly canRaise: boolean }
  | { readonly do: 'cycle' }

type Payer = 'acme' | 'far'

interface Asks {
  readonly account: Payer
  readonly direction: 'outbound' | 'inbound'
  readonly to: string
  readonly mode?: 'clock' | 'edge' | 'whole'
  readonly requestSeconds?: number
  readonly attempt?: string
}

export interface RandomHistory {
  readonly tree: RandomTree
  readonly steps: readonly Step[]
}

const TREE = ['root', 'house', 'acme'] as const

/** The accounts of a chain, from the root down. */
export function namesOf({ chain }: RandomTree): readonly string[] {
  return TREE.slice(TREE.length - chain.length)
}

const micros = fc.oneof(fc.bigInt({ min: 0n, max: 400_000n }), fc.constantFrom(0n, 1_000n, 60_000n, 120_000n))

function sometimes<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(arbitrary, { nil: undefined, freq: 4 })
}

const share = fc.integer({ min: 1, max: 100 }).map((percent): Share => `${percent}%`)

const pool: fc.Arbitrary<PoolInput> = fc.record({
  name: fc.constantFrom('a', 'b', 'c'),
  seconds: fc.oneof(fc.nat(300), fc.constantFrom(0, 60, 120)),
  priority: fc.nat(2),
  freeSeconds: fc.constantFrom(0, 30),
  increment: fc.constantFrom(1, 60),
  onExhausted: fc.constantFrom('finish_call', 'cut', 'spill'),
  resets: fc.constantFrom('never', 'cycle'),
  lowAt: sometimes(fc.array(fc.oneof(fc.nat(200), share), { minLength: 1, maxLength: 3 })),
})

const pools = fc.uniqueArray(pool, { maxLength: 2, selector: ({ name }) => name })

const funding: fc.Arbitrary<readonly FundingSource[]> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(['trunk', 'pool', 'credit'] as const) },
  { weight: 1, arbitrary: fc.shuffledSubarray(['trunk', 'pool', 'credit'] as const, { minLength: 1 }) },
)

const account: fc.Arbitrary<OpenAccount> = fc.record({
  credit: micros,
  creditLimit: fc.constantFrom(0n, 0n, 50_000n),
  tariff: fc.constantFrom('retail', 'retail', 'wholesale', 'minutes', 'fees', 'none'),
  funding,
  trunks: fc.record({ inbound: fc.nat(1), outbound: fc.nat(2), twoWay: fc.nat(1) }),
  pools,
  maxCalls: sometimes(fc.integer({ min: 1, max: 3 })),
  spendCaps: fc.record({ day: sometimes(micros), month: sometimes(micros) }),
  lowBalance: sometimes(
    fc.record({ threshold: micros, also: fc.array(fc.oneof(micros, share), { maxLength: 3 }), hysteresis: micros }),
  ),
})

const tree: fc.Arbitrary<RandomTree> = fc.record({
  chain: fc.array(account, { minLength: 1, maxLength: TREE.length }),
  far: account,
})

const call = fc.nat(4)
const payer = fc.constantFrom<Payer>('acme', 'acme', 'acme', 'far')
const seconds = fc.oneof(fc.nat(200), fc.constantFrom(0, 30, 31, 60, 61))

const asks: fc.Arbitrary<Asks> = fc.record(
  {
    account: payer,
    direction: fc.constantFrom('outbound', 'outbound', 'outbound', 'inbound'),
    to: fc.constantFrom('+442079460958', '+442079460958', '+800123', '+33123'),
    mode: fc.constantFrom('clock', 'edge', 'whole'),
    requestSeconds: fc.integer({ min: 1, max: 300 }),
    attempt: fc.constantFrom('1', '2'),
  },
  { requiredKeys: ['account', 'direction', 'to'] },
)

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant('authorize'), call, asks }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('start'), call, payer }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('alive', 'failed'), call, payer }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('stop'), call, payer, seconds }, { requiredKeys: ['do', 'call', 'payer'] }),
  },
  {
    weight: 3,
    arbitrary: fc.record(
      { do: fc.constant('extend'), call, usedSeconds: seconds, requestSeconds: fc.integer({ min: 1, max: 100 }) },
      { requiredKeys: ['do', 'call', 'usedSeconds'] },
    ),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end'), call }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('play'), seconds: fc.integer({ min: 1, max: 150 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('credit'),
      level: fc.nat(2),
      micros: fc.oneof(fc.bigInt({ min: 1n, max: 200_000n }), fc.constant(5_000_000n)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pool'), pool }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('trunks'), outbound: fc.nat(2), twoWay: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cap'), perMinute: fc.constantFrom(undefined, '0.05', '1') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('edge_up'), instance: fc.constantFrom('1000', '2000') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('edge_list'), calls: fc.subarray([0, 1, 2, 3, 4]) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('edge'), canEnd: fc.boolean(), canRaise: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cycle') }) },
)

export const randomHistory: fc.Arbitrary<RandomHistory> = fc.record({
  tree,
  steps: fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }),
})

/** Opens the accounts of a history in an empty installation. */
export async function openTree(world: World, random: RandomTree): Promise<void> {
  const fees = { prefix: '44', perMinute: '0.07', connectFee: '0.01', minimumSeconds: 20, noChargeSeconds: 5 }
  await world.activate([{ ...fees, firstIncrement: 30, nextIncrement: 6 }], { name: 'fees' })
  const names = namesOf(random)
  for (const [n, input] of random.chain.entries()) {
    const parent = names[n - 1]
    await world.account(names[n] ?? '', { ...input, ...(parent === undefined ? {} : { parent }) })
  }
  await world.account('far', random.far)
}

/** Does one step; what was answered, as text. */
export async function doStep(world: World, random: RandomTree, next: Step): Promise<string> {
  world.clock.advance(100)
  return JSON.stringify(await answerOf(world, random, next), (_key, value: unknown) =>
    typeof value === 'bigint' ? `${value}` : value,
  )
}

async function answerOf(world: World, random: RandomTree, next: Step): Promise<unknown> {
  const callOf = (n: number, account: Payer = 'acme') => world.call(`c${n}`, { account })
  switch (next.do) {
    case 'authorize':
      return callOf(next.call).authorize(next.asks)
    case 'start':
    case 'alive':
    case 'failed':
      return callOf(next.call, next.payer).tell(next.do)
    case 'stop': {
      const known = (await callOf(next.call).record())?.answeredAtMs
      const times =
        next.seconds === undefined ? { answeredAtMs: known, endedAtMs: world.nowMs } : { seconds: next.seconds }
      return callOf(next.call, next.payer).tell('stop', times)
    }
    case 'extend': {
      const { usedSeconds, requestSeconds } = next
      return world.desk.extend({
        leg: callOf(next.call).said.leg,
        usedSeconds,
        ...(requestSeconds === undefined ? {} : { requestSeconds }),
      })
    }
    case 'end': {
      const id = (await callOf(next.call).record())?.call
      return id === undefined ? undefined : (await world.desk.end(id))?.state
    }
    case 'play':
      return world.play(next.seconds)
    case 'credit':
      return world.credit(namesOf(random).at(-1 - next.level) ?? 'far', next.micros)
    case 'pool': {
      const known = (await world.office().get('acme'))?.pools.some(({ id }) => id === next.pool.name)
      if (!known) await world.office().addPool('acme', { id: next.pool.name, ...next.pool })
      return undefined
    }
    case 'trunks': {
      const { outbound, twoWay } = next
      await world.office().patch('acme', { trunks: { inbound: 1, outbound, twoWay } })
      return undefined
    }
    case 'cap':
      await world.office().patch('acme', { maxPricePerMinute: next.perMinute })
      return undefined
    case 'edge_up':
    case 'edge_list': {
      const calls = next.do === 'edge_up' ? [] : next.calls.map((n) => callOf(n).said.leg)
      const instance = next.do === 'edge_up' ? next.instance : '1000'
      return world.desk.edgeEvent({ type: next.do, node: 'edge-1', instance, calls, tsMs: world.nowMs })
    }
    case 'edge':
      Object.assign(world.control, { canEnd: next.canEnd, canRaise: next.canRaise })
      return undefined
    case 'cycle': {
      // The calls of a month before are presumed over by then.
      await world.settleDown()
      world.clock.advance(31 * 86_400_000)
      for (const name of [...namesOf(random), 'far']) await world.office().get(name)
      return undefined
    }
  }
}
