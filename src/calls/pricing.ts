/** What each level of a chain pays for a call: the tariff in force at its start, pinned for all of it. */
import type { AccountChain, AccountProfile, Direction } from '../accounts/account.ts'
import { dialledDigits } from '../base/e164.ts'
import { parseAmount } from '../base/money.ts'
import { type Refused, refused } from '../base/outcome.ts'
import type { LevelPrice } from '../ledger/funding.ts'
import { type Price, priceOf } from '../rating/charge.ts'
import type { Tariff } from '../rating/tariff.ts'
import type { CallLevel, CallRecord } from './call.ts'
import type { CallParts } from './parts.ts'

export interface PricedCall {
  readonly direction: Direction
  readonly to: string
  /** The instant from which seconds count, by our clock. */
  readonly fromMs: number
}

export interface PricedLevel {
  readonly profile: AccountProfile
  readonly price: LevelPrice
  readonly tariff?: { readonly name: string; readonly version: number }
}

/** Pinned for a call that began while no version of its tariff was in force: it has no price for as long as it lasts. */
const NO_VERSION = 0
const NOT_IN_FORCE = 'no tariff is in force for it'

/**
 * The payer's tariff is its own, else its nearest parent's, else the default; a parent without one of its own takes no
 * part in the money.
 */
function tariffName(chain: AccountChain, index: number, fallback: string | undefined): string | undefined {
  const own = chain.levels[index]?.tariff
  if (index > 0 || own !== undefined) return own
  return chain.levels.find((level) => level.tariff !== undefined)?.tariff ?? fallback
}

/** Prices a new call at every level by the tariffs in force now. */
export function priceChain(parts: CallParts, chain: AccountChain, call: PricedCall): readonly PricedLevel[] {
  const fallback = parts.policy().defaultTariff
  const levels = chain.levels.map((profile, index): PricedLevel => {
    const name = tariffName(chain, index, fallback)
    if (name === undefined && index > 0) return { profile, price: { kind: 'unpriced' } }
    const tariff = name === undefined ? undefined : tariffAt(parts, name, call.fromMs)
    if (!tariff)
      return { profile, price: noRate(profile, NOT_IN_FORCE), tariff: { name: name ?? '', version: NO_VERSION } }
    const pinned = { name: tariff.head.name, version: tariff.head.version }
    return withinCap({ profile, price: levelPrice(profile, tariff, call), tariff: pinned })
  })
  return levels.map((level, index) =>
    level.price.kind === 'refused'
      ? { ...level, price: { kind: 'refused', refusal: seenFromBelow(level.price.refusal, index) } }
      : level,
  )
}

/** A call that began before its tariff was first put in force is priced by what is in force when it is heard of. */
function tariffAt({ tariffs, clock }: CallParts, name: string, atMs: number): Tariff | undefined {
  return tariffs.inForce(name, atMs) ?? tariffs.inForce(name, clock.nowMs())
}

/** A customer is not told what its reseller has, nor who that is (rule O4). */
export function seenFromBelow(refusal: Refused, level: number): Refused {
  return level === 0 ? refusal : { ...refusal, detail: 'an account above the payer refuses it' }
}

/** Refuses what is dearer than the account allows; asked before more is granted, never of use that has happened. */
export function withinCap(level: PricedLevel): PricedLevel {
  const { profile, price } = level
  if (price.kind !== 'priced' || !isAboveCap(profile, price.price)) return level
  const detail = `${price.price.perMinute} a minute is more than account ${profile.id} allows`
  return { ...level, price: { kind: 'refused', refusal: refused('price_cap', detail) } }
}

