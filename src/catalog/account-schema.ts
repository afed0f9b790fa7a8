/**
 * The fields of an account as operators write them: in accounts.yaml and in the same words over HTTP (api.md). What is
 * absent takes the defaults of the settings when the account is created.
 */
import { z } from 'zod'
import { languages, topics } from '../accounts/contacts.ts'
import { storageMeasures, storageParts } from '../accounts/storage-terms.ts'
import {
  amount,
  amountOrShare,
  bytes,
  currency,
  type DeepReadonly,
  direction,
  email,
  instant,
  label,
  name,
  onEngineError,
  onExhausted,
  positiveAmount,
  prefix,
  price,
  seconds,
  secondsOrShare,
  timezone,
  unique,
  unitBytes,
} from './fields.ts'

const MAX_TRUNK_CHANNELS = 100_000
const MAX_POOL_SECONDS = 2_000_000_000
const MAX_PREFIXES = 1000
const MAX_THRESHOLDS = 5
const MAX_CONTACTS = 10

function prefixes() {
  return unique(z.array(prefix()).max(MAX_PREFIXES))
}

function channels() {
  return z.int().min(0).max(MAX_TRUNK_CHANNELS).default(0)
}

const trunkLimitsSchema = z.strictObject({
  inbound: channels().describe('Concurrent inbound calls.'),
  outbound: channels().describe('Concurrent outbound calls.'),
  twoWay: channels().describe('Concurrent calls of either direction together.'),
})

const rolloverSchema = z
  .strictObject({
    minSeconds: z.int().min(0).max(MAX_POOL_SECONDS).default(0).describe('Goes on at least, also where less is left.'),
    maxSeconds: z.int().min(0).max(MAX_POOL_SECONDS).describe('Goes on at most.'),
  })
  .refine(({ minSeconds, maxSeconds }) => minSeconds <= maxSeconds, 'minSeconds must not be more than maxSeconds')

export const poolSchema = z.strictObject({
  id: name().optional().describe('Id of the pool; none makes one.'),
  name: label().describe('What people call it.'),
  seconds: z.int().min(0).max(MAX_POOL_SECONDS).describe('What one cycle grants; 300 minutes are 18000.'),
  priority: z.int().min(0).max(1000).optional().describe('The lower number pays first.'),
  expiresAt: instant().optional().describe('When the pool ends for good.'),
  resets: z.enum(['cycle', 'never']).optional().describe('Whether it is filled again on the cycle day.'),
  rollover: rolloverSchema.optional().describe('What is left on the cycle day goes on; none is nothing.'),
  scope: z
    .strictObject({
      directions: unique(z.array(direction()).min(1)).optional().describe('Calls that it pays for.'),
      prefixes: prefixes().optional().describe('Numbers that it pays for; none is every number.'),
    })
    .optional()
    .describe('Which calls it pays for.'),
  freeSeconds: seconds(0, 3600).optional().describe('A call no longer than this takes no minutes.'),
  increment: seconds(1, 3600).optional().describe('Seconds are taken in steps of this.'),
  onExhausted: onExhausted().optional().describe('When it runs out the call goes on unpaid, is cut, or credit pays.'),
  lowAt: unique(z.array(secondsOrShare()).min(1).max(MAX_THRESHOLDS))
    .optional()
    .describe('Seconds left, or shares of what the cycle grants, below which a notice is sent; and one at the end.'),
})

const spendCapsSchema = z.strictObject({
  day: positiveAmount().optional().describe('Most that is spent on calls in a day of the account.'),
  month: positiveAmount().optional().describe('Most that is spent on calls in a calendar month of the account.'),
})

const lowBalanceSchema = z.strictObject({
  threshold: amount().describe('Available credit below which a notice is sent.'),
  also: unique(z.array(amountOrShare()).max(MAX_THRESHOLDS))
    .optional()
    .describe('Further ones; a share is of the last purchase.'),
  hysteresis: amount()
    .optional()
    .describe('Credit must come in so far above a threshold before its notice is sent again; none is 0.'),
})

const contactSchema = z.strictObject({
  email: email().describe('Where notices are sent.'),
  topics: unique(z.array(z.enum(topics)).min(1))
    .optional()
    .describe('What it is told of; none is everything.'),
})

