/** Minute pools: what they grant moves with the profile that describes them, in one step. */
import type { AccountProfile, Pool } from '../accounts/account.ts'
import { BUNDLES_POOL, unpaidBundles } from '../accounts/bundles.ts'
import { cyclesDue, poolCounter, rollsOver, type TurnedCycles, turnedCycles } from '../accounts/cycles.ts'
import type { OfficeRefused, PoolInput, PoolPatch, SavedPool } from '../accounts/office.ts'
import { changedPool, newPool, type PoolContext, samePool, withPool } from '../accounts/pools.ts'
import { isAccountId } from '../accounts/profile.ts'
import { Fault } from '../base/fault.ts'
import type { CounterMove, JournalEntry } from '../ledger/journal.ts'
import { untilDone } from './attempts.ts'
import { accountUnknown, type OfficeParts, operationConflict, refuse } from './office-parts.ts'
import { contentOf } from './operation.ts'
import type { Grant, StoredProfile, WriteAnswer } from './profile-store.ts'

/** Granted, reserved and used seconds of a cycle. */
const COUNTERS = ['g', 'r', 'u'] as const

type Saved = SavedPool | OfficeRefused

interface PoolAdd {
  readonly account: string
  readonly id: string
  readonly input: PoolInput
  readonly operation: string | undefined
  readonly content: string
}

export class AccountPools {
  readonly #parts: OfficeParts

  constructor(parts: OfficeParts) {
    this.#parts = parts
  }

