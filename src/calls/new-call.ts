/** The record of a call that is let in, and what its edge is told: made from the plan that was taken. */
import { given } from '../accounts/profile.ts'
import { type CallRecord, type FirstAnswer, fundedBy, type Leg } from './call.ts'
import type { CallParts } from './parts.ts'
import { fundsSeconds } from './plan.ts'
import type { AuthorizeRequest } from './requests.ts'
import type { PlanMade } from './reserving.ts'

/** What is known of the leg before the request: its record, and where a void claim on it may lie. */
export interface Past {
  readonly revision: number
  readonly history?: CallRecord
  readonly legBefore?: number
}

export interface DecideContext {
  readonly request: AuthorizeRequest
  readonly key: string
  readonly nowMs: number
  /** Its id, should it be let in. */
  readonly call: string
  readonly account: string
  readonly past: Past
}

export interface NewCall extends DecideContext {
  readonly content: string
  readonly mode: CallRecord['mode']
}

export function newRecord(call: NewCall, made: PlanMade, parts: CallParts): CallRecord {
  const { request, nowMs, past } = call
  const { chain, plan } = made
  const { instance, attempt, tsMs: requestedAtMs, user, ref } = request
  const first = firstAnswer(call, made, parts)
  const always = {
    revision: past.revision + 1,
    call: call.call,
    partition: chain.partition,
    legKey: call.key,
    leg: legOf(request.leg),
    state: 'authorized' as const,
    content: call.content,
    mode: call.mode,
    direction: request.direction,
    from: request.from,
    to: request.to,
    media: request.media,
    account: call.account,
    authorizedAtMs: nowMs,
    lastAliveAtMs: nowMs,
    absences: 0,
    grantedSeconds: plan.seconds,
    maxDurationSeconds: first.maxDurationSeconds,
    levels: callLevels(made),
    corrections: 0,
    firstAnswer: first,
    history: [{ atMs: nowMs, what: `authorized ${plan.seconds} s by ${first.fundedBy}` }],
  }
  const { finalReason } = plan
  const few = given({ instance, attempt, requestedAtMs, over: past.history?.over, user, ref, finalReason })
  return Object.assign(always, few)
}

export function callLevels({ ask, plan }: Pick<PlanMade, 'ask' | 'plan'>): CallRecord['levels'] {
  return ask.levels.map(({ profile, tariff }, index) => ({
    account: profile.id,
    currency: profile.currency,
    ...(tariff ? { tariff } : {}),
    hold: plan.levels[index]?.hold ?? { pools: [], credit: 0n },
  }))
}

function legOf({ node, callId, legId }: Leg): Leg {
  return { node, callId, legId }
}

export function firstAnswer(call: NewCall, made: PlanMade, parts: CallParts): FirstAnswer {
  const { plan } = made
  const payer = plan.levels[0]?.hold ?? { pools: [], credit: 0n }
  const lasts = backstopSeconds(call.request.leg.node, 0, { made, parts })
  return {
    reservedSeconds: plan.seconds,
    reserved: payer.credit,
    maxDurationSeconds: call.mode === 'clock' ? Math.max(lasts, plan.seconds) : plan.seconds,
    final: plan.finalReason !== undefined || lasts <= plan.seconds,
    fundedBy: fundedBy(payer, payer.credit),
  }
}

/**
 * How long the edge's own timer may let the call go on if all daemons die: what the funds pay, and no more than the
 * daemon can raise later (architecture §7).
 */
export function backstopSeconds(
  node: string,
  elapsedSeconds: number,
  context: { readonly made: Pick<PlanMade, 'ask' | 'figures'>; readonly parts: CallParts },
): number {
  const { made, parts } = context
  const { unattendedSeconds, maxCallSeconds } = parts.policy()
  const canRaise = parts.controlOf(node).canRaise
  const limit = canRaise ? Math.min(elapsedSeconds + unattendedSeconds, maxCallSeconds) : maxCallSeconds
  return fundsSeconds(made.ask, made.figures, limit)
}
