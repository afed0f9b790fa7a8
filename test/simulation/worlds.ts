/** What a simulated installation has, and everything that can happen in it, as plain data: a history can be played again. */
import type { FundingSource, OnExhausted } from '../../src/accounts/account.ts'
import type { Random } from './random.ts'

export interface PoolSpec {
  readonly id: string
  readonly seconds: number
  readonly priority: number
  readonly freeSeconds: number
  readonly increment: number
  readonly onExhausted: OnExhausted
}

/** An account as it was configured; steps change it. */
export interface AccountSpec {
  readonly id: string
  readonly parent?: string
  tariff: string
  readonly credit: number
  creditLimit: number
  readonly funding: readonly FundingSource[]
  trunks: { inbound: number; outbound: number; twoWay: number }
  readonly pools: readonly PoolSpec[]
  maxCalls?: number
  status: 'active' | 'suspended'
}

/** Micros a minute and micros; the only prefix that has a price is 44, and 900 is blocked. */
export interface RateSpec {
  readonly perMinute: number
  readonly fee: number
  readonly first: number
  readonly next: number
}

export interface WorldSpec {
  readonly accounts: readonly AccountSpec[]
  /** Accounts that make calls. */
  readonly payers: readonly string[]
  /** The first version of each tariff. */
  readonly tariffs: Readonly<Record<string, RateSpec>>
  readonly daemons: number
}

/** Where the n-th visit to the store of a request ends in a fault. */
export interface FaultSpec {
  readonly kind: 'killed_before' | 'killed_after' | 'reply_lost'
  readonly visit: number
}

interface Sent {
  /** Which daemon is asked. */
  readonly daemon: number
  readonly fault?: FaultSpec
}

export interface Asks {
  readonly account: string
  readonly direction: 'outbound' | 'inbound'
  readonly to: string
  readonly mode: 'clock' | 'edge' | 'whole'
}

export type Step =
  | ({ readonly do: 'authorize'; readonly call: string; readonly asks: Asks } & Sent)
  | ({ readonly do: 'start' | 'alive' | 'failed'; readonly call: string; readonly skewMs?: number } & Sent)
  | ({ readonly do: 'stop'; readonly call: string; readonly seconds?: number; readonly skewMs?: number } & Sent)
  | ({ readonly do: 'extend'; readonly call: string; readonly usedSeconds: number } & Sent)
  | ({ readonly do: 'end'; readonly call: string } & Sent)
  | ({ readonly do: 'money'; readonly account: string; readonly micros: number; readonly operation: string } & Sent)
  | ({ readonly do: 'patch'; readonly account: string; readonly change: Partial<AccountSpec> } & Sent)
  | { readonly do: 'tariff'; readonly name: string; readonly rate: RateSpec }
  | { readonly do: 'edge_up'; readonly instance: string; readonly daemon: number }
  | { readonly do: 'edge_list'; readonly calls: readonly string[]; readonly daemon: number }
  | { readonly do: 'play'; readonly ms: number; readonly daemon: number }
  | { readonly do: 'burst'; readonly calls: readonly string[]; readonly asks: Asks }

const RATES: Readonly<Record<string, RateSpec>> = {
  second: { perMinute: 60_000, fee: 0, first: 1, next: 1 },
  minute: { perMinute: 30_000, fee: 0, first: 60, next: 60 },
  fees: { perMinute: 70_001, fee: 10_000, first: 30, next: 6 },
}

export function randomRate(random: Random): RateSpec {
  return {
    perMinute: random.whole(0, 120_000),
    fee: random.chance(0.3) ? random.whole(0, 20_000) : 0,
    first: random.pick([1, 6, 30, 60]),
    next: random.pick([1, 6, 60]),
  }
}

function randomPool(random: Random, id: string): PoolSpec {
  return {
    id,
    seconds: random.pick([0, 60, 90, 300, 600]),
    priority: random.whole(0, 2),
    freeSeconds: random.pick([0, 30]),
    increment: random.pick([1, 60]),
    onExhausted: random.pick(['finish_call', 'cut', 'spill']),
  }
}

function randomAccount(random: Random, id: string, parent: string | undefined): AccountSpec {
  const isPayer = parent === undefined || random.chance(0.8)
  const trunks = random.chance(0.35)
    ? { inbound: random.whole(0, 2), outbound: random.whole(0, 2), twoWay: random.whole(0, 1) }
    : { inbound: 0, outbound: 0, twoWay: 0 }
  return {
    id,
    ...(parent === undefined ? {} : { parent }),
    tariff: random.pick(Object.keys(RATES)),
    credit: random.pick([0, 5_000, 100_000, 500_000, 2_000_000, 5_000_000, 50_000_000]),
    creditLimit: random.chance(0.2) ? random.whole(0, 100_000) : 0,
    funding: random.chance(0.85) ? ['trunk', 'pool', 'credit'] : ['credit', 'trunk'],
    trunks: isPayer ? trunks : { inbound: 0, outbound: 0, twoWay: 0 },
    pools: random.chance(0.3) ? ['p', 'q'].slice(0, random.whole(1, 2)).map((pool) => randomPool(random, pool)) : [],
    ...(random.chance(0.2) ? { maxCalls: random.whole(1, 4) } : {}),
    status: 'active',
  }
}

/** Two trees: one of up to five levels and one of one. */
export function randomWorld(random: Random): WorldSpec {
  const accounts: AccountSpec[] = []
  const payers: string[] = []
  for (const [tree, depth] of [random.whole(1, 5), 1].entries()) {
    for (let level = 0; level < depth; level += 1) {
      const parent = level === 0 ? undefined : `t${tree}-${level - 1}`
      accounts.push(randomAccount(random, `t${tree}-${level}`, parent))
    }
    payers.push(`t${tree}-${depth - 1}`)
    if (depth > 1) payers.push(`t${tree}-${depth - 2}`)
  }
  return { accounts, payers, tariffs: RATES, daemons: random.whole(1, 3) }
}
