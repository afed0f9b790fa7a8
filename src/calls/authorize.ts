/** May this call start, and for how long: the initial request (RFC 8506 INITIAL_REQUEST). */
import { firstRefusal, type Refused, refused } from '../base/outcome.ts'
import { type CallRecord, type CallRef, type FirstAnswer, fundedBy, isLive, type Leg } from './call.ts'
import { legKey, makeCallId } from './call-id.ts'
import type { CallMemory } from './memory.ts'
import type { CallParts } from './parts.ts'
import { fundsSeconds } from './plan.ts'
import { priceChain, standingRefusals } from './pricing.ts'
import type { AuthorizeAnswer, AuthorizeRequest } from './requests.ts'
import { type PlanMade, Reserving, type SliceOutcome, type SliceWork } from './reserving.ts'
import { dueAtMs } from './schedule.ts'

/** What is known of the leg before the request: its record, and where a void claim on it may lie. */
interface Past {
  readonly revision: number
  readonly history?: CallRecord
  readonly legBefore?: number
}

const NO_PAST: Past = { revision: 0 }
const MAX_MEETINGS = 4

export class Authorizer {
  readonly #parts: CallParts
  readonly #memory: CallMemory
  readonly #reserving: Reserving

  constructor(parts: CallParts, memory: CallMemory) {
    this.#parts = parts
    this.#memory = memory
    this.#reserving = new Reserving(parts, memory)
  }