  /** A profile as stored, after the cycles that are over have turned. */
  readTurned = async (account: string): Promise<StoredProfile | undefined> => {
    const found = await this.#parts.profiles.load(account)
    if (!found || !cyclesDue(found.profile, this.#parts.clock.nowMs())) return found
    await this.turn(account)
    return this.#parts.profiles.load(account)
  }

  /** The version that is written over makes a second turn of the same cycle impossible. */
  async turn(account: string): Promise<void> {
    await untilDone(async () => {
      const { profiles, clock, tell } = this.#parts
      const nowMs = clock.nowMs()
      const found = await profiles.load(account)
      const left = found ? await this.#leftOf(found, nowMs) : {}
      const turned = found && turnedCycles(found.profile, nowMs, left)
      if (!turned) return true
      const { profile, moves } = turned
      const pools = turned.turned.map(({ pool }) => pool.id).join(' ')
      const grants = turned.turned.map(({ pool: { id, cycle }, seconds }): Grant => {
        return { pool: id, cycle, seconds, left: left[id] }
      })
      const note = { pools, why: 'the cycle turned' }
      const entry: JournalEntry = { kind: 'reset', atMs: nowMs, moves, members: [], books: [], note }
      const seconds = turned.turned.map((one) => one.seconds).join(' ')
      const event = { type: 'minutes.reset', fields: ['pools', pools, 'seconds', seconds] }
      const renewAtMs = renewsBundles(turned) ? nowMs : undefined
      const answer = await profiles.write({ profile, before: found.profile, grants, entry, event, renewAtMs, nowMs })
      if (answer.kind !== 'saved') return undefined
      tell({ kind: 'account', account })
      return true
    })
  }

  /** Seconds left of the pools whose rest goes on, by id. */
  async #leftOf({ partition, profile }: StoredProfile, nowMs: number): Promise<Readonly<Record<string, number>>> {
    const pools = profile.pools.filter((pool) => rollsOver(pool, nowMs))
    if (pools.length === 0) return {}
    const { store, keys } = this.#parts
    const fields = pools.flatMap((pool) => COUNTERS.map((which) => poolCounter(pool, which)))
    const got = await store.command((client) => client.hmget(keys.account(partition, profile.id), ...fields))
    const figure = (at: number): number => Number(got[at] ?? 0)
    return Object.fromEntries(
      pools.map(({ id }, at) => {
        const first = at * COUNTERS.length
        return [id, Math.max(0, figure(first) - figure(first + 1) - figure(first + 2))]
      }),
    )
  }

  async add(account: string, input: PoolInput, operation?: string): Promise<Saved> {
    const id = input.id ?? this.#parts.ids()
    if (!isAccountId(id)) throw new Fault('unexpected', `${JSON.stringify(id.slice(0, 80))} is no id of a pool`)
    const add: PoolAdd = { account, id, input, operation, content: contentOf(['pool', input]) }
    return untilDone(async () => {
      const found = await this.readTurned(account)
      if (!found) return accountUnknown(account)
      const existing = found.profile.pools.find((pool) => pool.id === id)
      return existing ? this.#again(add, found, existing) : this.#add(add, found.profile)
    })
  }

  async #add(add: PoolAdd, before: AccountProfile): Promise<Saved | undefined> {
    const { account, input, id, content } = add
    const context = this.#context(before)
    const { nowMs } = context
    const pool = newPool(id, input, context)
    const profile = withPool(before, pool, nowMs)
    const operation = add.operation === undefined ? undefined : { id: add.operation, content, answer: id }
    const answer = await this.#parts.profiles.write({
      profile,
      before,
      grants: [{ pool: id, cycle: pool.cycle, seconds: pool.seconds }],
      entry: grantEntry({
        account,
        pool,
        seconds: pool.seconds,
        nowMs,
        why: 'the pool was added',
        ...(add.operation === undefined ? {} : { operation: add.operation, content }),
      }),
      operation,
      nowMs,
    })
    return this.#answered(answer, { add, profile, pool })
  }

  async #answered(
    answer: WriteAnswer,
    made: { readonly add: PoolAdd; readonly profile: AccountProfile; readonly pool: Pool },
  ): Promise<Saved | undefined> {
    const { add, profile, pool } = made
    if (answer.kind === 'saved') return this.#saved(profile, pool, true)
    if (answer.kind === 'request_conflict') return conflict(add)
    if (answer.kind === 'replayed') return this.#replay(add.account, answer.answer)
    return undefined
  }

  /** The id is taken: by this very operation, by a pool that is just so, or by another. */
  async #again(add: PoolAdd, { partition, profile }: StoredProfile, existing: Pool): Promise<Saved> {
    const { keys, store } = this.#parts
    const key = add.operation === undefined ? undefined : keys.operation(partition, add.account, add.operation)
    const known = key === undefined ? null : await store.command((client) => client.get(key))
    if (known !== null) return known === `${add.content} ${add.id}` ? this.#replay(add.account, add.id) : conflict(add)
    const wanted = newPool(add.id, add.input, this.#context(profile))
    if (samePool(wanted, existing)) return { kind: 'saved', created: false, profile, pool: existing }
    return refuse('request_conflict', `account ${add.account} has another pool ${add.id}`, '/id')
  }

  async #replay(account: string, id: string): Promise<Saved> {
    const profile = (await this.readTurned(account))?.profile
    const pool = profile?.pools.find((other) => other.id === id)
    if (!profile || !pool) return refuse('pool_unknown', `pool ${id} of account ${account} is no more`)
    return { kind: 'saved', created: true, profile, pool }
  }

  /** More or fewer seconds count in the cycle in force, also when more is used: then nothing remains. */
  async patch(account: string, id: string, input: PoolPatch): Promise<Saved> {
    return untilDone(async () => {
      const found = await this.readTurned(account)
      if (!found) return accountUnknown(account)
      const pool = found.profile.pools.find((other) => other.id === id)
      if (!pool) return refuse('pool_unknown', `account ${account} has no pool ${id.slice(0, 64)}`)
      const context = this.#context(found.profile)
      const next = changedPool(pool, input, context)
      const seconds = next.seconds - pool.seconds
      const profile = withPool(found.profile, next, context.nowMs)
      const answer = await this.#parts.profiles.write({
        profile,
        before: found.profile,
        grants: [{ pool: id, cycle: next.cycle, seconds }],
        entry: grantEntry({ account, pool: next, seconds, nowMs: context.nowMs, why: 'the pool was changed' }),
        nowMs: context.nowMs,
      })
      return answer.kind === 'saved' ? this.#saved(profile, next, false) : undefined
    })
  }

  #context(profile: AccountProfile): PoolContext {
    return { profile, defaults: this.#parts.defaults().pool, nowMs: this.#parts.clock.nowMs() }
  }

  #saved(profile: AccountProfile, pool: Pool, created: boolean): SavedPool {
    this.#parts.tell({ kind: 'account', account: profile.id })
    return { kind: 'saved', created, profile, pool }
  }
}

/** Bundles that recur are due with the cycle of their pool. */
function renewsBundles({ profile, turned }: TurnedCycles): boolean {
  return turned.some(({ pool }) => pool.id === BUNDLES_POOL) && unpaidBundles(profile) !== undefined
}

function conflict({ operation = '' }: PoolAdd): OfficeRefused {
  return operationConflict(operation)
}

interface GrantNote {
  readonly account: string
  readonly pool: Pool
  readonly seconds: number
  readonly nowMs: number
  readonly why: string
  readonly operation?: string
  readonly content?: string
}

/** Undefined when no counter moves. */
function grantEntry({ account, pool, seconds, nowMs, why, ...asked }: GrantNote): JournalEntry | undefined {
  if (seconds === 0) return undefined
  const move: CounterMove = [account, poolCounter(pool, 'g'), seconds]
  const note = { pool: pool.id, name: pool.name, why }
  return { kind: 'pool', atMs: nowMs, ...asked, moves: [move], members: [], books: [], note }
}
