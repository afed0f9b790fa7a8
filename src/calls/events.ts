/**
 * What happened to a call at its edge. Rank decides, not arrival; every event is enough alone; nothing is refused for its
 * content. Events of one call that meet are taken one after the other: each is applied to the record it finds.
 */
import type { AccountChain } from '../accounts/account.ts'
import { Fault } from '../base/fault.ts'
import { type Applied, again, done, ignored } from './applied.ts'
import { type CallEnd, type CallRecord, type CallRef, isLive, type Leg, seenAlive, withStep } from './call.ts'
import { legKey, makeCallId } from './call-id.ts'
import { isEmergency } from './authorize.ts'
import { isOfEarlierAttempt, overBy, withAttempt } from './attempts.ts'
import type { CallMemory } from './memory.ts'
import { type CallParts, MAX_TRIES } from './parts.ts'
import type { CallEvent, EventResult } from './requests.ts'
import { payerOf, Reviver } from './revive.ts'
import { dueAtMs } from './schedule.ts'
import { Settler } from './settle.ts'
import { answerTimes, earliestAnswerMs, endTime, isOverlong, secondsUsed, wasAnswered } from './times.ts'

export class EventDesk {
  readonly #parts: CallParts
  readonly #memory: CallMemory
  readonly #settler: Settler
  readonly #reviver: Reviver

  constructor(parts: CallParts, memory: CallMemory) {
    this.#parts = parts
    this.#memory = memory
    this.#settler = new Settler(parts, memory)
    this.#reviver = new Reviver(parts, memory)
  }

  async event(event: CallEvent): Promise<EventResult> {
    const { emergencyNumbers } = this.#parts.policy()
    const isOrdinary = event.direction === 'inbound' || !isEmergency(event.to ?? '', emergencyNumbers)
    return isOrdinary ? this.#taken(event) : { callId: event.leg.callId, state: 'emergency', ignored: true }
  }

  async #taken(event: CallEvent): Promise<EventResult> {
    const key = legKey(event.leg, this.#parts.digest)
    const remembered = this.#memory.calls.get(key)
    let record = remembered ?? (await this.#read(event.leg))
    for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
      const applied = record ? await this.#apply(event, record) : await this.#first(event, key)
      if (applied.kind === 'again') record = applied.record
      // An event is ignored for what the store says now, never for what was remembered.
      else if (applied.ignored && remembered && record === remembered) record = await this.#read(event.leg)
      else return this.#result(event, applied)
    }
    throw new Fault('store_overloaded', 'the call changes faster than the event can be applied', { retryable: true })
  }

