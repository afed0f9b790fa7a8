/** May the call go on: the next slice, put aside in place of the last (RFC 8506 UPDATE_REQUEST). */
import type { AccountChain } from '../accounts/account.ts'
import { type CallRecord, withExtension } from './call.ts'
import { backstopSeconds } from './new-call.ts'
import type { CallMemory } from './memory.ts'
import type { CallParts } from './parts.ts'
import type { SliceAsk } from './plan.ts'
import { pricePinned, withinCap } from './pricing.ts'
import { type PlanMade, Reserving } from './reserving.ts'
import { dueAtMs } from './schedule.ts'

export type Extended =
  | { readonly kind: 'extended'; readonly record: CallRecord }
  /** Nothing more can be had; the record is as it was. */
  | { readonly kind: 'exhausted'; readonly record: CallRecord; readonly reason: string }
  | { readonly kind: 'changed'; readonly record: CallRecord | undefined }

export class Extender {
  readonly #parts: CallParts
  readonly #reserving: Reserving

  constructor(parts: CallParts, memory: CallMemory) {
    this.#parts = parts
    this.#reserving = new Reserving(parts, memory)
  }

  /** Asks for `seconds` in all, from answer. */
  async extend(record: CallRecord, seconds: number): Promise<Extended> {
    const policy = this.#parts.policy()
    const wanted = Math.min(seconds, policy.maxCallSeconds)
    if (wanted <= record.grantedSeconds) {
      const isLast = record.grantedSeconds >= policy.maxCallSeconds
      return isLast ? { kind: 'exhausted', record, reason: 'max_call' } : { kind: 'extended', record }
    }
    const nowMs = this.#parts.clock.nowMs()
    const outcome = await this.#reserving.run({
      expectedRevision: record.revision,
      why: 'extend',
      nowMs,
      grantedSeconds: record.grantedSeconds,
      chain: () => this.#parts.accounts.chainOf(record.account),
      ask: (chain) => this.#ask(record, chain, { seconds: wanted, nowMs }),
      record: (made) => this.#record(record, made, nowMs),
    })
    switch (outcome.kind) {
      case 'reserved':
        return { kind: 'extended', record: outcome.record }
      case 'exhausted':
        return { kind: 'exhausted', record, reason: outcome.reason }
      case 'refused':
        return { kind: 'exhausted', record, reason: outcome.code }
      case 'changed':
        return outcome
      case 'leg_elsewhere':
        return { kind: 'changed', record: await this.#parts.ledger.readCall(outcome.ref) }
    }
  }

  async #ask(
    record: CallRecord,
    chain: AccountChain,
    wanted: { readonly seconds: number; readonly nowMs: number },
  ): Promise<SliceAsk> {
    return {
      levels: (await pricePinned(this.#parts, chain, record)).map(withinCap),
      direction: record.direction,
      to: record.to,
      ...wanted,
      held: record.levels.map(({ hold }) => hold),
    }
  }

  #record(before: CallRecord, made: PlanMade, nowMs: number): { record: CallRecord; dueAtMs: number } {
    const policy = this.#parts.policy()
    const { plan } = made
    const last = plan.seconds >= policy.maxCallSeconds ? 'max_call' : plan.finalReason
    const { finalReason: _before, ...rest } = before
    const record: CallRecord = {
      ...rest,
      revision: before.revision + 1,
      grantedSeconds: plan.seconds,
      ...(last === undefined ? {} : { finalReason: last }),
      maxDurationSeconds: this.#lasts(before, made, nowMs),
      levels: before.levels.map((level, index) => ({ ...level, hold: plan.levels[index]?.hold ?? level.hold })),
      history: withExtension(before, nowMs, `${plan.seconds} s${last === undefined ? '' : `, final: ${last}`}`),
    }
    return { record, dueAtMs: dueAtMs(record, policy, nowMs) }
  }

  /** The backstop moves on with the call: what the funds pay, and no more than can be raised later. */
  #lasts(record: CallRecord, made: PlanMade, nowMs: number): number {
    if (record.mode !== 'clock') return made.plan.seconds
    const elapsed = Math.ceil((nowMs - (record.connectedAtMs ?? nowMs)) / 1000)
    const funds = backstopSeconds(record.leg.node, elapsed, { made, parts: this.#parts })
    return Math.max(funds, made.plan.seconds)
  }
}
