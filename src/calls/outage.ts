/**
 * What happens to calls while the store cannot answer. The account's `onEngineError` decides: `deny`, or `allowCapped`:
 * a call of at most so many seconds, so many at a time. A call allowed so is on disk before the edge is answered, and
 * stays there until the store has heard of it: by an event of its edge, which is completed with what only we know of the
 * call, or at last by the longest call that it can have been.
 */
import { type AccountChain, type AccountProfile, matchingPools } from '../accounts/account.ts'
import { dialledDigits } from '../base/e164.ts'
import { Fault } from '../base/fault.ts'
import { firstRefusal, type Refused, refused } from '../base/outcome.ts'
import type { Leg } from './call.ts'
import { legKey, makeCallId } from './call-id.ts'
import type { CallParts, Decision } from './parts.ts'
import { priceChain, standingRefusals } from './pricing.ts'
import type { AuthorizeAnswer, AuthorizeRequest, CallEvent, Denied, EventResult, ExtendRequest } from './requests.ts'
import {
  allowed,
  type CallSpool,
  completed,
  contentOf,
  presumedStop,
  type SpooledCall,
  spooledCall,
} from './spooled-call.ts'

export interface OutageObserver {
  decided(decision: Decision): void
  storeFailed(fault: Fault): void
  /** How many calls wait for the store. */
  waiting(calls: number): void
  happened(what: OutageHappening, call: SpooledCall, fault?: unknown): void
}

/** `settled` is a call nothing was heard of, booked at its cap; `not_kept` one that was denied as the disk failed. */
export type OutageHappening = 'allowed' | 'heard_of' | 'settled' | 'not_kept'

type ErrorPolicy = Pick<AccountProfile, 'onEngineError' | 'engineErrorSeconds' | 'engineErrorCalls'>

export interface OutageParts {
  readonly desk: WrappedDesk
  readonly spool: CallSpool
  /** Of accounts that this daemon does not remember. */
  readonly defaults: () => ErrorPolicy & Pick<AccountProfile, 'currency'>
  readonly observer: OutageObserver
}

interface WrappedDesk {
  authorize(request: AuthorizeRequest): Promise<AuthorizeAnswer>
  extend(request: ExtendRequest): Promise<AuthorizeAnswer | undefined>
  event(event: CallEvent): Promise<EventResult>
}

interface Deciding {
  readonly request: AuthorizeRequest
  readonly account: string
  /** As this daemon remembers it. */
  readonly chain: AccountChain | undefined
  readonly nowMs: number
}

/** Edges repeat what they could not deliver; after the store is back they have this long before a call is presumed. */
const REPEAT_MS = 120_000

export class OutageDesk implements WrappedDesk {
  readonly #calls: CallParts
  readonly #parts: OutageParts
  /** Calls that may still be up, by account. */
  readonly #open = new Map<string, Set<string>>()
  readonly #writing = new Map<string, Promise<void>>()
  #failedAtMs: number

  constructor(calls: CallParts, parts: OutageParts) {
    this.#calls = calls
    this.#parts = parts
    // What happened while no daemon ran is not known, so edges have their time from here on.
    this.#failedAtMs = calls.clock.nowMs()
    for (const call of parts.spool.all()) this.#opened(call)
    parts.observer.waiting(parts.spool.size)
  }

