/**
 * Accounts and pools as operators send them. What is absent takes the defaults (PUT) or stays (PATCH); null clears a field
 * (PATCH) or is as if it were absent.
 */
import { chargeClasses } from '../../../accounts/charge-class.ts'
import { z } from 'zod'
import { languages, topics } from '../../../accounts/contacts.ts'
import { storageMeasures, storageParts } from '../../../accounts/storage-terms.ts'
import type { PoolInput, PoolPatch, ProfileInput } from '../../../accounts/office.ts'
import {
  amount,
  bytes,
  currency,
  direction,
  email,
  id,
  instantText,
  label,
  positiveAmount,
  prefix,
  price,
  share,
  timezone,
  unique,
  whole,
} from '../fields.ts'

const MAX_CHANNELS = 100_000
const MAX_POOL_SECONDS = 2_000_000_000
const MAX_PREFIXES = 1000
const MAX_THRESHOLDS = 5
const MAX_CONTACTS = 10

function prefixes() {
  return unique(z.array(prefix()).max(MAX_PREFIXES))
}

function clearable<T extends z.ZodType>(field: T) {
  return field.nullable().exactOptional()
}

const channels = whole(0, MAX_CHANNELS)

export const trunksBody = z.strictObject({
  inbound: channels.describe('Concurrent inbound calls.'),
  outbound: channels.describe('Concurrent outbound calls.'),
  twoWay: channels.describe('Concurrent calls of either direction together.'),
})

const spendCaps = z.strictObject({
  day: positiveAmount().exactOptional().describe('In a day of the account.'),
  month: positiveAmount().exactOptional().describe('In a calendar month of the account.'),
})

const recharge = z
  .strictObject({
    enabled: z.boolean(),
    threshold: amount().describe('Available credit below which credit is bought.'),
    amount: positiveAmount()
      .exactOptional()
      .describe('What is bought at once, or more where that leaves the account below the threshold.'),
    targetBalance: positiveAmount().exactOptional().describe('Instead of amount: what is to be available afterwards.'),
    card: id().exactOptional().describe('A card on file; absent is the one for what recurs.'),
    dayCap: positiveAmount().exactOptional().describe('Most that is charged in a day of the account.'),
    monthCap: positiveAmount().exactOptional().describe('Most that is charged in a calendar month of the account.'),
    maxFailures: whole(1, 20).exactOptional().describe('So many failures in a row pause it; 3 when absent.'),
  })
  .refine(({ amount: fixed, targetBalance }) => (fixed === undefined) !== (targetBalance === undefined), {
    error: 'must have either amount or targetBalance',
  })

const lowBalance = z.strictObject({
  threshold: amount().describe('Available credit below which a notice is sent.'),
  also: unique(
    z
      .array(z.union([amount(), share()], 'must be an amount such as "12.50", or a share such as "20%"'))
      .max(MAX_THRESHOLDS),
  )
    .exactOptional()
    .describe('Further ones; a share is of the last purchase.'),
  hysteresis: amount()
    .exactOptional()
    .describe('Credit must come in so far above a threshold before it is told again.'),
})

const contact = z.strictObject({
  email: email().describe('Where notices are sent.'),
  topics: unique(z.array(z.enum(topics)).min(1))
    .exactOptional()
    .describe('What it is told of; none is everything.'),
})

const storageFee = z.strictObject({
  price: amount().exactOptional().describe('Of one unit, for a month; "0" is no fee.'),
  unitBytes: bytes().min(1_000).exactOptional().describe('What one unit is.'),
  thresholdBytes: bytes().exactOptional().describe('At it and below there is no fee.'),
  charged: z.enum(storageParts).exactOptional().describe('Units of what is above the threshold, or of the whole.'),
  measure: z.enum(storageMeasures).exactOptional().describe('The highest day of the month, or the average.'),
})

const profileFields = {
  name: label().exactOptional().describe('What people call it.'),
  parent: id().exactOptional().describe('Account above it.'),
  status: z.enum(['active', 'suspended', 'closed']).exactOptional().describe('Only active accounts may call.'),
  currency: currency().exactOptional().describe('One for a tree of accounts.'),
  timezone: timezone().exactOptional().describe('IANA time zone of its days and cycles.'),
  tariff: clearable(id()).describe('Tariff of its calls; null is the default.'),
  creditLimit: amount().exactOptional().describe('How far below zero credit may go; "0" is prepaid.'),
  funding: unique(z.array(z.enum(['trunk', 'pool', 'credit'])).min(1))
    .exactOptional()
    .describe('Who pays, in this order.'),
  cycleDay: whole(1, 31).exactOptional().describe('Day of the month on which minutes are filled again.'),
  trunks: trunksBody.exactOptional(),
  blockedPrefixes: prefixes().exactOptional().describe('Numbers that it and the accounts below may not call.'),
  maxCalls: clearable(whole(0, 1_000_000)).describe(
    'Most concurrent calls of it and the accounts below; null is no limit.',
  ),
  maxPricePerMinute: clearable(price()).describe('Dearer calls are refused; null refuses none.'),
  spendCaps: clearable(spendCaps).describe('Most that is spent on calls; null is no limit.'),
  lowBalance: clearable(lowBalance).describe('null sends none.'),
  recharge: clearable(recharge).describe('Automatic purchase of credit; null is none.'),
  contacts: z.array(contact).max(MAX_CONTACTS).exactOptional().describe('Who is told what happens to it.'),
  language: clearable(z.enum(languages)).describe('Language of notices; null is that of the settings.'),
  storageFee: clearable(storageFee).describe(
    'What its storage costs; what is absent is as the settings have it, and null is all of it.',
  ),
  onEngineError: z.enum(['deny', 'allowCapped']).exactOptional().describe('While the store cannot answer.'),
  engineErrorSeconds: whole(1, 3600).exactOptional().describe('With allowCapped: how long such a call may last.'),
  engineErrorCalls: whole(1, 1000).exactOptional().describe('With allowCapped: such calls at once.'),
}

