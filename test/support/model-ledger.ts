/**
 * The calls' side of the ledger as plain maps: what the port says (src/ledger/ledger.ts), one step at a time, without a
 * store. Tests hold the store's forms against it.
 */
import type { CallRecord, CallRef, Leg } from '../../src/calls/call.ts'
import { type Digest, legKey } from '../../src/calls/call-id.ts'
import { entryOfReservation, entryOfSettlement } from '../../src/calls/entries.ts'
import type { Share } from '../../src/accounts/thresholds.ts'
import type { Thresholds } from '../../src/accounts/watched.ts'
import type { LevelFigures, PoolMove } from '../../src/ledger/figures.ts'
import type { Counter, JournalEntry, MemberSet } from '../../src/ledger/journal.ts'
import type {
  CallLedger,
  CapReached,
  FiguresAnswer,
  FiguresRequest,
  LevelReservation,
  LevelSettlement,
  Mark,
  MarkAnswer,
  Reservation,
  ReserveAnswer,
  SettleAnswer,
  Settlement,
} from '../../src/calls/call-ledger.ts'
import { emptyAccount, type Snapshot, type SnapshotAccount } from '../ledger/snapshot.ts'

interface Spent {
  period: string
  micros: bigint
}

interface Account {
  version: number
  readonly counters: Map<string, bigint>
  readonly members: Record<MemberSet, Set<string>>
  readonly spent: { day: Spent; month: Spent }
  /** What was told: the lowest threshold or that there was one, and how often in all. */
  readonly told: {
    readonly low: { lowest?: bigint | undefined; times: number }
    readonly recharge: { standing: boolean; times: number }
    readonly pools: Map<string, { readonly cycle: number; readonly lowest: bigint }>
    readonly caps: { day: string; month: string }
  }
  purchased: bigint | undefined
  readonly transactions: string[]
  readonly cdrOrder: string[]
  readonly cdrs: Map<string, string>
}

interface Partition {
  readonly journal: { readonly entry: JournalEntry; readonly balances: string }[]
  readonly books: Map<string, bigint>
  readonly due: Map<string, number>
  readonly cdrs: { readonly id: string; readonly cdr: unknown }[]
  readonly outbox: Record<string, string>[]
}

/** What an office did to one account: the entry moves its counters, the rest tells whether a threshold was crossed. */
export interface OfficeChange {
  readonly partition: number
  readonly account: string
  readonly currency: string
  readonly creditLimit: bigint
  readonly thresholds: Thresholds
  readonly nowMs: number
  readonly version?: number
  /** Micros that were bought. */
  readonly purchase?: bigint | undefined
  readonly entry?: JournalEntry | undefined
  /** Told to the outbox beside what the thresholds tell. */
  readonly event?: Readonly<Record<string, string>>
}

/** One level of a plan, as far as thresholds go. */
type Told = Pick<OfficeChange, 'account' | 'currency' | 'creditLimit' | 'thresholds' | 'nowMs' | 'partition'>

function clone<T>(value: T): T {
  return structuredClone(value)
}

function place({ partition, legKey: key }: CallRef): string {
  return `${partition}:${key}`
}

function usedAndHeld(move: PoolMove): number {
  return move.reserved + move.used
}

export class ModelLedger implements CallLedger {
  /** Of the book that prices are taken from. */
  tariffRevision = 0
  readonly #digest: Digest
  readonly #accounts = new Map<string, Account>()
  readonly #partitions = new Map<number, Partition>()
  readonly #calls = new Map<string, CallRecord>()
  readonly #legs = new Map<string, number>()
  /** How long what is not kept for ever is still kept. */
  readonly #keptMs = new Map<string, number>()

  constructor(digest: Digest) {
    this.#digest = digest
  }

  // The port.

