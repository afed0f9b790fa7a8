/** A profile as text: JSON with money as whole micros in decimal digits. What does not fit is a fault of the store. */
import { z } from 'zod'
import type { AccountProfile } from '../accounts/account.ts'
import { languages, topics } from '../accounts/contacts.ts'
import { storageMeasures, storageParts } from '../accounts/storage-terms.ts'
import { Fault } from '../base/fault.ts'
import { MAX_MICROS } from '../base/money.ts'

const MAX_POOL_SECONDS = 2 ** 31

const micros = z.codec(z.string().regex(/^-?\d{1,16}$/), z.bigint().min(-MAX_MICROS).max(MAX_MICROS), {
  decode: (text) => BigInt(text),
  encode: (amount) => amount.toString(),
})
const id = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/)
const whole = z.int().min(0)
const share = z.templateLiteral([z.int(), '%'])
const direction = z.enum(['outbound', 'inbound'])

const pool = z.object({
  id,
  name: z.string(),
  seconds: whole.max(MAX_POOL_SECONDS),
  priority: z.int(),
  expiresAtMs: whole.optional(),
  resets: z.enum(['cycle', 'never']),
  cycle: z.int().min(1),
  resetsAtMs: whole.optional(),
  rollover: z.object({ minSeconds: whole, maxSeconds: whole.max(MAX_POOL_SECONDS) }).optional(),
  directions: z.array(direction),
  prefixes: z.array(z.string()),
  freeSeconds: whole,
  increment: z.int().min(1),
  onExhausted: z.enum(['finish_call', 'cut', 'spill']),
  lowAt: z.array(z.union([whole, share])).optional(),
  createdAtMs: whole,
})

const profile = z.object({
  id,
  name: z.string(),
  parent: id.optional(),
  root: id,
  status: z.enum(['active', 'suspended', 'closed']),
  currency: z.string().regex(/^[A-Z]{3}$/),
  timezone: z.string(),
  tariff: z.string().optional(),
  creditLimit: micros,
  funding: z.array(z.enum(['trunk', 'pool', 'credit'])),
  cycleDay: z.int().min(1).max(31),
  trunks: z.object({ inbound: whole, outbound: whole, twoWay: whole }),
  pools: z.array(pool),
  standingBundles: z
    .array(z.object({ id: z.string(), bundles: whole, seconds: whole, amount: micros, paidCycle: whole }))
    .optional(),
  blockedPrefixes: z.array(z.string()),
  maxCalls: whole.optional(),
  maxPricePerMinute: z.string().optional(),
  spendCaps: z.object({ day: micros.optional(), month: micros.optional() }),
  lowBalance: z
    .object({
      threshold: micros,
      also: z.array(z.union([micros, share])).optional(),
      hysteresis: micros.optional(),
    })
    .optional(),
  recharge: z
    .object({
      enabled: z.boolean(),
      threshold: micros,
      amount: micros.optional(),
      targetBalance: micros.optional(),
      card: id.optional(),
      dayCap: micros.optional(),
      monthCap: micros.optional(),
      maxFailures: z.int().min(1).optional(),
    })
    .optional(),
  contacts: z.array(z.object({ email: z.string(), topics: z.array(z.enum(topics)).optional() })).optional(),
  language: z.enum(languages).optional(),
  storageFee: z
    .object({
      price: micros.optional(),
      unitBytes: whole.optional(),
      thresholdBytes: whole.optional(),
      charged: z.enum(storageParts).optional(),
      measure: z.enum(storageMeasures).optional(),
    })
    .optional(),
  onEngineError: z.enum(['deny', 'allowCapped']),
  engineErrorSeconds: whole,
  engineErrorCalls: whole,
  version: z.int().min(1),
  createdAtMs: whole,
})

export function encodeProfile(account: AccountProfile): string {
  const encoded = z.safeEncode(profile, account as z.output<typeof profile>)
  if (!encoded.success) {
    throw new Fault('unexpected', `account ${account.id} cannot be stored: ${z.prettifyError(encoded.error)}`)
  }
  return JSON.stringify(encoded.data)
}

export function decodeProfile(text: string): AccountProfile {
  const decoded = z.safeDecode(profile, JSON.parse(text) as z.input<typeof profile>)
  if (!decoded.success) {
    throw new Fault('store_unfit', `a stored account cannot be read: ${z.prettifyError(decoded.error)}`, {
      cause: decoded.error,
    })
  }
  return decoded.data
}