  /** What is spooled of a leg; undefined when nothing is. */
  spooled(leg: Leg): SpooledCall | undefined {
    if (this.#parts.spool.size === 0) return undefined
    return this.#parts.spool.find(legKey(leg, this.#calls.digest))
  }

  async authorize(request: AuthorizeRequest): Promise<AuthorizeAnswer> {
    const startedMs = this.#calls.clock.nowMs()
    const spooled = this.spooled(request.leg)
    if (spooled) return this.#repeated(spooled, request)
    try {
      return await this.#parts.desk.authorize(request)
    } catch (error) {
      this.#failed(error)
      const answer = await this.#decide(request)
      this.#tell(request, answer, startedMs)
      return answer
    }
  }

  async extend(request: ExtendRequest): Promise<AuthorizeAnswer | undefined> {
    const spooled = this.spooled(request.leg)
    return spooled ? allowed(spooled) : this.#parts.desk.extend(request)
  }

  async event(event: CallEvent): Promise<EventResult> {
    const spooled = this.spooled(event.leg)
    if (!spooled) return this.#parts.desk.event(event)
    // The edge is believed that the call is over also while that cannot be booked: another may have its place.
    if (event.type === 'stop' || event.type === 'failed') this.#over(spooled)
    try {
      const result = await this.#parts.desk.event(completed(event, spooled))
      await this.#forget(spooled)
      this.#parts.observer.happened('heard_of', spooled)
      return result
    } catch (error) {
      this.#failed(error)
      throw error
    }
  }

  /** Books calls that can no longer be up and that nobody spoke of: the edge held them to their cap. */
  async settleSilent(): Promise<void> {
    const nowMs = this.#calls.clock.nowMs()
    const failures: unknown[] = []
    for (const call of this.#parts.spool.all()) {
      const endedAtMs = this.#endsAtMs(call)
      if (nowMs >= endedAtMs) this.#over(call)
      if (nowMs < Math.max(endedAtMs, this.#failedAtMs) + REPEAT_MS) continue
      try {
        await this.#settle(call)
      } catch (error) {
        if (isStoreFault(error)) throw error
        // One call that cannot be booked does not keep the others from it.
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  async #settle(call: SpooledCall): Promise<void> {
    try {
      const known = await this.#isKnown(call)
      if (!known) await this.#parts.desk.event(presumedStop(call))
      await this.#forget(call)
      this.#parts.observer.happened(known ? 'heard_of' : 'settled', call)
    } catch (error) {
      this.#failed(error)
      throw error
    }
  }

  /** The store had it all the time and only its answer was lost: what became of it is in the books already. */
  async #isKnown(call: SpooledCall): Promise<boolean> {
    const ref = await this.#calls.ledger.findLeg(call.leg)
    const record = ref && (await this.#calls.ledger.readCall(ref))
    return record !== undefined && record.state !== 'failed'
  }

  /** Another repeat of the same request has the same answer; the leg with other content is another request. */
  async #repeated(call: SpooledCall, request: AuthorizeRequest): Promise<AuthorizeAnswer> {
    if (call.content !== contentOf(request)) return { kind: 'conflict', call: call.call }
    if (!this.#open.get(call.account)?.has(call.legKey))
      return denied(call.call, refused('gone', 'this call has ended'))
    try {
      await this.#writing.get(call.legKey)
    } catch {
      return denied(call.call, unavailable('it cannot be kept'))
    }
    return allowed(call)
  }

  async #decide(request: AuthorizeRequest): Promise<AuthorizeAnswer> {
    const nowMs = this.#calls.clock.nowMs()
    const key = legKey(request.leg, this.#calls.digest)
    const account = request.account ?? this.#calls.identify(identifyQuery(request))?.account
    const chain = account === undefined ? undefined : await this.#rememberedChain(account)
    const call = makeCallId({ partition: chain?.partition ?? this.#calls.partitionOf(key), legKey: key }, nowMs)
    if (account === undefined) return denied(call, refused('account_unknown', 'no rule identifies the payer'))
    const decided = { request, account, chain, nowMs }
    const refusal = this.#standing(decided) ?? this.#refuseByPolicy(decided)
    if (refusal) return denied(call, refusal)
    const { currency, engineErrorSeconds: capSeconds } = this.#policyOf(chain)
    return this.#allow(spooledCall(request, { legKey: key, call, account, currency, allowedAtMs: nowMs, capSeconds }))
  }

  /** Undefined also when only the store knows the account. */
  async #rememberedChain(account: string): Promise<AccountChain | undefined> {
    try {
      return await this.#calls.accounts.chainOf(account)
    } catch (error) {
      if (isStoreFault(error)) return undefined
      throw error
    }
  }

  /** What refuses the call whatever the store would say. */
  #standing({ chain, request, nowMs }: Deciding): Refused | undefined {
    if (!chain) return undefined
    const { direction, to } = request
    const levels = priceChain(this.#calls, chain, { direction, to, fromMs: nowMs })
    const byPrice = levels.flatMap(({ price }) => (price.kind === 'refused' ? [price.refusal] : []))
    const needsPrice = !paysWithoutPrice(chain.levels[0], request, nowMs)
    return firstRefusal([...standingRefusals(chain, levels, to), ...(needsPrice ? byPrice : [])])
  }

  #policyOf(chain: AccountChain | undefined): ErrorPolicy & Pick<AccountProfile, 'currency'> {
    return chain?.levels[0] ?? this.#parts.defaults()
  }

  #refuseByPolicy({ account, chain }: Deciding): Refused | undefined {
    const { onEngineError, engineErrorCalls } = this.#policyOf(chain)
    if (onEngineError === 'deny') return unavailable('the account allows no calls meanwhile')
    const open = this.#open.get(account)?.size ?? 0
    return open < engineErrorCalls ? undefined : unavailable(`the account has ${open} such calls already`)
  }

  async #allow(call: SpooledCall): Promise<AuthorizeAnswer> {
    const { spool, observer } = this.#parts
    this.#opened(call)
    const writing = spool.add(call)
    this.#writing.set(call.legKey, writing)
    try {
      await writing
    } catch (error) {
      this.#over(call)
      observer.happened('not_kept', call, error)
      return denied(call.call, unavailable('it cannot be kept'))
    } finally {
      this.#writing.delete(call.legKey)
    }
    observer.happened('allowed', call)
    observer.waiting(spool.size)
    return allowed(call)
  }

  async #forget(call: SpooledCall): Promise<void> {
    this.#over(call)
    await this.#parts.spool.remove(call.legKey)
    this.#parts.observer.waiting(this.#parts.spool.size)
  }

  #opened({ account, legKey: key }: SpooledCall): void {
    const open = this.#open.get(account) ?? new Set()
    this.#open.set(account, open.add(key))
  }

  #over({ account, legKey: key }: SpooledCall): void {
    const open = this.#open.get(account)
    open?.delete(key)
    if (open?.size === 0) this.#open.delete(account)
  }

