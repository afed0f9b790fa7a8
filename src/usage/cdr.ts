/** The record of a call that has ended: one for each level of its chain, and why it cost what it cost. */
import { formatAmount, type Micros } from '../base/money.ts'
import { formatInstant } from '../base/time.ts'
import type { CallLevel, CallRecord, Charge } from '../calls/call.ts'
import { explainCharge, type Price } from '../rating/charge.ts'

export interface CdrPart {
  readonly source: 'trunk' | 'pool' | 'credit'
  readonly id?: string
  readonly seconds: number
  readonly amount: string
}

export interface Cdr {
  readonly call: string
  readonly revision: number
  readonly level: number
  readonly account: string
  /** Who made the call: the account at the bottom of the chain. */
  readonly payer: string
  readonly node: string
  readonly callId: string
  readonly legId: string
  readonly direction: string
  readonly media: string
  readonly from: string
  readonly to: string
  readonly user?: string
  readonly startedAt: string
  readonly answeredAt?: string
  readonly endedAt: string
  readonly seconds: number
  readonly billedSeconds: number
  readonly charge: string
  readonly currency: string
  readonly fundedBy: string
  readonly trunk?: string
  readonly parts: readonly CdrPart[]
  readonly overrunSeconds: number
  readonly cause: string
  /** `presumed`, `overrun`, `late_settlement`, `failopen`, `unrated`, `overlong`, `minutes_not_returned`, `rerated`. */
  readonly flags: readonly string[]
  readonly rate?: CdrRate
  /** How the price came about, step by step. */
  readonly explanation?: readonly string[]
}

export interface CdrRate {
  readonly tariff: string
  readonly version: number
  readonly prefix: string
  readonly destination: string
  readonly perMinute: string
  readonly connectFee: string
  readonly increments: string
}

export interface CdrInput {
  readonly record: CallRecord
  readonly index: number
  readonly level: CallLevel
  readonly charge: Charge
  readonly price?: Price
  readonly flags: readonly string[]
}

export function cdrOf({ record, index, level, charge, price, flags }: CdrInput): Cdr {
  const seconds = record.end?.seconds ?? 0
  return {
    ...whoAndWhen(record),
    level: index,
    account: level.account,
    billedSeconds: charge.billedSeconds,
    charge: formatAmount(charge.micros),
    currency: level.currency,
    fundedBy: fundedWord(level, charge),
    ...(level.hold.trunk ? { trunk: level.hold.trunk } : {}),
    parts: partsOf(level, charge, seconds),
    overrunSeconds: charge.overrunSeconds,
    flags,
    ...(price && !level.hold.trunk ? priceOf(price, charge, seconds) : {}),
  }
}

function priceOf(price: Price, charge: Charge, seconds: number): Pick<Cdr, 'rate' | 'explanation'> {
  const paidSeconds = charge.pools.reduce((sum, part) => sum + part.seconds, 0)
  return pricedBy(price, { micros: charge.micros, seconds, paidSeconds })
}

/** The rate, and how the charge came from it. */
export function pricedBy(
  price: Price,
  of: { readonly micros: Micros; readonly seconds: number; readonly paidSeconds: number },
): Pick<Cdr, 'rate' | 'explanation'> {
  const rate = rateOf(price)
  return of.micros === 0n ? { rate } : { rate, explanation: explainCharge(price, of.seconds, of.paidSeconds).lines }
}

/** What is the same at every level. */
function whoAndWhen(record: CallRecord) {
  const { end, leg } = record
  return {
    call: record.call,
    revision: record.corrections,
    payer: record.account,
    node: leg.node,
    callId: leg.callId,
    legId: leg.legId,
    direction: record.direction,
    media: record.media,
    from: record.from,
    to: record.to,
    ...(record.user === undefined ? {} : { user: record.user }),
    startedAt: formatInstant(record.authorizedAtMs),
    ...(record.answeredAtMs === undefined ? {} : { answeredAt: formatInstant(record.answeredAtMs) }),
    endedAt: formatInstant(end?.endedAtMs ?? record.authorizedAtMs),
    seconds: end?.seconds ?? 0,
    cause: end?.cause ?? 'unknown',
  }
}

function fundedWord(level: CallLevel, charge: Charge): string {
  if (level.hold.trunk) return 'trunk'
  return paidWord(charge.pools.length > 0 || charge.overrunSeconds > 0, charge.micros)
}

/** What paid for a call that no trunk carried. */
export function paidWord(byPools: boolean, micros: Micros): string {
  if (byPools) return micros > 0n ? 'mixed' : 'pool'
  return micros > 0n ? 'credit' : 'free'
}

function partsOf(level: CallLevel, charge: Charge, seconds: number): readonly CdrPart[] {
  if (level.hold.trunk) return [{ source: 'trunk', id: level.hold.trunk, seconds, amount: formatAmount(0n) }]
  const pools = charge.pools.map((part): CdrPart => ({
    source: 'pool',
    id: part.pool,
    seconds: part.seconds,
    amount: formatAmount(0n),
  }))
  return withCredit(pools, charge)
}

/** Credit pays the billed seconds that minutes did not. */
export function withCredit(
  pools: readonly CdrPart[],
  { micros, billedSeconds }: Pick<Charge, 'micros' | 'billedSeconds'>,
): readonly CdrPart[] {
  if (micros === 0n) return pools
  const paid = pools.reduce((sum, part) => sum + part.seconds, 0)
  const seconds = Math.max(0, billedSeconds - paid)
  return [...pools, { source: 'credit', seconds, amount: formatAmount(micros) }]
}

export function rateOf(price: Price): CdrRate {
  return {
    tariff: price.tariff,
    version: price.version,
    prefix: price.prefix,
    destination: price.destination,
    perMinute: price.perMinute,
    connectFee: formatAmount(price.connectFee),
    increments: `${price.firstIncrement}/${price.nextIncrement}`,
  }
}
