/**
 * What must hold after every step, by what is in the store: the journal's new entries replayed give the counters, postings
 * sum to zero, what calls hold is what is reserved, no channel is used beyond its limit, and each call holds and costs what
 * the model says.
 */
import { invariant } from '../../src/base/fault.ts'
import type { CallLevel, CallRecord } from '../../src/calls/call.ts'
import { type FoundAccount, isCounter, memberSets, Replay } from '../../src/ledger/audit.ts'
import { decodeEntry, entryId, entryNumber, type JournalEntry } from '../../src/ledger/journal.ts'
import { decodeCall } from '../../src/store/call-codec.ts'
import { streamEntries } from '../../src/store/replies.ts'
import { charge, type Funds, reservation } from './model.ts'
import type { Stage } from './stage.ts'
import type { AccountSpec } from './worlds.ts'

interface Seen extends FoundAccount {
  readonly hash: Readonly<Record<string, string>>
}

export class Watch {
  readonly #stage: Stage
  readonly #replays = new Map<number, Replay>()
  readonly #seen = new Map<string, Seen>()
  readonly #records = new Map<string, CallRecord>()
  readonly #operations = new Set<string>()
  /** What was posted for each call and account, by the journal. */
  readonly #posted = new Map<string, bigint>()
  /** Entries that were replayed. */
  entries = 0

  constructor(stage: Stage) {
    this.#stage = stage
  }

  /** Reads what the step moved; throws with what is wrong. */
  async look(): Promise<void> {
    const partitions = new Set([...this.#stage.accounts.keys()].map((id) => this.#stage.partitionOf(id)))
    for (const partition of partitions) await this.#lookAt(partition)
  }

  funds(spec: AccountSpec): Funds {
    const seen = this.#seen.get(spec.id)
    const counter = (name: string): bigint => seen?.counters.get(name) ?? 0n
    const count = (set: 'live' | 'inbound' | 'outbound' | 'twoWay'): number => seen?.members[set].length ?? 0
    // Pools do not turn here, so each has one cycle, whatever its number is.
    const ofPool = (id: string, which: string): bigint => {
      const name = new RegExp(`^p:${id}:\\d+:${which}$`)
      return [...(seen?.counters ?? [])].reduce((sum, [found, value]) => (name.test(found) ? sum + value : sum), 0n)
    }
    const left = ({ id }: { readonly id: string }) => {
      return [id, Number(ofPool(id, 'g') - ofPool(id, 'r') - ofPool(id, 'u'))] as const
    }
    return {
      spec,
      rate: this.#stage.book.rateOf(spec.tariff),
      credit: counter('cp') - counter('dp'),
      reserved: counter('dr'),
      calls: count('live'),
      channels: { inbound: count('inbound'), outbound: count('outbound'), twoWay: count('twoWay') },
      pools: Object.fromEntries(spec.pools.map(left)),
    }
  }

  /** Calls whose money moved, as they were then. */
  records(): Iterable<CallRecord> {
    return this.#records.values()
  }

  async #lookAt(partition: number): Promise<void> {
    const { keys, store } = this.#stage
    const replay = this.#replays.get(partition) ?? new Replay(partition)
    this.#replays.set(partition, replay)
    const ids = [...this.#stage.accounts.keys()].filter((id) => this.#stage.partitionOf(id) === partition)
    const read = [
      keys.journal(partition),
      keys.books(partition),
      ...ids.flatMap((id) => {
        const channels = TRUNKS.map((kind) => keys.channels(partition, id, kind))
        return [keys.account(partition, id), keys.live(partition, id), ...channels]
      }),
    ]
    const results = await store.command((client) => client.eval(LOOK, read.length, ...read, entryId(replay.last + 1)))
    const [journal, books, ...accounts] = results as readonly unknown[]
    const touched = this.#replay(replay, journal)
    for (const [index, id] of ids.entries()) this.#found(id, accounts.slice(index * 5, index * 5 + 5))
    await this.#readCalls(partition, touched)
    this.#compare(replay, ids, fieldsOf(books))
    for (const legKey of touched) {
      const record = this.#records.get(legKey)
      if (record) this.#checkCall(replay, record)
    }
  }

  /** Leg keys of the calls that the new entries speak of. */
  #replay(replay: Replay, journal: unknown): ReadonlySet<string> {
    const legKeys = new Set<string>()
    for (const { id, fields } of streamEntries(journal)) {
      const entry: JournalEntry = decodeEntry(fields['e'] ?? '')
      replay.add(entryNumber(id), entry)
      this.entries += 1
      if (entry.legKey !== undefined) legKeys.add(entry.legKey)
      this.#once(entry)
      this.#post(entry)
    }
    return legKeys
  }

  /** An operation that moves money has one entry for ever. */
  #once({ operation, moves }: JournalEntry): void {
    if (operation === undefined) return
    const name = `${moves[0]?.[0] ?? ''} ${operation}`
    if (this.#operations.has(name)) throw new Error(`operation ${name} moved money twice`)
    this.#operations.add(name)
  }

  #post({ call, moves }: JournalEntry): void {
    if (call === undefined) return
    for (const [account, counter, change] of moves) {
      if (counter !== 'dp' && counter !== 'cp') continue
      const name = `${call} ${account}`
      const amount = counter === 'dp' ? BigInt(change) : BigInt(-change)
      this.#posted.set(name, (this.#posted.get(name) ?? 0n) + amount)
    }
  }