  /** The call's record from the store, wherever its leg was claimed. */
  async #read(leg: Leg): Promise<CallRecord | undefined> {
    const ref = await this.#parts.ledger.findLeg(leg)
    return ref && this.#parts.ledger.readCall(ref)
  }

  async #apply(event: CallEvent, record: CallRecord): Promise<Applied> {
    switch (event.type) {
      case 'start':
        return this.#start(event, record)
      case 'stop':
        return this.#stop(event, record)
      case 'failed':
        return this.#failed(event, record)
      case 'alive':
        return this.#alive(event, record)
    }
  }

  async #start(event: CallEvent, record: CallRecord): Promise<Applied> {
    if (record.state === 'failed') return this.#reviver.revive(event, record)
    const isKnown = record.connectedAtMs !== undefined && !isCorrected(event, record)
    if (isKnown || !isLive(record)) return this.#alive(event, record)
    return this.#mark(record, this.#answered(event, record))
  }

  /** Seconds count from here. */
  #answered(event: CallEvent, record: CallRecord): CallRecord {
    const nowMs = this.#parts.clock.nowMs()
    return {
      ...record,
      ...answerTimes(event, nowMs, earliestAnswerMs(record, nowMs)),
      ...(event.ref === undefined ? {} : { ref: event.ref }),
      ...(event.instance === undefined ? {} : { instance: event.instance }),
      ...seenAlive(record, nowMs),
      state: record.state === 'ending' ? 'ending' : 'answered',
      history: withStep(record, nowMs, 'answered'),
    }
  }

  async #alive(event: CallEvent, record: CallRecord): Promise<Applied> {
    if (record.state !== 'answered' && record.state !== 'ending') return ignored(record)
    const nowMs = this.#parts.clock.nowMs()
    return this.#mark(record, {
      ...record,
      ...(event.instance === undefined ? {} : { instance: event.instance }),
      ...(event.ref === undefined ? {} : { ref: event.ref }),
      ...seenAlive(record, nowMs),
    })
  }

  async #failed(event: CallEvent, record: CallRecord): Promise<Applied> {
    if (!isLive(record) || record.connectedAtMs !== undefined) return ignored(record)
    if (isOfEarlierAttempt(event, record)) return ignored(record)
    const settled = await this.#settler.release(
      { ...record, over: withAttempt(record, event) },
      `failed: ${event.cause ?? event.sipCode ?? 'no reason given'}`,
    )
    return settled.kind === 'changed' ? again(settled.record) : done(settled.record)
  }

  async #stop(event: CallEvent, record: CallRecord): Promise<Applied> {
    if (record.state === 'ended') return this.#laterStop(event, record)
    const answered = wasAnswered(event, record)
    if (record.state === 'failed') return answered ? this.#reviver.revive(event, record) : ignored(record)
    if (!answered) return this.#failed(event, record)
    return this.#settle(event, this.#withAnswer(event, record))
  }

  /** A stop that overtook its start, or came without one, says itself when the call was answered. */
  #withAnswer(event: CallEvent, record: CallRecord): CallRecord {
    if (record.connectedAtMs !== undefined) return record
    const nowMs = this.#parts.clock.nowMs()
    return { ...record, ...answerTimes(event, nowMs, record.authorizedAtMs) }
  }

  async #settle(event: CallEvent, record: CallRecord, end = this.#endOf(event, record)): Promise<Applied> {
    const settled = await this.#settler.settle(record, end, `stop: ${event.cause ?? 'no cause given'}`)
    return settled.kind === 'changed' ? again(settled.record) : done(settled.record)
  }

  #endOf(event: CallEvent, record: CallRecord): CallEnd {
    const nowMs = this.#parts.clock.nowMs()
    const seconds = secondsUsed(event, record, nowMs)
    const saidMs = event.endedAtMs ?? event.tsMs ?? nowMs
    return {
      endedAtMs: endTime(saidMs, record, { seconds, policy: this.#parts.policy(), nowMs }),
      seconds,
      cause: event.cause ?? record.endingReason ?? 'normal',
      ...(event.instance === undefined ? {} : { instance: event.instance }),
      presumed: event.presumed ?? false,
      ...(isOverlong(event) ? { overlong: true } : {}),
      heardAtMs: nowMs,
    }
  }

  /** The first stop wins: a later one corrects a presumed end, or shortens when the same edge says so at once. */
  async #laterStop(event: CallEvent, record: CallRecord): Promise<Applied> {
    const { end } = record
    if (!end) return ignored(record)
    if (end.presumed) return saysWhen(event) ? this.#settle(event, record) : ignored(record)
    const next = this.#endOf(event, record)
    const graceMs = this.#parts.policy().shortenWithinSeconds * 1000
    const shortens = next.seconds < end.seconds && next.heardAtMs - end.heardAtMs <= graceMs
    const sameEdge = event.instance !== undefined && event.instance === end.instance
    if (!shortens || !sameEdge) return ignored(record)
    return this.#settle(event, record, { ...next, heardAtMs: end.heardAtMs })
  }

  /** Nothing is known of the leg: the event must carry all that is needed. */
  async #first(event: CallEvent, key: string): Promise<Applied> {
    if (event.type === 'failed') return this.#tombstone(event, key)
    if (event.type === 'stop' && !wasAnswered(event, undefined)) return this.#tombstone(event, key)
    return this.#reviver.adopt(event, key)
  }

  /** The late authorize of the leg meets it and is answered `gone`. */
  async #tombstone(event: CallEvent, key: string): Promise<Applied> {
    const nowMs = this.#parts.clock.nowMs()
    const account = payerOf(this.#parts, event)
    const chain = account === undefined ? undefined : await this.#parts.accounts.chainOf(account)
    const record = tombstoneOf(event, { nowMs, ref: this.#refOf(key, chain), account: chain ? (account ?? '') : '' })
    const answer = await this.#parts.ledger.mark({
      record,
      expectedRevision: 0,
      nowMs,
      rememberMs: this.#parts.policy().failedMemorySeconds * 1000,
    })
    if (answer.kind === 'marked') return done(record)
    return again(answer.kind === 'changed' ? answer.record : await this.#parts.ledger.readCall(answer.ref))
  }

  #refOf(key: string, chain: AccountChain | undefined): CallRef {
    return { partition: chain?.partition ?? this.#parts.partitionOf(key), legKey: key }
  }

  async #mark(before: CallRecord, after: CallRecord): Promise<Applied> {
    const nowMs = this.#parts.clock.nowMs()
    const record = { ...after, revision: before.revision + 1 }
    // Evidence of life changes nothing about when the call is due, but for one whose end was being asked for.
    const due = dueAtMs(record, this.#parts.policy(), nowMs)
    const answer = await this.#parts.ledger.mark({ record, expectedRevision: before.revision, nowMs, dueAtMs: due })
    if (answer.kind !== 'marked') return again(answer.kind === 'changed' ? answer.record : undefined)
    this.#memory.keep(record)
    return done(record)
  }

  #result(event: CallEvent, applied: Extract<Applied, { kind: 'done' }>): EventResult {
    const { record } = applied
    if (applied.ignored) this.#parts.observer.happened('ignored_event', record)
    const { callId } = event.leg
    if (!record) return { callId, state: 'unknown', ignored: applied.ignored }
    const charge = record.levels[0]?.charge
    return {
      call: record.call,
      callId,
      state: record.state,
      ignored: applied.ignored,
      ...(record.end ? { seconds: record.end.seconds } : {}),
      ...(charge
        ? { charge: charge.micros, billedSeconds: charge.billedSeconds, currency: record.levels[0]?.currency ?? '' }
        : {}),
    }
  }
}

