/** Plays steps on a stage: asks, compares what is answered with what the model says, and has everything watched after each. */
import { Fault } from '../../src/base/fault.ts'
import type { CallRecord } from '../../src/calls/call.ts'
import { legKey } from '../../src/calls/call-id.ts'
import type { AuthorizeAnswer, AuthorizeRequest, CallEvent, EventResult } from '../../src/calls/requests.ts'
import { decodeCall } from '../../src/store/call-codec.ts'
import { digest } from '../support/desk.ts'
import { Killed } from './faulty-store.ts'
import { type Funds, predictAuthorize } from './model.ts'
import { type SimDaemon, type Stage } from './stage.ts'
import { Watch } from './watch.ts'
import type { Asks, FaultSpec, Step } from './worlds.ts'

const NODE = 'edge-1'

/** What came of a request; unknown because of the fault that it met. */
type Outcome<T> = { readonly known: true; readonly answer: T } | { readonly known: false }

type StepOf<D extends Step['do']> = Extract<Step, { readonly do: D }>

interface SimCall {
  readonly asks: Asks
  answeredAtMs?: number
}

export class Player {
  readonly watch: Watch
  readonly counts = new Map<string, number>()
  readonly #stage: Stage
  readonly #calls = new Map<string, SimCall>()
  readonly #heard: (call: string, allowed: boolean) => void
  #instance = '1000'

  /** `heard` is told what an edge hears: whether its call may be made. */
  constructor(stage: Stage, heard: (call: string, allowed: boolean) => void = () => undefined) {
    this.#stage = stage
    this.#heard = heard
    this.watch = new Watch(stage)
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  async play(step: Step): Promise<void> {
    this.#stage.clock.advance(50)
    this.count(`step ${step.do}`)
    await this.#do(step)
  }

  async #do(step: Step): Promise<void> {
    switch (step.do) {
      case 'authorize':
        return this.#authorize(step)
      case 'start':
      case 'alive':
      case 'failed':
        return this.#tell(step)
      case 'stop':
        return this.#stop(step)
      case 'extend':
        return this.#extend(step)
      case 'end':
        return this.#end(step)
      case 'money':
        return this.#money(step)
      case 'patch':
        return this.#patch(step)
      case 'tariff':
        await this.#stage.activate(step.name, step.rate)
        return this.watch.look()
      case 'edge_up':
      case 'edge_list':
        return this.#edge(step)
      case 'play':
        return this.#play(step)
      case 'burst':
        return this.#burst(step)
    }
  }

