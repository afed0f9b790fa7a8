/** What was used is debited and the rest goes back: the last request (RFC 8506 TERMINATION_REQUEST), and its corrections. */
import type { AccountChain, Pool } from '../accounts/account.ts'
import { thresholdsOf } from '../accounts/watched.ts'
import { Fault, invariant } from '../base/fault.ts'
import { planFunding } from '../ledger/funding.ts'
import type { LevelFigures, PoolMove } from '../ledger/figures.ts'
import type { LevelSettlement, Settlement } from './call-ledger.ts'
import { cdrOf } from '../usage/cdr.ts'
import { type CallEnd, type CallLevel, type CallRecord, type Charge, withStep } from './call.ts'
import type { Hold, PoolPart } from '../ledger/hold.ts'
import { chargeOf, poolMoves } from './charging.ts'
import type { CallMemory } from './memory.ts'
import { type CallParts, MAX_TRIES } from './parts.ts'
import { fundingAsks, hopefulFigures, ownKind, type SliceAsk, spendPeriod } from './plan.ts'
import { type PricedLevel, pricePinned } from './pricing.ts'
import { Reserving } from './reserving.ts'
import { rememberMs } from './schedule.ts'

export type Settled =
  | { readonly kind: 'settled'; readonly record: CallRecord }
  | { readonly kind: 'changed'; readonly record: CallRecord | undefined }

interface LevelOutcome {
  readonly level: CallLevel
  readonly priced: PricedLevel
  readonly charge: Charge
  readonly settlement: LevelSettlement
  /** Minutes that the call did not use are not given back. */
  readonly keepsMinutes: boolean
}

export class Settler {
  readonly #parts: CallParts
  readonly #memory: CallMemory
  readonly #reserving: Reserving

  constructor(parts: CallParts, memory: CallMemory) {
    this.#parts = parts
    this.#memory = memory
    this.#reserving = new Reserving(parts, memory)
  }

