/** Accounts, pools and balances as callers read them: amounts as text, instants in UTC, pools in seconds. */
import { z } from 'zod'
import type { AccountProfile, Pool, TrunkLimits } from '../../../accounts/account.ts'
import { chargeClasses } from '../../../accounts/charge-class.ts'
import { languages, topics } from '../../../accounts/contacts.ts'
import { type OwnStorageTerms, storageMeasures, storageParts } from '../../../accounts/storage-terms.ts'
import type { LowBalance } from '../../../accounts/thresholds.ts'
import type { Balance, PoolBalance, Posted, Transaction } from '../../../accounts/office.ts'
import { formatAmount } from '../../../base/money.ts'
import { formatInstant } from '../../../base/time.ts'

const money = z.string().describe('Decimal text in the currency of the account.')
const instant = z.string().describe('RFC 3339, UTC.')
const channels = z.object({ limit: z.int(), used: z.int() })

export const trunksSchema = z.object({ inbound: z.int(), outbound: z.int(), twoWay: z.int() })

export const rechargeSchema = z.object({
  enabled: z.boolean(),
  threshold: money,
  amount: money.optional(),
  targetBalance: money.optional(),
  card: z.string().optional(),
  dayCap: money.optional(),
  monthCap: money.optional(),
  maxFailures: z.int().optional(),
})

export const storageTermsSchema = z.object({
  price: money.describe('Of one unit, for a month.'),
  unitBytes: z.int(),
  thresholdBytes: z.int().describe('At it and below there is no fee.'),
  charged: z.enum(storageParts),
  measure: z.enum(storageMeasures),
})

export const accountSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    parent: z.string().optional(),
    status: z.enum(['active', 'suspended', 'closed']),
    currency: z.string(),
    timezone: z.string(),
    tariff: z.string().optional(),
    creditLimit: money,
    funding: z.array(z.enum(['trunk', 'pool', 'credit'])),
    cycleDay: z.int(),
    trunks: trunksSchema,
    blockedPrefixes: z.array(z.string()),
    maxCalls: z.int().optional(),
    maxPricePerMinute: z.string().optional(),
    spendCaps: z.object({ day: money.optional(), month: money.optional() }),
    lowBalance: z
      .object({
        threshold: money,
        also: z.array(z.string()).optional().describe('Amounts, or shares of the last purchase.'),
        hysteresis: money.optional(),
      })
      .optional(),
    contacts: z.array(z.object({ email: z.string(), topics: z.array(z.enum(topics)).optional() })).optional(),
    language: z.enum(languages).optional(),
    recharge: rechargeSchema.optional(),
    storageFee: storageTermsSchema.partial().optional(),
    onEngineError: z.enum(['deny', 'allowCapped']),
    engineErrorSeconds: z.int(),
    engineErrorCalls: z.int(),
    version: z.int().describe('Counts the changes.'),
    createdAt: instant,
  })
  .meta({ id: 'Account' })

export const poolSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    seconds: z.int(),
    priority: z.int(),
    expiresAt: instant.optional(),
    resets: z.enum(['cycle', 'never']),
    resetsAt: instant.optional(),
    rollover: z.object({ minSeconds: z.int(), maxSeconds: z.int() }).optional(),
    scope: z.object({ directions: z.array(z.enum(['outbound', 'inbound'])), prefixes: z.array(z.string()) }),
    freeSeconds: z.int(),
    increment: z.int(),
    onExhausted: z.enum(['finish_call', 'cut', 'spill']),
    lowAt: z
      .array(z.union([z.int(), z.string()]))
      .optional()
      .describe('Seconds, or shares of what is granted.'),
    createdAt: instant,
  })
  .meta({ id: 'Pool' })

export const balanceSchema = z
  .object({
    currency: z.string(),
    credit: money,
    reserved: money,
    available: money.describe('credit − reserved + creditLimit'),
    creditLimit: money,
    pools: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        total: z.int().describe('Seconds granted in this cycle.'),
        remaining: z.int(),
        reserved: z.int(),
        resetsAt: instant.nullable(),
        expiresAt: instant.nullable(),
        priority: z.int(),
      }),
    ),
    trunks: z.object({ inbound: channels, outbound: channels, twoWay: channels }),
    calls: z.int(),
  })
  .meta({ id: 'Balance' })

export const postedSchema = z.object({ entry: z.string(), amount: money, balance: money, currency: z.string() })

export const transactionSchema = z
  .object({
    id: z.string(),
    at: instant,
    what: z.string(),
    why: z.string().optional(),
    call: z.string().optional(),
    operation: z.string().optional(),
    externalId: z.string().optional(),
    amount: money.describe('Below zero is a debit.'),
    class: z.enum(chargeClasses).optional().describe('Of what was charged beside calls.'),
    charge: money.optional().describe('What was charged: of minutes that a card paid what they cost.'),
    balanceAfter: money,
    currency: z.string(),
    poolSeconds: z.int().optional(),
  })
  .meta({ id: 'Transaction' })

