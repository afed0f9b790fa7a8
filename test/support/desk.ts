/**
 * A whole installation for tests of calls: a ledger with its accounts and prices, daemons that share it, an edge that
 * remembers what it was asked, and a clock that stands until it is moved.
 */
import { hash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import type { AccountProfile } from '../../src/accounts/account.ts'
import type { Balance, PoolInput, ProfileInput } from '../../src/accounts/office.ts'
import type { CallRecord } from '../../src/calls/call.ts'
import { legKey } from '../../src/calls/call-id.ts'
import { CallDesk } from '../../src/calls/desk.ts'
import type { EdgeCall, EdgeControl, ListedCall } from '../../src/calls/edge-control.ts'
import type {
  CallHappening,
  CallObserver,
  CallParts,
  CallPolicy,
  Decision,
  Identification,
  IdentifyQuery,
} from '../../src/calls/parts.ts'
import type {
  AuthorizeAnswer,
  AuthorizeRequest,
  CallEvent,
  CallEventType,
  EventResult,
} from '../../src/calls/requests.ts'
import { type Drift, memberSets, Replay } from '../../src/ledger/audit.ts'
import type { JournalEntry } from '../../src/ledger/journal.ts'
import type { CallLedger } from '../../src/calls/call-ledger.ts'
import type { TariffBook } from '../../src/rating/book.ts'
import type { RateRow, Tariff, TariffHead } from '../../src/rating/tariff.ts'
import { partitionOf } from '../../src/store/keys.ts'
import { RedisCallLedger } from '../../src/store/redis-call-ledger.ts'
import type { Cdr } from '../../src/usage/cdr.ts'
import { type CallsOffice, ModelOffice } from '../ledger/model-office.ts'
import { dumpOf, expireIn, type Snapshot, snapshotOf } from '../ledger/snapshot.ts'
import { tariffOf } from '../rating/tariffs.ts'
import { type CallWords, event, request, words } from './a-call.ts'
import { FakeClock } from './clock.ts'
import { ModelLedger } from './model-ledger.ts'
import { PARTITIONS, type StoreForm, TestStore } from './offices.ts'

export interface Form {
  readonly name: string
  readonly on: 'model' | StoreForm
  /** Each request goes to the next one. */
  readonly daemons: 1 | 2
}

const model: Form = { name: 'the model', on: 'model', daemons: 1 }
const oneRedis: Form = { name: 'one Redis, two daemons in turn', on: 'redis', daemons: 2 }

/** Every form of the ledger: all must do the same. */
export const forms: readonly Form[] = [
  model,
  { name: 'the model, two daemons in turn', on: 'model', daemons: 2 },
  { name: 'one Redis', on: 'redis', daemons: 1 },
  oneRedis,
  { name: 'a cluster of three masters, two daemons in turn', on: 'cluster', daemons: 2 },
]

export const twoForms: readonly Form[] = [model, oneRedis]

export function digest(text: string): string {
  return hash('sha256', text, 'hex')
}

const POLICY: CallPolicy = {
  sliceSeconds: 60,
  extendAheadSeconds: 10,
  setupSeconds: 180,
  guardMs: 500,
  warnSeconds: 0,
  aliveWithinSeconds: 120,
  maxCallSeconds: 14_400,
  unattendedSeconds: 600,
  failedMemorySeconds: 300,
  rememberDays: 7,
  endRetrySeconds: 3,
  shortenWithinSeconds: 10,
  emergencyNumbers: ['112', '911'],
  modeOf: () => 'clock',
}

/** An edge that does as it is told, and tells what that was. */
class TestControl implements EdgeControl {
  canEnd = true
  canRaise = true
  canList = false
  /** What it answers is then an error. */
  isDead = false
  readonly ended: { readonly callId: string; readonly reason: string; readonly ref: unknown }[] = []
  readonly raised: { readonly callId: string; readonly seconds: number }[] = []
  readonly warned: { readonly callId: string; readonly secondsLeft: number }[] = []
  calls: readonly ListedCall[] = []

  async end(call: EdgeCall, reason: string): Promise<void> {
    this.ended.push({ callId: call.callId, reason, ref: call.ref })
    if (this.isDead) throw new Error('the edge does not answer')
  }

  async raise(call: EdgeCall, totalSeconds: number): Promise<void> {
    this.raised.push({ callId: call.callId, seconds: totalSeconds })
    if (this.isDead) throw new Error('the edge does not answer')
  }

  async warn(call: EdgeCall, secondsLeft: number): Promise<void> {
    this.warned.push({ callId: call.callId, secondsLeft })
    if (this.isDead) throw new Error('the edge does not answer')
  }

  async list(): Promise<readonly ListedCall[]> {
    return this.calls
  }
}

class TestObserver implements CallObserver {
  readonly decisions: Decision[] = []
  readonly happenings: CallHappening[] = []
  readonly endings: CallRecord[] = []

  decided(decision: Decision): void {
    this.decisions.push(decision)
  }

  ended(record: CallRecord): void {
    this.endings.push(record)
  }

  late(): void {
    // How late it was is told by the tests' own clock.
  }

  happened(what: CallHappening): void {
    this.happenings.push(what)
  }
}

/** Every version of every tariff, shared by all daemons; from `fromMs` on a version is in force. */
class SharedBook {
  revision = 0
  readonly versions: { readonly tariff: Tariff; readonly fromMs: number; readonly revision: number }[] = []

  add(rows: readonly RateRow[], head: Partial<TariffHead> & { readonly name: string }, fromMs = -Infinity): Tariff {
    const version = this.versions.filter(({ tariff }) => tariff.head.name === head.name).length + 1
    const tariff = tariffOf(rows, { ...head, version })
    this.versions.push({ tariff, fromMs, revision: this.revision })
    return tariff
  }
}

/** The book as one daemon read it last. */
class TestBook implements TariffBook {
  revision: number
  readonly #shared: SharedBook

  constructor(shared: SharedBook) {
    this.#shared = shared
    this.revision = shared.revision
  }

  async refresh(): Promise<void> {
    this.revision = this.#shared.revision
  }

  inForce(name: string, atMs: number): Tariff | undefined {
    const known = this.#shared.versions.filter(
      ({ tariff, revision }) => tariff.head.name === name && revision <= this.revision,
    )
    return known.findLast(({ fromMs }) => fromMs <= atMs)?.tariff
  }

  async pinned(name: string, version: number): Promise<Tariff | undefined> {
    return this.#shared.versions.find(({ tariff: { head } }) => head.name === name && head.version === version)?.tariff
  }
}

