/**
 * Ends calls: through the edge that brought them, or, where nothing can be heard of them any more, by presuming when they
 * ended. An edge that says "done" has proved nothing: the call stays `ending` until its stop comes or it is presumed over.
 */
import { formatInstant } from '../base/time.ts'
import { type CallEnd, type CallRecord, withStep } from './call.ts'
import type { CallMemory } from './memory.ts'
import type { CallParts } from './parts.ts'
import { dueAtMs, grantEndsAtMs } from './schedule.ts'
import { type Settled, Settler } from './settle.ts'
import { endTime, wholeSeconds } from './times.ts'

export const MAX_END_ATTEMPTS = 5

/** Why a call is ended that nothing was heard of for too long. */
export const NO_SIGN_OF_LIFE = 'no_sign_of_life'

export class Ender {
  readonly #parts: CallParts
  readonly #memory: CallMemory
  readonly #settler: Settler

  constructor(parts: CallParts, memory: CallMemory) {
    this.#parts = parts
    this.#memory = memory
    this.#settler = new Settler(parts, memory)
  }

  /** Marks the call as ending and asks its edge; where the edge cannot be asked, the end is presumed when it is due. */
  async end(record: CallRecord, reason: string): Promise<CallRecord | undefined> {
    const ending = await this.begin(record, reason)
    if (ending) await this.ask(ending, reason)
    return ending
  }

  /** Marks the call as ending; its edge is still to be asked. Undefined when the call has moved on. */
  async begin(record: CallRecord, reason: string): Promise<CallRecord | undefined> {
    const nowMs = this.#parts.clock.nowMs()
    const attempts = (record.endAttempts ?? 0) + 1
    const ending: CallRecord = {
      ...record,
      revision: record.revision + 1,
      state: 'ending',
      endingSinceMs: record.endingSinceMs ?? nowMs,
      endingReason: record.endingReason ?? reason,
      endAttempts: attempts,
      history: withStep(record, nowMs, `ending, attempt ${attempts}: ${reason}`),
    }
    const due = dueAtMs(ending, this.#parts.policy(), nowMs)
    const answer = await this.#parts.ledger.mark({
      record: ending,
      expectedRevision: record.revision,
      nowMs,
      dueAtMs: due,
    })
    if (answer.kind !== 'marked') return undefined
    this.#memory.keep(ending)
    return ending
  }

  /** Asks the edge of a call that is ending. */
  async ask(record: CallRecord, reason: string): Promise<void> {
    const control = this.#parts.controlOf(record.leg.node)
    if (!control.canEnd) return
    try {
      await control.end({ call: record.call, ...record.leg, ref: record.ref }, reason)
    } catch {
      // The call is due again in a moment, whatever the edge said; the counter tells operators.
      this.#parts.observer.happened('end_failed', record)
    }
  }

  /**
   * The call is taken to have ended at the last instant it was known alive, plus the slice it held then: so never after
   * what was granted. A call that was being ended is charged to the instant we began to; one that nobody answered is
   * released.
   */
  async presume(record: CallRecord, cause: string): Promise<Settled> {
    const { connectedAtMs } = record
    if (connectedAtMs === undefined) return this.#settler.release(record, cause)
    const nowMs = this.#parts.clock.nowMs()
    const endsAtMs = Math.min(presumedEndMs(record), nowMs)
    const seconds = Math.min(wholeSeconds(endsAtMs - connectedAtMs), record.grantedSeconds)
    const byEdgeMs = (record.answeredAtMs ?? connectedAtMs) + Math.max(0, endsAtMs - connectedAtMs)
    const end: CallEnd = {
      endedAtMs: endTime(byEdgeMs, record, { seconds, policy: this.#parts.policy(), nowMs }),
      seconds,
      cause,
      presumed: true,
      heardAtMs: nowMs,
    }
    return this.#settler.settle(record, end, `presumed to have ended at ${formatInstant(end.endedAtMs)}`)
  }
}

function presumedEndMs(record: CallRecord): number {
  const { grantedSeconds, aliveSeconds = grantedSeconds, endingSinceMs = Infinity, endingReason } = record
  // One that was cut for want of money was up till then: it talked what it had been granted.
  const wasUp = record.endingSinceMs !== undefined && endingReason !== NO_SIGN_OF_LIFE
  if (wasUp) return Math.min(endingSinceMs, grantEndsAtMs(record))
  const grantEnds = grantEndsAtMs({ ...record, grantedSeconds: Math.min(grantedSeconds, aliveSeconds) })
  return Math.min(endingSinceMs, grantEnds)
}