export function accountJson(profile: AccountProfile): z.infer<typeof accountSchema> {
  const { id, name, parent, status, currency, timezone, tariff, maxCalls, maxPricePerMinute } = profile
  const { day, month } = profile.spendCaps
  return {
    id,
    name,
    ...(parent === undefined ? {} : { parent }),
    status,
    currency,
    timezone,
    ...(tariff === undefined ? {} : { tariff }),
    creditLimit: formatAmount(profile.creditLimit),
    funding: [...profile.funding],
    cycleDay: profile.cycleDay,
    trunks: trunksJson(profile.trunks),
    blockedPrefixes: [...profile.blockedPrefixes],
    ...(maxCalls === undefined ? {} : { maxCalls }),
    ...(maxPricePerMinute === undefined ? {} : { maxPricePerMinute }),
    spendCaps: {
      ...(day === undefined ? {} : { day: formatAmount(day) }),
      ...(month === undefined ? {} : { month: formatAmount(month) }),
    },
    ...watches(profile),
    ...(profile.storageFee ? { storageFee: ownTermsJson(profile.storageFee) } : {}),
    onEngineError: profile.onEngineError,
    engineErrorSeconds: profile.engineErrorSeconds,
    engineErrorCalls: profile.engineErrorCalls,
    version: profile.version,
    createdAt: formatInstant(profile.createdAtMs),
  }
}

function ownTermsJson({ price, ...rest }: OwnStorageTerms): Partial<z.infer<typeof storageTermsSchema>> {
  return { ...(price === undefined ? {} : { price: formatAmount(price) }), ...rest }
}

function watches({ lowBalance, recharge, contacts, language }: AccountProfile) {
  return {
    ...(lowBalance ? { lowBalance: lowBalanceJson(lowBalance) } : {}),
    ...(contacts
      ? { contacts: contacts.map(({ email, topics: of }) => ({ email, ...(of ? { topics: [...of] } : {}) })) }
      : {}),
    ...(language === undefined ? {} : { language }),
    ...(recharge ? { recharge: rechargeJson(recharge) } : {}),
  }
}

function lowBalanceJson({ threshold, also, hysteresis }: LowBalance) {
  return {
    threshold: formatAmount(threshold),
    ...(also ? { also: also.map((one) => (typeof one === 'bigint' ? formatAmount(one) : one)) } : {}),
    ...(hysteresis === undefined ? {} : { hysteresis: formatAmount(hysteresis) }),
  }
}

export function rechargeJson(recharge: NonNullable<AccountProfile['recharge']>): z.infer<typeof rechargeSchema> {
  const { enabled, threshold, amount, targetBalance, card, dayCap, monthCap, maxFailures } = recharge
  return {
    enabled,
    threshold: formatAmount(threshold),
    ...(amount === undefined ? {} : { amount: formatAmount(amount) }),
    ...(targetBalance === undefined ? {} : { targetBalance: formatAmount(targetBalance) }),
    ...(card === undefined ? {} : { card }),
    ...(dayCap === undefined ? {} : { dayCap: formatAmount(dayCap) }),
    ...(monthCap === undefined ? {} : { monthCap: formatAmount(monthCap) }),
    ...(maxFailures === undefined ? {} : { maxFailures }),
  }
}

export function trunksJson({ inbound, outbound, twoWay }: TrunkLimits): z.infer<typeof trunksSchema> {
  return { inbound, outbound, twoWay }
}

export function poolJson(pool: Pool): z.infer<typeof poolSchema> {
  const { id, name, seconds, priority, expiresAtMs, resets, resetsAtMs, rollover } = pool
  const { freeSeconds, increment, onExhausted } = pool
  return {
    id,
    name,
    seconds,
    priority,
    ...(expiresAtMs === undefined ? {} : { expiresAt: formatInstant(expiresAtMs) }),
    resets,
    ...(resetsAtMs === undefined ? {} : { resetsAt: formatInstant(resetsAtMs) }),
    ...(rollover === undefined ? {} : { rollover }),
    scope: { directions: [...pool.directions], prefixes: [...pool.prefixes] },
    freeSeconds,
    increment,
    onExhausted,
    ...(pool.lowAt ? { lowAt: [...pool.lowAt] } : {}),
    createdAt: formatInstant(pool.createdAtMs),
  }
}

export function balanceJson(balance: Balance): z.infer<typeof balanceSchema> {
  const { currency, credit, reserved, available, creditLimit, trunks, calls } = balance
  return {
    currency,
    credit: formatAmount(credit),
    reserved: formatAmount(reserved),
    available: formatAmount(available),
    creditLimit: formatAmount(creditLimit),
    pools: balance.pools.map(poolBalanceJson),
    trunks: { inbound: trunks.inbound, outbound: trunks.outbound, twoWay: trunks.twoWay },
    calls,
  }
}

function poolBalanceJson({ pool, total, remaining, reserved }: PoolBalance) {
  const { id, name, priority, resetsAtMs, expiresAtMs } = pool
  return {
    id,
    name,
    total,
    remaining,
    reserved,
    resetsAt: resetsAtMs === undefined ? null : formatInstant(resetsAtMs),
    expiresAt: expiresAtMs === undefined ? null : formatInstant(expiresAtMs),
    priority,
  }
}

export function postedJson({ entry, amount, balance, currency }: Posted): z.infer<typeof postedSchema> {
  return { entry, amount: formatAmount(amount), balance: formatAmount(balance), currency }
}

export function transactionJson(transaction: Transaction, currency: string): z.infer<typeof transactionSchema> {
  const { id, atMs, what, why, call, operation, externalId, amount, balanceAfter, poolSeconds } = transaction
  const { class: of, charge } = transaction
  return {
    id,
    at: formatInstant(atMs),
    what,
    ...(why === undefined ? {} : { why }),
    ...(call === undefined ? {} : { call }),
    ...(operation === undefined ? {} : { operation }),
    ...(externalId === undefined ? {} : { externalId }),
    amount: formatAmount(amount),
    ...(of === undefined ? {} : { class: of }),
    ...(charge === undefined ? {} : { charge: formatAmount(charge) }),
    balanceAfter: formatAmount(balanceAfter),
    currency,
    ...(poolSeconds === undefined ? {} : { poolSeconds }),
  }
}
