/** From the operator's words to those of the account office: an account of accounts.yaml, and the defaults of all. */
import type { Recharge } from '../accounts/account.ts'
import type { PoolInput, ProfileInput } from '../accounts/office.ts'
import type { AccountDefaults } from '../accounts/profile.ts'
import type { StorageSettings } from '../accounts/storage-terms.ts'
import type { LowBalance, Share } from '../accounts/thresholds.ts'
import { invariant } from '../base/fault.ts'
import { type Micros, parseAmount } from '../base/money.ts'
import { parseInstant } from '../base/time.ts'
import type { PriceList } from '../payments/goods.ts'
import type { AccountConfig, PoolConfig } from './account-schema.ts'
import type { Settings } from './settings-schema.ts'

/** What is asked of the office, in this order, when an account of the catalog is not there yet. */
export interface NewAccount {
  readonly id: string
  readonly profile: ProfileInput
  readonly pools: readonly PoolInput[]
  /** Opening credit; 0 posts nothing. */
  readonly credit: Micros
}

export function newAccount(config: AccountConfig): NewAccount {
  const { id, credit, pools, creditLimit, spendCaps, lowBalance, recharge, blockedPrefixes, contacts, ...rest } = config
  const { storageFee, ...same } = rest
  const profile = present({
    ...same,
    creditLimit: micros(creditLimit),
    blockedPrefixes: blockedPrefixes.map(digits),
    spendCaps: spendCaps && present({ day: optionalMicros(spendCaps.day), month: optionalMicros(spendCaps.month) }),
    lowBalance: lowBalance && lowBalanceOf(lowBalance),
    contacts: contacts?.map(present),
    recharge: recharge && newRecharge(recharge),
    storageFee: storageFee && present({ ...storageFee, price: optionalMicros(storageFee.price) }),
  })
  return { id, profile, pools: pools.map(newPool), credit: micros(credit) }
}

function newRecharge({
  enabled,
  threshold,
  amount,
  targetBalance,
  dayCap,
  monthCap,
  ...same
}: NonNullable<AccountConfig['recharge']>): Recharge {
  return {
    enabled,
    threshold: micros(threshold),
    ...present({
      ...same,
      amount: optionalMicros(amount),
      targetBalance: optionalMicros(targetBalance),
      dayCap: optionalMicros(dayCap),
      monthCap: optionalMicros(monthCap),
    }),
  }
}

function lowBalanceOf({ threshold, also, hysteresis }: NonNullable<AccountConfig['lowBalance']>): LowBalance {
  return present({
    threshold: micros(threshold),
    also: also?.map((text) => (isShare(text) ? text : micros(text))),
    hysteresis: optionalMicros(hysteresis),
  })
}

function isShare(text: string): text is Share {
  return text.endsWith('%')
}

function newPool({ expiresAt, scope, name, seconds, lowAt, ...same }: PoolConfig): PoolInput {
  const prefixes = scope?.prefixes?.map(digits)
  const expiresAtMs = expiresAt === undefined ? undefined : parseInstant(expiresAt)
  const watched = lowAt?.map((text) => (isShare(text) ? text : Number(text)))
  return {
    ...present({ ...same, expiresAtMs, directions: scope?.directions, prefixes, lowAt: watched }),
    name,
    seconds,
  }
}

/** What accounts and pools have that do not say otherwise. */
export function accountDefaults({ defaults }: Settings): AccountDefaults {
  const { currency, timezone, onEngineError, engineErrorSeconds, engineErrorCalls, pool, minimumPurchase } = defaults
  const engineError = { onEngineError, engineErrorSeconds, engineErrorCalls }
  return { currency, timezone, ...engineError, pool, minimumPurchase: micros(minimumPurchase) }
}

/** What is sold, and for how much. */
export function priceList({ defaults, payments }: Settings): PriceList {
  const bundle = { minutes: payments.bundle.minutes, prices: pricesOf(payments.bundle.prices) }
  const dialer = { prices: pricesOf(payments.dialer.prices) }
  return { minimumPurchase: micros(defaults.minimumPurchase), bundle, dialer }
}

/** What stored data costs accounts that do not say otherwise. */
export function storageSettings({ storageFee }: Settings): StorageSettings {
  return { ...storageFee, prices: pricesOf(storageFee.prices) }
}

function pricesOf(prices: Readonly<Record<string, string>>): Readonly<Record<string, Micros>> {
  return Object.fromEntries(Object.entries(prices).map(([currency, price]) => [currency, micros(price)]))
}

function micros(text: string): Micros {
  const amount = parseAmount(text)
  invariant(amount !== undefined, `the schema let "${text}" pass for an amount`)
  return amount
}

function optionalMicros(text: string | undefined): Micros | undefined {
  return text === undefined ? undefined : micros(text)
}

function digits(prefix: string): string {
  return prefix.replace(/^\+/, '')
}

type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** Without the keys that have no value, as "absent" and "undefined" are two things to the office. */
function present<T extends object>(fields: T): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>
}
