/**
 * Who pays first, and how much of a slice each source can carry: trunk, then pools, then credit, in the account's order.
 * Pure: it is told what an account has and answers with what to put aside.
 *
 * The rules, in the order they are asked (architecture §3 and §7; rules E1–E11, T2, T6, A20):
 * - A free channel of the call's own direction, else a two-way one, carries the whole call without a price.
 * - Matching pools pay in their order. When all are empty the chain stops (`no_minutes`), unless every one of them spills.
 * - Credit pays what no pool paid, and only if there is a price.
 * - A call that pools pay for goes on unpaid when they run dry (`finish_call`), is cut (`cut`) or spills to credit.
 */
import type { AccountProfile, FundingSource, Pool } from '../accounts/account.ts'
import { formatAmount, type Micros } from '../base/money.ts'
import { firstRefusal, type Refused, refused } from '../base/outcome.ts'
import type { Hold, PoolPart, TrunkKind } from './hold.ts'
import { affordableSeconds, type Price, reservation } from '../rating/charge.ts'
import { poolReservation } from '../rating/minutes.ts'
import type { LevelFigures } from './figures.ts'

/** What credit would pay for: a price, or why there is none. `unpriced` is a level that takes no part in the money. */
export type LevelPrice =
  | { readonly kind: 'priced'; readonly price: Price }
  | { readonly kind: 'refused'; readonly refusal: Refused }
  | { readonly kind: 'unpriced' }

export interface FundingAsk {
  readonly profile: AccountProfile
  readonly ownKind: TrunkKind
  readonly pools: readonly Pool[]
  readonly price: LevelPrice
  /** Seconds from answer that the hold shall cover. */
  readonly seconds: number
  /** What this call holds already; the plan replaces it. */
  readonly held?: Hold
  /** Use that has happened: nothing is refused, credit may go below its floor. */
  readonly forced?: boolean
}

export interface Funded {
  readonly kind: 'funded'
  readonly hold: Hold
  /** How many of the asked seconds are paid; no more can be had when it is less. */
  readonly seconds: number
  /** Why no more can be had. */
  readonly finalReason?: string
  /** The plan rests on there being no more: these figures must still be so. */
  readonly exactlyAvailable?: Micros
  readonly exactPools: Readonly<Record<string, number>>
  /** The account owns channels that were asked: all were busy, or one was taken. */
  readonly asksTrunks: boolean
}

export type FundingPlan = Funded | Refused

function available(figures: LevelFigures, profile: AccountProfile): Micros {
  return figures.credit - figures.reserved + profile.creditLimit
}

/** A free channel of the call's own direction, else a two-way one (rule T2). */
function freeTrunk(ask: FundingAsk, figures: LevelFigures): TrunkKind | undefined {
  if (figures.ownUsed < ask.profile.trunks[ask.ownKind]) return ask.ownKind
  if (figures.twoWayUsed < ask.profile.trunks.twoWay) return 'twoWay'
  return undefined
}

interface PoolPlan {
  readonly parts: readonly PoolPart[]
  readonly paidSeconds: number
  readonly exact: Readonly<Record<string, number>>
  /** What is done once the pools are dry; undefined when no pool matches this call. */
  readonly policy: 'finish_call' | 'cut' | 'spill' | undefined
}

const NO_POOLS: PoolPlan = { parts: [], paidSeconds: 0, exact: {}, policy: undefined }

/** Parts of closed cycles and of pools that are gone stay as they are: their seconds are spent or held there. */
function frozenParts(ask: FundingAsk): readonly PoolPart[] {
  return (ask.held?.pools ?? []).filter(
    (part) => !ask.pools.some((pool) => pool.id === part.pool && pool.cycle === part.cycle),
  )
}

function planPools(ask: FundingAsk, figures: LevelFigures): PoolPlan {
  const frozen = frozenParts(ask)
  const parts: PoolPart[] = [...frozen]
  const exact: Record<string, number> = {}
  let paid = frozen.reduce((sum, part) => sum + part.seconds, 0)
  for (const [pool, held] of payingPools(ask)) {
    const left = (figures.pools[pool.id] ?? 0) + held
    const wanted = Math.max(0, poolReservation(pool, ask.seconds) - paid)
    const taken = Math.max(Math.min(wanted, left), 0)
    if (taken < wanted) exact[pool.id] = figures.pools[pool.id] ?? 0
    if (taken > 0) parts.push(partOf(pool, taken))
    paid += taken
  }
  return { parts, paidSeconds: paid, exact, policy: exhaustionPolicy(ask) }
}

/**
 * The pools that may pay, and what each has put aside for the call. One that goes on unpaid takes nothing from minutes
 * that came after its own ran out (rule M16).
 */
function payingPools({ pools, held }: FundingAsk): readonly (readonly [pool: Pool, heldSeconds: number])[] {
  return pools.flatMap((pool) => {
    const part = held?.pools.find(({ pool: id, cycle }) => id === pool.id && cycle === pool.cycle)
    return part || !held?.unpaid ? [[pool, part?.seconds ?? 0] as const] : []
  })
}

