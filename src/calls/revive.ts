/**
 * Calls that are up without our leave: the edge connected one while it could not ask, its "failed" was not true, or what
 * we knew was lost. They are rated from what the event says; what they use is charged even if nothing is left.
 */
import type { AccountChain } from '../accounts/account.ts'
import { Fault } from '../base/fault.ts'
import { type Applied, again, done, ignored } from './applied.ts'
import { callLevels } from './new-call.ts'
import { type CallRecord, withStep } from './call.ts'
import { makeCallId } from './call-id.ts'
import type { CallMemory } from './memory.ts'
import type { CallParts } from './parts.ts'
import { priceChain } from './pricing.ts'
import type { CallEvent } from './requests.ts'
import { type PlanMade, Reserving, type SliceOutcome, type SliceWork } from './reserving.ts'
import { dueAtMs, rememberMs } from './schedule.ts'
import { answerTimes, OLDEST_CALL_MS, secondsUsed, wholeSeconds } from './times.ts'

interface Begun {
  readonly event: CallEvent
  readonly account: string
  readonly to: string
  readonly nowMs: number
  readonly base: CallRecord
  readonly expectedRevision: number
  readonly legBefore?: number
  readonly connectedAtMs: number
}

export class Reviver {
  readonly #parts: CallParts
  readonly #reserving: Reserving

  constructor(parts: CallParts, memory: CallMemory) {
    this.#parts = parts
    this.#reserving = new Reserving(parts, memory)
  }

  /**
   * A call that nothing is known of, or no more than that it failed, begins with this event; a stop finds it answered
   * when it is applied again.
   */
  async adopt(said: CallEvent, key: string, tombstone?: CallRecord): Promise<Applied> {
    const event = tombstone ? withTombstone(said, tombstone) : said
    const account = payerOf(this.#parts, event)
    const chain = account === undefined ? undefined : await this.#parts.accounts.chainOf(account)
    if (!chain || account === undefined || event.to === undefined) return this.#park(event, missing(chain))
    const nowMs = this.#parts.clock.nowMs()
    if (this.#isForgotten(event, nowMs)) return this.#park(event, 'the call ended longer ago than calls are remembered')
    const call = makeCallId({ partition: chain.partition, legKey: key }, nowMs)
    const base = adoptedRecord(event, { call, partition: chain.partition, legKey: key, account, nowMs })
    this.#parts.observer.happened(tombstone ? 'revived' : 'fail_open', base)
    return this.#begin({ event, account, to: event.to, nowMs, base, connectedAtMs: 0, ...pastOf(tombstone, chain) })
  }

  /** The call goes on although its edge had said that it failed. */
  async revive(event: CallEvent, record: CallRecord): Promise<Applied> {
    // It failed before it was authorized: no more is known of it than its edge said then.
    if (record.content === '') return this.adopt(event, record.legKey, record)
    const nowMs = this.#parts.clock.nowMs()
    this.#parts.observer.happened('revived', record)
    const { account, to, revision } = record
    const base = neverEnding(record)
    return this.#begin({ event, account, to, nowMs, base, expectedRevision: revision, connectedAtMs: 0 })
  }

  async #begin(asked: Begun): Promise<Applied> {
    const times = answerTimes(asked.event, asked.nowMs, asked.nowMs - OLDEST_CALL_MS)
    const begun = { ...asked, connectedAtMs: times.connectedAtMs }
    const elapsed = elapsedSeconds(begun)
    const wanted = begun.event.type === 'stop' ? elapsed : elapsed + this.#parts.policy().sliceSeconds
    let outcome = await this.#reserve(begun, wanted, begun.event.type === 'stop')
    // Nothing pays for it: what it has used is put aside all the same, and the clock ends it at once.
    if (outcome.kind === 'refused' || outcome.kind === 'exhausted') {
      outcome = await this.#reserve(begun, Math.max(1, elapsed), true)
    }
    return this.#applied(outcome, begun.event)
  }

  async #applied(outcome: SliceOutcome, event: CallEvent): Promise<Applied> {
    switch (outcome.kind) {
      case 'reserved':
        return event.type === 'stop' ? again(outcome.record) : done(outcome.record)
      case 'changed':
        return again(outcome.record)
      case 'leg_elsewhere':
        return again(await this.#parts.ledger.readCall(outcome.ref))
      case 'refused':
      case 'exhausted':
        throw new Fault('unexpected', 'use that has happened was refused')
    }
  }

  #reserve(begun: Begun, seconds: number, forced: boolean): Promise<SliceOutcome> {
    const parts = this.#parts
    const { event, base, nowMs, expectedRevision, legBefore } = begun
    const work: SliceWork = {
      expectedRevision,
      ...(legBefore === undefined ? {} : { legBefore }),
      why: `${event.type} without leave`,
      nowMs,
      chain: () => parts.accounts.chainOf(begun.account),
      ask: (chain: AccountChain) => ({
        levels: priceChain(parts, chain, { direction: base.direction, to: begun.to, fromMs: begun.connectedAtMs }),
        direction: base.direction,
        to: begun.to,
        seconds,
        nowMs,
        ...(forced ? { forced } : {}),
      }),
      record: (made) => this.#record(begun, made, forced),
    }
    return this.#reserving.run(work)
  }

