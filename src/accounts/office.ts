/**
 * What operators and billing jobs do with accounts: profiles, money in and out, trunks and pools. Implemented on the
 * store (store/redis-accounts.ts); every change that moves a counter is journalled in the same step.
 */
import type { Micros } from '../base/money.ts'
import type { ChargeClass } from './charge-class.ts'
import type { AccountChain, AccountProfile, Pool, TrunkLimits } from './account.ts'

export type OfficeRefusalCode =
  | 'account_unknown'
  | 'account_exists'
  | 'account_closed'
  | 'parent_unknown'
  | 'chain_too_deep'
  | 'currency_mismatch'
  | 'root_is_fixed'
  | 'currency_is_fixed'
  | 'pool_unknown'
  | 'bundles_unknown'
  | 'amount_below_minimum'
  | 'amount_too_large'
  | 'insufficient_credit'
  | 'request_conflict'
  | 'version_conflict'

export interface OfficeRefused {
  readonly kind: 'refused'
  readonly code: OfficeRefusalCode
  readonly detail: string
  /** JSON Pointer of the field at fault. */
  readonly field?: string
}

/**
 * A profile as callers give it. What is absent takes the defaults; of an account that is there its status, currency,
 * parent and trunks stay.
 */
export type ProfileInput = Partial<
  Omit<AccountProfile, 'id' | 'root' | 'version' | 'createdAtMs' | 'pools' | 'standingBundles'>
>

/** What a patch can take away again. */
type Clearable = 'tariff' | 'maxCalls' | 'maxPricePerMinute' | 'spendCaps' | 'lowBalance' | 'recharge' | 'language'

/** A profile's changes: null clears a field, what is absent stays. */
export type ProfilePatch = Omit<ProfileInput, Clearable> & {
  readonly [Field in Clearable]?: NonNullable<ProfileInput[Field]> | null
}

export interface Money {
  readonly account: string
  readonly amount: Micros
  /** Idempotency-Key: unique per account for ever. */
  readonly operation: string
  readonly kind: 'purchase' | 'adjustment' | 'fee'
  /** Of a fee. */
  readonly class?: ChargeClass
  readonly reason?: string
  readonly externalId?: string
}

export interface Posted {
  readonly kind: 'posted'
  /** The same operation came before; this is its answer again. */
  readonly replayed: boolean
  readonly entry: string
  readonly amount: Micros
  readonly balance: Micros
  readonly currency: string
}

export interface Balance {
  readonly currency: string
  /** Posted credits less posted debits. */
  readonly credit: Micros
  readonly reserved: Micros
  /** credit − reserved + creditLimit. */
  readonly available: Micros
  readonly creditLimit: Micros
  readonly pools: readonly PoolBalance[]
  readonly trunks: Readonly<Record<keyof TrunkLimits, { readonly limit: number; readonly used: number }>>
  readonly calls: number
}

export interface PoolBalance {
  readonly pool: Pool
  /** Granted in the cycle in force. */
  readonly total: number
  /** total − used − reserved. */
  readonly remaining: number
  readonly reserved: number
}

export type PoolInput = Partial<Omit<Pool, 'id' | 'cycle' | 'createdAtMs' | 'resetsAtMs'>> & {
  readonly name: string
  readonly seconds: number
  readonly id?: string
}

/** A pool's changes: null clears a field, what is absent stays. */
export type PoolPatch = Partial<Omit<PoolInput, 'expiresAtMs' | 'directions' | 'prefixes' | 'rollover' | 'lowAt'>> & {
  readonly expiresAtMs?: number | null
  readonly directions?: Pool['directions'] | null
  readonly prefixes?: Pool['prefixes'] | null
  readonly rollover?: Pool['rollover'] | null
  readonly lowAt?: NonNullable<Pool['lowAt']> | null
}

/** One journal entry as the account's holder reads it. */
export interface Transaction {
  /** "<partition>-<number>": also a cursor. */
  readonly id: string
  readonly atMs: number
  readonly what: string
  readonly why?: string
  readonly call?: string
  readonly operation?: string
  readonly externalId?: string
  /** Less than zero is a debit. */
  readonly amount: Micros
  readonly balanceAfter: Micros
  /** Change of pool seconds, where there was one. */
  readonly poolSeconds?: number
}

/** Cursors of accounts: "<partition>:<id>". */
export const ACCOUNT_CURSOR = /^(\d{1,4}):([A-Za-z0-9._-]{1,64})$/

/** Cursors of an account's payments and receipts: a place in their list, from its oldest. */
export const HISTORY_CURSOR = /^\d{1,15}$/

/** Cursors of an account's transactions and CDRs, which go on in the archive: there "a<journal entry>". */
export const REPORT_CURSOR = /^a?\d{1,16}$/

export interface PageRequest {
  readonly fromMs?: number
  readonly untilMs?: number
  readonly cursor?: string
  readonly limit: number
}

export interface Page<T> {
  readonly items: readonly T[]
  readonly nextCursor?: string
}

export interface AccountOffice {
  /** The chain of an account from the daemon's cache or the store; undefined when there is no such account. */
  chainOf(account: string): Promise<AccountChain | undefined>
  /** Drops what is cached of an account and its chain. */
  forget(account: string): void
  get(account: string): Promise<AccountProfile | undefined>
  list(filter: { parent?: string; cursor?: string; limit: number }): Promise<Page<AccountProfile>>
  /** Creates, or replaces the profile (status, trunks and pools stay unless given). */
  put(account: string, input: ProfileInput): Promise<SavedProfile | OfficeRefused>
  patch(account: string, input: ProfilePatch): Promise<SavedProfile | OfficeRefused>
  balance(account: string): Promise<Balance | undefined>
  credit(money: Money): Promise<Posted | OfficeRefused>
  debit(money: Money): Promise<Posted | OfficeRefused>
  addPool(account: string, input: PoolInput, operation?: string): Promise<SavedPool | OfficeRefused>
  patchPool(account: string, pool: string, input: PoolPatch): Promise<SavedPool | OfficeRefused>
  /** Has bundles not bought again: those of one purchase, or all; why is told. */
  stopBundles(account: string, stop: BundlesStop): Promise<SavedProfile | OfficeRefused>
  transactions(account: string, page: PageRequest): Promise<Page<Transaction>>
  /** CDRs as stored: JSON texts of usage/cdr.ts, newest revision of each call. */
  cdrs(account: string, page: PageRequest): Promise<Page<string>>
  /** Begins the next cycle of every pool whose cycle is over (rules M6, M7); safe to repeat. */
  turnCycles(account: string): Promise<void>
}

export interface BundlesStop {
  /** The payment that began them; all of them where absent. */
  readonly id?: string
  readonly reason: 'staff' | 'card_missing'
}

export interface SavedProfile {
  readonly kind: 'saved'
  readonly created: boolean
  readonly profile: AccountProfile
}

export interface SavedPool {
  readonly kind: 'saved'
  readonly created: boolean
  readonly profile: AccountProfile
  readonly pool: Pool
}
