/** The journal of a store that is built anew: what is of the hot window as it was, and a checkpoint for what is older. */
import { Fault, invariant } from '../base/fault.ts'
import type { Clock } from '../base/time.ts'
import { Replay } from '../ledger/audit.ts'
import { decodeEntry, encodeEntry, entryId, type JournalEntry } from '../ledger/journal.ts'
import { postedTo } from '../ledger/posting.ts'
import type { LedgerCopy, StoredEntry } from '../ledger/streams.ts'
import type { Keys } from './keys.ts'
import type { RebuildWriter } from './rebuild-writer.ts'
import { CHECKPOINT_NUMBER } from './redis-checkpoint.ts'

export interface JournalToRebuild {
  readonly keys: Keys
  readonly clock: Clock
  readonly copy: LedgerCopy
  readonly writer: RebuildWriter
  readonly partition: number
  /** Entries up to this one are left out. */
  readonly last: number
  /** Told of every entry, also of those that are left out. */
  readonly told: (entry: JournalEntry) => void
}

export interface RebuiltJournal {
  /** Of all entries. */
  readonly replay: Replay
  /** How many there are without those that release. */
  readonly entries: number
  /** Calls that were up. */
  readonly released: number
}

interface DecodedEntry {
  readonly stored: StoredEntry
  readonly entry: JournalEntry
}

export class JournalRebuild {
  readonly #order: JournalToRebuild

  constructor(order: JournalToRebuild) {
    this.#order = order
  }

  async run(): Promise<RebuiltJournal> {
    const { clock, copy, partition } = this.#order
    const replay = new Replay(partition, await copy.checkpoint(partition))
    await this.#entries(replay)
    const [drift] = replay.drifts
    if (drift) {
      const what = `${drift.counter} ${drift.journal}`
      throw new Fault('archive_unfit', `the archived journal of partition ${partition} is not whole: ${what}`)
    }
    const entries = replay.last
    const released = replay.releases(clock.nowMs(), 'the store was built anew from its archive').map((entry, index) => {
      return { stored: { number: entries + index + 1, entry: encodeEntry(entry), balances: '' }, entry }
    })
    await this.#append(released)
    for (const { stored, entry } of released) replay.add(stored.number, entry)
    return { replay, entries, released: released.length }
  }

  async #entries(replay: Replay): Promise<void> {
    const { copy, partition, last, told } = this.#order
    const leftOut = new Map<string, number>()
    for await (const page of copy.entries(partition)) {
      const entries = page.map((stored) => ({ stored, entry: decodeEntry(stored.entry) }))
      for (const { stored, entry } of entries) {
        // What was replayed by then is all that is left out.
        if (stored.number === last + 1) await this.#checkpoint(replay, leftOut)
        replay.add(stored.number, entry)
        told(entry)
        if (stored.number <= last) countPosted(leftOut, entry)
      }
      await this.#operations(entries)
      await this.#append(entries.filter(({ stored }) => stored.number > last))
    }
  }

  /** What the entries come to that are left out, and how many of each account's transactions are. */
  async #checkpoint({ checkpoint }: Replay, leftOut: ReadonlyMap<string, number>): Promise<void> {
    const { keys, writer, partition: p } = this.#order
    const { number, sums } = checkpoint
    if (number === 0) return
    await writer.write((pipeline) => pipeline.hset(keys.checkpoint(p), CHECKPOINT_NUMBER, number))
    await writer.each(sums, (pipeline, [name, sum]) => pipeline.hset(keys.checkpoint(p), name, sum.toString()))
    await writer.each(leftOut, (pipeline, [account, count]) => pipeline.hset(keys.account(p, account), 'txb', count))
  }

  /** Also of entries that are left out: an operation is answered again for ever. */
  async #operations(entries: readonly DecodedEntry[]): Promise<void> {
    const { keys, writer, partition: p } = this.#order
    await writer.write((pipeline) => {
      for (const { stored, entry } of entries) {
        const operation = operationOf(stored, entry)
        if (operation) pipeline.set(keys.operation(p, operation.account, operation.id), operation.kept)
      }
    })
  }

  async #append(entries: readonly DecodedEntry[]): Promise<void> {
    const { keys, writer, partition: p } = this.#order
    await writer.each(entries, (pipeline, { stored, entry }) => {
      const balances = stored.balances === '' ? [] : ['b', stored.balances]
      pipeline.xadd(keys.journal(p), entryId(stored.number), 'e', stored.entry, ...balances)
      for (const account of postedTo(entry).keys()) {
        pipeline.rpush(keys.transactions(p, account), String(stored.number))
      }
    })
  }
}

function countPosted(counts: Map<string, number>, entry: JournalEntry): void {
  for (const account of postedTo(entry).keys()) counts.set(account, (counts.get(account) ?? 0) + 1)
}

/** What a repeat of the operation is answered with. */
function operationOf(
  { number, balances }: StoredEntry,
  { kind, moves, operation, content, note }: JournalEntry,
): { readonly account: string; readonly id: string; readonly kept: string } | undefined {
  if (operation === undefined || content === undefined) return undefined
  const [move] = moves
  invariant(move, 'an operation moves something')
  const [account] = move
  const answer = kind === 'pool' ? (note?.['pool'] ?? '') : `${number} ${balances.slice(account.length + 1)}`
  return { account, id: operation, kept: `${content} ${answer}` }
}