export const profilePatchBody = z.strictObject(profileFields)

/** Takes what GET answers with, so that it can be put back. */
export const profileBody = z.strictObject({
  ...profileFields,
  id: id().exactOptional().describe('As in the path.'),
  root: z.string().exactOptional().describe('Not read.'),
  version: z.int().exactOptional().describe('Not read.'),
  createdAt: z.string().exactOptional().describe('Not read.'),
})

export function profileInput(words: z.output<typeof profileBody>): ProfileInput {
  const { id: _, root: __, version: ___, createdAt: ____, ...fields } = words
  return said(fields)
}

type Said<T> = { [Field in keyof T]: Exclude<T[Field], null> }

/** Without the fields that are null. */
function said<T extends object>(fields: T): Said<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as Said<T>
}

const lowAt = unique(
  z
    .array(z.union([whole(0, 999_999_999), share()], 'must be whole seconds such as 600, or a share such as "20%"'))
    .min(1)
    .max(MAX_THRESHOLDS),
)

const rollover = z
  .strictObject({
    minSeconds: whole(0, MAX_POOL_SECONDS).default(0).describe('Goes on at least, also where less is left.'),
    maxSeconds: whole(0, MAX_POOL_SECONDS).describe('Goes on at most.'),
  })
  .refine(({ minSeconds, maxSeconds }) => minSeconds <= maxSeconds, 'minSeconds must not be more than maxSeconds')

const poolFields = {
  name: label().describe('What people call it.'),
  seconds: whole(0, MAX_POOL_SECONDS).describe('What one cycle grants; 300 minutes are 18000.'),
  priority: whole(0, 1000).exactOptional().describe('The lower number pays first.'),
  expiresAt: clearable(instantText()).describe('When it ends for good; null is never.'),
  resets: z.enum(['cycle', 'never']).exactOptional().describe('Whether it is filled again on the cycle day.'),
  rollover: clearable(rollover).describe('What is left on the cycle day goes on; null is nothing.'),
  scope: clearable(
    z.strictObject({
      directions: unique(z.array(direction()).min(1)).exactOptional(),
      prefixes: prefixes().exactOptional().describe('None is every number.'),
    }),
  ).describe('Which calls it pays for; null is as if none were said.'),
  freeSeconds: whole(0, 3600).exactOptional().describe('A call no longer than this takes no minutes.'),
  increment: whole(1, 3600).exactOptional().describe('Seconds are taken in steps of this.'),
  onExhausted: z.enum(['finish_call', 'cut', 'spill']).exactOptional().describe('When it runs out.'),
  lowAt: clearable(lowAt).describe('Below this a notice is sent, and one at the end; null sends none.'),
}

export const poolBody = z.strictObject({ id: id().exactOptional().describe('None makes one.'), ...poolFields })

export const poolPatchBody = z.strictObject({
  ...poolFields,
  name: poolFields.name.exactOptional(),
  seconds: poolFields.seconds.exactOptional(),
})

export function poolInput(words: z.output<typeof poolBody>): PoolInput {
  const { expiresAt, scope, ...rest } = said(words)
  return { ...rest, ...scope, ...(expiresAt === undefined ? {} : { expiresAtMs: expiresAt }) }
}

export function poolPatch({ expiresAt, scope, ...rest }: z.output<typeof poolPatchBody>): PoolPatch {
  const cleared = scope === null ? { directions: null, prefixes: null } : scope
  return { ...rest, ...cleared, ...(expiresAt === undefined ? {} : { expiresAtMs: expiresAt }) }
}

const moneyFields = {
  amount: positiveAmount().describe('Above zero, in the currency of the account.'),
  reason: label(500).exactOptional().describe('For the journal.'),
  externalId: label(256).exactOptional().describe("The payment's or order's own id."),
}

export const creditBody = z.strictObject({
  ...moneyFields,
  kind: z.enum(['purchase', 'adjustment']).default('purchase').describe('Purchases have a minimum.'),
})

export const debitBody = z
  .strictObject({
    ...moneyFields,
    kind: z.enum(['adjustment', 'fee']).default('adjustment'),
    class: z.enum(chargeClasses).exactOptional().describe('Of a fee: its line on the statement.'),
  })
  .refine((body) => body.class === undefined || body.kind === 'fee', { path: ['class'], error: 'is of fees only' })