function partOf(pool: Pool, seconds: number): PoolPart {
  const { id, cycle, increment, freeSeconds, onExhausted } = pool
  return { pool: id, cycle, seconds, increment, freeSeconds, onExhausted }
}

/** One pool that does not spill keeps the call off credit; one that cuts, cuts. */
function exhaustionPolicy(ask: FundingAsk): PoolPlan['policy'] {
  const policies = [...ask.pools, ...(ask.held?.pools ?? [])].map((source) => source.onExhausted)
  if (policies.length === 0) return undefined
  if (policies.every((policy) => policy === 'spill')) return 'spill'
  return policies.includes('cut') ? 'cut' : 'finish_call'
}

/** What one level puts aside for `ask.seconds`, or why it cannot. */
export function planFunding(ask: FundingAsk, figures: LevelFigures): FundingPlan {
  if (ask.held) return planHeld(ask, ask.held, figures)
  const plan = planNew(ask, figures)
  if (ask.forced) return plan
  const refusals = [...callLimitRefusal(ask, figures), ...(plan.kind === 'refused' ? [plan] : [])]
  return firstRefusal(refusals) ?? plan
}

function callLimitRefusal(ask: FundingAsk, figures: LevelFigures): readonly Refused[] {
  const { maxCalls, id } = ask.profile
  if (maxCalls === undefined || figures.calls < maxCalls) return []
  return [refused('call_limit', `account ${id} has ${figures.calls} of ${maxCalls} calls`)]
}

/** A call goes on with what it began with; pools that spill may bring in credit. */
function planHeld(ask: FundingAsk, held: Hold, figures: LevelFigures): FundingPlan {
  const context: Context = { figures, asksTrunks: false, pools: NO_POOLS }
  if (held.trunk) return funded(context, { hold: held, seconds: ask.seconds })
  if (held.pools.length > 0 || held.unpaid) return payByPools(ask, { ...context, pools: planPools(ask, figures) })
  return payByCredit(ask, context)
}

/** The account's sources in its order; the first that can pay does. */
function planNew(ask: FundingAsk, figures: LevelFigures): FundingPlan {
  let context: Context = { figures, asksTrunks: false, pools: NO_POOLS }
  let refusal: Refused | undefined
  // What comes after credit pays only as long as credit cannot: it must still be as little.
  let passedOver: Pick<Funded, 'exactlyAvailable'> | undefined
  for (const source of ask.profile.funding) {
    context = asked(source, ask, context)
    const plan = payBy(source, ask, context)
    if (plan?.kind === 'funded') return { ...passedOver, ...plan }
    if (source === 'credit') passedOver = { exactlyAvailable: available(figures, ask.profile) }
    // Pools that are empty and do not spill keep the call from what comes after them.
    if (plan && source === 'pool') return plan
    refusal = plan ?? refusal
  }
  if (ask.forced) return funded(context, { hold: NOTHING_HELD, seconds: ask.seconds })
  return refusal ?? nothingPays(ask, context, `account ${ask.profile.id} has no source that can pay`)
}

/** What is known once the source was asked. */
function asked(source: FundingSource, ask: FundingAsk, context: Context): Context {
  if (source === 'trunk') return { ...context, asksTrunks: hasChannels(ask) }
  return source === 'pool' && ask.pools.length > 0 ? { ...context, pools: planPools(ask, context.figures) } : context
}

function hasChannels({ profile, ownKind }: FundingAsk): boolean {
  return profile.trunks[ownKind] + profile.trunks.twoWay > 0
}

/** What one source makes of a new call; undefined where it has no part in it. */
function payBy(source: FundingSource, ask: FundingAsk, context: Context): FundingPlan | undefined {
  switch (source) {
    case 'trunk': {
      const trunk = context.asksTrunks ? freeTrunk(ask, context.figures) : undefined
      return trunk && funded(context, { hold: { trunk, pools: [], credit: 0n }, seconds: ask.seconds })
    }
    case 'pool': {
      const { policy, paidSeconds } = context.pools
      const hasPart = policy !== undefined && (policy !== 'spill' || paidSeconds > 0)
      return hasPart ? payByPools(ask, context) : undefined
    }
    case 'credit':
      return payByCredit(ask, context)
  }
}

const NOTHING_HELD: Hold = { pools: [], credit: 0n }

interface Context {
  readonly figures: LevelFigures
  readonly asksTrunks: boolean
  readonly pools: PoolPlan
}

function funded(context: Context, plan: Pick<Funded, 'hold' | 'seconds' | 'finalReason' | 'exactlyAvailable'>): Funded {
  return { kind: 'funded', exactPools: context.pools.exact, asksTrunks: context.asksTrunks, ...plan }
}

