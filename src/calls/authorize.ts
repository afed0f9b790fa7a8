/** May this call start, and for how long: the initial request (RFC 8506 INITIAL_REQUEST). */
import { firstRefusal, type Refused, refused } from '../base/outcome.ts'
import { type CallRecord, type CallRef, type FirstAnswer, fundedBy, isLive } from './call.ts'
import { legKey, makeCallId } from './call-id.ts'
import { isNewAttempt, withAttempt } from './attempts.ts'
import type { CallMemory } from './memory.ts'
import { type DecideContext, firstAnswer, type NewCall, newRecord, type Past } from './new-call.ts'
import type { CallParts } from './parts.ts'
import { priceChain, standingRefusals } from './pricing.ts'
import type { AuthorizeAnswer, AuthorizeRequest } from './requests.ts'
import { Reserving, type SliceOutcome, type SliceWork } from './reserving.ts'
import { dueAtMs } from './schedule.ts'

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
    const emergency = this.#emergency(request, key)
    if (emergency) return emergency
    const account = request.account ?? this.#parts.identify(identifyQuery(request))?.account
    const chain = account === undefined ? undefined : await this.#parts.accounts.chainOf(account)
    if (!chain) return this.#unknownPayer(request, key, nowMs)
    const call = makeCallId({ partition: chain.partition, legKey: key }, nowMs)
    return this.#decide({ request, key, nowMs, call, account: chain.levels[0]?.id ?? '', past: NO_PAST })
  }

  /** Emergency calls are connected whoever calls and whatever is broken: nothing is asked, counted or charged. */
  #emergency(request: AuthorizeRequest, key: string): AuthorizeAnswer | undefined {
    const policy = this.#parts.policy()
    if (request.direction !== 'outbound' || !isEmergency(request.to, policy.emergencyNumbers)) return undefined
    this.#parts.observer.happened('emergency')
    return {
      kind: 'allowed',
      // Nothing is kept of it, so a repeat can only have the same id if no time is in it.
      call: makeCallId({ partition: this.#parts.partitionOf(key), legKey: key }, 0),
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
    const met = record && meet(record, request, request.account ?? '')
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
      if (outcome.kind === 'refused') return denied(context.call, outcome)
      if (outcome.kind === 'exhausted') return denied(context.call, refused('no_credit', outcome.reason))
      const found = outcome.kind === 'changed' ? outcome.record : await this.#parts.ledger.readCall(outcome.ref)
      const met = found && (await this.#meet(found, context))
      if (met) return met
      past = pastOf(found, outcome.kind === 'leg_elsewhere' ? outcome.ref : undefined)
    }
    return denied(context.call, refused('gone', 'other requests of the leg are under way'))
  }

  async #meet(found: CallRecord, context: DecideContext): Promise<AuthorizeAnswer | undefined> {
    const met = meet(found, context.request, context.account)
    if (met?.kind === 'allowed') await this.#rejoin(found, context)
    return met
  }

  /** Another attempt took the place of one that still rang: a late "failed" of the first is not for it. */
  async #rejoin(record: CallRecord, { request, nowMs }: DecideContext): Promise<void> {
    if (record.state !== 'authorized' || !isNewAttempt(request, record)) return
    const over = withAttempt(record, { type: 'failed', leg: record.leg })
    const rejoined: CallRecord = {
      ...record,
      revision: record.revision + 1,
      ...(request.attempt === undefined ? {} : { attempt: request.attempt }),
      ...(request.tsMs === undefined ? {} : { requestedAtMs: request.tsMs }),
      over,
    }
    const due = dueAtMs(rejoined, this.#parts.policy(), nowMs)
    const mark = { record: rejoined, expectedRevision: record.revision, nowMs, dueAtMs: due }
    // A record that moved on meanwhile is no longer ringing, or another repeat was here first.
    if ((await this.#parts.ledger.mark(mark)).kind === 'marked') this.#memory.keep(rejoined)
  }

  /** The record was written with funds as they were remembered; where they were not so, the answer is set right. */
  async #corrected(context: DecideContext, reserved: Reserved): Promise<CallRecord> {
    const { record, made, asPlanned } = reserved
    if (asPlanned) return record
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

  #work(context: DecideContext): SliceWork {
    const { request, nowMs, account, past } = context
    const policy = this.#parts.policy()
    const mode = request.mode ?? policy.modeOf(request.leg.node)
    const seconds = firstSliceSeconds(request.requestSeconds, mode, policy)
    const content = contentOf(request)
    const parts = this.#parts
    return {
      expectedRevision: past.revision,
      why: 'authorize',
      nowMs,
      ...(past.legBefore === undefined ? {} : { legBefore: past.legBefore }),
      chain: () => parts.accounts.chainOf(account),
      ask: (chain) => ({
        levels: priceChain(parts, chain, { direction: request.direction, to: request.to, fromMs: nowMs }),
        direction: request.direction,
        to: request.to,
        seconds,
        nowMs,
      }),
      refuse: (chain, ask) => firstRefusal(standingRefusals(chain, ask.levels, request.to)),
      record: (made) => {
        const record = newRecord({ ...context, content, mode }, made, parts)
        return { record, dueAtMs: dueAtMs(record, policy, nowMs) }
      },
    }
  }
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

/** What was asked of how the call is watched and held, and by whom where that is said. */
function contentOf({ mode, requestSeconds, transaction }: AuthorizeRequest): string {
  const asked = `${mode ?? 'usual'} ${requestSeconds ?? 'usual'}`
  return transaction === undefined ? asked : `${asked} ${transaction}`
}

/** What makes two requests of a leg the same; the attempt, the times and the edge's reference do not. */
function isSame(record: CallRecord, request: AuthorizeRequest, account: string): boolean {
  const { user, direction, from, to, media } = request
  return (
    record.content === contentOf(request) &&
    record.account === account &&
    record.user === user &&
    record.direction === direction &&
    record.from === from &&
    record.to === to &&
    record.media === media
  )
}

/** What the leg's own past answers; undefined when the request is a new attempt. */
function meet(record: CallRecord, request: AuthorizeRequest, account: string): AuthorizeAnswer | undefined {
  if (record.state === 'failed') {
    if (isNewAttempt(request, record)) return undefined
    return denied(record.call, refused('gone', 'this attempt has failed already'))
  }
  if (record.state === 'ended') return denied(record.call, refused('gone', 'this call has ended'))
  // A call that began without our leave has no content to differ from.
  if (record.content !== '' && !isSame(record, request, account)) return { kind: 'conflict', call: record.call }
  return allowed(record)
}

function pastOf(found: CallRecord | undefined, elsewhere: CallRef | undefined): Past {
  if (elsewhere) return { revision: 0, legBefore: elsewhere.partition }
  return found ? { revision: found.revision, history: found } : NO_PAST
}

type Reserved = Extract<SliceOutcome, { readonly kind: 'reserved' }>

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