  async #authorize({ call, asks, daemon, fault }: StepOf<'authorize'>): Promise<void> {
    const known = this.#calls.get(call)
    if (!known) this.#calls.set(call, { asks })
    const before = await this.#recordOf(call)
    const funds = this.#funds(asks.account)
    const outcome = await this.#ask(daemon, fault, ({ desk }) => desk.authorize(this.#request(call, asks)))
    await this.watch.look()
    this.#expectFloors(funds)
    const wanted = before ? pastAnswer(before, asks) : textOf(predictAuthorize(funds, asks))
    if (outcome.known) {
      const told = answerText(outcome.answer)
      this.#heard(call, outcome.answer.kind === 'allowed')
      this.count(`answer ${told.split(' ')[0] ?? ''}`)
      if (told !== wanted) throw new Error(`authorize of ${call} was answered "${told}", not "${wanted}"`)
      return
    }
    this.count('unknown authorize')
    const after = await this.#recordOf(call)
    if (before || !after) return
    if (!wanted.startsWith('ok')) throw new Error(`${call} was let in by a request that is to be answered "${wanted}"`)
    if (!wanted.endsWith(` ${after.grantedSeconds} ${after.levels[0]?.hold.credit ?? 0n}`))
      throw new Error(
        `${call} holds ${after.levels[0]?.hold.credit ?? 0n} for ${after.grantedSeconds} s, not "${wanted}"`,
      )
  }

  async #tell(step: StepOf<'start' | 'alive' | 'failed'>): Promise<void> {
    const call = this.#calls.get(step.call)
    if (!call) return
    const atMs = this.#stage.clock.nowMs() + (step.skewMs ?? 0)
    if (step.do === 'start') call.answeredAtMs ??= atMs
    const times = step.do === 'start' ? { answeredAtMs: atMs } : {}
    const before = await this.#recordOf(step.call)
    const outcome = await this.#event(step, { type: step.do, tsMs: atMs, ...times })
    await this.watch.look()
    if (outcome.known) this.#expectTold(step, before, outcome.answer)
  }

  #expectTold(step: StepOf<'start' | 'alive' | 'failed'>, before: CallRecord | undefined, told: EventResult): void {
    this.count(`state ${told.state}`)
    const wanted = stateAfter(step.do, before)
    if (wanted !== undefined && told.state !== wanted)
      throw new Error(`${step.do} of ${step.call} (${before?.state ?? 'unknown'}) led to ${told.state}, not ${wanted}`)
  }

  async #stop(step: StepOf<'stop'>): Promise<void> {
    const call = this.#calls.get(step.call)
    if (!call) return
    const tsMs = this.#stage.clock.nowMs() + (step.skewMs ?? 0)
    const length = step.seconds === undefined ? { endedAtMs: tsMs } : { seconds: step.seconds }
    const answered = call.answeredAtMs === undefined ? {} : { answeredAtMs: call.answeredAtMs }
    const before = await this.#recordOf(step.call)
    const outcome = await this.#event(step, { type: 'stop', tsMs, cause: 'bye', ...answered, ...length })
    await this.watch.look()
    if (!outcome.known) return
    const { state, seconds } = outcome.answer
    this.count(`state ${state}`)
    if (before?.state === 'ended' && state !== 'ended') throw new Error(`${step.call} had ended and is ${state}`)
    const wanted = secondsAfter(step, { before, nowMs: this.#stage.clock.nowMs(), instance: this.#instance })
    if (wanted !== undefined && state === 'ended' && seconds !== wanted)
      throw new Error(`${step.call} ended after ${seconds ?? 0} s, not ${wanted}`)
  }

  async #extend({ call, usedSeconds, daemon, fault }: StepOf<'extend'>): Promise<void> {
    const known = this.#calls.get(call)
    if (!known) return
    const before = await this.#recordOf(call)
    const funds = this.#funds(known.asks.account)
    const leg = { node: NODE, callId: call, legId: '' }
    const outcome = await this.#ask(daemon, fault, ({ desk }) => desk.extend({ leg, usedSeconds }))
    await this.watch.look()
    this.#expectFloors(funds)
    if (!outcome.known) return
    const { answer } = outcome
    this.count(`extend ${answer?.kind ?? 'unknown'}`)
    const isUp = before !== undefined && ['authorized', 'answered'].includes(before.state)
    if (isUp !== (answer?.kind === 'allowed'))
      throw new Error(`an extension of ${call} (${before?.state ?? '-'}) was wrong`)
    if (isUp && answer?.kind === 'allowed' && answer.reservedSeconds < before.grantedSeconds)
      throw new Error(`${call} was granted ${before.grantedSeconds} s and then ${answer.reservedSeconds}`)
  }

  async #end({ call, daemon, fault }: StepOf<'end'>): Promise<void> {
    const id = (await this.#recordOf(call))?.call
    if (id !== undefined) await this.#ask(daemon, fault, ({ desk }) => desk.end(id))
    await this.watch.look()
  }

  async #money({ account, micros, operation, daemon, fault }: StepOf<'money'>): Promise<void> {
    const spec = this.#stage.accounts.get(account)
    if (!spec) return
    const { credit, reserved } = this.watch.funds(spec)
    const amount = BigInt(Math.abs(micros))
    const money = { account, operation, kind: 'adjustment', amount } as const
    const outcome = await this.#ask(daemon, fault, ({ office }) =>
      micros < 0 ? office.debit(money) : office.credit(money),
    )
    await this.watch.look()
    const after = this.watch.funds(spec)
    const moved = after.credit - credit
    const whole = micros < 0 ? -amount : amount
    if (moved !== 0n && moved !== whole) throw new Error(`${operation} moved ${moved}, not ${whole}`)
    if (!outcome.known) return
    this.count(`money ${outcome.answer.kind}`)
    const isShort = micros < 0 && credit - reserved + BigInt(spec.creditLimit) < amount
    if (outcome.answer.kind === 'posted') return
    if (!isShort) throw new Error(`${operation} was refused: ${outcome.answer.code}`)
  }

  /** What a change led to is read, as its outcome may be unknown. */
  async #patch({ account, change, daemon, fault }: StepOf<'patch'>): Promise<void> {
    const spec = this.#stage.accounts.get(account)
    if (!spec) return
    const { creditLimit, ...rest } = change
    const input = { ...rest, ...(creditLimit === undefined ? {} : { creditLimit: BigInt(creditLimit) }) }
    const outcome = await this.#ask(daemon, fault, ({ office }) =>
      office.patch(account, input as Parameters<typeof office.patch>[1]),
    )
    const profile = await this.#stage.profileOf(account)
    if (!profile) throw new Error(`no profile of ${account}`)
    spec.status = profile.status === 'active' ? 'active' : 'suspended'
    spec.trunks = { ...profile.trunks }
    spec.creditLimit = Number(profile.creditLimit)
    spec.tariff = profile.tariff ?? ''
    if (profile.maxCalls === undefined) delete spec.maxCalls
    else spec.maxCalls = profile.maxCalls
    await this.watch.look()
    if (!outcome.known) return
    for (const [name, value] of Object.entries(change)) {
      if (JSON.stringify(spec[name as keyof typeof spec]) !== JSON.stringify(value))
        throw new Error(`${name} of ${account} was not changed to ${JSON.stringify(value)}`)
    }
  }

  async #edge(step: StepOf<'edge_up' | 'edge_list'>): Promise<void> {
    const tsMs = this.#stage.clock.nowMs()
    if (step.do === 'edge_up') this.#instance = step.instance
    const calls = step.do === 'edge_list' ? step.calls.map((callId) => ({ callId, legId: '' })) : []
    const { desk } = this.#stage.daemon(step.daemon)
    await desk.edgeEvent({ type: step.do, node: NODE, instance: this.#instance, tsMs, calls })
    await this.watch.look()
  }

  /** Time passes: whenever something is due, one of the daemons looks at it. */
  async #play({ ms, daemon }: StepOf<'play'>): Promise<void> {
    const untilMs = this.#stage.clock.nowMs() + ms
    for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
      const dueMs = await this.nextDueMs()
      if (dueMs === undefined || dueMs > untilMs) {
        this.#stage.clock.set(untilMs)
        return this.watch.look()
      }
      this.#stage.clock.set(Math.max(dueMs, this.#stage.clock.nowMs()))
      await this.#stage.tick(daemon + looks)
      this.count('ticks')
    }
    throw new Error('calls are due again and again')
  }

  async nextDueMs(): Promise<number | undefined> {
    const { store, keys, accounts } = this.#stage
    const partitions = [...new Set([...accounts.keys()].map((id) => this.#stage.partitionOf(id)))]
    const firsts = await Promise.all(
      partitions.map((p) => store.command((client) => client.zrange(keys.due(p), 0, '0', 'WITHSCORES'))),
    )
    const scores = firsts.flatMap(([, score]) => (score === undefined ? [] : [Number(score)]))
    return scores.length === 0 ? undefined : Math.min(...scores)
  }

  /** All at once, through every daemon: never one over, and nobody refused while there is still enough for one. */
  async #burst({ calls, asks }: StepOf<'burst'>): Promise<void> {
    const funds = this.#funds(asks.account)
    for (const call of calls) this.#calls.set(call, { asks })
    const answers = await Promise.all(
      calls.map((call, n) => this.#stage.daemon(n).desk.authorize(this.#request(call, asks))),
    )
    await this.watch.look()
    this.#expectFloors(funds)
    for (const [n, answer] of answers.entries()) this.#heard(calls[n] ?? '', answer.kind === 'allowed')
    const denied = answers.flatMap((answer) => (answer.kind === 'denied' ? [answer.refusal.code] : []))
    this.count(`burst ${denied.length === 0 ? 'all in' : 'some refused'}`)
    const now = predictAuthorize(this.#funds(asks.account), asks)
    if (denied.length > 0 && now.kind === 'allowed')
      throw new Error(`${denied.length} of ${calls.length} were refused (${denied[0] ?? ''}) while one more is let in`)
  }

  /** Nothing was let in below a floor or beyond a limit. */
  #expectFloors(before: readonly Funds[]): void {
    for (const was of before) {
      const is = this.watch.funds(was.spec)
      const { spec } = is
      if (is.reserved > was.reserved && is.credit - is.reserved + BigInt(spec.creditLimit) < 0n)
        throw new Error(`${spec.id} has ${is.credit}, limit ${spec.creditLimit}, and ${is.reserved} put aside`)
      for (const kind of ['inbound', 'outbound', 'twoWay'] as const) {
        if (is.channels[kind] > Math.max(was.channels[kind], spec.trunks[kind]))
          throw new Error(`${spec.id} uses ${is.channels[kind]} of ${spec.trunks[kind]} ${kind} channels`)
      }
      if (is.calls > Math.max(was.calls, spec.maxCalls ?? Infinity))
        throw new Error(`${spec.id} has ${is.calls} of ${spec.maxCalls ?? 0} calls`)
      for (const [pool, left] of Object.entries(is.pools)) {
        if (left < 0) throw new Error(`${spec.id} has ${left} s in pool ${pool}`)
      }
    }
  }

  #funds(account: string): readonly Funds[] {
    return this.#stage.chainOf(account).map((spec) => this.watch.funds(spec))
  }

  #request(call: string, { account, direction, to, mode }: Asks): AuthorizeRequest {
    const leg = { node: NODE, callId: call, legId: '' }
    return { leg, instance: this.#instance, account, direction, from: '+12125550100', to, media: 'voice', mode }
  }

  #event(
    step: StepOf<'start' | 'alive' | 'failed' | 'stop'>,
    said: Omit<CallEvent, 'leg'>,
  ): Promise<Outcome<EventResult>> {
    const { account, direction, to } = this.#calls.get(step.call)?.asks ?? NOBODY
    const leg = { node: NODE, callId: step.call, legId: '' }
    const event = { ...said, leg, instance: this.#instance, account, direction, to, from: '+12125550100' }
    return this.#ask(step.daemon, step.fault, ({ desk }) => desk.event(event))
  }

  async #ask<T>(
    daemon: number,
    fault: FaultSpec | undefined,
    work: (daemon: SimDaemon) => Promise<T>,
  ): Promise<Outcome<T>> {
    const asked = this.#stage.daemon(daemon)
    asked.visits.arm(fault)
    try {
      return { known: true, answer: await work(asked) }
    } catch (error) {
      if (!(error instanceof Killed) && !(error instanceof Fault && error.retryable)) throw error
      if (!fault) throw error
      this.count(`fault ${fault.kind}`)
      return { known: false }
    } finally {
      asked.visits.arm(undefined)
    }
  }

  /** As the store has it. */
  async #recordOf(call: string): Promise<CallRecord | undefined> {
    const { store, keys } = this.#stage
    const key = legKey({ node: NODE, callId: call, legId: '' }, digest)
    const partition = await store.command((client) => client.get(keys.leg(key)))
    if (partition === null) return undefined
    const text = await store.command((client) => client.get(keys.call(Number(partition), key)))
    return text === null ? undefined : decodeCall(text)
  }
}