const BY_SECOND = { firstIncrement: 1, nextIncrement: 1 } as const

/** A thousand micros a second to London retail, half of that wholesale; by whole minutes in `minutes`. */
function addTariffs(book: SharedBook): void {
  const free = { prefix: '800', perMinute: '0', ...BY_SECOND }
  const blocked = { prefix: '900', perMinute: '9', blocked: true }
  book.add([{ prefix: '44', perMinute: '0.06', ...BY_SECOND }, free, blocked], { name: 'retail' })
  book.add([{ prefix: '44', perMinute: '0.03', ...BY_SECOND }, free], { name: 'wholesale' })
  book.add([{ prefix: '44', perMinute: '0.06' }], { name: 'minutes' })
}

export interface OpenAccount extends ProfileInput {
  readonly credit?: bigint
  readonly pools?: readonly PoolInput[]
}

/** The least purchase that there is: this amount is one, all others are adjustments. */
const PURCHASE = 5_000_000n

/** What an account has, in one line of figures. */
export interface Standing {
  readonly credit: bigint
  readonly reserved: bigint
  readonly calls: number
  /** Seconds left and put aside, by pool. */
  readonly pools: Readonly<Record<string, readonly [remaining: number, reserved: number]>>
  readonly channels: Readonly<Record<'inbound' | 'outbound' | 'twoWay', number>>
}

export class World {
  readonly form: Form
  policy: CallPolicy = POLICY
  control = new TestControl()
  observer = new TestObserver()
  parked: Readonly<Record<string, unknown>>[] = []
  identify: (query: IdentifyQuery) => Identification | undefined = () => undefined
  #book = new SharedBook()
  #model = new ModelLedger(digest)
  #profiles = new Map<string, AccountProfile>()
  #modelClock = new FakeClock()
  readonly #test = new TestStore()
  #desks: CallDesk[] = []
  #turn = 0
  #operations = 0

  constructor(form: Form) {
    this.form = form
  }

  get clock(): FakeClock {
    return this.form.on === 'model' ? this.#modelClock : this.#test.clock
  }

  get nowMs(): number {
    return this.clock.nowMs()
  }

  /** The store of a form that has one. */
  get test(): TestStore {
    return this.#test
  }

  async open(): Promise<void> {
    if (this.form.on !== 'model') await this.#test.open(this.form.on)
  }

  async close(): Promise<void> {
    if (this.form.on !== 'model') await this.#test.close()
  }

