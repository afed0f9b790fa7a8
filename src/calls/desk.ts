/** The use cases of calls in one place: what edges, operators and the clock ask for. */
import { Fault } from '../base/fault.ts'
import { refused } from '../base/outcome.ts'
import type { Page } from '../accounts/office.ts'
import { Authorizer } from './authorize.ts'
import { type CallRecord, fundedBy, isLive, type Leg } from './call.ts'
import { legKey, parseCallId } from './call-id.ts'
import { Clockwork } from './clockwork.ts'
import { type Explanation, explainCall } from './explain.ts'
import { EdgeDesk } from './edge-events.ts'
import { Ender } from './ending.ts'
import { EventDesk } from './events.ts'
import { type Extended, Extender } from './extend.ts'
import { CallMemory } from './memory.ts'
import { type CallParts, MAX_TRIES } from './parts.ts'
import { QuoteDesk } from './quote.ts'
import type {
  AuthorizeAnswer,
  AuthorizeRequest,
  CallEvent,
  EdgeEvent,
  EventResult,
  ExtendRequest,
  Quote,
  QuoteRequest,
} from './requests.ts'
import type { Refused } from '../base/outcome.ts'

export interface CallFilter {
  readonly account?: string
  readonly state?: string
  readonly node?: string
  readonly cursor?: string
  readonly limit: number
}

const SCAN = 200

export class CallDesk {
  readonly clockwork: Clockwork
  readonly #parts: CallParts
  readonly #memory: CallMemory
  readonly #authorizer: Authorizer
  readonly #events: EventDesk
  readonly edges: EdgeDesk
  readonly #extender: Extender
  readonly #ender: Ender
  readonly #quotes: QuoteDesk

