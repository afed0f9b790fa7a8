/**
 * Ended calls of an account priced anew by another tariff version, a page at a time. What is posted is the difference to
 * what each is charged now, so a repeat posts nothing, and after a crash the rest.
 */
import type { AccountChain } from '../accounts/account.ts'
import type { AccountOffice, PageRequest } from '../accounts/office.ts'
import { Fault } from '../base/fault.ts'
import { failuresOf, inTurns } from '../base/in-turns.ts'
import type { Micros } from '../base/money.ts'
import type { Clock } from '../base/time.ts'
import { parseCallId } from '../calls/call-id.ts'
import type { CallRecord } from '../calls/call.ts'
import type { CallLedger } from '../calls/call-ledger.ts'
import type { TariffBook } from '../rating/book.ts'
import type { Tariff } from '../rating/tariff.ts'
import type { Cdr } from '../usage/cdr.ts'
import type { UsageDesk } from '../usage/summary.ts'
import { correctionOf } from './correction.ts'
import { type LeftReason, type Rerated, reratedCdr } from './rerated-cdr.ts'

export interface NewestCdrs {
  /** The newest CDR of each level of the calls, as the store has them at the time it is asked. */
  newestOf(partition: number, calls: readonly string[]): Promise<readonly Cdr[]>
}

export interface ReratingParts {
  readonly usage: Pick<UsageDesk, 'cdrs'>
  readonly archive: NewestCdrs
  readonly ledger: Pick<CallLedger, 'readCall' | 'settle'>
  readonly accounts: Pick<AccountOffice, 'chainOf' | 'forget'>
  readonly tariffs: Pick<TariffBook, 'inForce' | 'pinned'>
  readonly clock: Clock
  /** How long a call is remembered for what its edge may still say. */
  readonly rememberMs: () => number
}

export interface RerateQuery extends PageRequest {
  readonly account: string
  readonly tariff: Tariff
  readonly post: boolean
}

export interface CallDifference {
  readonly call: string
  readonly from: string
  readonly to: string
  readonly seconds: number
  readonly before: Micros
  readonly after: Micros
  readonly posted: boolean
}

export interface ReratedPage {
  /** Calls looked at. */
  readonly calls: number
  readonly changed: readonly CallDifference[]
  readonly left: Readonly<Record<LeftReason, number>>
  readonly nextCursor?: string
  /** When the last call of the page ended, which is the oldest so far; absent where there is none. */
  readonly reachedMs?: number
}

/** A call that changes faster than it is corrected is left for the next time. */
const MAX_TRIES = 8

/** The ledger takes each by itself. */
const CORRECTED_AT_ONCE = 32

type Changed = Extract<Rerated, { kind: 'changed' }>

export class Rerating {
  readonly #parts: ReratingParts

  constructor(parts: ReratingParts) {
    this.#parts = parts
  }

  /** A version, or the one in force now; undefined when there is none. */
  async tariffOf(name: string, version?: number): Promise<Tariff | undefined> {
    const { tariffs, clock } = this.#parts
    return version === undefined ? tariffs.inForce(name, clock.nowMs()) : tariffs.pinned(name, version)
  }

  async page({ account, tariff, post, ...page }: RerateQuery): Promise<ReratedPage> {
    const { items, nextCursor } = await this.#parts.usage.cdrs(account, page)
    const left = { no_rate: 0, blocked: 0, unexplained: 0 }
    const found: { readonly cdr: Cdr; readonly rerated: Changed }[] = []
    for (const text of items) {
      const cdr = JSON.parse(text) as Cdr
      const rerated = await this.#rerated(cdr, tariff)
      if (rerated.kind === 'left') left[rerated.why] += 1
      if (rerated.kind === 'changed') found.push({ cdr, rerated })
    }
    const calls = found.map(({ cdr }) => cdr.call)
    const posted = post ? await this.#post(account, calls, tariff) : new Set<string>()
    const changed = found.map(({ cdr: { call, from, to, seconds }, rerated: { before, after } }): CallDifference => {
      return { call, from, to, seconds, before, after, posted: posted.has(call) }
    })
    const last = items.at(-1)
    const reached = last === undefined ? {} : { reachedMs: Date.parse((JSON.parse(last) as Cdr).endedAt) }
    return { calls: items.length, changed, left, ...reached, ...(nextCursor === undefined ? {} : { nextCursor }) }
  }