  async authorize(request: AuthorizeRequest): Promise<AuthorizeAnswer> {
    const nowMs = this.#parts.clock.nowMs()
    const key = legKey(request.leg, this.#parts.digest)
    const emergency = this.#emergency(request, key, nowMs)
    if (emergency) return emergency
    const account = request.account ?? this.#parts.identify(identifyQuery(request))?.account
    const chain = account === undefined ? undefined : await this.#parts.accounts.chainOf(account)
    if (!chain) return this.#unknownPayer(request, key, nowMs)
    return this.#decide({ request, key, nowMs, account: chain.levels[0]?.id ?? '', past: NO_PAST })
  }

  /** Emergency calls are connected whoever calls and whatever is broken: nothing is asked, counted or charged. */
  #emergency(request: AuthorizeRequest, key: string, nowMs: number): AuthorizeAnswer | undefined {
    const policy = this.#parts.policy()
    if (request.direction !== 'outbound' || !isEmergency(request.to, policy.emergencyNumbers)) return undefined
    this.#parts.observer.happened('emergency')
    return {
      kind: 'allowed',
      call: makeCallId({ partition: this.#parts.partitionOf(key), legKey: key }, nowMs),
      account: request.account ?? '',
      currency: '',
      maxDurationSeconds: policy.maxCallSeconds,
      reservedSeconds: policy.maxCallSeconds,
      reserved: 0n,
      final: false,
      fundedBy: 'free',
    }
  }

  /** The leg's own past comes before the table of refusals, also when nobody is found who would pay. */
  async #unknownPayer(request: AuthorizeRequest, key: string, nowMs: number): Promise<AuthorizeAnswer> {
    const ref = await this.#parts.ledger.findLeg(request.leg)
    const record = ref && (await this.#parts.ledger.readCall(ref))
    const met = record && meet(record, request, contentOf(request, request.account ?? '', this.#parts))
    if (met) return met
    const call = makeCallId({ partition: this.#parts.partitionOf(key), legKey: key }, nowMs)
    return denied(
      call,
      refused('account_unknown', request.account ? 'no such account' : 'no rule identifies the payer'),
    )
  }

  async #decide(context: DecideContext): Promise<AuthorizeAnswer> {
    let past = context.past
    for (let meeting = 0; meeting < MAX_MEETINGS; meeting += 1) {
      const work = this.#work({ ...context, past })
      const outcome = await this.#reserving.run(work)
      if (outcome.kind === 'reserved') return allowed(await this.#corrected({ ...context, past }, outcome))
      if (outcome.kind === 'refused') return denied(work.callId, outcome)
      if (outcome.kind === 'exhausted') return denied(work.callId, refused('no_credit', outcome.reason))
      const found = outcome.kind === 'changed' ? outcome.record : await this.#parts.ledger.readCall(outcome.ref)
      const met = found && meet(found, context.request, work.content)
      if (met) return met
      past = pastOf(found, outcome.kind === 'leg_elsewhere' ? outcome.ref : undefined)
    }
    return denied(
      makeCallId(context.ref ?? this.#refOf(context.key), context.nowMs),
      refused('gone', 'other requests of the leg are under way'),
    )
  }

  /** The record was written with funds as they were remembered; where they were not so, the answer is set right. */
  async #corrected(context: DecideContext, reserved: Reserved): Promise<CallRecord> {
    const { record, made } = reserved
    const call: NewCall = { ...context, content: record.content, mode: record.mode }
    const first = firstAnswer(call, made, this.#parts)
    if (first.maxDurationSeconds === record.maxDurationSeconds && first.final === record.firstAnswer?.final)
      return record
    return this.#setRight(record, first, context.nowMs)
  }

  /** A word of the edge may have overtaken the answer: it is set right in the record as that left it. */
  async #setRight(record: CallRecord, first: FirstAnswer, nowMs: number): Promise<CallRecord> {
    const { maxDurationSeconds } = first
    let found: CallRecord | undefined = record
    for (let attempt = 0; found?.call === record.call && isLive(found) && attempt < MAX_MEETINGS; attempt += 1) {
      const right: CallRecord = { ...found, revision: found.revision + 1, firstAnswer: first, maxDurationSeconds }
      const due = dueAtMs(right, this.#parts.policy(), nowMs)
      const mark = { record: right, expectedRevision: found.revision, nowMs, dueAtMs: due }
      const answer = await this.#parts.ledger.mark(mark)
      if (answer.kind === 'marked') {
        this.#memory.keep(right)
        return right
      }
      found = answer.kind === 'changed' ? answer.record : undefined
    }
    this.#memory.calls.delete(record.legKey)
    return { ...record, firstAnswer: first, maxDurationSeconds }
  }

  #refOf(key: string): CallRef {
    return { partition: this.#parts.partitionOf(key), legKey: key }
  }

  #work(context: DecideContext): SliceWork & { readonly callId: string; readonly content: string } {
    const { request, nowMs, account, past } = context
    const policy = this.#parts.policy()
    const mode = request.mode ?? policy.modeOf(request.leg.node)
    const seconds = firstSliceSeconds(request.requestSeconds, mode, policy)
    const content = contentOf(request, account, this.#parts)
    const state = { callId: '' }
    const parts = this.#parts
    return {
      expectedRevision: past.revision,
      why: 'authorize',
      nowMs,
      content,
      ...(past.legBefore === undefined ? {} : { legBefore: past.legBefore }),
      get callId(): string {
        return state.callId
      },
      chain: () => parts.accounts.chainOf(account),
      ask: (chain) => ({
        levels: priceChain(parts, chain, { direction: request.direction, to: request.to, fromMs: nowMs }),
        direction: request.direction,
        to: request.to,
        seconds,
        nowMs,
      }),
      refuse: (chain, ask) => {
        state.callId = makeCallId({ partition: chain.partition, legKey: context.key }, nowMs)
        return firstRefusal(standingRefusals(chain, ask.levels, request.to))
      },
      record: (made) => {
        const record = newRecord({ ...context, content, mode }, made, parts)
        return { record, dueAtMs: dueAtMs(record, policy, nowMs) }
      },
    }
  }
}

interface DecideContext {
  readonly request: AuthorizeRequest
  readonly key: string
  readonly nowMs: number
  readonly account: string
  readonly past: Past
  readonly ref?: CallRef
}

function identifyQuery(request: AuthorizeRequest) {
  const { trunk, source, from, to, direction } = request
  return { from, to, direction, ...(trunk === undefined ? {} : { trunk }), ...(source === undefined ? {} : { source }) }
}

/** A whole number of the list, however it is written; never a prefix. */
export function isEmergency(to: string, numbers: readonly string[]): boolean {
  const user = to.replace(/^(sips?|tel):/i, '').replace(/[@;].*$/, '')
  return numbers.includes(user) || numbers.includes(user.replace(/^\+/, ''))
}

function firstSliceSeconds(
  requested: number | undefined,
  mode: CallRecord['mode'],
  policy: { sliceSeconds: number; unattendedSeconds: number; maxCallSeconds: number },
): number {
  const usual = mode === 'whole' ? policy.unattendedSeconds : policy.sliceSeconds
  return Math.min(requested ?? usual, policy.maxCallSeconds)
}

/** What makes two requests of a leg the same; the attempt, the times and the edge's reference do not. */
function contentOf(request: AuthorizeRequest, account: string, parts: CallParts): string {
  const { leg, user, direction, from, to, media, mode, requestSeconds } = request
  const bytes = parts.digest(
    JSON.stringify([leg, account, user ?? '', direction, from, to, media, mode ?? '', requestSeconds ?? 0]),
  )
  return Array.from(bytes.slice(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** What the leg's own past answers; undefined when the request is a new attempt. */
function meet(record: CallRecord, request: AuthorizeRequest, content: string): AuthorizeAnswer | undefined {
  if (record.state === 'failed') {
    const anew = request.attempt !== undefined && record.attempt !== undefined && request.attempt !== record.attempt
    return anew ? undefined : denied(record.call, refused('gone', 'this attempt has failed already'))
  }
  if (record.state === 'ended') return denied(record.call, refused('gone', 'this call has ended'))
  // A call that began without our leave has no content to differ from.
  if (record.content !== '' && record.content !== content) return { kind: 'conflict', call: record.call }
  return allowed(record)
}

function pastOf(found: CallRecord | undefined, elsewhere: CallRef | undefined): Past {
  if (elsewhere) return { revision: 0, legBefore: elsewhere.partition }
  return found ? { revision: found.revision, history: found } : NO_PAST
}

type Reserved = Extract<SliceOutcome, { readonly kind: 'reserved' }>

interface NewCall extends DecideContext {
  readonly content: string
  readonly mode: CallRecord['mode']
}

function newRecord(call: NewCall, made: PlanMade, parts: CallParts): CallRecord {
  const { request, nowMs, past } = call
  const { chain, plan } = made
  const first = firstAnswer(call, made, parts)
  return {
    revision: past.revision + 1,
    call: makeCallId({ partition: chain.partition, legKey: call.key }, nowMs),
    partition: chain.partition,
    legKey: call.key,
    leg: legOf(request.leg),
    ...(request.instance === undefined ? {} : { instance: request.instance }),
    state: 'authorized',
    content: call.content,
    ...(request.attempt === undefined ? {} : { attempt: request.attempt }),
    mode: call.mode,
    direction: request.direction,
    from: request.from,
    to: request.to,
    ...(request.user === undefined ? {} : { user: request.user }),
    media: request.media,
    ...(request.ref === undefined ? {} : { ref: request.ref }),
    account: call.account,
    authorizedAtMs: nowMs,
    lastAliveAtMs: nowMs,
    absences: 0,
    grantedSeconds: plan.seconds,
    ...(plan.finalReason === undefined ? {} : { finalReason: plan.finalReason }),
    maxDurationSeconds: first.maxDurationSeconds,
    levels: callLevels(made),
    corrections: 0,
    firstAnswer: first,
    history: [{ atMs: nowMs, what: `authorized ${plan.seconds} s by ${first.fundedBy}` }],
  }
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

function firstAnswer(call: NewCall, made: PlanMade, parts: CallParts): FirstAnswer {
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

function allowed(record: CallRecord): AuthorizeAnswer {
  const { call, account, firstAnswer = unaskedAnswer(record) } = record
  return { kind: 'allowed', call, account, currency: record.levels[0]?.currency ?? '', ...firstAnswer }
}

/** A call that began without our leave is told what it has now. */
function unaskedAnswer(record: CallRecord): FirstAnswer {
  const { maxDurationSeconds, grantedSeconds: reservedSeconds, finalReason } = record
  const hold = record.levels[0]?.hold ?? { pools: [], credit: 0n }
  const funded = fundedBy(hold, hold.credit)
  return {
    maxDurationSeconds,
    reservedSeconds,
    reserved: hold.credit,
    final: finalReason !== undefined,
    fundedBy: funded,
  }
}

function denied(call: string, refusal: Refused): AuthorizeAnswer {
  return { kind: 'denied', call, refusal }
}