function payByPools(ask: FundingAsk, context: Context): FundingPlan {
  const { pools } = context
  const hold: Hold = { pools: pools.parts, credit: ask.held?.credit ?? 0n }
  if (pools.paidSeconds >= ask.seconds) return funded(context, { hold, seconds: ask.seconds })
  if (pools.policy === 'spill') return payByCredit(ask, context)
  const goesOn = pools.paidSeconds > 0 || ask.held !== undefined || ask.forced === true
  if (!goesOn) return nothingPays(ask, context, `account ${ask.profile.id} has no minutes left`)
  if (pools.policy === 'cut' && !ask.forced) {
    return funded(context, { hold, seconds: pools.paidSeconds, finalReason: 'no_minutes' })
  }
  return funded(context, { hold: { ...hold, unpaid: true }, seconds: ask.seconds })
}

/** Trunks first, then minutes, then credit: the code says what the account lacks (architecture §7). */
function nothingPays(ask: FundingAsk, context: Context, detail: string): Refused {
  if (context.asksTrunks) {
    return refused('trunk_limit', `all trunks of account ${ask.profile.id} are busy and nothing else can pay`)
  }
  const waitsForMinutes = ask.pools.some((pool) => pool.onExhausted !== 'spill')
  return refused(waitsForMinutes ? 'no_minutes' : 'no_credit', detail)
}

/** Credit pays what the pools before it did not. */
function payByCredit(ask: FundingAsk, context: Context): FundingPlan {
  const { pools } = context
  const { price, profile } = ask
  if (price.kind === 'unpriced')
    return funded(context, { hold: { pools: pools.parts, credit: 0n }, seconds: ask.seconds })
  const held = ask.held?.credit ?? 0n
  if (price.kind === 'refused' || !profile.funding.includes('credit')) return withoutCredit(ask, context)
  const wanted = reservation(price.price, ask.seconds, pools.paidSeconds)
  const budget = creditBudget(ask, context.figures)
  if (wanted === 0n || wanted <= budget.micros + held || ask.forced) {
    return funded(context, { hold: { pools: pools.parts, credit: wanted }, seconds: ask.seconds })
  }
  return payInPart(ask, context, price.price)
}

/** Credit has no price for the call, or no part in it. */
function withoutCredit(ask: FundingAsk, context: Context): FundingPlan {
  const { pools } = context
  const hold = { pools: pools.parts, credit: ask.held?.credit ?? 0n }
  if (ask.forced) return funded(context, { hold, seconds: ask.seconds })
  const begins = pools.parts.length === 0 && !ask.held
  return begins && ask.price.kind === 'refused' ? ask.price.refusal : poolsAlone(ask, context)
}

/** The seconds that what is left of the credit can pay. */
function payInPart(ask: FundingAsk, context: Context, price: Price): FundingPlan {
  const { pools, figures } = context
  const budget = creditBudget(ask, figures)
  const held = ask.held?.credit ?? 0n
  const exactlyAvailable = available(figures, ask.profile)
  const seconds = affordableSeconds(price, budget.micros + held, ask.seconds, pools.paidSeconds)
  if (seconds > pools.paidSeconds) {
    const hold = { pools: pools.parts, credit: reservation(price, seconds, pools.paidSeconds) }
    return funded(context, { hold, seconds, finalReason: budget.code, exactlyAvailable })
  }
  if (pools.parts.length > 0 || ask.held) return { ...poolsAlone(ask, context), exactlyAvailable } as FundingPlan
  const { id, currency } = ask.profile
  const empty = affordableSeconds(price, exactlyAvailable, ask.seconds, 0) === 0
  if (budget.code === 'spend_cap' && !empty) return refused('spend_cap', `account ${id} has reached its spending cap`)
  return nothingPays(ask, context, `account ${id} has ${formatAmount(exactlyAvailable)} ${currency} available`)
}

/** Only what the pools pay, and nothing after them. */
function poolsAlone(ask: FundingAsk, context: Context): FundingPlan {
  const { pools } = context
  if (pools.parts.length === 0 && !ask.held) {
    return nothingPays(ask, context, `account ${ask.profile.id} has no source that can pay`)
  }
  const hold = { pools: pools.parts, credit: ask.held?.credit ?? 0n }
  return funded(context, { hold, seconds: pools.paidSeconds, finalReason: 'no_credit' })
}

interface Budget {
  readonly micros: Micros
  readonly code: 'no_credit' | 'spend_cap'
}

/** What may still be put aside: the available credit, or what is left of the day's or month's cap if that is less. */
function creditBudget(ask: FundingAsk, figures: LevelFigures): Budget {
  let budget: Budget = { micros: available(figures, ask.profile), code: 'no_credit' }
  const caps = [
    [ask.profile.spendCaps.day, figures.spentToday],
    [ask.profile.spendCaps.month, figures.spentThisMonth],
  ] as const
  for (const [cap, spent] of caps) {
    if (cap === undefined) continue
    const left = cap - spent - figures.reserved
    if (left < budget.micros) budget = { micros: left, code: 'spend_cap' }
  }
  return budget
}
