/**
 * Carries a slice plan to the ledger: plans on what is remembered, and plans again on fresh figures until the plan fits or
 * is refused. Each try that fails means that something else was granted or changed in between, so tries are few.
 */
import type { AccountChain } from '../accounts/account.ts'
import { Fault } from '../base/fault.ts'
import { type Refused, refused } from '../base/outcome.ts'
import type { LevelFigures } from '../ledger/figures.ts'
import type { LevelReservation, ReserveAnswer } from './call-ledger.ts'
import type { CallRecord, CallRef } from './call.ts'
import type { CallMemory } from './memory.ts'
import { OneAtATime } from './one-at-a-time.ts'
import { type CallParts, MAX_TRIES } from './parts.ts'
import { SpendCaps } from './spend-caps.ts'
import { hopefulFigures, planSlice, reservationLevels, type SliceAsk, type SlicePlan, untouched } from './plan.ts'

/** Everything a try needs; `record` and `ask` are made anew, as the chain may have changed between tries. */
export interface SliceWork {
  readonly expectedRevision: number
  readonly why: string
  readonly nowMs: number
  readonly legBefore?: number
  chain(): Promise<AccountChain | undefined>
  ask(chain: AccountChain): Promise<SliceAsk> | SliceAsk
  /** Refuses whatever the funds are; asked before the plan. */
  refuse?(chain: AccountChain, ask: SliceAsk): Refused | undefined
  /** The record to write for a plan, and when it is due. */
  record(made: PlanMade): { readonly record: CallRecord; readonly dueAtMs: number }
  /** The plan gives nothing more than what is held. */
  readonly grantedSeconds?: number
}

export interface PlanMade {
  /** Of the book that the prices were taken from. */
  readonly tariffRevision: number
  readonly chain: AccountChain
  readonly ask: SliceAsk
  readonly plan: SlicePlan
  readonly figures: readonly LevelFigures[]
}

export type SliceOutcome =
  | {
      readonly kind: 'reserved'
      readonly record: CallRecord
      readonly made: PlanMade
      /** The figures were those that the record was made with. */
      readonly asPlanned: boolean
    }
  /** Nothing beyond what is held can be had; nothing was written. */
  | { readonly kind: 'exhausted'; readonly reason: string }
  | { readonly kind: 'changed'; readonly record: CallRecord | undefined }
  | { readonly kind: 'leg_elsewhere'; readonly ref: CallRef }
  | Refused

/** So often calls try at the same time as others of the same accounts. */
const RACES = 4

export class Reserving {
  readonly #crowds = new OneAtATime()
  readonly #parts: CallParts
  readonly #memory: CallMemory
  readonly #caps: SpendCaps

  constructor(parts: CallParts, memory: CallMemory) {
    this.#parts = parts
    this.#caps = new SpendCaps(parts.ledger)
    this.#memory = memory
  }

  /** Where many want the same money at once, those who lost the race a few times wait for each other. */
  async run(work: SliceWork): Promise<SliceOutcome> {
    const first = await this.#tries(work, RACES)
    if (first.done) return first.done
    const last = await this.#crowds.run(first.root, () => this.#tries(work, MAX_TRIES))
    if (last.done) return last.done
    throw new Fault('store_overloaded', 'the accounts of the call change faster than it can be planned', {
      retryable: true,
    })
  }

