/** Accounts of a ledger without a store: as much of the office as calls and their tests need. */
import { isDeepStrictEqual } from 'node:util'
import { type AccountChain, type AccountProfile, MAX_CHAIN_LEVELS, type Pool } from '../../src/accounts/account.ts'
import { poolCounter, turnedCycles } from '../../src/accounts/cycles.ts'
import type {
  AccountOffice,
  Balance,
  Money,
  PoolInput,
  Posted,
  ProfileInput,
  SavedPool,
  SavedProfile,
} from '../../src/accounts/office.ts'
import { changedPool, newPool, withPool } from '../../src/accounts/pools.ts'
import { thresholdsOf } from '../../src/accounts/watched.ts'
import { newProfile, patchedProfile } from '../../src/accounts/profile.ts'
import type { Clock } from '../../src/base/time.ts'
import type { JournalEntry } from '../../src/ledger/journal.ts'
import { partitionOf } from '../../src/store/keys.ts'
import { defaults } from '../support/offices.ts'
import type { ModelLedger } from '../support/model-ledger.ts'

/** What tests of calls ask of an office, whatever it is on. */
export type CallsOffice = Pick<
  AccountOffice,
  'chainOf' | 'forget' | 'get' | 'put' | 'patch' | 'balance' | 'credit' | 'debit' | 'addPool' | 'patchPool'
>

interface Change {
  /** That an account has nothing before money came in is no news. */
  readonly hasBegun?: boolean
  readonly purchase?: bigint
  readonly event?: Event | undefined
}

type Event = Readonly<Record<string, string>>

export class ModelOffice implements CallsOffice {
  readonly #ledger: ModelLedger
  readonly #clock: Clock
  readonly #partitions: number
  readonly #profiles: Map<string, AccountProfile>

  /** Offices of one ledger share their profiles. */
  constructor(parts: { ledger: ModelLedger; clock: Clock; partitions: number; profiles: Map<string, AccountProfile> }) {
    this.#ledger = parts.ledger
    this.#clock = parts.clock
    this.#partitions = parts.partitions
    this.#profiles = parts.profiles
  }

