/** The account office on Redis. Each change is one script that moves counters and writes the journal together. */
import { type AccountChain, type AccountProfile, MAX_CHAIN_LEVELS, type Pool } from '../accounts/account.ts'
import { cyclesDue, hasEnded, poolCounter } from '../accounts/cycles.ts'
import type {
  AccountOffice,
  Balance,
  BundlesStop,
  Money,
  OfficeRefused,
  Page,
  PageRequest,
  PoolBalance,
  PoolInput,
  PoolPatch,
  Posted,
  ProfileInput,
  ProfilePatch,
  SavedPool,
  SavedProfile,
  Transaction,
} from '../accounts/office.ts'
import { Fault } from '../base/fault.ts'
import { AccountBundles } from './account-bundles.ts'
import { AccountHistory } from './account-history.ts'
import { AccountListing } from './account-listing.ts'
import { AccountMoney } from './account-money.ts'
import { AccountPools } from './account-pools.ts'
import { AccountProfiles } from './account-profiles.ts'
import { RedisNews } from './news.ts'
import type { OfficeParts } from './office-parts.ts'
import { ProfileStore, type StoredProfile } from './profile-store.ts'
import { repliesOf } from './replies.ts'

export type AccountOfficeParts = Omit<OfficeParts, 'profiles' | 'tell'>

export class RedisAccountOffice implements AccountOffice {
  readonly #parts: OfficeParts
  readonly #profiles: AccountProfiles
  readonly #pools: AccountPools
  readonly #bundles: AccountBundles
  readonly #money: AccountMoney
  readonly #history: AccountHistory
  readonly #listing: AccountListing

