/** Who pays: the profile of an account, as it is checked, stored and cached. Balances are not here (ledger/). */
import type { Micros } from '../base/money.ts'
import type { Contact, Language } from './contacts.ts'
import type { OwnStorageTerms } from './storage-terms.ts'
import type { LowBalance, PoolThreshold } from './thresholds.ts'

export type Direction = 'outbound' | 'inbound'
export type Media = 'voice' | 'video' | 'message'
export type AccountStatus = 'active' | 'suspended' | 'closed'
export type FundingSource = 'trunk' | 'pool' | 'credit'
export type EngineErrorPolicy = 'deny' | 'allowCapped'

/** What happens when a pool has run out: the call goes on unpaid, is cut, or the next source pays (rules E5, E7, E11). */
export type OnExhausted = 'finish_call' | 'cut' | 'spill'

export interface TrunkLimits {
  readonly inbound: number
  readonly outbound: number
  readonly twoWay: number
}

export interface Rollover {
  readonly minSeconds: number
  readonly maxSeconds: number
}

/** A pool of minutes, counted in seconds. Its counters are kept per cycle, so a reset is a new cycle and no special case. */
export interface Pool {
  readonly id: string
  readonly name: string
  /** What one cycle grants. */
  readonly seconds: number
  /** The lower number pays first. */
  readonly priority: number
  readonly expiresAtMs?: number
  readonly resets: 'cycle' | 'never'
  readonly cycle: number
  /** When the cycle in force ends; only with `resets: "cycle"`. */
  readonly resetsAtMs?: number
  /** What is left at the turn goes on, at least and at most so much of it; nothing where absent (rule M7). */
  readonly rollover?: Rollover
  readonly directions: readonly Direction[]
  /** Digits that a number must begin with; empty is every number. */
  readonly prefixes: readonly string[]
  /** A call no longer than this takes nothing (rule R1). */
  readonly freeSeconds: number
  readonly increment: number
  readonly onExhausted: OnExhausted
  /** Where few minutes are told of, as seconds or a share of what the cycle granted; absent: nothing is told. */
  readonly lowAt?: readonly PoolThreshold[]
  readonly createdAtMs: number
}

/** Bundles of minutes that are bought again with each cycle, on the terms that they were bought on (rules M4, A4). */
export interface StandingBundles {
  /** The payment that began it. */
  readonly id: string
  readonly bundles: number
  readonly seconds: number
  readonly amount: Micros
  /** Cycle of their pool that was paid for last. */
  readonly paidCycle: number
}

export interface SpendCaps {
  readonly day?: Micros
  readonly month?: Micros
}

/** Automatic purchase of credit, when what is available falls below the threshold. */
export interface Recharge {
  readonly enabled: boolean
  readonly threshold: Micros
  /** What is bought at once, or more where that leaves the account below the threshold. */
  readonly amount?: Micros
  /** Instead: what is to be available afterwards. */
  readonly targetBalance?: Micros
  /** Id of a card on file; none is the one for what recurs. */
  readonly card?: string
  /** Most that is charged in a day and a calendar month of the account. */
  readonly dayCap?: Micros
  readonly monthCap?: Micros
  /** So many failures in a row pause it; 3 where absent. */
  readonly maxFailures?: number
}

export interface AccountProfile {
  readonly id: string
  readonly name: string
  readonly parent?: string
  /** The account at the top of the tree; it decides the partition. */
  readonly root: string
  readonly status: AccountStatus
  readonly currency: string
  readonly timezone: string
  readonly tariff?: string
  /** How far below zero credit may go; 0 is prepaid. */
  readonly creditLimit: Micros
  readonly funding: readonly FundingSource[]
  readonly cycleDay: number
  readonly trunks: TrunkLimits
  readonly pools: readonly Pool[]
  /** Absent: nothing is bought again by itself. */
  readonly standingBundles?: readonly StandingBundles[]
  readonly blockedPrefixes: readonly string[]
  /** Hard limit of concurrent calls through this account and its descendants. */
  readonly maxCalls?: number
  /** Decimal text; dearer calls are refused `price_cap`. */
  readonly maxPricePerMinute?: string
  readonly spendCaps: SpendCaps
  readonly lowBalance?: LowBalance
  readonly recharge?: Recharge
  /** Who is told; absent: nobody. */
  readonly contacts?: readonly Contact[]
  /** Of what it is told; absent: that of the settings. */
  readonly language?: Language
  /** What its storage costs; what is absent is as the settings have it. */
  readonly storageFee?: OwnStorageTerms
  readonly onEngineError: EngineErrorPolicy
  readonly engineErrorSeconds: number
  readonly engineErrorCalls: number
  /** Counts the changes of this profile; a decision names the version it was made with. */
  readonly version: number
  readonly createdAtMs: number
}

/** The payer first, then its parents up to the root. */
export interface AccountChain {
  readonly partition: number
  readonly levels: readonly AccountProfile[]
}

export const MAX_CHAIN_LEVELS = 5

/** The pools that may pay for a call, in the order they pay: priority, then earliest expiry, then oldest. */
export function matchingPools(
  profile: AccountProfile,
  call: { readonly direction: Direction; readonly digits: string },
  atMs: number,
): readonly Pool[] {
  return profile.pools
    .filter((pool) => pool.directions.includes(call.direction))
    .filter((pool) => pool.prefixes.length === 0 || pool.prefixes.some((prefix) => call.digits.startsWith(prefix)))
    .filter((pool) => pool.expiresAtMs === undefined || pool.expiresAtMs > atMs)
    .toSorted(
      (a, b) =>
        a.priority - b.priority ||
        (a.expiresAtMs ?? Infinity) - (b.expiresAtMs ?? Infinity) ||
        a.createdAtMs - b.createdAtMs,
    )
}
