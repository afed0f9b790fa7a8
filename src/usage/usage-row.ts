/** One line of a usage summary, and how CDRs add up in it: to the micro, whoever does the adding. */
import { invariant } from '../base/fault.ts'
import { type Micros, parseAmount } from '../base/money.ts'
import { dayOf } from '../base/time.ts'
import type { Cdr } from './cdr.ts'

export const usageGroups = ['day', 'destination', 'user', 'trunk', 'direction', 'account'] as const

export type UsageBy = (typeof usageGroups)[number]

export interface UsageFigures {
  /** CDRs: a call has one for each account that it is charged to. */
  readonly calls: number
  /** Talked. */
  readonly seconds: number
  readonly billedSeconds: number
  /** Paid by minutes. */
  readonly poolSeconds: number
  /** Carried by trunks, without a charge. */
  readonly trunkSeconds: number
  /** Beyond what pools had, paid by nobody (rule M16). */
  readonly overrunSeconds: number
  /** Calls that used more than was granted. */
  readonly overruns: number
  readonly charge: Micros
}

export interface UsageRow extends UsageFigures {
  /** The day, destination, user, trunk, direction or account; "" is none. */
  readonly key: string
  readonly currency: string
}

export const NOTHING_USED: UsageFigures = {
  calls: 0,
  seconds: 0,
  billedSeconds: 0,
  poolSeconds: 0,
  trunkSeconds: 0,
  overrunSeconds: 0,
  overruns: 0,
  charge: 0n,
}

export function figuresOf(cdr: Cdr): UsageFigures {
  const charge = parseAmount(cdr.charge)
  invariant(charge !== undefined, 'a CDR has an amount')
  return {
    calls: 1,
    seconds: cdr.seconds,
    billedSeconds: cdr.billedSeconds,
    poolSeconds: secondsBy(cdr, 'pool'),
    trunkSeconds: secondsBy(cdr, 'trunk'),
    overrunSeconds: cdr.overrunSeconds,
    overruns: cdr.flags.includes('overrun') ? 1 : 0,
    charge,
  }
}

/** Of a call's seconds those that this source paid or carried. */
export function secondsBy({ parts }: Pick<Cdr, 'parts'>, source: string): number {
  return parts.reduce((sum, part) => sum + (part.source === source ? part.seconds : 0), 0)
}

/** a + b, or a − b. */
export function combined(a: UsageFigures, b: UsageFigures, sign: 1 | -1 = 1): UsageFigures {
  return {
    calls: a.calls + sign * b.calls,
    seconds: a.seconds + sign * b.seconds,
    billedSeconds: a.billedSeconds + sign * b.billedSeconds,
    poolSeconds: a.poolSeconds + sign * b.poolSeconds,
    trunkSeconds: a.trunkSeconds + sign * b.trunkSeconds,
    overrunSeconds: a.overrunSeconds + sign * b.overrunSeconds,
    overruns: a.overruns + sign * b.overruns,
    charge: a.charge + BigInt(sign) * b.charge,
  }
}

export function rowOf(cdr: Cdr, by: UsageBy, zone: string): UsageRow {
  return { key: keyOf(cdr, by, zone), currency: cdr.currency, ...figuresOf(cdr) }
}

function keyOf(cdr: Cdr, by: UsageBy, zone: string): string {
  switch (by) {
    case 'day':
      return dayOf(Date.parse(cdr.endedAt), zone)
    case 'destination':
      return cdr.rate?.destination ?? ''
    case 'user':
      return cdr.user ?? ''
    case 'trunk':
      return cdr.trunk ?? ''
    case 'direction':
      return cdr.direction
    case 'account':
      return cdr.account
  }
}

/** Rows with one key become one; in the order of their keys. */
export async function summed(rows: AsyncIterable<UsageRow>): Promise<readonly UsageRow[]> {
  const sums = new Map<string, UsageRow>()
  for await (const row of rows) {
    const known = sums.get(row.key) ?? { ...NOTHING_USED, key: row.key, currency: row.currency }
    sums.set(row.key, { ...known, ...combined(known, row) })
  }
  return [...sums.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1))
}