  /** Ends a live call, or ends an ended one anew with the seconds of `end`. */
  async settle(record: CallRecord, end: CallEnd, why = 'settle'): Promise<Settled> {
    const covered = await this.#cover(record, end.seconds)
    if (covered.kind === 'changed') return covered
    let figures: readonly LevelFigures[] = []
    for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
      const chain = await this.#chain(record)
      const settlement = await this.#settlement(covered.record, { chain, end, why, figures })
      const answer = await this.#parts.ledger.settle(settlement)
      if (answer.kind === 'changed') return answer
      if (answer.kind === 'settled') {
        this.#finish(settlement)
        return { kind: 'settled', record: settlement.record }
      }
      figures = answer.figures
    }
    throw new Fault('store_overloaded', 'the pools of the call change faster than it can be settled', {
      retryable: true,
    })
  }

  /** Ends a call that nobody answered: all is released, nothing is charged, a tombstone stays for late requests. */
  async release(record: CallRecord, why: string): Promise<Settled> {
    const nowMs = this.#parts.clock.nowMs()
    const chain = await this.#chain(record)
    const levels = record.levels.map((level) => ({ ...level, hold: nothing(level.hold) }))
    const failed: CallRecord = {
      ...record,
      revision: record.revision + 1,
      state: 'failed',
      levels,
      history: withStep(record, nowMs, why),
    }
    const settlement: Settlement = {
      record: failed,
      expectedRevision: record.revision,
      nowMs,
      why,
      levels: record.levels.map((level) => this.#levelSettlement(record, { level, chain, nowMs, charge: NO_CHARGE })),
      rememberMs: this.#parts.policy().failedMemorySeconds * 1000,
    }
    const answer = await this.#parts.ledger.settle(settlement)
    if (answer.kind === 'changed') return answer
    invariant(answer.kind === 'settled', 'a release takes nothing from pools')
    this.#memory.settled(settlement.levels)
    this.#memory.keep(failed)
    return { kind: 'settled', record: failed }
  }

  /** A correction asks the pools of now: it is rare, so what is remembered of them is not trusted. */
  async #chain(record: CallRecord): Promise<AccountChain> {
    if (record.state === 'ended') this.#parts.accounts.forget(record.account)
    const chain = await this.#parts.accounts.chainOf(record.account)
    invariant(chain, 'the accounts of a call are never deleted')
    return chain
  }

  /** Use beyond the hold is put aside first where pools may still pay for it, so that the charge is known when it is posted. */
  async #cover(record: CallRecord, seconds: number): Promise<Settled> {
    const byPools = record.levels.some(({ hold }) => fromPools(hold))
    if (!byPools || seconds <= record.grantedSeconds || record.state === 'ended') return { kind: 'settled', record }
    const outcome = await this.#reserving.run({
      expectedRevision: record.revision,
      why: 'cover use beyond the grant',
      nowMs: this.#parts.clock.nowMs(),
      chain: () => this.#chain(record),
      ask: (chain) => this.#ask(record, chain, seconds),
      record: (made) => ({
        record: {
          ...record,
          revision: record.revision + 1,
          levels: record.levels.map((level, index) => ({
            ...level,
            hold: made.plan.levels[index]?.hold ?? level.hold,
          })),
        },
        dueAtMs: this.#parts.clock.nowMs() + this.#parts.policy().endRetrySeconds * 1000,
      }),
    })
    if (outcome.kind === 'reserved') return { kind: 'settled', record: outcome.record }
    if (outcome.kind === 'changed') return outcome
    throw new Fault('unexpected', `use that has happened was refused: ${outcome.kind}`)
  }

  async #ask(record: CallRecord, chain: AccountChain, seconds: number): Promise<SliceAsk> {
    return {
      levels: await pricePinned(this.#parts, chain, record),
      direction: record.direction,
      to: record.to,
      seconds,
      nowMs: this.#parts.clock.nowMs(),
      held: record.levels.map(({ hold }) => hold),
      forced: true,
    }
  }

  async #settlement(
    record: CallRecord,
    context: { chain: AccountChain; end: CallEnd; why: string; figures: readonly LevelFigures[] },
  ): Promise<Settlement> {
    const { chain, end, why, figures } = context
    const nowMs = this.#parts.clock.nowMs()
    const ask = await this.#ask(record, chain, end.seconds)
    const outcomes = record.levels.map((level, index) => {
      const at = ask.levels[index]
      invariant(at, 'every level of a call is priced')
      const held =
        record.state === 'ended' ? widened(ask, { level, index, figures: figures[index] }) : plain(level.hold)
      const wanted = chargeOf(held.hold, at.price, end.seconds)
      const charge = keepClosedCycles(level, at, wanted)
      const settlement = this.#levelSettlement(record, { level, chain, nowMs, charge, held })
      return { level, priced: at, charge, settlement, keepsMinutes: charge !== wanted }
    })
    const ended = endedRecord(record, { end, outcomes, nowMs })
    return {
      record: ended,
      expectedRevision: record.revision,
      nowMs,
      why,
      levels: outcomes.map((outcome, index) => ({ ...outcome.settlement, cdr: cdrText(ended, outcome, index) })),
      rememberMs: rememberMs(this.#parts.policy()),
    }
  }

  #levelSettlement(
    record: CallRecord,
    context: { level: CallLevel; chain: AccountChain; nowMs: number; charge: Charge; held?: Widened },
  ): LevelSettlement {
    const { level, chain, nowMs, charge, held = plain(level.hold) } = context
    const profile = chain.levels.find(({ id }) => id === level.account)
    invariant(profile, 'every level of a call is in its chain')
    const wasLive = record.state !== 'ended'
    return {
      account: level.account,
      currency: level.currency,
      ownKind: ownKind(record.direction),
      ...(wasLive && level.hold.trunk ? { frees: level.hold.trunk } : {}),
      leaves: wasLive,
      reserved: -level.hold.credit,
      debit: charge.micros - (level.charge?.micros ?? 0n),
      pools: withAsked(poolMoves(wasLive ? level.hold.pools : [], level.charge?.pools ?? [], charge.pools), held),
      spend: spendPeriod(profile, nowMs),
      thresholds: thresholdsOf(profile),
      creditLimit: profile.creditLimit,
    }
  }

  #finish({ record, levels }: Settlement): void {
    this.#memory.settled(levels)
    this.#memory.keep(record)
    const { observer } = this.#parts
    observer.ended(record)
    if (record.end?.presumed) observer.happened('presumed_end', record)
    if (record.corrections > 0) observer.happened('late_settlement', record)
    if (record.levels.some(({ charge }) => charge?.unrated)) observer.happened('unrated', record)
    if ((record.end?.seconds ?? 0) > record.grantedSeconds) observer.happened('overrun', record)
  }
}

const NO_CHARGE: Charge = { micros: 0n, billedSeconds: 0, pools: [], overrunSeconds: 0 }

function fromPools(hold: Hold): boolean {
  return hold.pools.length > 0 || hold.unpaid === true
}

/** The pools stay named: a correction asks them again, also when the call was too short to take anything. */
function nothing(hold: Hold): Hold {
  return { ...hold, pools: hold.pools.map((part) => ({ ...part, seconds: 0 })), credit: 0n }
}

interface Widened {
  readonly hold: Hold
  /** The pools that were asked for more. */
  readonly asked: readonly Pool[]
  /** Pools that the correction takes all of. */
  readonly exact: Readonly<Record<string, number>>
}

function plain(hold: Hold): Widened {
  return { hold, asked: [], exact: {} }
}