  async readCall(ref: CallRef): Promise<CallRecord | undefined> {
    return clone(this.#calls.get(place(ref)))
  }

  async findLeg(leg: Leg): Promise<CallRef | undefined> {
    const key = legKey(leg, this.#digest)
    const partition = this.#legs.get(key)
    return partition === undefined ? undefined : { partition, legKey: key }
  }

  async reserve(reservation: Reservation): Promise<ReserveAnswer> {
    const { record, levels } = reservation
    const past = this.#meetPast(reservation)
    if (past) return past
    if (reservation.tariffRevision !== this.tariffRevision) return { kind: 'stale_tariffs' }
    const stale = levels.find((level) => this.#of(level.account).version !== level.profileVersion)
    if (stale) return { kind: 'stale_profile', account: stale.account }
    const figures = levels.map((level) => this.#figures(level))
    if (reservation.lookOnly || !levels.every((level) => this.#reservable(level, reservation.forced === true))) {
      return { kind: 'unfit', figures }
    }
    for (const level of levels) {
      const account = this.#of(level.account)
      move(account.counters, 'dr', level.credit)
      movePools(account.counters, level.pools)
      if (level.joins) account.members.live.add(record.legKey)
      if (level.takesTrunk) account.members[level.takesTrunk].add(record.legKey)
      const told = { ...level, nowMs: reservation.nowMs, partition: record.partition }
      if (level.credit !== 0n) this.#tell(told)
      this.#tellPools(told, level.pools)
    }
    this.#append(record.partition, entryOfReservation(reservation), '')
    this.#keep(record)
    this.#part(record.partition).due.set(record.legKey, reservation.dueAtMs)
    return { kind: 'reserved', figures }
  }

  async figures({ levels, tariffRevision }: FiguresRequest): Promise<FiguresAnswer> {
    if (tariffRevision !== this.tariffRevision) return { kind: 'stale_tariffs' }
    const stale = levels.find((level) => this.#of(level.account).version !== level.profileVersion)
    if (stale) return { kind: 'stale_profile', account: stale.account }
    return { kind: 'figures', figures: levels.map((level) => this.#figures(level)) }
  }

  async settle(settlement: Settlement): Promise<SettleAnswer> {
    const { record, levels, nowMs } = settlement
    const changed = this.#changed(record, settlement.expectedRevision)
    if (changed) return changed
    if (!levels.every((level) => this.#poolsFit(level))) {
      return { kind: 'unfit', figures: levels.map((level) => this.#figures(level)) }
    }
    const partition = this.#part(record.partition)
    const entry = entryOfSettlement(settlement)
    for (const level of levels) this.#settleLevel(level, record)
    const balances = levels.map(({ account }) => `${account}=${this.#credit(account)}`).join(' ')
    const number = this.#append(record.partition, entry, balances)
    for (const [index, level] of levels.entries()) {
      const told = { ...level, nowMs, partition: record.partition }
      this.#tellPools(told, level.pools)
      if (level.reserved !== 0n || level.debit !== 0n) this.#tell(told)
      const account = this.#of(level.account)
      if (level.debit !== 0n || level.pools.some(({ used }) => used !== 0)) account.transactions.push(number)
      if (level.cdr === undefined) continue
      const id = `${number}-${index + 1}`
      partition.cdrs.push({ id, cdr: JSON.parse(level.cdr) as unknown })
      if (record.corrections === 0) account.cdrOrder.push(id)
      else account.cdrs.set(record.call, id)
    }
    partition.due.delete(record.legKey)
    this.#keep(record, settlement.rememberMs)
    return { kind: 'settled' }
  }

  async tellCap({ partition, account, currency, period, of, cap, spent, nowMs }: CapReached): Promise<void> {
    const { caps } = this.#of(account).told
    if (caps[period] === of) return
    caps[period] = of
    const event = { type: 'spend.capped', account, currency, period, of, cap: String(cap), spent: String(spent) }
    this.#part(partition).outbox.push({ ...event, at: String(nowMs) })
  }

  async mark(mark: Mark): Promise<MarkAnswer> {
    const past = this.#meetPast(mark)
    if (past) return past
    this.#keep(mark.record, mark.rememberMs)
    if (mark.dueAtMs !== undefined) this.#part(mark.record.partition).due.set(mark.record.legKey, mark.dueAtMs)
    return { kind: 'marked' }
  }

  async claimDue(claim: {
    partition: number
    nowMs: number
    leaseMs: number
    limit: number
  }): Promise<readonly CallRef[]> {
    const { due } = this.#part(claim.partition)
    const taken = dueOrder(due)
      .filter(([, atMs]) => atMs <= claim.nowMs)
      .slice(0, claim.limit)
    for (const [key] of taken) due.set(key, claim.nowMs + claim.leaseMs)
    return taken.map(([key]) => ({ partition: claim.partition, legKey: key }))
  }

  async liveCalls(partition: number, offset: number, limit: number): Promise<readonly CallRecord[]> {
    return dueOrder(this.#part(partition).due)
      .slice(offset, offset + limit)
      .flatMap(([key]) => clone(this.#calls.get(place({ partition, legKey: key }))) ?? [])
  }

  // What offices and tests do.

  change(change: OfficeChange): string {
    const account = this.#of(change.account)
    if (change.version !== undefined) account.version = change.version
    const { entry } = change
    for (const [id, counter, amount] of entry?.moves ?? []) move(this.#of(id).counters, counter, BigInt(amount))
    for (const [book, amount] of entry?.books ?? []) move(this.#part(change.partition).books, book, BigInt(amount))
    const number = this.#append(change.partition, entry, `${change.account}=${this.#credit(change.account)}`)
    if (entry) account.transactions.push(number)
    this.#rearmPools(change)
    if (change.purchase !== undefined) account.purchased = change.purchase
    this.#rearm(change)
    this.#tell(change)
    const { event, nowMs } = change
    if (event) this.#part(change.partition).outbox.push({ ...event, account: change.account, at: String(nowMs) })
    return number
  }

  counter(account: string, counter: Counter): bigint {
    return this.#of(account).counters.get(counter) ?? 0n
  }

  members(account: string, set: MemberSet): ReadonlySet<string> {
    return this.#of(account).members[set]
  }

  /** Lets so much time pass for what is kept only for a while. */
  expire(ms: number): void {
    for (const [name, leftMs] of this.#keptMs) {
      if (leftMs > ms) this.#keptMs.set(name, leftMs - ms)
      else {
        this.#keptMs.delete(name)
        this.#calls.delete(name)
      }
    }
  }

  nextDueMs(): number | undefined {
    const all = [...this.#partitions.values()].flatMap(({ due }) => [...due.values()])
    return all.length === 0 ? undefined : Math.min(...all)
  }

  snapshot(): Snapshot {
    const accounts = [...this.#accounts].map(([id, account]) => [id, snapshotOf(account)] as const)
    const partitions = [...this.#partitions].map(([partition, { journal, books, due, cdrs, outbox }]) => {
      const entries = journal.map(({ entry, balances }) => ({ entry, balances }))
      const part = { journal: entries, books: texts(books), due: Object.fromEntries(due), cdrs, outbox }
      return [String(partition), part] as const
    })
    return {
      accounts: Object.fromEntries(accounts),
      partitions: Object.fromEntries(partitions),
      calls: Object.fromEntries([...this.#calls].map(([name, record]) => [name, clone(record)])),
      legs: Object.fromEntries([...this.#legs].map(([key, partition]) => [key, String(partition)])),
    }
  }

  // How it is done.

  #of(id: string): Account {
    const known = this.#accounts.get(id)
    if (known) return known
    const made: Account = {
      version: 0,
      counters: new Map(),
      members: { live: new Set(), inbound: new Set(), outbound: new Set(), twoWay: new Set() },
      spent: { day: { period: '', micros: 0n }, month: { period: '', micros: 0n } },
      told: {
        low: { times: 0 },
        recharge: { standing: false, times: 0 },
        pools: new Map(),
        caps: { day: '', month: '' },
      },
      purchased: undefined,
      transactions: [],
      cdrOrder: [],
      cdrs: new Map(),
    }
    this.#accounts.set(id, made)
    return made
  }

  #part(id: number): Partition {
    const known = this.#partitions.get(id)
    if (known) return known
    const made: Partition = { journal: [], books: new Map(), due: new Map(), cdrs: [], outbox: [] }
    this.#partitions.set(id, made)
    return made
  }

  /** The leg has a record in another partition, or the record is not the one that was read. */
  #meetPast(write: Reservation | Mark) {
    const { record, expectedRevision } = write
    if (expectedRevision > 0) return this.#changed(record, expectedRevision)
    const claimed = this.#legs.get(record.legKey)
    const ref = { partition: claimed ?? record.partition, legKey: record.legKey }
    const legBefore = 'legBefore' in write ? write.legBefore : undefined
    const isVoid = ref.partition === legBefore || !this.#calls.has(place(ref))
    const isHere = ref.partition === record.partition || isVoid
    return isHere ? this.#changed(record, expectedRevision) : ({ kind: 'leg_elsewhere', ref } as const)
  }

  #changed(ref: CallRef, expectedRevision: number) {
    const found = this.#calls.get(place(ref))
    if ((found?.revision ?? 0) === expectedRevision) return undefined
    return { kind: 'changed', record: clone(found) } as const
  }

  #keep(record: CallRecord, forMs?: number): void {
    this.#calls.set(place(record), clone(record))
    if (forMs === undefined) this.#keptMs.delete(place(record))
    else this.#keptMs.set(place(record), forMs)
    if (record.revision === 1) this.#legs.set(record.legKey, record.partition)
  }

  #credit(account: string): bigint {
    return this.counter(account, 'cp') - this.counter(account, 'dp')
  }

  #left(account: string, pool: PoolMove): number {
    const count = (which: 'g' | 'r' | 'u') => Number(this.counter(account, `p:${pool.pool}:${pool.cycle}:${which}`))
    return count('g') - count('r') - count('u')
  }

  #spent(account: string, period: { readonly day: string; readonly month: string } | undefined) {
    const { day, month } = this.#of(account).spent
    return {
      day: period && day.period === period.day ? day.micros : 0n,
      month: period && month.period === period.month ? month.micros : 0n,
    }
  }

  #figures(level: LevelReservation | LevelSettlement): LevelFigures {
    const { members } = this.#of(level.account)
    const spent = this.#spent(level.account, level.spend)
    return {
      credit: this.#credit(level.account),
      reserved: this.counter(level.account, 'dr'),
      calls: members.live.size,
      ownUsed: members[level.ownKind].size,
      twoWayUsed: members.twoWay.size,
      spentToday: spent.day,
      spentThisMonth: spent.month,
      pools: Object.fromEntries(level.pools.map((pool) => [pool.pool, this.#left(level.account, pool)])),
    }
  }

  #reservable(level: LevelReservation, forced: boolean): boolean {
    const full = level.callLimit !== undefined && this.#of(level.account).members.live.size >= level.callLimit
    if (level.joins && full && !forced) return false
    return this.#trunkFits(level) && this.#creditFits(level, forced) && this.#poolsFit(level)
  }

  #trunkFits({ account, trunkLimits, ownKind, takesTrunk }: LevelReservation): boolean {
    if (!trunkLimits) return true
    const { members } = this.#of(account)
    const free = members[ownKind].size < trunkLimits.own ? ownKind : undefined
    const twoWay = members.twoWay.size < trunkLimits.twoWay ? ('twoWay' as const) : undefined
    return takesTrunk === (free ?? twoWay)
  }

  #creditFits(level: LevelReservation, forced: boolean): boolean {
    const reserved = this.counter(level.account, 'dr')
    const available = this.#credit(level.account) - reserved + level.creditLimit
    if (level.exactlyAvailable !== undefined && level.exactlyAvailable !== available) return false
    if (forced || level.credit <= 0n) return true
    const spent = this.#spent(level.account, level.spend)
    const promised = reserved + level.credit
    const overDay = level.spend?.dayCap !== undefined && spent.day + promised > level.spend.dayCap
    const overMonth = level.spend?.monthCap !== undefined && spent.month + promised > level.spend.monthCap
    return level.credit <= available && !overDay && !overMonth
  }

  #poolsFit({ account, pools }: LevelReservation | LevelSettlement): boolean {
    return pools.every((pool) => {
      const left = this.#left(account, pool)
      if (pool.exactly !== undefined && pool.exactly !== left) return false
      return usedAndHeld(pool) <= Math.max(left, 0)
    })
  }

  #settleLevel(level: LevelSettlement, record: CallRecord): void {
    const account = this.#of(level.account)
    move(account.counters, 'dr', level.reserved)
    if (level.debit > 0n) move(account.counters, 'dp', level.debit)
    else move(account.counters, 'cp', -level.debit)
    move(this.#part(record.partition).books, `${level.currency}:revenue`, level.debit)
    movePools(account.counters, level.pools)
    if (level.debit !== 0n) {
      const spent = this.#spent(level.account, level.spend)
      const atLeastNothing = (micros: bigint) => (micros > 0n ? micros : 0n)
      account.spent.day = { period: level.spend.day, micros: atLeastNothing(spent.day + level.debit) }
      account.spent.month = { period: level.spend.month, micros: atLeastNothing(spent.month + level.debit) }
    }
    if (level.leaves) account.members.live.delete(record.legKey)
    if (level.frees) account.members[level.frees].delete(record.legKey)
  }

  #append(partition: number, entry: JournalEntry | undefined, balances: string): string {
    if (!entry) return ''
    const { journal } = this.#part(partition)
    journal.push({ entry: clone(entry), balances })
    return String(journal.length)
  }

  #available({ account, creditLimit }: Told): bigint {
    return this.#credit(account) - this.counter(account, 'dr') + creditLimit
  }

  #tell(told: Told): void {
    const available = this.#available(told)
    const { low, recharge } = this.#of(told.account).told
    const at = this.#balanceThresholds(told)
    const crossed = lowestBelow(at, available, low.lowest)
    if (crossed !== undefined) {
      low.lowest = crossed
      low.times += 1
      const threshold = crossed === NOTHING_LEFT ? {} : { threshold: String(crossed) }
      this.#say(told, crossed === NOTHING_LEFT ? 'balance.exhausted' : 'balance.low', {
        arming: low.times,
        ...threshold,
      })
    }
    if (recharge.standing || available >= (told.thresholds.recharge ?? available)) return
    recharge.standing = true
    recharge.times += 1
    this.#say(told, 'recharge.due', { arming: recharge.times })
  }

  #say(told: Told, type: string, more: { readonly arming: number; readonly threshold?: string }): void {
    this.#part(told.partition).outbox.push({
      type,
      account: told.account,
      currency: told.currency,
      available: String(this.#available(told)),
      at: String(told.nowMs),
      ...more,
      arming: String(more.arming),
    })
  }

  /** Micros, and that nothing is left; empty where the balance is not watched. */
  #balanceThresholds({ account, thresholds }: Told): readonly bigint[] {
    const { lowBalance } = thresholds
    if (!lowBalance) return []
    const { purchased } = this.#of(account)
    return [NOTHING_LEFT, ...lowBalance.at.flatMap((threshold) => thresholdOf(threshold, purchased))]
  }

  #rearm(told: Told): void {
    const available = this.#available(told)
    const { low, recharge } = this.#of(told.account).told
    if (available >= (told.thresholds.recharge ?? available)) recharge.standing = false
    const before = low.lowest
    if (before === undefined) return
    const { hysteresis = 0n } = told.thresholds.lowBalance ?? {}
    const standing = this.#balanceThresholds(told).filter((at) => at >= before && available < at + hysteresis)
    low.lowest = standing.toSorted(ascending)[0]
    if (low.lowest === undefined && told.thresholds.lowBalance)
      this.#say(told, 'balance.recovered', { arming: low.times })
  }

  #tellPools(told: Told, moves: readonly PoolMove[]): void {
    const standing = this.#of(told.account).told.pools
    for (const move of moves) {
      const { pool, cycle } = move
      const watched = told.thresholds.pools[pool]
      const before = standing.get(pool)
      const isOver = before !== undefined && before.cycle > cycle
      if (watched?.cycle !== cycle || isOver || (move.reserved === 0 && move.used === 0)) continue
      const granted = this.counter(told.account, `p:${pool}:${cycle}:g`)
      const left = this.#left(told.account, move)
      const at = [NOTHING_LEFT, ...watched.at.flatMap((threshold) => thresholdOf(threshold, granted))]
      const crossed = lowestBelow(at, BigInt(left), before?.cycle === cycle ? before.lowest : undefined)
      if (crossed === undefined) continue
      standing.set(pool, { cycle, lowest: crossed })
      this.#part(told.partition).outbox.push({
        type: crossed === NOTHING_LEFT ? 'minutes.exhausted' : 'minutes.low',
        account: told.account,
        pool,
        cycle: String(cycle),
        remaining: String(left),
        total: String(granted),
        at: String(told.nowMs),
        ...(crossed === NOTHING_LEFT ? {} : { threshold: String(crossed) }),
      })
    }
  }

  #rearmPools({ account, entry }: OfficeChange): void {
    const { pools } = this.#of(account).told
    for (const [, counter, seconds] of entry?.moves ?? []) {
      const [, pool = '', cycle] = /^p:(.+):(\d+):g$/.exec(counter) ?? []
      if (seconds > 0 && pools.get(pool)?.cycle === Number(cycle)) pools.delete(pool)
    }
  }
}

