/**
 * From source address, ANI and DID to the account that pays and the trunk that brought the call.
 *
 * Rules are asked in their order and the first that fits decides. Every condition of a rule must fit; a list fits when
 * one of its entries does. An edge that knows the trunk may name it: the name stands in for what the call does not say,
 * never against what it says. A rule without `sources`, `from`, `to` and `digest` fits nothing by itself and must be named.
 */
import type { Direction } from '../accounts/account.ts'
import { dialledDigits } from '../base/e164.ts'
import { contains, type Network, parseNetwork, parsePeer } from './network.ts'

export interface TrunkRule {
  readonly name: string
  readonly account: string
  readonly direction?: Direction | undefined
  /** Where its SIP calls go. */
  readonly group?: string | undefined
  /** IP addresses or networks. */
  readonly sources?: readonly string[] | undefined
  /** Beginnings of the calling number. */
  readonly from?: readonly string[] | undefined
  /** Beginnings of the called number; a whole DID is one. */
  readonly to?: readonly string[] | undefined
  /** Callers of SIP must prove to be this user. */
  readonly digest?: Credential | undefined
}

export interface Credential {
  readonly user: string
  readonly password: string
}

/** What an edge says of a call. */
export interface Arrival {
  readonly trunk?: string | undefined
  readonly source?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly direction?: Direction | undefined
  /** Who the caller claims to be; `anybody` fits every rule that asks for a user. Whoever asks checks the claim. */
  readonly user?: { readonly name: string } | 'anybody' | undefined
}

export interface Identified {
  readonly account: string
  readonly trunk: string
  /** The call's own direction, else the rule's. */
  readonly direction?: Direction
  readonly group?: string
  /** What the caller has to prove. */
  readonly digest?: Credential
}

/** Rules made ready for asking. */
export type TrunkRules = readonly ReadyRule[]

interface ReadyRule {
  readonly name: string
  readonly account: string
  readonly direction: Direction | undefined
  readonly group: string | undefined
  readonly sources: readonly Network[] | undefined
  readonly from: Beginnings | undefined
  readonly to: Beginnings | undefined
  readonly digest: Credential | undefined
  readonly onlyByName: boolean
}

/** Thousands of DIDs cost one look for each of their lengths. */
interface Beginnings {
  readonly texts: ReadonlySet<string>
  readonly lengths: readonly number[]
}

export function readyRules(rules: readonly TrunkRule[]): TrunkRules {
  return rules.map((rule) => ({
    name: rule.name,
    account: rule.account,
    direction: rule.direction,
    group: rule.group,
    sources: rule.sources?.map((source) => networkOf(source, rule.name)),
    from: beginnings(rule.from),
    to: beginnings(rule.to),
    digest: rule.digest,
    onlyByName: !rule.sources && !rule.from && !rule.to && !rule.digest,
  }))
}

/** The first rule that fits; undefined when none does. */
export function identify(rules: TrunkRules, arrival: Arrival): Identified | undefined {
  const address = arrival.source === undefined ? undefined : parsePeer(arrival.source)
  const from = arrival.from === undefined ? undefined : dialledDigits(arrival.from)
  const to = arrival.to === undefined ? undefined : dialledDigits(arrival.to)
  const rule = rules.find(
    (candidate) =>
      fitsName(candidate, arrival.trunk) &&
      fitsDirection(candidate, arrival.direction) &&
      fitsUser(candidate, arrival) &&
      fitsSource(candidate, arrival, address) &&
      fitsNumber(candidate.from, from, arrival.trunk !== undefined) &&
      fitsNumber(candidate.to, to, arrival.trunk !== undefined),
  )
  if (!rule) return undefined
  const direction = arrival.direction ?? rule.direction
  const { account, name: trunk, group, digest } = rule
  return { account, trunk, ...(direction && { direction }), ...(group && { group }), ...(digest && { digest }) }
}

function fitsName(rule: ReadyRule, trunk: string | undefined): boolean {
  return trunk === undefined ? !rule.onlyByName : rule.name === trunk
}

/** A call that does not say its direction takes the rule's. */
function fitsDirection(rule: ReadyRule, direction: Direction | undefined): boolean {
  return rule.direction === undefined || direction === undefined || rule.direction === direction
}

/** An edge that names the trunk has seen for itself who calls. */
function fitsUser({ digest }: ReadyRule, { user, trunk }: Arrival): boolean {
  if (!digest || user === 'anybody') return true
  return user === undefined ? trunk !== undefined : user.name === digest.user
}

function fitsSource(rule: ReadyRule, arrival: Arrival, address: bigint | undefined): boolean {
  if (!rule.sources) return true
  if (arrival.source === undefined) return arrival.trunk !== undefined
  return address !== undefined && rule.sources.some((network) => contains(network, address))
}

function fitsNumber(wanted: Beginnings | undefined, number: string | undefined, named: boolean): boolean {
  if (!wanted) return true
  if (number === undefined) return named
  return wanted.lengths.some((length) => length <= number.length && wanted.texts.has(number.slice(0, length)))
}

function beginnings(patterns: readonly string[] | undefined): Beginnings | undefined {
  if (!patterns) return undefined
  const texts = new Set(patterns.map(dialledDigits))
  return { texts, lengths: [...new Set([...texts].map((text) => text.length))] }
}

function networkOf(source: string, rule: string): Network {
  const network = parseNetwork(source)
  if (typeof network === 'string') throw new TypeError(`rule ${rule}: source ${source} ${network}`)
  return network
}