/** Every pool that was asked is named, also one that nothing is taken from: its seconds are in the figures then. */
function withAsked(moves: readonly PoolMove[], { asked, exact }: Widened): readonly PoolMove[] {
  const isAsked = (move: PoolMove) => asked.some(({ id, cycle }) => id === move.pool && cycle === move.cycle)
  const now = asked.map(({ id, cycle }): PoolMove => {
    const move = moves.find((other) => other.pool === id && other.cycle === cycle)
    const exactly = exact[id]
    const untouched = { pool: id, cycle, reserved: 0, used: 0 }
    return { ...(move ?? untouched), ...(exactly === undefined ? {} : { exactly }) }
  })
  return [...moves.filter((move) => !isAsked(move)), ...now]
}

/**
 * A call that has ended holds nothing more; a correction starts from what it was charged and may take more from pools that
 * still have it.
 */
function widened(ask: SliceAsk, at: { level: CallLevel; index: number; figures: LevelFigures | undefined }): Widened {
  const { level, index } = at
  const charged: Hold = { ...level.hold, pools: chargedParts(level) }
  const funding = fundingAsks({ ...ask, held: ask.levels.map(() => charged) }, ask.seconds)[index]
  const figures = at.figures ?? (ask.levels[index] && hopefulFigures(ask.levels[index].profile))
  if (charged.trunk || !funding || !figures || !fromPools(charged)) return plain(charged)
  const plan = planFunding(funding, figures)
  return plan.kind === 'funded' ? { hold: plan.hold, asked: funding.pools, exact: plan.exactPools } : plain(charged)
}

/** What the pools were charged, and with nothing those that were held and not charged. */
function chargedParts({ hold, charge }: CallLevel): readonly PoolPart[] {
  const used = charge?.pools ?? []
  const more = used.filter((part) => !hold.pools.some((held) => samePart(held, part)))
  return [...hold.pools.map((part) => ({ ...part, seconds: secondsOf(used, part) })), ...more]
}

/** Minutes of a cycle that is closed are not given back (architecture §7). */
function keepClosedCycles(level: CallLevel, priced: PricedLevel, charge: Charge): Charge {
  const before = level.charge?.pools ?? []
  const closed = before.filter((part) => !isOpen(part, priced) && secondsOf(charge.pools, part) < part.seconds)
  if (closed.length === 0) return charge
  const open = charge.pools.filter((part) => !closed.some((kept) => samePart(kept, part)))
  return { ...charge, pools: [...closed, ...open] }
}

function isOpen(part: PoolPart, { profile }: PricedLevel): boolean {
  return profile.pools.some((pool) => pool.id === part.pool && pool.cycle === part.cycle)
}

function samePart(a: PoolPart, b: PoolPart): boolean {
  return a.pool === b.pool && a.cycle === b.cycle
}

function secondsOf(parts: readonly PoolPart[], wanted: PoolPart): number {
  return parts.find((part) => samePart(part, wanted))?.seconds ?? 0
}

function endedRecord(
  record: CallRecord,
  context: { readonly end: CallEnd; readonly outcomes: readonly LevelOutcome[]; readonly nowMs: number },
): CallRecord {
  const { end, outcomes, nowMs } = context
  const again = record.state === 'ended'
  const what = `${again ? 'corrected to' : 'ended after'} ${end.seconds} s: ${end.cause}${end.presumed ? ', presumed' : ''}`
  return {
    ...record,
    revision: record.revision + 1,
    state: 'ended',
    levels: outcomes.map(({ level, charge }) => ({ ...level, hold: nothing(level.hold), charge })),
    corrections: record.corrections + (again ? 1 : 0),
    end,
    history: withStep(record, nowMs, what),
  }
}

function cdrText(record: CallRecord, outcome: LevelOutcome, index: number): string {
  const { level, charge, priced } = outcome
  const input = { record, index, level, charge, flags: flagsOf(record, outcome) }
  const cdr = cdrOf(priced.price.kind === 'priced' ? { ...input, price: priced.price.price } : input)
  return JSON.stringify(cdr)
}

function flagsOf(record: CallRecord, { level, charge, keepsMinutes }: LevelOutcome): readonly string[] {
  const beyond = (record.end?.seconds ?? 0) > record.grantedSeconds && !level.hold.trunk
  const flags = {
    presumed: record.end?.presumed,
    late_settlement: record.corrections > 0,
    failopen: record.failOpen,
    unrated: charge.unrated,
    overlong: record.end?.overlong,
    overrun: beyond || charge.overrunSeconds > 0,
    minutes_not_returned: keepsMinutes,
  }
  return Object.entries(flags).flatMap(([flag, isSet]) => (isSet ? [flag] : []))
}
