/** Calls as people read them. */
import { z } from 'zod'
import { formatAmount, type Micros } from '../../../base/money.ts'
import { formatInstant } from '../../../base/time.ts'
import { type CallLevel, type CallRecord, fundedBy, isLive } from '../../../calls/call.ts'

const instant = z.string().describe('RFC 3339, UTC.')

const poolPartSchema = z.object({ pool: z.string(), seconds: z.int() })

const levelSchema = z.object({
  account: z.string(),
  currency: z.string(),
  tariff: z.object({ name: z.string(), version: z.int() }).optional(),
  trunk: z.enum(['inbound', 'outbound', 'twoWay']).optional(),
  reserved: z.string(),
  charge: z.string().optional(),
  billedSeconds: z.int().optional(),
  pools: z.array(poolPartSchema),
  overrunSeconds: z.int().optional(),
  unrated: z.literal(true).optional(),
})

export const callSchema = z
  .object({
    call: z.string(),
    state: z.enum(['authorized', 'answered', 'ending', 'ended', 'failed']),
    node: z.string(),
    callId: z.string(),
    legId: z.string(),
    instance: z.string().optional(),
    account: z.string(),
    user: z.string().optional(),
    direction: z.enum(['outbound', 'inbound']),
    from: z.string(),
    to: z.string(),
    media: z.enum(['voice', 'video', 'message']),
    mode: z.enum(['clock', 'edge', 'whole']),
    authorizedAt: instant,
    answeredAt: instant.optional(),
    endedAt: instant.optional(),
    lastAliveAt: instant,
    seconds: z.int().optional(),
    billedSeconds: z.int().optional(),
    charge: z.string().optional(),
    reserved: z.string().optional(),
    currency: z.string().optional(),
    fundedBy: z.enum(['trunk', 'pool', 'credit', 'free', 'mixed']).optional(),
    grantedSeconds: z.int(),
    maxDurationSeconds: z.int(),
    finalReason: z.string().optional().describe('Why nothing more is granted.'),
    endingReason: z.string().optional(),
    cause: z.string().optional(),
    presumedEnd: z.literal(true).optional().describe('No stop was heard.'),
    failOpen: z.literal(true).optional().describe('The edge connected it without our leave.'),
    corrections: z.int(),
    levels: z.array(levelSchema).describe('The payer first, then the accounts above it.'),
  })
  .meta({ id: 'Call' })

export const callViewSchema = callSchema.extend({
  explanation: z
    .object({
      levels: z.array(z.unknown()).describe('Prefix, tariff version, time band, increments, rounding, funding parts.'),
      history: z.array(z.object({ at: instant, what: z.string() })).describe('Decisions and events.'),
    })
    .describe('Why it stands as it does.'),
})

type CallJson = z.infer<typeof callSchema>

/** With `viewer`, without what accounts above that one pay (rule O4). */
export function callJson(record: CallRecord, viewer?: string): CallJson {
  const { leg, account, direction, from, to, media, mode } = record
  return {
    call: record.call,
    state: record.state,
    ...leg,
    account,
    direction,
    from,
    to,
    media,
    mode,
    ...optionalWords(record),
    ...instants(record),
    ...money(record),
    grantedSeconds: record.grantedSeconds,
    maxDurationSeconds: record.maxDurationSeconds,
    corrections: record.corrections,
    levels: record.levels.slice(0, visibleLevels(record, viewer)).map(levelJson),
  }
}

/** Levels come with the payer first, so those up to the viewer are its own and below. */
export function visibleLevels({ levels }: CallRecord, viewer: string | undefined): number {
  return viewer === undefined ? levels.length : levels.findIndex((level) => level.account === viewer) + 1
}

type OptionalWords = 'instance' | 'user' | 'finalReason' | 'endingReason' | 'cause' | 'presumedEnd' | 'failOpen'

function optionalWords({
  instance,
  user,
  finalReason,
  endingReason,
  end,
  failOpen,
}: CallRecord): Pick<CallJson, OptionalWords> {
  return {
    ...(instance === undefined ? {} : { instance }),
    ...(user === undefined ? {} : { user }),
    ...(finalReason === undefined ? {} : { finalReason }),
    ...(endingReason === undefined ? {} : { endingReason }),
    ...(end ? { cause: end.cause } : {}),
    ...(end?.presumed ? { presumedEnd: true as const } : {}),
    ...(failOpen ? { failOpen: true as const } : {}),
  }
}

function instants({ authorizedAtMs, answeredAtMs, lastAliveAtMs, end }: CallRecord) {
  return {
    authorizedAt: formatInstant(authorizedAtMs),
    ...(answeredAtMs === undefined ? {} : { answeredAt: formatInstant(answeredAtMs) }),
    ...(end ? { endedAt: formatInstant(end.endedAtMs), seconds: end.seconds } : {}),
    lastAliveAt: formatInstant(lastAliveAtMs),
  }
}

/** What the payer pays. */
function money(record: CallRecord) {
  const [payer] = record.levels
  if (!payer) return {}
  const { hold, charge, currency } = payer
  return {
    currency,
    ...(isLive(record) ? { reserved: formatAmount(hold.credit), fundedBy: fundedBy(hold, hold.credit) } : {}),
    ...(charge ? { charge: formatAmount(charge.micros), billedSeconds: charge.billedSeconds } : {}),
  }
}

function levelJson({ account, currency, tariff, hold, charge }: CallLevel): z.infer<typeof levelSchema> {
  const parts = charge ? charge.pools : hold.pools
  const spent: Micros = charge ? 0n : hold.credit
  return {
    account,
    currency,
    ...(tariff ? { tariff } : {}),
    ...(hold.trunk ? { trunk: hold.trunk } : {}),
    reserved: formatAmount(spent),
    pools: parts.map(({ pool, seconds }) => ({ pool, seconds })),
    ...(charge ? chargeJson(charge) : {}),
  }
}

function chargeJson({ micros, billedSeconds, overrunSeconds, unrated }: NonNullable<CallLevel['charge']>) {
  return {
    charge: formatAmount(micros),
    billedSeconds,
    ...(overrunSeconds > 0 ? { overrunSeconds } : {}),
    ...(unrated ? { unrated: true as const } : {}),
  }
}