  async chainOf(id: string): Promise<AccountChain | undefined> {
    const levels: AccountProfile[] = []
    for (let next: string | undefined = id; next !== undefined && levels.length < MAX_CHAIN_LEVELS;) {
      const profile = this.#turned(next)
      if (!profile) return undefined
      levels.push(profile)
      next = profile.parent
    }
    const root = levels[0]?.root
    return root === undefined ? undefined : { partition: partitionOf(root, this.#partitions), levels }
  }

  forget(): void {
    // Nothing is remembered beside what is stored.
  }

  async get(id: string): Promise<AccountProfile | undefined> {
    return this.#turned(id)
  }

  async put(id: string, input: ProfileInput): Promise<SavedProfile> {
    const parent = input.parent === undefined ? undefined : this.#profiles.get(input.parent)
    const nowMs = this.#clock.nowMs()
    return this.#save(newProfile({ id, input, defaults, nowMs, ...(parent ? { parent } : {}) }), undefined)
  }

  async patch(id: string, input: ProfileInput): Promise<SavedProfile> {
    const before = this.#known(id)
    const profile = patchedProfile(before, input, this.#clock.nowMs())
    const isChanged = !isDeepStrictEqual({ ...profile, version: before.version }, before)
    return isChanged ? this.#save(profile, undefined) : { kind: 'saved', created: false, profile: before }
  }

  async credit(money: Money): Promise<Posted> {
    return this.#post(money, 'credit')
  }

  async debit(money: Money): Promise<Posted> {
    return this.#post(money, 'debit')
  }

  async addPool(id: string, input: PoolInput): Promise<SavedPool> {
    const profile = this.#known(id)
    const nowMs = this.#clock.nowMs()
    const pool = newPool(input.id ?? input.name, input, { profile, defaults: defaults.pool, nowMs })
    const saved = this.#save(withPool(profile, pool, nowMs), this.#grant(id, pool, pool.seconds))
    return { ...saved, created: true, pool }
  }

  async patchPool(id: string, poolId: string, input: Partial<PoolInput>): Promise<SavedPool> {
    const profile = this.#known(id)
    const before = profile.pools.find((pool) => pool.id === poolId)
    if (!before) throw new Error(`no pool ${poolId}`)
    const nowMs = this.#clock.nowMs()
    const pool = changedPool(before, input, { profile, defaults: defaults.pool, nowMs })
    const more = pool.seconds - before.seconds
    return { ...this.#save(withPool(profile, pool, nowMs), this.#grant(id, pool, more)), pool }
  }

  async balance(id: string): Promise<Balance | undefined> {
    const profile = this.#turned(id)
    if (!profile) return undefined
    const count = (counter: Parameters<ModelLedger['counter']>[1]) => this.#ledger.counter(id, counter)
    const credit = count('cp') - count('dp')
    const reserved = count('dr')
    const used = (kind: 'inbound' | 'outbound' | 'twoWay') => ({
      limit: profile.trunks[kind],
      used: this.#ledger.members(id, kind).size,
    })
    return {
      currency: profile.currency,
      credit,
      reserved,
      available: credit - reserved + profile.creditLimit,
      creditLimit: profile.creditLimit,
      pools: profile.pools.map((pool) => {
        const [total = 0, held = 0, taken = 0] = (['g', 'r', 'u'] as const).map((which) =>
          Number(count(poolCounter(pool, which))),
        )
        return { pool, total, reserved: held, remaining: Math.max(0, total - held - taken) }
      }),
      trunks: { inbound: used('inbound'), outbound: used('outbound'), twoWay: used('twoWay') },
      calls: this.#ledger.members(id, 'live').size,
    }
  }

  #known(id: string): AccountProfile {
    const profile = this.#turned(id)
    if (!profile) throw new Error(`no account ${id}`)
    return profile
  }

  #turned(id: string): AccountProfile | undefined {
    const profile = this.#profiles.get(id)
    const nowMs = this.#clock.nowMs()
    const turned = profile && turnedCycles(profile, nowMs, this.#left(profile))
    if (!turned) return profile
    const { moves } = turned
    const event = {
      type: 'minutes.reset',
      pools: turned.turned.map(({ pool }) => pool.id).join(' '),
      seconds: turned.turned.map(({ seconds }) => String(seconds)).join(' '),
    }
    return this.#save(turned.profile, { kind: 'reset', atMs: nowMs, moves, members: [], books: [] }, event).profile
  }

  #left({ id, pools }: AccountProfile): Readonly<Record<string, number>> {
    const count = (pool: Pool, which: 'g' | 'r' | 'u'): number =>
      Number(this.#ledger.counter(id, poolCounter(pool, which)))
    return Object.fromEntries(
      pools.map((pool) => [pool.id, Math.max(0, count(pool, 'g') - count(pool, 'r') - count(pool, 'u'))]),
    )
  }

  #grant(id: string, pool: Pool, seconds: number): JournalEntry | undefined {
    if (seconds === 0) return undefined
    const moves = [[id, poolCounter(pool, 'g'), seconds]] as const
    return { kind: 'pool', atMs: this.#clock.nowMs(), moves, members: [], books: [] }
  }

  #save(profile: AccountProfile, entry: JournalEntry | undefined, event?: Event): SavedProfile {
    const created = !this.#profiles.has(profile.id)
    this.#profiles.set(profile.id, profile)
    const { id, creditLimit } = profile
    const money = (['cp', 'dp'] as const).map((counter) => this.#ledger.counter(id, counter))
    const hasBegun = creditLimit !== 0n || money.some((micros) => micros !== 0n)
    this.#change(profile, entry, { hasBegun, event })
    return { kind: 'saved', created, profile }
  }

  #change(profile: AccountProfile, entry: JournalEntry | undefined, more: Change = {}): string {
    const { id, root, currency, creditLimit, version } = profile
    const nowMs = this.#clock.nowMs()
    const partition = partitionOf(root, this.#partitions)
    const { lowBalance, ...others } = thresholdsOf(profile)
    const thresholds = lowBalance && more.hasBegun !== false ? { ...others, lowBalance } : others
    return this.#ledger.change({
      partition,
      account: id,
      currency,
      creditLimit,
      thresholds,
      nowMs,
      version,
      entry,
      purchase: more.purchase,
      ...(more.event && { event: more.event }),
    })
  }

  #post({ account, amount, operation, kind }: Money, direction: 'credit' | 'debit'): Posted {
    const profile = this.#profiles.get(account)
    if (!profile) throw new Error(`no account ${account}`)
    const { currency, root } = profile
    const change = Number(amount)
    const book = `${currency}:${kind === 'fee' ? ('revenue' as const) : ('funding' as const)}` as const
    const posting: JournalEntry = {
      kind: direction,
      atMs: this.#clock.nowMs(),
      operation,
      moves: [[account, direction === 'credit' ? 'cp' : 'dp', change]],
      members: [],
      books: [[book, direction === 'credit' ? -change : change]],
    }
    const entry = this.#change(profile, posting, kind === 'purchase' ? { purchase: amount } : {})
    const balance = this.#ledger.counter(account, 'cp') - this.#ledger.counter(account, 'dp')
    return {
      kind: 'posted',
      replayed: false,
      entry: `${partitionOf(root, this.#partitions)}-${entry}`,
      amount,
      balance,
      currency,
    }
  }
}