/** Nothing is left below one micro or second. */
const NOTHING_LEFT = 1n

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : 1
}

/** A share of nothing is no threshold, and nothing is left before it is below zero. */
function thresholdOf(threshold: bigint | number | Share, basis: bigint | undefined): readonly bigint[] {
  const share = typeof threshold === 'string' ? BigInt(threshold.slice(0, -1)) : undefined
  const at = share === undefined ? BigInt(threshold) : basis && (basis * share) / 100n
  return at === undefined || at === 0n ? [] : [at]
}

/** The lowest threshold that `left` is below and that is lower than the lowest told. */
function lowestBelow(at: readonly bigint[], left: bigint, told: bigint | undefined): bigint | undefined {
  return at.filter((threshold) => left < threshold && (told === undefined || threshold < told)).toSorted(ascending)[0]
}

function dueOrder(due: ReadonlyMap<string, number>): readonly (readonly [string, number])[] {
  return [...due].toSorted(([a, atA], [b, atB]) => atA - atB || (a < b ? -1 : 1))
}

function move(counters: Map<string, bigint>, counter: string, change: bigint): void {
  if (change !== 0n) counters.set(counter, (counters.get(counter) ?? 0n) + change)
}

function movePools(counters: Map<string, bigint>, pools: readonly PoolMove[]): void {
  for (const { pool, cycle, reserved, used } of pools) {
    move(counters, `p:${pool}:${cycle}:r`, BigInt(reserved))
    move(counters, `p:${pool}:${cycle}:u`, BigInt(used))
  }
}