  /** A new installation with the usual tariffs and no accounts. */
  async begin(): Promise<void> {
    this.policy = POLICY
    this.control = new TestControl()
    this.observer = new TestObserver()
    this.parked = []
    this.identify = () => undefined
    this.#book = new SharedBook()
    addTariffs(this.#book)
    this.#model = new ModelLedger(digest)
    this.#profiles = new Map()
    this.#modelClock = new FakeClock()
    if (this.form.on !== 'model') await this.#test.empty()
    this.#desks = Array.from({ length: this.form.daemons }, () => this.daemon())
    this.#turn = 0
  }

  /** The ledger as one more daemon has it. */
  ledger(): CallLedger {
    if (this.form.on === 'model') return this.#model
    const { store, keys } = this.#test
    return new RedisCallLedger({ store, keys, digest, legTtlMs: 9 * 86_400_000 })
  }

  office(): CallsOffice {
    if (this.form.on !== 'model') return this.#test.office()
    return new ModelOffice({
      ledger: this.#model,
      clock: this.#modelClock,
      partitions: PARTITIONS,
      profiles: this.#profiles,
    })
  }

  parts(changes: Partial<CallParts> = {}): CallParts {
    return {
      ledger: this.ledger(),
      accounts: this.office(),
      tariffs: new TestBook(this.#book),
      policy: () => this.policy,
      identify: (query) => this.identify(query),
      controlOf: () => this.control,
      observer: this.observer,
      parking: {
        park: async (parked, why) => {
          this.parked.push({ ...parked, why })
        },
      },
      clock: this.clock,
      digest,
      partitions: PARTITIONS,
      partitionOf: (text) => partitionOf(text, PARTITIONS),
      ...changes,
    }
  }

  /** One more daemon, which remembers nothing. */
  daemon(changes: Partial<CallParts> = {}): CallDesk {
    return new CallDesk(this.parts(changes))
  }

  /** The daemon whose turn it is. */
  get desk(): CallDesk {
    const desk = this.#desks[this.#turn % this.#desks.length]
    this.#turn += 1
    if (!desk) throw new Error('no daemon')
    return desk
  }

  /** A version of a tariff, in force from an instant or always; every daemon must read the book again. */
  async activate(
    rows: readonly RateRow[],
    head: Partial<TariffHead> & { readonly name: string },
    fromMs?: number,
  ): Promise<void> {
    this.#book.revision += 1
    this.#book.add(rows, head, fromMs)
    this.#model.tariffRevision = this.#book.revision
    if (this.form.on === 'model') return
    const { store, keys } = this.#test
    for (let p = 0; p < PARTITIONS; p += 1) {
      await store.command((client) => client.hset(keys.head(p), 't', this.#book.revision))
    }
  }

  async account(id: string, { credit, pools = [], ...input }: OpenAccount = {}): Promise<void> {
    const office = this.office()
    await office.put(id, { tariff: 'retail', ...input })
    if (credit !== undefined && credit !== 0n) await this.credit(id, credit)
    for (const pool of pools) await office.addPool(id, { id: pool.name, ...pool })
  }

  async credit(account: string, amount: bigint): Promise<void> {
    this.#operations += 1
    const kind = amount === PURCHASE ? 'purchase' : 'adjustment'
    const money = { account, operation: `op-${this.#operations}`, kind } as const
    const office = this.office()
    const posted =
      amount < 0n ? await office.debit({ ...money, amount: -amount }) : await office.credit({ ...money, amount })
    if (posted.kind !== 'posted') throw new Error(posted.detail)
  }

  async balance(account: string): Promise<Balance> {
    const balance = await this.office().balance(account)
    if (!balance) throw new Error(`no account ${account}`)
    return balance
  }

  async standing(account: string): Promise<Standing> {
    const { credit, reserved, calls, pools, trunks } = await this.balance(account)
    const { inbound, outbound, twoWay } = trunks
    return {
      credit,
      reserved,
      calls,
      pools: Object.fromEntries(
        pools.map(({ pool, remaining, reserved: held }) => [pool.id, [remaining, held] as const]),
      ),
      channels: { inbound: inbound.used, outbound: outbound.used, twoWay: twoWay.used },
    }
  }

  call(callId: string, changes: Partial<CallWords> = {}): ACall {
    return new ACall(this, words(callId, changes))
  }

  async record(said: CallWords): Promise<CallRecord | undefined> {
    const ledger = this.ledger()
    const ref = await ledger.findLeg(said.leg)
    return ref && ledger.readCall(ref)
  }

  async snapshot(): Promise<Snapshot> {
    return this.form.on === 'model' ? this.#model.snapshot() : snapshotOf(this.#test.store)
  }

  /** All there is but the claims of legs, to the byte where there are bytes. */
  async dump(): Promise<unknown> {
    if (this.form.on !== 'model') return dumpOf(this.#test.store)
    const { legs: _legs, ...rest } = this.#model.snapshot()
    return rest
  }

  /** Every CDR of an account that was written, in order; all accounts' when none is named. */
  async cdrs(account?: string): Promise<readonly Cdr[]> {
    const { partitions } = await this.snapshot()
    const all = Object.values(partitions).flatMap(({ cdrs }) => cdrs.map(({ cdr }) => cdr as Cdr))
    return all.filter((cdr) => account === undefined || cdr.account === account)
  }

  async entries(): Promise<readonly JournalEntry[]> {
    const { partitions } = await this.snapshot()
    return Object.values(partitions).flatMap(({ journal }) => journal.map(({ entry }) => entry as JournalEntry))
  }

  /** The clock of one daemon looks at what is due now. */
  tick(): Promise<number> {
    return this.desk.clockwork.tick()
  }

  /** Lets so many seconds pass: whenever something is due, the clock of the next daemon looks at it. */
  async play(seconds: number): Promise<void> {
    const untilMs = this.nowMs + seconds * 1000
    for (let looks = 0; looks < 5_000; looks += 1) {
      const dueMs = await this.#nextDueMs()
      if (dueMs === undefined || dueMs > untilMs) {
        this.clock.set(untilMs)
        return
      }
      this.clock.set(Math.max(dueMs, this.nowMs))
      await this.tick()
    }
    throw new Error('calls are due again and again')
  }

  /** Time passes without a daemon, and what is kept for a while is forgotten. */
  async elapse(seconds: number): Promise<void> {
    this.clock.advance(seconds * 1000)
    if (this.form.on === 'model') this.#model.expire(seconds * 1000)
    else await expireIn(this.#test.store, seconds * 1000)
  }

  async #nextDueMs(): Promise<number | undefined> {
    if (this.form.on === 'model') return this.#model.nextDueMs()
    const { store, keys } = this.#test
    const firsts = await Promise.all(
      Array.from({ length: PARTITIONS }, (_none, p) =>
        store.command((client) => client.zrange(keys.due(p), 0, '0', 'WITHSCORES')),
      ),
    )
    const scores = firsts.flatMap(([, score]) => (score === undefined ? [] : [Number(score)]))
    return scores.length === 0 ? undefined : Math.min(...scores)
  }

  /** Time passes until no call is up. */
  async settleDown(): Promise<void> {
    for (let looks = 0; looks < 2_000; looks += 1) {
      const dueMs = await this.#nextDueMs()
      if (dueMs === undefined) return
      this.clock.set(Math.max(dueMs, this.nowMs))
      await this.tick()
    }
    throw new Error('calls do not end')
  }
}

/** One leg, and the edge that speaks of it. */
export class ACall {
  readonly world: World
  readonly said: CallWords
  answeredAtMs: number | undefined

  constructor(world: World, said: CallWords) {
    this.world = world
    this.said = said
  }

  authorize(changes: Partial<AuthorizeRequest> = {}, desk = this.world.desk): Promise<AuthorizeAnswer> {
    return desk.authorize(request(this.said, changes))
  }

  /** Answered now, unless the changes say otherwise. */
  start(changes: Partial<CallEvent> = {}, desk = this.world.desk): Promise<EventResult> {
    this.answeredAtMs = changes.answeredAtMs ?? this.world.nowMs
    return this.tell('start', { answeredAtMs: this.answeredAtMs, ...changes }, desk)
  }

  /** Over now, unless the changes say otherwise. */
  stop(changes: Partial<CallEvent> = {}, desk = this.world.desk): Promise<EventResult> {
    const answered = this.answeredAtMs === undefined ? {} : { answeredAtMs: this.answeredAtMs }
    return this.tell('stop', { ...answered, endedAtMs: this.world.nowMs, cause: 'caller_bye', ...changes }, desk)
  }

  tell(type: CallEventType, changes: Partial<CallEvent> = {}, desk = this.world.desk): Promise<EventResult> {
    return desk.event(event(type, this.said, { tsMs: this.world.nowMs, ...changes }))
  }

  /** Lets it talk on for so many seconds, with a sign of life every minute. */
  async talk(seconds: number): Promise<void> {
    for (let left = seconds; left > 0; left -= 60) {
      await this.world.play(Math.min(left, 60))
      if (left > 60) await this.tell('alive')
    }
  }

  record(): Promise<CallRecord | undefined> {
    return this.world.record(this.said)
  }

  get legKey(): string {
    return legKey(this.said.leg, digest)
  }
}

/** The journal of a ledger without a store, replayed against it. */
function driftsOf(snapshot: Snapshot): readonly Drift[] {
  return Object.entries(snapshot.partitions).flatMap(([partition, { checkpoint = {}, journal, books }]) => {
    const { n = '0', ...sums } = checkpoint
    const replay = new Replay(Number(partition), { number: Number(n), sums: bigints(sums) })
    for (const { entry } of journal) replay.add(replay.last + 1, entry as JournalEntry)
    const drifts = [...replay.drifts]
    for (const account of replay.accounts) {
      const found = snapshot.accounts[account]
      if (!found) throw new Error(`no account ${account}`)
      const counters = bigints(found.counters)
      const members = Object.fromEntries(memberSets.map((set) => [set, found[set]])) as Record<
        (typeof memberSets)[number],
        string[]
      >
      drifts.push(...replay.compareAccount({ account, counters, members }))
    }
    for (const legKey of replay.calls) {
      drifts.push(...replay.compareCall({ legKey, levels: snapshot.calls[`${partition}:${legKey}`]?.levels ?? [] }))
    }
    return [...drifts, ...replay.compareBooks(bigints(books))]
  })
}

function bigints(texts: Readonly<Record<string, string>>): ReadonlyMap<string, bigint> {
  return new Map(Object.entries(texts).map(([name, text]) => [name, BigInt(text)]))
}

/** What must hold whatever happened; calls may still be up. */
export function expectSoundBooks(snapshot: Snapshot): void {
  expect(driftsOf(snapshot)).toEqual([])
  const { accounts, partitions, calls } = snapshot
  const held = new Map<string, bigint>()
  const put = (name: string, amount: bigint) => held.set(name, (held.get(name) ?? 0n) + amount)
  for (const { levels } of Object.values(calls)) {
    for (const { account, hold } of levels) {
      put(`${account} dr`, hold.credit)
      for (const part of hold.pools) put(`${account} p:${part.pool}:${part.cycle}:r`, BigInt(part.seconds))
    }
  }
  const onBooks = Object.values(partitions).flatMap(({ books }) => Object.values(books))
  let posted = onBooks.reduce((sum, text) => sum + BigInt(text), 0n)
  for (const [id, { counters }] of Object.entries(accounts)) {
    posted += BigInt(counters['cp'] ?? 0) - BigInt(counters['dp'] ?? 0)
    for (const [counter, text] of Object.entries(counters)) {
      if (!isHeld(counter)) continue
      const name = `${id} ${counter}`
      expect({ [name]: BigInt(text) }).toEqual({ [name]: held.get(name) ?? 0n })
    }
  }
  expect(posted).toBe(0n)
}

function isHeld(counter: string): boolean {
  return counter === 'dr' || counter.endsWith(':r')
}

/** Nothing is held, nobody is counted, and every call that ended has one CDR for each level. */
export function expectNothingHeld({ accounts, partitions, calls }: Snapshot): void {
  for (const [id, account] of Object.entries(accounts)) {
    const held = Object.keys(account.counters).filter(isHeld)
    const { live, inbound, outbound, twoWay } = account
    const nothing = { id, held: [], live: [], inbound: [], outbound: [], twoWay: [] }
    expect({ id, held, live, inbound, outbound, twoWay }).toEqual(nothing)
  }
  const cdrs = Object.values(partitions).flatMap((partition) => partition.cdrs.map(({ cdr }) => cdr as Cdr))
  for (const record of Object.values(calls)) {
    expect(['ended', 'failed']).toContain(record.state)
    const own = cdrs.filter(({ call }) => call === record.call)
    const levels = record.state === 'ended' ? record.levels.length : 0
    expect(own.filter(({ revision }) => revision === record.corrections)).toHaveLength(levels)
    expect(new Set(own.map(({ revision, level }) => `${revision} ${level}`)).size).toBe(own.length)
  }
}

/** An installation for the tests of the block: after each of them the books are sound and, in the end, nothing is held. */
export function useWorld(form: Form): World {
  const world = new World(form)
  beforeAll(() => world.open())
  afterAll(() => world.close())
  beforeEach(() => world.begin())
  afterEach(async () => {
    const snapshot = await world.snapshot()
    expectSoundBooks(snapshot)
    const isLive = Object.values(snapshot.partitions).some(({ due }) => Object.keys(due).length > 0)
    if (isLive) await world.settleDown()
    const end = isLive ? await world.snapshot() : snapshot
    expectSoundBooks(end)
    expectNothingHeld(end)
  })
  return world
}