  async #rerated(cdr: Cdr, tariff: Tariff): Promise<Rerated> {
    const own = cdr.rate && (await this.#parts.tariffs.pinned(cdr.rate.tariff, cdr.rate.version))
    return reratedCdr(cdr, tariff, own)
  }

  /** Answers with those that were corrected by this. */
  async #post(account: string, calls: readonly string[], tariff: Tariff): Promise<ReadonlySet<string>> {
    const posted = new Set<string>()
    let open = calls
    for (let attempt = 0; open.length > 0 && attempt < MAX_TRIES; attempt += 1) {
      open = await this.#postOnce(account, { calls: open, tariff, posted })
    }
    if (open.length === 0) return posted
    throw new Fault('store_overloaded', 'calls change faster than they can be corrected', { retryable: true })
  }

  /** Answers with the calls that changed meanwhile. */
  async #postOnce(
    account: string,
    work: { readonly calls: readonly string[]; readonly tariff: Tariff; readonly posted: Set<string> },
  ): Promise<readonly string[]> {
    const { calls, tariff, posted } = work
    // Records first: a correction after that makes the ledger refuse this one.
    const records = await Promise.all(calls.map((call) => this.#recordOf(call)))
    const partition = parseCallId(calls[0] ?? '')?.partition ?? 0
    const newest = Map.groupBy(await this.#parts.archive.newestOf(partition, calls), ({ call }) => call)
    const chains = await this.#chainsOf([...newest.values()].flatMap(([cdr]) => cdr ?? []))
    const again: string[] = []
    const outcomes = await inTurns(calls.entries(), CORRECTED_AT_ONCE, async ([index, call]) => {
      const cdrs = (newest.get(call) ?? []).toSorted((a, b) => a.level - b.level)
      const answer = await this.#correct({ account, tariff, record: records[index], cdrs, chains })
      if (answer === 'settled') posted.add(call)
      if (answer === 'changed') again.push(call)
    })
    const [failure] = failuresOf(outcomes)
    if (failure) throw failure
    return again
  }

  /** Of every payer, as it is now. */
  async #chainsOf(cdrs: readonly Cdr[]): Promise<ReadonlyMap<string, AccountChain>> {
    const { accounts } = this.#parts
    const chains = new Map<string, AccountChain>()
    for (const payer of new Set(cdrs.map((cdr) => cdr.payer))) {
      accounts.forget(payer)
      const chain = await accounts.chainOf(payer)
      if (chain) chains.set(payer, chain)
    }
    return chains
  }

  async #recordOf(call: string): Promise<CallRecord | undefined> {
    const place = parseCallId(call)
    return place && (await this.#parts.ledger.readCall(place))
  }

  async #correct(of: {
    readonly account: string
    readonly tariff: Tariff
    readonly record: CallRecord | undefined
    readonly cdrs: readonly Cdr[]
    readonly chains: ReadonlyMap<string, AccountChain>
  }): Promise<'settled' | 'changed' | 'left'> {
    const { account, tariff, record, cdrs, chains } = of
    const { ledger, clock, rememberMs } = this.#parts
    const cdr = cdrs.find((each) => each.account === account)
    const rerated = cdr && (await this.#rerated(cdr, tariff))
    if (!cdr || rerated?.kind !== 'changed') return 'left'
    if (record && record.corrections !== cdr.revision) return 'changed'
    const chain = chains.get(cdr.payer)
    if (!chain) return 'left'
    const { name, version } = tariff.head
    const settlement = correctionOf({
      ...{ record, cdrs, account, rerated, chain, tariff: { name, version } },
      nowMs: clock.nowMs(),
      rememberMs: rememberMs(),
    })
    if (!settlement) return 'left'
    const { kind } = await ledger.settle(settlement)
    return kind === 'settled' ? 'settled' : 'changed'
  }
}