const MAX_LOOKS = 3_000
const NOBODY: Asks = { account: '', direction: 'outbound', to: '', mode: 'clock' }

/** "ok <call or new> <fundedBy> <seconds> <credit>", or the code. */
function answerText(answer: AuthorizeAnswer): string {
  if (answer.kind === 'conflict') return 'conflict'
  if (answer.kind === 'denied') return answer.refusal.code
  return `ok ${answer.fundedBy} ${answer.reservedSeconds} ${answer.reserved}`
}

function textOf(predicted: ReturnType<typeof predictAuthorize>): string {
  if (predicted.kind === 'denied') return predicted.code
  return `ok ${predicted.fundedBy} ${predicted.seconds} ${predicted.reserved}`
}

/** What the leg's own past answers. */
function pastAnswer(record: CallRecord, asks: Asks): string {
  const { state, content, firstAnswer: first } = record
  if (state === 'failed' || state === 'ended') return 'gone'
  const { account, direction, to, mode } = asks
  const isSame = record.account === account && record.direction === direction && record.to === to
  if (content !== '' && (!isSame || content !== `${mode} usual`)) return 'conflict'
  if (first) return `ok ${first.fundedBy} ${first.reservedSeconds} ${first.reserved}`
  const [payer] = record.levels
  const credit = payer?.hold.credit ?? 0n
  const byPool = (payer?.hold.pools.length ?? 0) > 0 || payer?.hold.unpaid === true
  const byCredit = credit > 0n ? 'credit' : 'free'
  const pooled = credit > 0n ? 'mixed' : 'pool'
  const funded = payer?.hold.trunk ? 'trunk' : byPool ? pooled : byCredit
  return `ok ${funded} ${record.grantedSeconds} ${credit}`
}

function stateAfter(told: 'start' | 'alive' | 'failed', before: CallRecord | undefined): string | undefined {
  if (!before) return undefined
  if (before.state === 'ended') return 'ended'
  if (told === 'failed') return before.connectedAtMs === undefined ? 'failed' : before.state
  if (told === 'alive' || before.state === 'ending') return before.state
  return 'answered'
}

/** The first stop wins; an earlier end of the same edge soon after shortens it, and any end corrects a presumed one. */
function secondsAfter(
  { seconds }: StepOf<'stop'>,
  at: { readonly before: CallRecord | undefined; readonly nowMs: number; readonly instance: string },
): number | undefined {
  const end = at.before?.end
  if (seconds === undefined) return undefined
  if (!end || end.presumed) return seconds
  const isSoon = at.nowMs - end.heardAtMs <= 10_000 && end.instance === at.instance
  return isSoon ? Math.min(seconds, end.seconds) : end.seconds
}