  constructor(parts: AccountOfficeParts) {
    const news = new RedisNews(parts.store, parts.keys)
    this.#parts = {
      ...parts,
      profiles: new ProfileStore(parts),
      tell: (message) => {
        news.tell(message)
      },
    }
    this.#pools = new AccountPools(this.#parts)
    this.#profiles = new AccountProfiles(this.#parts, this.#pools.readTurned)
    this.#bundles = new AccountBundles(this.#parts, this.#pools.readTurned)
    this.#money = new AccountMoney(this.#parts)
    this.#history = new AccountHistory(this.#parts)
    this.#listing = new AccountListing(this.#parts)
  }

  async chainOf(account: string): Promise<AccountChain | undefined> {
    return this.#rememberedChain(account) ?? this.#readChain(account)
  }

  /** The usual case, without a wait; undefined where an account must be read or a pool's cycle turned. */
  #rememberedChain(account: string): AccountChain | undefined {
    const { profiles, clock } = this.#parts
    const nowMs = clock.nowMs()
    const levels: AccountProfile[] = []
    let partition = 0
    for (let next: string | undefined = account; next !== undefined;) {
      const found: StoredProfile | undefined = profiles.remembered(next)
      if (!found || levels.length === MAX_CHAIN_LEVELS || cyclesDue(found.profile, nowMs)) return undefined
      partition = found.partition
      levels.push(found.profile)
      next = found.profile.parent
    }
    return { partition, levels }
  }

  async #readChain(account: string): Promise<AccountChain | undefined> {
    const levels: AccountProfile[] = []
    let partition = 0
    for (let next: string | undefined = account; next !== undefined;) {
      const found: StoredProfile | undefined = await this.#findTurned(next)
      if (!found && levels.length === 0) return undefined
      if (!found || levels.length === MAX_CHAIN_LEVELS)
        throw new Fault('store_unfit', `the chain of account ${account} is broken`)
      partition = found.partition
      levels.push(found.profile)
      next = found.profile.parent
    }
    return { partition, levels }
  }

  /** The first who asks after a pool's cycle is over begins the next one. */
  async #findTurned(account: string): Promise<StoredProfile | undefined> {
    const { profiles, clock } = this.#parts
    const found = await profiles.find(account)
    if (!found || !cyclesDue(found.profile, clock.nowMs())) return found
    await this.turnCycles(account)
    return profiles.find(account)
  }

  forget(account: string): void {
    const { profiles } = this.#parts
    let next: string | undefined = account
    for (let level = 0; next !== undefined && level < MAX_CHAIN_LEVELS; level += 1) {
      const parent: string | undefined = profiles.remembered(next)?.profile.parent
      profiles.forget(next)
      next = parent
    }
  }

  /** People read what is stored, not what this daemon remembers. */
  async get(account: string): Promise<AccountProfile | undefined> {
    return (await this.#pools.readTurned(account))?.profile
  }

  list(filter: { parent?: string; cursor?: string; limit: number }): Promise<Page<AccountProfile>> {
    return this.#listing.list(filter)
  }

  put(account: string, input: ProfileInput): Promise<SavedProfile | OfficeRefused> {
    return this.#profiles.put(account, input)
  }

  patch(account: string, input: ProfilePatch): Promise<SavedProfile | OfficeRefused> {
    return this.#profiles.patch(account, input)
  }

  credit(money: Money): Promise<Posted | OfficeRefused> {
    return this.#money.post('credit', money)
  }

  debit(money: Money): Promise<Posted | OfficeRefused> {
    return this.#money.post('debit', money)
  }

  addPool(account: string, input: PoolInput, operation?: string): Promise<SavedPool | OfficeRefused> {
    return this.#pools.add(account, input, operation)
  }

  patchPool(account: string, pool: string, input: PoolPatch): Promise<SavedPool | OfficeRefused> {
    return this.#pools.patch(account, pool, input)
  }

  stopBundles(account: string, stop: BundlesStop): Promise<SavedProfile | OfficeRefused> {
    return this.#bundles.stop(account, stop)
  }

  transactions(account: string, page: PageRequest): Promise<Page<Transaction>> {
    return this.#history.transactions(account, page)
  }

  cdrs(account: string, page: PageRequest): Promise<Page<string>> {
    return this.#history.cdrs(account, page)
  }

  async turnCycles(account: string): Promise<void> {
    await this.#pools.turn(account)
    this.#parts.profiles.forget(account)
  }

  async balance(account: string): Promise<Balance | undefined> {
    const found = await this.#pools.readTurned(account)
    if (!found) return undefined
    const { store, keys, clock } = this.#parts
    const { partition: p, profile } = found
    const counters = profile.pools.flatMap((pool) => [
      poolCounter(pool, 'g'),
      poolCounter(pool, 'r'),
      poolCounter(pool, 'u'),
    ])
    const results = await store.command((client) =>
      client
        .multi()
        .hmget(keys.account(p, account), 'cp', 'dp', 'dr', ...counters)
        .scard(keys.live(p, account))
        .scard(keys.channels(p, account, 'inbound'))
        .scard(keys.channels(p, account, 'outbound'))
        .scard(keys.channels(p, account, 'twoWay'))
        .exec(),
    )
    const [amounts, calls, inbound, outbound, twoWay] = repliesOf(results)
    const [cp, dp, dr, ...pools] = (amounts as (string | null)[]).map((text) => BigInt(text ?? 0))
    const used = { inbound: Number(inbound), outbound: Number(outbound), twoWay: Number(twoWay) }
    return balanceOf({
      profile,
      money: [cp ?? 0n, dp ?? 0n, dr ?? 0n],
      pools,
      used,
      calls: Number(calls),
      nowMs: clock.nowMs(),
    })
  }
}

interface Figures {
  readonly profile: AccountProfile
  readonly money: readonly [cp: bigint, dp: bigint, dr: bigint]
  /** Granted, put aside and used, of each pool of the profile. */
  readonly pools: readonly bigint[]
  readonly used: Readonly<Record<'inbound' | 'outbound' | 'twoWay', number>>
  readonly calls: number
  readonly nowMs: number
}

function balanceOf({ profile, money, pools, used, calls, nowMs }: Figures): Balance {
  const { currency, creditLimit, trunks } = profile
  const [cp, dp, reserved] = money
  const credit = cp - dp
  return {
    currency,
    credit,
    reserved,
    available: credit - reserved + creditLimit,
    creditLimit,
    pools: profile.pools.map((pool, index) =>
      poolBalance(pool, pools.slice(index * 3, index * 3 + 3).map(Number), nowMs),
    ),
    trunks: {
      inbound: { limit: trunks.inbound, used: used.inbound },
      outbound: { limit: trunks.outbound, used: used.outbound },
      twoWay: { limit: trunks.twoWay, used: used.twoWay },
    },
    calls,
  }
}

/** Nothing remains of a pool that has ended. */
function poolBalance(pool: Pool, [total = 0, reserved = 0, used = 0]: readonly number[], nowMs: number): PoolBalance {
  return { pool, total, remaining: hasEnded(pool, nowMs) ? 0 : Math.max(0, total - used - reserved), reserved }
}
