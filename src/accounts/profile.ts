/** Makes and changes profiles: what a caller leaves out takes the defaults, or stays as it was. */
import { formatAmount, type Micros } from '../base/money.ts'
import type { AccountProfile, EngineErrorPolicy, Pool } from './account.ts'
import { movedCycles } from './cycles.ts'
import type { OfficeRefused, ProfileInput, ProfilePatch } from './office.ts'

/** What accounts and pools have that do not say otherwise. */
export interface AccountDefaults {
  readonly currency: string
  readonly timezone: string
  readonly onEngineError: EngineErrorPolicy
  readonly engineErrorSeconds: number
  readonly engineErrorCalls: number
  readonly pool: Pick<Pool, 'freeSeconds' | 'increment' | 'onExhausted' | 'directions'>
  /** The least credit that can be bought at once (rule C1). */
  readonly minimumPurchase: Micros
}

const ACCOUNT_ID = /^[A-Za-z0-9._-]{1,64}$/

/** Ids are parts of keys, URLs and counters, so of accounts and pools alike. */
export function isAccountId(text: string): boolean {
  return ACCOUNT_ID.test(text)
}

export interface ProfileDraft {
  readonly id: string
  readonly input: ProfileInput
  readonly defaults: AccountDefaults
  readonly nowMs: number
  /** The profile above it. */
  readonly parent?: AccountProfile
}

/** The first profile of an account. */
export function newProfile(draft: ProfileDraft): AccountProfile {
  const { id, parent, nowMs } = draft
  const identity = { id, root: parent?.root ?? id, version: 1, createdAtMs: nowMs }
  return { ...chosen(draft), ...identity, ...(parent ? { parent: parent.id } : {}), pools: [] }
}

/**
 * A profile given anew: who the account is and its pools stay, and unless they are given its status, currency and
 * trunks; all else is as given or by default.
 */
export function replacedProfile(before: AccountProfile, draft: ProfileDraft): AccountProfile {
  const { id, root, version, createdAtMs, pools } = before
  const lasting = given({ parent: before.parent, standingBundles: before.standingBundles })
  const identity = { id, root, version: version + 1, createdAtMs, ...lasting }
  const { status, currency, trunks } = before
  const input = { status, currency, trunks, ...given(draft.input) }
  const profile = { ...chosen({ ...draft, input }), ...identity, pools }
  return movedCycles(profile, before, draft.nowMs)
}

/** A profile with only the given fields changed. */
export function patchedProfile(before: AccountProfile, patch: ProfilePatch, nowMs: number): AccountProfile {
  const { spendCaps, ...rest } = patch
  const input = { ...rest, ...(spendCaps === undefined ? {} : { spendCaps: spendCaps ?? {} }) }
  const fields = Object.entries({ ...before, ...given(input) }).filter(([, value]) => value !== null)
  const profile = Object.fromEntries(fields) as unknown as AccountProfile
  return movedCycles({ ...profile, version: before.version + 1 }, before, nowMs)
}

/** The fields that were given: one that is there and undefined is not. */
export function given<T extends object>(input: T): Partial<T> {
  const fields: Partial<T> = {}
  for (const name in input) {
    if (input[name] !== undefined) fields[name] = input[name]
  }
  return fields
}

type Chosen = Omit<AccountProfile, 'root' | 'version' | 'createdAtMs' | 'pools' | 'standingBundles'>

function chosen({ id, input, defaults, parent }: ProfileDraft): Chosen {
  const { onEngineError, engineErrorSeconds, engineErrorCalls } = defaults
  return {
    name: id,
    status: 'active',
    currency: parent?.currency ?? defaults.currency,
    timezone: parent?.timezone ?? defaults.timezone,
    creditLimit: 0n,
    funding: ['trunk', 'pool', 'credit'],
    cycleDay: 1,
    trunks: { inbound: 0, outbound: 0, twoWay: 0 },
    blockedPrefixes: [],
    spendCaps: {},
    onEngineError,
    engineErrorSeconds,
    engineErrorCalls,
    ...given(input),
    id,
  }
}

/** What is fixed: the place in the tree for ever, and that a tree has one currency. */
export function refuseChange(
  before: AccountProfile,
  input: Pick<ProfileInput, 'parent' | 'currency'>,
  parent: AccountProfile | undefined,
): OfficeRefused | undefined {
  const { id } = before
  if (input.parent !== undefined && input.parent !== before.parent) {
    const place = before.parent === undefined ? 'is the root of its tree' : `is below ${before.parent}`
    return {
      kind: 'refused',
      code: 'root_is_fixed',
      detail: `account ${id} ${place}, and stays there`,
      field: '/parent',
    }
  }
  return parent ? refuseCurrency(id, input.currency ?? before.currency, parent) : undefined
}

/** Automatic purchases are purchases (rule C1). */
export function refuseRecharge(
  { recharge }: ProfilePatch,
  { minimumPurchase }: Pick<AccountDefaults, 'minimumPurchase'>,
): OfficeRefused | undefined {
  if (!recharge) return undefined
  const { threshold, amount, targetBalance } = recharge
  if (amount !== undefined && amount < minimumPurchase) {
    const detail = `a purchase is at least ${formatAmount(minimumPurchase)}`
    return { kind: 'refused', code: 'amount_below_minimum', detail, field: '/recharge/amount' }
  }
  if (targetBalance === undefined || targetBalance > threshold) return undefined
  const detail = `the balance to reach must be above the threshold of ${formatAmount(threshold)}`
  return { kind: 'refused', code: 'amount_below_minimum', detail, field: '/recharge/targetBalance' }
}

export function refuseCurrency(id: string, currency: string, parent: AccountProfile): OfficeRefused | undefined {
  if (currency === parent.currency) return undefined
  const detail = `account ${id} is below ${parent.id}, whose currency is ${parent.currency}`
  return { kind: 'refused', code: 'currency_mismatch', detail, field: '/currency' }
}