  #record(begun: Begun, made: PlanMade, forced: boolean): { record: CallRecord; dueAtMs: number } {
    const { base, event, nowMs, expectedRevision } = begun
    const finalReason = forced ? 'no_credit' : made.plan.finalReason
    const record: CallRecord = {
      ...base,
      ...answerTimes(event, nowMs, nowMs - OLDEST_CALL_MS),
      revision: expectedRevision + 1,
      state: 'answered',
      failOpen: true,
      lastAliveAtMs: nowMs,
      aliveSeconds: made.plan.seconds,
      grantedSeconds: made.plan.seconds,
      maxDurationSeconds: made.plan.seconds,
      ...(finalReason === undefined ? {} : { finalReason }),
      levels: callLevels(made),
      history: withStep(base, nowMs, `${event.type} of a call without leave`),
    }
    return { record, dueAtMs: dueAtMs(record, this.#parts.policy(), nowMs) }
  }

  /** It may have been settled and forgotten: to rate it again might charge it twice. */
  #isForgotten(event: CallEvent, nowMs: number): boolean {
    const endedAtMs = event.endedAtMs ?? event.tsMs ?? nowMs
    return event.type === 'stop' && endedAtMs < nowMs - rememberMs(this.#parts.policy())
  }

  /** Money may hang on a stop that cannot be rated, so a person gets to see it. */
  async #park(event: CallEvent, why: string): Promise<Applied> {
    if (event.type !== 'stop') return ignored(undefined)
    await this.#parts.parking.park({ ...event }, why)
    this.#parts.observer.happened('parked')
    return ignored(undefined)
  }
}

/** Its end was asked for and it was given up; of that nothing is left once it is up. */
function neverEnding(record: CallRecord): CallRecord {
  const { finalReason: _last, endingSinceMs: _since, endingReason: _reason, endAttempts: _attempts, ...rest } = record
  return { ...rest, absences: 0 }
}

function missing(chain: AccountChain | undefined): string {
  return chain ? 'the event does not say who was called' : 'nothing identifies the payer'
}

function elapsedSeconds(begun: Begun): number {
  const { event, nowMs, connectedAtMs } = begun
  if (event.type !== 'stop') return wholeSeconds(nowMs - connectedAtMs)
  return secondsUsed(event, { ...begun.base, connectedAtMs }, nowMs)
}

/** Who pays, in the words of the event or by the rules. */
export function payerOf(parts: CallParts, event: CallEvent): string | undefined {
  return event.account ?? parts.identify(identifyQuery(event))?.account
}

/** What an event leaves out, an earlier one may have said. */
function withTombstone(event: CallEvent, { account, from, to, direction }: CallRecord): CallEvent {
  return {
    ...event,
    account: event.account ?? (account === '' ? undefined : account),
    to: event.to ?? (to === '' ? undefined : to),
    from: event.from ?? from,
    direction: event.direction ?? direction,
  }
}

/** A tombstone in another partition is left there, and the leg claimed anew. */
function pastOf(tombstone: CallRecord | undefined, chain: AccountChain): Pick<Begun, 'expectedRevision' | 'legBefore'> {
  if (!tombstone) return { expectedRevision: 0 }
  if (tombstone.partition === chain.partition) return { expectedRevision: tombstone.revision }
  return { expectedRevision: 0, legBefore: tombstone.partition }
}

function identifyQuery({ trunk, source, from, to, direction }: CallEvent) {
  return {
    ...(trunk === undefined ? {} : { trunk }),
    ...(source === undefined ? {} : { source }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(direction === undefined ? {} : { direction }),
  }
}

function adoptedRecord(
  event: CallEvent,
  at: Pick<CallRecord, 'call' | 'partition' | 'legKey' | 'account'> & { readonly nowMs: number },
): CallRecord {
  const { nowMs, ...identity } = at
  return {
    ...identity,
    revision: 0,
    leg: event.leg,
    ...(event.instance === undefined ? {} : { instance: event.instance }),
    state: 'answered',
    content: '',
    mode: 'clock',
    direction: event.direction ?? 'outbound',
    from: event.from ?? '',
    to: event.to ?? '',
    ...(event.user === undefined ? {} : { user: event.user }),
    media: 'voice',
    ...(event.ref === undefined ? {} : { ref: event.ref }),
    authorizedAtMs: nowMs,
    lastAliveAtMs: nowMs,
    absences: 0,
    grantedSeconds: 0,
    maxDurationSeconds: 0,
    levels: [],
    corrections: 0,
    history: [],
  }
}
