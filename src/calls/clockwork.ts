/**
 * What is due of calls: unanswered ones are given up, slices extended, calls without money cut, silent ones presumed over.
 * Any number of daemons share the work: each claims what is due for a moment, and what a dead one claimed is due again.
 */
import { Fault } from '../base/fault.ts'
import { inTurns } from '../base/in-turns.ts'
import { type CallRecord, type CallRef, withStep } from './call.ts'
import { EdgeAsks } from './edge-asks.ts'
import { Ender, MAX_END_ATTEMPTS, NO_SIGN_OF_LIFE } from './ending.ts'
import { Extender } from './extend.ts'
import type { CallMemory } from './memory.ts'
import { type CallParts, MAX_TRIES } from './parts.ts'
import { cutAtMs, dueAtMs, grantEndsAtMs, isAlive, setupEndsAtMs, warnAtMs } from './schedule.ts'
import { Settler } from './settle.ts'

/** A claim is over after this long: a call whose daemon died is taken over then. */
const LEASE_MS = 3_000
const CLAIM_LIMIT = 200
/** The store's connection is shared with decisions, so not all that is due goes at once. */
const AT_ONCE = 64

/** What a look at a due call did: nothing more to do now, or the record had changed and is looked at again. */
type Looked = { readonly kind: 'done' } | { readonly kind: 'again'; readonly record: CallRecord | undefined }

const DONE: Looked = { kind: 'done' }

export class Clockwork {
  readonly #parts: CallParts
  readonly #extender: Extender
  readonly #ender: Ender
  readonly #settler: Settler
  readonly #memory: CallMemory
  readonly #asks = new EdgeAsks()

  constructor(parts: CallParts, memory: CallMemory) {
    this.#parts = parts
    this.#memory = memory
    this.#extender = new Extender(parts, memory)
    this.#ender = new Ender(parts, memory)
    this.#settler = new Settler(parts, memory)
  }