  #found(id: string, [hash, ...sets]: readonly unknown[]): void {
    const fields = fieldsOf(hash)
    const counters = new Map(
      Object.entries(fields).flatMap(([name, text]) => (isCounter(name) ? [[name, BigInt(text)] as const] : [])),
    )
    const members = Object.fromEntries(memberSets.map((set, at) => [set, sets[at]])) as unknown as Seen['members']
    this.#seen.set(id, { account: id, counters, members, hash: fields })
  }

  async #readCalls(partition: number, legKeys: ReadonlySet<string>): Promise<void> {
    if (legKeys.size === 0) return
    const names = [...legKeys]
    const { keys, store } = this.#stage
    const texts = await store.command((client) => client.mget(names.map((name) => keys.call(partition, name))))
    for (const [index, text] of texts.entries()) {
      const name = names[index] ?? ''
      if (text === null) this.#records.delete(name)
      else this.#records.set(name, decodeCall(text))
    }
  }

  #compare(replay: Replay, ids: readonly string[], books: Readonly<Record<string, string>>): void {
    let posted = Object.values(books).reduce((sum, text) => sum + BigInt(text), 0n)
    const drifts = [...replay.drifts]
    for (const id of ids) {
      const seen = this.#seen.get(id)
      invariant(seen, 'every account was read')
      drifts.push(...replay.compareAccount(seen))
      posted += (seen.counters.get('cp') ?? 0n) - (seen.counters.get('dp') ?? 0n)
    }
    drifts.push(...replay.compareBooks(new Map(Object.entries(books).map(([name, text]) => [name, BigInt(text)]))))
    if (drifts.length > 0)
      throw new Error(`the journal does not explain the store: ${JSON.stringify(drifts.slice(0, 3))}`)
    if (posted !== 0n) throw new Error(`credits and debits sum to ${posted}`)
  }

  #checkCall(replay: Replay, record: CallRecord): void {
    const drifts = replay.compareCall({ legKey: record.legKey, levels: record.levels })
    if (drifts.length > 0) throw new Error(`a call holds what the journal does not say: ${JSON.stringify(drifts)}`)
    for (const level of record.levels) this.#checkLevel(record, level)
  }

  #checkLevel(record: CallRecord, { account, hold, charge: charged, tariff }: CallLevel): void {
    const who = `${record.leg.callId} of ${account}`
    const posted = this.#posted.get(`${record.call} ${account}`) ?? 0n
    if (posted !== (charged?.micros ?? 0n))
      throw new Error(`${who} cost ${charged?.micros ?? 0n}, and ${posted} was posted`)
    if (hold.trunk || hold.pools.length > 0 || hold.unpaid || !tariff) return
    const isPriced = tariff.version > 0 && record.to.startsWith('+44')
    const rate = isPriced ? this.#stage.book.rateOf(tariff.name, tariff.version) : undefined
    if (record.state === 'ended' && charged?.pools.length === 0) {
      const wanted = rate && record.end ? charge(rate, record.end.seconds) : 0n
      if (charged.micros !== wanted) throw new Error(`${who} cost ${charged.micros}, not ${wanted}`)
    } else if (rate && !record.failOpen && (record.state === 'authorized' || record.state === 'answered')) {
      const wanted = reservation(rate, record.grantedSeconds)
      // Minutes anywhere in the chain: what was used beyond the grant is put aside before it is settled, in a step of its own.
      const mayCover = record.levels.some((level) => level.hold.pools.length > 0 || level.hold.unpaid)
      if (mayCover ? hold.credit < wanted : hold.credit !== wanted)
        throw new Error(`${who} holds ${hold.credit}, not ${wanted}`)
    }
  }
}

const TRUNKS = ['inbound', 'outbound', 'twoWay'] as const

/** All of it at one instant, and as one command: after every step a client would spend more on it than on the step. */
const LOOK = `
local read = { redis.call('XRANGE', KEYS[1], ARGV[1], '+'), redis.call('HGETALL', KEYS[2]) }
for n = 3, #KEYS do
  read[n] = redis.call((n - 3) % ${memberSets.length + 1} == 0 and 'HGETALL' or 'SMEMBERS', KEYS[n])
end
return read`

/** Of HGETALL in a script, which answers with names and values in turns. */
function fieldsOf(answer: unknown): Readonly<Record<string, string>> {
  const words = answer as readonly string[]
  const names = words.filter((_, at) => at % 2 === 0)
  return Object.fromEntries(names.map((name, at) => [name, words[2 * at + 1] ?? '']))
}