  constructor(parts: CallParts) {
    const memory = new CallMemory()
    this.#parts = parts
    this.#memory = memory
    this.#authorizer = new Authorizer(parts, memory)
    this.#events = new EventDesk(parts, memory)
    this.edges = new EdgeDesk(parts, memory, this.#events)
    this.#extender = new Extender(parts, memory)
    this.#ender = new Ender(parts, memory)
    this.#quotes = new QuoteDesk(parts)
    this.clockwork = new Clockwork(parts, memory)
  }

  async authorize(request: AuthorizeRequest): Promise<AuthorizeAnswer> {
    const startedMs = this.#parts.clock.nowMs()
    const answer = await this.#authorizer.authorize(request)
    this.#parts.observer.decided({
      operation: 'authorize',
      call: answer.call,
      ...(request.account === undefined ? {} : { account: request.account }),
      code: codeOf(answer),
      ...(answer.kind === 'allowed'
        ? { account: answer.account, fundedBy: answer.fundedBy, reserved: answer.reserved }
        : {}),
      to: request.to,
      tookMs: this.#parts.clock.nowMs() - startedMs,
    })
    return answer
  }

  event(event: CallEvent): Promise<EventResult> {
    return this.#events.event(event)
  }

  edgeEvent(event: EdgeEvent): Promise<EventResult> {
    return this.edges.edgeEvent(event)
  }

  quote(request: QuoteRequest): Promise<Quote | Refused> {
    return this.#quotes.quote(request)
  }

  /** The next slice for an edge that asks itself; undefined when nothing is known of the call. */
  async extend(request: ExtendRequest): Promise<AuthorizeAnswer | undefined> {
    const startedMs = this.#parts.clock.nowMs()
    const answer = await this.#extend(request)
    if (answer) {
      const { call } = answer
      const tookMs = this.#parts.clock.nowMs() - startedMs
      this.#parts.observer.decided({ operation: 'extend', call, code: codeOf(answer), to: '', tookMs })
    }
    return answer
  }

  async #extend(request: ExtendRequest): Promise<AuthorizeAnswer | undefined> {
    const remembered = this.#memory.calls.get(legKey(request.leg, this.#parts.digest))
    let record = remembered ?? (await this.callOf(request.leg))
    for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
      if (!record) return undefined
      const extended: Extended = await this.#extendOnce(record, request)
      if (extended.kind === 'changed') record = extended.record
      // What was remembered, and not written over, may be old.
      else if (record === remembered && extended.record.revision === record.revision)
        record = await this.callOf(request.leg)
      else return extendedAnswer(extended)
    }
    throw new Fault('store_overloaded', 'the call changes faster than it can be extended', { retryable: true })
  }

  async #extendOnce(record: CallRecord, request: ExtendRequest): Promise<Extended> {
    if (!isLive(record) || record.state === 'ending') return { kind: 'exhausted', record, reason: 'gone' }
    const from = request.usedSeconds ?? record.grantedSeconds
    const seconds = from + (request.requestSeconds ?? this.#parts.policy().sliceSeconds)
    // An edge that asks for more has the call up.
    const alive = { lastAliveAtMs: this.#parts.clock.nowMs(), aliveSeconds: seconds }
    return this.#extender.extend({ ...record, ...alive }, seconds)
  }

  async callOf(leg: Leg): Promise<CallRecord | undefined> {
    const ref = await this.#parts.ledger.findLeg(leg)
    return ref && this.#parts.ledger.readCall(ref)
  }

  /** Ends a call now, through its edge; undefined when it is not known or not live. */
  async end(call: string, reason = 'operator'): Promise<CallRecord | undefined> {
    for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
      const record = await this.find(call)
      if (!record || !isLive(record)) return record
      const ending = await this.#ender.end(record, reason)
      if (ending) return ending
    }
    throw new Fault('store_overloaded', 'the call changes faster than it can be ended', { retryable: true })
  }

  async find(call: string): Promise<CallRecord | undefined> {
    const ref = parseCallId(call)
    if (!ref || ref.partition >= this.#parts.partitions) return undefined
    const record = await this.#parts.ledger.readCall(ref)
    return record?.call === call ? record : undefined
  }

  /** A call with the reasons of all that was decided about it. */
  async explained(
    call: string,
  ): Promise<{ readonly record: CallRecord; readonly explanation: Explanation } | undefined> {
    const record = await this.find(call)
    return record && { record, explanation: await explainCall(this.#parts, record) }
  }

  /** Who pays for the call of a leg; undefined when nothing is known of it. */
  async payerOf(leg: Leg): Promise<string | undefined> {
    return (await this.callOf(leg))?.account
  }

  /** Live calls, partition by partition; the cursor is "partition.offset". */
  async list(filter: CallFilter): Promise<Page<CallRecord>> {
    const [first = '0', second = '0'] = (filter.cursor ?? '0.0').split('.')
    let partition = Number(first)
    let offset = Number(second)
    const items: CallRecord[] = []
    while (partition < this.#parts.partitions) {
      const page = await this.#parts.ledger.liveCalls(partition, offset, SCAN)
      for (const record of page) {
        offset += 1
        if (matches(filter, record)) items.push(record)
        if (items.length >= filter.limit) return { items, nextCursor: `${partition}.${offset}` }
      }
      if (page.length < SCAN) {
        partition += 1
        offset = 0
      }
    }
    return { items }
  }
}

function matches({ account, state, node }: CallFilter, record: CallRecord): boolean {
  if (account !== undefined && !record.levels.some((level) => level.account === account)) return false
  if (state !== undefined && record.state !== state) return false
  return node === undefined || record.leg.node === node
}

function codeOf(answer: AuthorizeAnswer): string {
  if (answer.kind === 'allowed') return 'ok'
  return answer.kind === 'conflict' ? 'request_conflict' : answer.refusal.code
}

function extendedAnswer({ kind, record }: Exclude<Extended, { kind: 'changed' }>): AuthorizeAnswer {
  if (isLive(record) && record.state !== 'ending') return answerOf(record, kind === 'exhausted')
  return { kind: 'denied', call: record.call, refusal: refused('gone', `the call is ${record.state}`) }
}

/** `maxDurationSeconds` is the new total from answer. */
function answerOf(record: CallRecord, exhausted: boolean): AuthorizeAnswer {
  const hold = record.levels[0]?.hold ?? { pools: [], credit: 0n }
  return {
    kind: 'allowed',
    call: record.call,
    account: record.account,
    currency: record.levels[0]?.currency ?? '',
    maxDurationSeconds: record.grantedSeconds,
    reservedSeconds: record.grantedSeconds,
    reserved: hold.credit,
    final: exhausted || record.finalReason !== undefined,
    fundedBy: fundedBy(hold, hold.credit),
  }
}