  async #tries(work: SliceWork, most: number): Promise<{ readonly done?: SliceOutcome; readonly root: string }> {
    let figures: readonly LevelFigures[] | undefined
    let root = ''
    for (let attempt = 0; attempt < most; attempt += 1) {
      const chain = await work.chain()
      if (!chain) return { done: refused('account_unknown', 'no such account'), root }
      root = chain.levels.at(-1)?.id ?? ''
      const tried = await this.#try(work, chain, figures)
      if (tried.done) return { done: tried.done, root }
      figures = tried.figures
    }
    return { root }
  }

  async #try(
    work: SliceWork,
    chain: AccountChain,
    fresh: readonly LevelFigures[] | undefined,
  ): Promise<{ readonly done?: SliceOutcome; readonly figures?: readonly LevelFigures[] }> {
    // Taken before the prices are: a book that changes in between is refused by the script, not slipped in.
    const tariffRevision = this.#parts.tariffs.revision
    const ask = await work.ask(chain)
    const figures = fresh?.length === ask.levels.length ? fresh : this.#remembered(ask)
    const plan = work.refuse?.(chain, ask) ?? planSlice(ask, figures)
    if (figures !== fresh && restsOnFigures(plan, work)) {
      return this.#send(work, { chain, ask, plan: untouched(ask), figures, tariffRevision }, true)
    }
    const tried =
      plan.kind === 'refused' || isShort(plan, work)
        ? { done: shortOutcome(plan) }
        : await this.#send(work, { chain, ask, plan, figures, tariffRevision }, false)
    if (tried.done) await this.#caps.tell({ partition: chain.partition, ask, plan, figures })
    return tried
  }

  async #send(
    work: SliceWork,
    made: PlanMade,
    lookOnly: boolean,
  ): Promise<{ done?: SliceOutcome; figures?: readonly LevelFigures[] }> {
    const { record, dueAtMs } = work.record(made)
    const levels = reservationLevels(made.ask, made.plan)
    const answer = await this.#parts.ledger.reserve({
      record,
      expectedRevision: work.expectedRevision,
      nowMs: work.nowMs,
      dueAtMs,
      why: work.why,
      levels,
      tariffRevision: made.tariffRevision,
      ...(lookOnly ? { lookOnly } : {}),
      ...(work.legBefore === undefined ? {} : { legBefore: work.legBefore }),
      ...(made.ask.forced ? { forced: true } : {}),
    })
    return this.#take(answer, { ...made, record, levels })
  }

  async #take(
    answer: ReserveAnswer,
    made: PlanMade & { readonly record: CallRecord; readonly levels: readonly LevelReservation[] },
  ): Promise<{ done?: SliceOutcome; figures?: readonly LevelFigures[] }> {
    switch (answer.kind) {
      case 'reserved':
        this.#memory.learn(
          made.levels,
          answer.figures.map((figures, index) => afterwards(figures, made.levels[index])),
        )
        this.#memory.keep(made.record)
        return { done: reservedOutcome(made, answer.figures) }
      case 'unfit':
        this.#memory.learn(made.levels, answer.figures)
        return { figures: answer.figures }
      case 'changed':
      case 'leg_elsewhere':
        return { done: answer }
      case 'stale_profile':
        for (const { profile } of made.ask.levels) this.#parts.accounts.forget(profile.id)
        return {}
      case 'stale_tariffs':
        await this.#parts.tariffs.refresh()
        return {}
    }
  }

  /** What was seen last of each account, hopeful where nothing was: the ledger corrects both. */
  #remembered(ask: SliceAsk): readonly LevelFigures[] {
    return ask.levels.map(({ profile }) => {
      const known = this.#memory.figures.get(profile.id)
      if (!known) return hopefulFigures(profile)
      return profile.pools.length === 0
        ? known
        : { ...known, pools: { ...hopefulFigures(profile).pools, ...known.pools } }
    })
  }
}

function reservedOutcome(
  made: PlanMade & { readonly record: CallRecord },
  figures: readonly LevelFigures[],
): SliceOutcome {
  const asPlanned = made.figures.every((level, index) => hasSameFunds(level, figures[index]))
  return { kind: 'reserved', record: made.record, made: { ...made, figures }, asPlanned }
}

/** Nothing but credit tells how long a call may last, where no pool is asked. */
function hasSameFunds(a: LevelFigures, b: LevelFigures | undefined): boolean {
  if (!b || a.credit !== b.credit || a.reserved !== b.reserved) return false
  if (a.spentToday !== b.spentToday || a.spentThisMonth !== b.spentThisMonth) return false
  for (const _pool in b.pools) return false
  return true
}

function shortOutcome(plan: SlicePlan | Refused): SliceOutcome {
  return plan.kind === 'refused' ? plan : { kind: 'exhausted', reason: plan.finalReason ?? 'no_credit' }
}

function isShort(plan: SlicePlan | Refused, work: SliceWork): boolean {
  return plan.kind === 'refused' || plan.seconds <= (work.grantedSeconds ?? 0)
}

/** A refusal rests on what the store says now, never on what was remembered; so does a cap, which is of a day. */
function restsOnFigures(plan: SlicePlan | Refused, work: SliceWork): boolean {
  return isShort(plan, work) || (plan.kind === 'planned' && plan.finalReason === 'spend_cap')
}

/** The figures that a reservation leaves behind. */
function afterwards(before: LevelFigures, level: LevelReservation | undefined): LevelFigures {
  if (!level) return before
  const pools: Record<string, number> = { ...before.pools }
  for (const move of level.pools) pools[move.pool] = (pools[move.pool] ?? 0) - move.reserved
  return {
    ...before,
    reserved: before.reserved + level.credit,
    calls: before.calls + (level.joins ? 1 : 0),
    ownUsed: before.ownUsed + (level.takesTrunk === level.ownKind ? 1 : 0),
    twoWayUsed: before.twoWayUsed + (level.takesTrunk === 'twoWay' ? 1 : 0),
    pools,
  }
}