function texts(counters: ReadonlyMap<string, bigint>): Record<string, string> {
  const kept = [...counters].filter(([, value]) => value !== 0n)
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]))
}

function snapshotOf(account: Account): SnapshotAccount {
  const { low, recharge, pools, caps } = account.told
  const { day, month } = account.spent
  return {
    ...emptyAccount(),
    version: String(account.version),
    counters: texts(account.counters),
    live: [...account.members.live].toSorted(),
    inbound: [...account.members.inbound].toSorted(),
    outbound: [...account.members.outbound].toSorted(),
    twoWay: [...account.members.twoWay].toSorted(),
    spent: day.period === '' ? {} : { [day.period]: String(day.micros), [month.period]: String(month.micros) },
    told: {
      low: `${low.lowest ?? ''} ${low.times}`,
      recharge: `${recharge.standing ? 'due' : ''} ${recharge.times}`,
      caps: `${caps.day} ${caps.month}`,
      ...Object.fromEntries([...pools].map(([pool, { cycle, lowest }]) => [`t:${pool}`, `${cycle} ${lowest}`])),
    },
    purchased: String(account.purchased ?? ''),
    transactions: [...account.transactions],
    cdrOrder: [...account.cdrOrder],
    cdrs: Object.fromEntries(account.cdrs),
  }
}