  /** It rang as long as calls may, and talked as long as it might. */
  #endsAtMs({ allowedAtMs, capSeconds }: SpooledCall): number {
    return allowedAtMs + (this.#calls.policy().setupSeconds + capSeconds) * 1000
  }

  /** Lets through what is not about the store. */
  #failed(error: unknown): void {
    if (!isStoreFault(error)) throw error
    this.#failedAtMs = this.#calls.clock.nowMs()
    this.#parts.observer.storeFailed(error)
  }

  #tell(request: AuthorizeRequest, answer: AuthorizeAnswer, startedMs: number): void {
    const account = answer.kind === 'allowed' ? answer.account : request.account
    this.#parts.observer.decided({
      operation: 'authorize',
      call: answer.call,
      ...(account === undefined ? {} : { account }),
      code: answer.kind === 'denied' ? answer.refusal.code : 'ok',
      to: request.to,
      tookMs: this.#calls.clock.nowMs() - startedMs,
    })
  }
}

const STORE_FAULTS: readonly string[] = ['store_unavailable', 'store_timeout', 'store_overloaded']

function isStoreFault(error: unknown): error is Fault {
  return error instanceof Fault && error.retryable && STORE_FAULTS.includes(error.code)
}

/** A trunk or a pool may pay, which need no price (rule R6). */
function paysWithoutPrice(payer: AccountProfile | undefined, request: AuthorizeRequest, nowMs: number): boolean {
  if (!payer) return false
  const { direction, to } = request
  const channels = payer.trunks[direction] + payer.trunks.twoWay
  return channels > 0 || matchingPools(payer, { direction, digits: dialledDigits(to) }, nowMs).length > 0
}

function identifyQuery({ trunk, source, from, to, direction }: AuthorizeRequest) {
  return { from, to, direction, ...(trunk === undefined ? {} : { trunk }), ...(source === undefined ? {} : { source }) }
}

function denied(call: string, refusal: Refused): Denied {
  return { kind: 'denied', call, refusal }
}

function unavailable(why: string): Refused {
  return refused('engine_unavailable', `the store cannot answer; ${why}`)
}