/** A call that was first heard of when it was up already: its start says when it was answered. */
function isCorrected({ answeredAtMs }: CallEvent, record: CallRecord): boolean {
  return record.failOpen === true && answeredAtMs !== undefined && answeredAtMs < (record.answeredAtMs ?? answeredAtMs)
}

/** Our clock alone says nothing about an end that was presumed by our clock. */
function saysWhen({ seconds, endedAtMs, tsMs }: CallEvent): boolean {
  return seconds !== undefined || endedAtMs !== undefined || tsMs !== undefined
}

function tombstoneOf(
  event: CallEvent,
  at: { readonly nowMs: number; readonly ref: CallRef; readonly account: string },
): CallRecord {
  const { nowMs, ref, account } = at
  return {
    revision: 1,
    call: makeCallId(ref, nowMs),
    partition: ref.partition,
    legKey: ref.legKey,
    leg: event.leg,
    state: 'failed',
    content: '',
    ...(event.attempt === undefined ? {} : { attempt: event.attempt }),
    over: overBy(event),
    mode: 'clock',
    direction: event.direction ?? 'outbound',
    from: event.from ?? '',
    to: event.to ?? '',
    media: 'voice',
    account,
    authorizedAtMs: nowMs,
    lastAliveAtMs: nowMs,
    absences: 0,
    grantedSeconds: 0,
    maxDurationSeconds: 0,
    levels: [],
    corrections: 0,
    history: [{ atMs: nowMs, what: `failed before it was authorized: ${event.cause ?? 'no reason given'}` }],
  }
}