  /** Deals with all that is due in every partition; returns how many calls were looked at. */
  async tick(): Promise<number> {
    const { ledger, clock, partitions } = this.#parts
    const nowMs = clock.nowMs()
    const claimed = await inTurns(Array(partitions).keys(), AT_ONCE, (partition) =>
      ledger.claimDue({ partition, nowMs, leaseMs: LEASE_MS, limit: CLAIM_LIMIT }),
    )
    const due = claimed.flatMap((claim) => (claim.status === 'fulfilled' ? claim.value : []))
    // A call that takes long keeps only its own place from the next.
    const outcomes = [...claimed, ...(await inTurns(due, AT_ONCE, (ref) => this.look(ref)))]
    // A partition or a call that cannot be dealt with does not keep the others waiting.
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed) throw failed.reason
    return due.length
  }

  /** Resolves when no edge is being asked anything any more. */
  async idle(): Promise<void> {
    await this.#asks.idle()
  }

  /** Deals with one call. */
  async look(ref: CallRef): Promise<void> {
    let record = await this.#parts.ledger.readCall(ref)
    for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
      if (!record) return
      const looked = await this.#lookAt(record)
      if (looked.kind === 'done') return
      record = looked.record
    }
    throw new Fault('store_overloaded', 'the call changes faster than it can be looked after', { retryable: true })
  }

  async #lookAt(record: CallRecord): Promise<Looked> {
    switch (record.state) {
      case 'authorized':
        return this.#unanswered(record)
      case 'answered':
        return this.#answered(record)
      case 'ending':
        return this.#ending(record)
      case 'ended':
      case 'failed':
        return DONE
    }
  }

  async #unanswered(record: CallRecord): Promise<Looked> {
    const policy = this.#parts.policy()
    const nowMs = this.#parts.clock.nowMs()
    const endsAtMs = setupEndsAtMs(record, policy)
    if (nowMs < endsAtMs) return this.#later(record)
    this.#parts.observer.late('expire', nowMs - endsAtMs)
    const settled = await this.#settler.release(record, `not answered within ${policy.setupSeconds} s`)
    return settled.kind === 'changed' ? { kind: 'again', record: settled.record } : DONE
  }

  async #answered(record: CallRecord): Promise<Looked> {
    const policy = this.#parts.policy()
    const nowMs = this.#parts.clock.nowMs()
    const due = dueAtMs(record, policy, record.lastAliveAtMs)
    if (nowMs < Math.min(due, cutAtMs(record, policy))) return this.#later(record)
    if (record.mode === 'clock' && isAlive(record, policy, nowMs)) return this.#extend(record, nowMs)
    if (nowMs < cutAtMs(record, policy)) return this.#waitForCut(record)
    return this.#cut(
      record,
      record.mode === 'clock' && record.finalReason === undefined ? NO_SIGN_OF_LIFE : cutReason(record),
    )
  }

  /** The next slice; a call that had its last may get one more if money came in meanwhile (rule E6). */
  async #extend(record: CallRecord, nowMs: number): Promise<Looked> {
    const policy = this.#parts.policy()
    const extended = await this.#extender.extend(record, record.grantedSeconds + policy.sliceSeconds)
    if (extended.kind === 'changed') return { kind: 'again', record: extended.record }
    if (extended.kind === 'extended') {
      this.#parts.observer.late('extend', Math.max(0, nowMs - dueAtMs(record, policy, record.lastAliveAtMs)))
      this.#raise(record, extended.record)
      return DONE
    }
    const last = { ...record, finalReason: extended.reason }
    return nowMs >= cutAtMs(record, policy) ? this.#cut(record, cutReason(last)) : this.#waitForCut(last)
  }

  /** Until the money ends the call goes on; then it is looked at once more. */
  async #waitForCut(record: CallRecord): Promise<Looked> {
    const policy = this.#parts.policy()
    const nowMs = this.#parts.clock.nowMs()
    const { finalReason = NO_SIGN_OF_LIFE } = record
    const history = record.finalReason === undefined ? withStep(record, nowMs, 'no more is granted') : record.history
    const waiting = { ...record, finalReason, history }
    const warnAt = warnAtMs(waiting, policy)
    if (warnAt === undefined || warnAt > nowMs) {
      return this.#mark(record, waiting, Math.min(cutAtMs(record, policy), warnAt ?? Infinity))
    }
    const warned = { ...waiting, warnedOfSeconds: record.grantedSeconds, history: withStep(waiting, nowMs, 'warned') }
    const looked = await this.#mark(record, warned, cutAtMs(record, policy))
    if (looked.kind === 'done') this.#warn(warned, nowMs)
    return looked
  }

  /** Once: a warning that does not arrive is not worth another one. */
  #warn(record: CallRecord, nowMs: number): void {
    const { leg, call, ref } = record
    const control = this.#parts.controlOf(leg.node)
    const secondsLeft = Math.ceil((grantEndsAtMs(record) - nowMs) / 1000)
    const run = async (): Promise<void> => control.warn?.({ call, ...leg, ref }, secondsLeft)
    this.#asks.put({
      node: leg.node,
      call,
      run: () => run().catch(() => this.#parts.observer.happened('warn_failed', record)),
    })
  }

  async #cut(record: CallRecord, reason: string): Promise<Looked> {
    const nowMs = this.#parts.clock.nowMs()
    this.#parts.observer.late('cut', Math.max(0, nowMs - cutAtMs(record, this.#parts.policy())))
    if (!this.#parts.controlOf(record.leg.node).canEnd) return this.#presumeAtEnd(record, reason)
    return this.#end(record, reason)
  }

  /** Whether its edge does as it is told shows when the call is due again. */
  async #end(record: CallRecord, reason: string): Promise<Looked> {
    const ending = await this.#ender.begin(record, reason)
    if (!ending) return { kind: 'again', record: await this.#fresh(record) }
    const { leg, call } = ending
    this.#asks.put({ node: leg.node, call, run: () => this.#ender.ask(ending, reason) })
    return DONE
  }

  /** Nobody can be told: the call is over for us when its grant is. */
  async #presumeAtEnd(record: CallRecord, reason: string): Promise<Looked> {
    const nowMs = this.#parts.clock.nowMs()
    const endsAtMs = grantEndsAtMs(record)
    if (nowMs < endsAtMs) return this.#mark(record, record, endsAtMs)
    const settled = await this.#ender.presume(record, reason)
    return settled.kind === 'changed' ? { kind: 'again', record: settled.record } : DONE
  }

  async #ending(record: CallRecord): Promise<Looked> {
    const nowMs = this.#parts.clock.nowMs()
    if (nowMs < dueAtMs(record, this.#parts.policy(), nowMs)) return this.#later(record)
    const canEnd = this.#parts.controlOf(record.leg.node).canEnd
    if (canEnd && (record.endAttempts ?? 0) < MAX_END_ATTEMPTS) {
      return this.#end(record, record.endingReason ?? 'ended')
    }
    const settled = await this.#ender.presume(record, record.endingReason ?? 'ended')
    return settled.kind === 'changed' ? { kind: 'again', record: settled.record } : DONE
  }

  /** Claimed too early (the record moved on meanwhile): it is put back to when it is due. */
  async #later(record: CallRecord): Promise<Looked> {
    const policy = this.#parts.policy()
    return this.#mark(record, record, dueAtMs(record, policy, record.lastAliveAtMs))
  }

  async #mark(before: CallRecord, after: CallRecord, dueAt: number): Promise<Looked> {
    const nowMs = this.#parts.clock.nowMs()
    const record = { ...after, revision: before.revision + 1 }
    const answer = await this.#parts.ledger.mark({ record, expectedRevision: before.revision, nowMs, dueAtMs: dueAt })
    if (answer.kind === 'marked') {
      this.#memory.keep(record)
      return DONE
    }
    return { kind: 'again', record: answer.kind === 'changed' ? answer.record : undefined }
  }

  #fresh(record: CallRecord): Promise<CallRecord | undefined> {
    return this.#parts.ledger.readCall({ partition: record.partition, legKey: record.legKey })
  }

  /** The edge's own timer must not end what was just paid for. */
  #raise(before: CallRecord, record: CallRecord): void {
    const control = this.#parts.controlOf(record.leg.node)
    if (!control.canRaise || record.maxDurationSeconds <= before.maxDurationSeconds) return
    const { leg, call, ref, maxDurationSeconds } = record
    const raise = () => control.raise({ call, ...leg, ref }, maxDurationSeconds)
    this.#asks.put({
      node: leg.node,
      call,
      run: () => raise().catch(() => this.#parts.observer.happened('raise_failed', record)),
    })
  }
}

function cutReason(record: CallRecord): string {
  return record.finalReason === undefined || record.finalReason === 'no_credit'
    ? 'credit_exhausted'
    : record.finalReason
}