/** Prices a call that is under way by the tariff versions it began with. */
export async function pricePinned(
  parts: CallParts,
  chain: AccountChain,
  record: CallRecord,
): Promise<readonly PricedLevel[]> {
  const fromMs = record.connectedAtMs ?? record.authorizedAtMs
  const call: PricedCall = { direction: record.direction, to: record.to, fromMs }
  const levels: PricedLevel[] = []
  for (const level of record.levels) {
    const profile = chain.levels.find(({ id }) => id === level.account)
    if (profile) levels.push(await pricePinnedLevel(parts, { profile, level, call, beganMs: record.authorizedAtMs }))
  }
  return levels
}

async function pricePinnedLevel(
  parts: CallParts,
  context: {
    readonly profile: AccountProfile
    readonly level: CallLevel
    readonly call: PricedCall
    readonly beganMs: number
  },
): Promise<PricedLevel> {
  const { profile, level, call } = context
  if (!level.tariff) return { profile, price: { kind: 'unpriced' } }
  if (level.tariff.version === NO_VERSION)
    return { profile, price: noRate(profile, NOT_IN_FORCE), tariff: level.tariff }
  const tariff = await parts.tariffs.pinned(level.tariff.name, level.tariff.version)
  if (!tariff) return { profile, price: noRate(profile, 'its tariff version is gone'), tariff: level.tariff }
  const atAnswer = levelPrice(profile, tariff, call)
  // What was priced when it was let in stays priced, although the rate ended while it rang.
  const price =
    atAnswer.kind === 'refused' ? levelPrice(profile, tariff, { ...call, fromMs: context.beganMs }) : atAnswer
  return { profile, price, tariff: level.tariff }
}

function levelPrice(profile: AccountProfile, tariff: Tariff, call: PricedCall): LevelPrice {
  if (tariff.head.currency !== profile.currency) {
    return noRate(
      profile,
      `tariff ${tariff.head.name} is in ${tariff.head.currency}, the account in ${profile.currency}`,
    )
  }
  const digits = dialledDigits(call.to)
  const found = priceOf(tariff, { direction: call.direction, digits, answeredAtMs: call.fromMs })
  if (found.kind === 'no_rate') return noRate(profile, `tariff ${tariff.head.name} has no price for the number`)
  if (found.kind === 'blocked') {
    return {
      kind: 'refused',
      refusal: refused('destination_blocked', `prefix ${found.prefix} is blocked by tariff ${tariff.head.name}`),
    }
  }
  return { kind: 'priced', price: found.price }
}

/** Exact: a price may have more places than money has. */
function isAboveCap({ maxPricePerMinute }: AccountProfile, price: Price): boolean {
  const cap = maxPricePerMinute === undefined ? undefined : parseAmount(maxPricePerMinute)
  return cap !== undefined && price.pieces[0].perSecond * 60n > cap * price.denominator
}

function noRate(profile: AccountProfile, why: string): LevelPrice {
  return { kind: 'refused', refusal: refused('no_rate', `account ${profile.id}: ${why}`) }
}

/** What refuses a call whatever would pay for it: an account that is not active, a blocked destination. */
export function standingRefusals(chain: AccountChain, priced: readonly PricedLevel[], to: string): readonly Refused[] {
  const digits = dialledDigits(to)
  const refusals: Refused[] = []
  for (const [level, profile] of chain.levels.entries()) {
    refusals.push(...profileRefusals(profile, digits).map((refusal) => seenFromBelow(refusal, level)))
  }
  for (const { price } of priced) {
    if (price.kind === 'refused' && price.refusal.code === 'destination_blocked') refusals.push(price.refusal)
  }
  return refusals
}

function profileRefusals({ id, status, blockedPrefixes }: AccountProfile, digits: string): readonly Refused[] {
  const refusals: Refused[] = []
  if (status !== 'active') refusals.push(refused('account_suspended', `account ${id} is ${status}`))
  const prefix = blockedPrefixes.find((blocked) => digits.startsWith(blocked))
  if (prefix !== undefined) {
    refusals.push(refused('destination_blocked', `prefix ${prefix} is blocked by account ${id}`))
  }
  return refusals
}