const rechargeSchema = z
  .strictObject({
    enabled: z.boolean().describe('Whether credit is bought when the threshold is crossed.'),
    threshold: amount().describe('Available credit below which credit is bought.'),
    amount: positiveAmount().optional().describe('What is bought at once, or more to reach the threshold.'),
    targetBalance: positiveAmount().optional().describe('Instead of amount: what is to be available afterwards.'),
    card: name().optional().describe('Card on file that pays; none is the one for what recurs.'),
    dayCap: positiveAmount().optional().describe('Most that is charged in a day of the account.'),
    monthCap: positiveAmount().optional().describe('Most that is charged in a calendar month of the account.'),
    maxFailures: z.int().min(1).max(20).optional().describe('So many failures in a row pause it; 3 when absent.'),
  })
  .refine(({ amount: fixed, targetBalance }) => (fixed === undefined) !== (targetBalance === undefined), {
    error: 'must have either amount or targetBalance',
  })

const storageFeeSchema = z.strictObject({
  price: amount().optional().describe('Of one unit, for a month; 0 is no fee.'),
  unitBytes: unitBytes().optional().describe('What one unit is.'),
  thresholdBytes: bytes().optional().describe('At it and below there is no fee.'),
  charged: z.enum(storageParts).optional().describe('Units of what is above the threshold, or of the whole.'),
  measure: z.enum(storageMeasures).optional().describe('The highest day of the month, or the average of its days.'),
})

/** The profile: everything about an account but its id, trunks, pools and money. */
const accountProfileSchema = z.strictObject({
  name: label().describe('What people call it.'),
  parent: name().optional().describe('Account above it, whose tariff and limits hold too; fixed once there is money.'),
  status: z.enum(['active', 'suspended', 'closed']).default('active').describe('Only active accounts may call.'),
  currency: currency().optional().describe("ISO 4217 code; none is the parent's or the default. One for each tree."),
  timezone: timezone()
    .optional()
    .describe("IANA time zone of its days and cycles; none is the parent's or the default."),
  tariff: name().optional().describe('Tariff of its calls; none is the default.'),
  creditLimit: amount().default('0').describe('How far below zero credit may go; 0 is prepaid.'),
  funding: unique(z.array(z.enum(['trunk', 'pool', 'credit'])).min(1))
    .default(['trunk', 'pool', 'credit'])
    .describe('Who pays, in this order.'),
  cycleDay: z.int().min(1).max(31).default(1).describe('Day of the month on which minutes are filled again.'),
  blockedPrefixes: prefixes().default([]).describe('Numbers that it and the accounts below may not call.'),
  maxCalls: z.int().min(0).max(1_000_000).optional().describe('Most concurrent calls of it and the accounts below.'),
  maxPricePerMinute: price().optional().describe('Dearer calls are refused.'),
  spendCaps: spendCapsSchema.optional().describe('Most that is spent on calls.'),
  lowBalance: lowBalanceSchema.optional().describe('When a low balance is noticed.'),
  recharge: rechargeSchema.optional().describe('Automatic purchase of credit.'),
  contacts: z.array(contactSchema).max(MAX_CONTACTS).optional().describe('Who is told what happens to it.'),
  language: z.enum(languages).optional().describe('Language of notices; none is that of the settings.'),
  storageFee: storageFeeSchema
    .optional()
    .describe('What its storage costs; what is absent is as the settings have it.'),
  onEngineError: onEngineError().optional().describe('What happens to calls while the store cannot answer.'),
  engineErrorSeconds: seconds(1, 3600).optional().describe('With allowCapped: how long such a call may last.'),
  engineErrorCalls: z.int().min(1).max(1000).optional().describe('With allowCapped: such calls at once.'),
})

/** An account of accounts.yaml: created once, with its trunks, pools and opening credit, and never re-applied. */
export const accountConfigSchema = z.strictObject({
  id: name().describe('Id of the account.'),
  ...accountProfileSchema.shape,
  trunks: trunkLimitsSchema.prefault({}).describe('Channels that it rents.'),
  pools: z.array(poolSchema).max(100).default([]).describe('Minutes that it may use.'),
  credit: amount().default('0').describe('Opening credit.'),
})

export const accountsFileSchema = z.strictObject({
  accounts: z
    .array(accountConfigSchema)
    .max(10_000)
    .default([])
    .describe('Accounts; a parent stands before its children.'),
})

export type AccountConfig = DeepReadonly<z.infer<typeof accountConfigSchema>> & {
  readonly currency: string
  readonly timezone: string
}
export type PoolConfig = DeepReadonly<z.infer<typeof poolSchema>>
