/** The oldest journal entries and their CDRs leave the store, when whoever keeps them elsewhere says so. */
import { invariant } from '../base/fault.ts'
import { Replay } from '../ledger/audit.ts'
import { decodeEntry, entryId, type JournalEntry } from '../ledger/journal.ts'
import type { TrimmedUpTo } from '../ledger/streams.ts'
import type { Cdr } from '../usage/cdr.ts'
import type { Keys } from './keys.ts'
import { checkpointNumber } from './redis-checkpoint.ts'
import type { RedisStore } from './redis.ts'
import { streamEntries, wordsOf } from './replies.ts'

/** In one script: it keeps the store busy for a millisecond or so. */
const ENTRIES_AT_ONCE = 200

interface Parts {
  readonly store: RedisStore
  readonly keys: Keys
}

interface Leaving {
  readonly before: number
  readonly last: number
  readonly entries: readonly JournalEntry[]
  readonly cdrs: readonly Cdr[]
}

/**
 * Answers with how many entries went, and 0 when no more do. An entry that is wrong in itself stays, with all that follow,
 * for `audit verify` to name.
 */
export async function trimHistory(parts: Parts, p: number, upTo: TrimmedUpTo): Promise<number> {
  const { store, keys } = parts
  const leaving = await leavingUpTo(parts, p, upTo)
  if (leaving.entries.length === 0) return 0
  const sums = sumsOf(leaving, p)
  if (!sums) return 0
  const accounts = [...new Set(leaving.entries.flatMap(({ moves }) => moves.map(([account]) => account)))]
  const cdrs = Map.groupBy(leaving.cdrs, ({ account }) => account)
  const reply = await store.run(
    'trim_history',
    [
      keys.journal(p),
      keys.cdrs(p),
      keys.checkpoint(p),
      ...accounts.flatMap((account) => [
        keys.account(p, account),
        keys.transactions(p, account),
        keys.cdrOrder(p, account),
        keys.cdrIndex(p, account),
      ]),
    ],
    [
      leaving.before,
      leaving.last,
      sums.length,
      ...sums.flat(),
      accounts.length,
      ...accounts.flatMap((account) => droppedOf(cdrs.get(account) ?? [])),
    ],
  )
  const [word] = wordsOf(reply)
  invariant(word === 'trimmed' || word === 'changed', `trim_history answered ${word}`)
  return word === 'trimmed' ? leaving.entries.length : 0
}

async function leavingUpTo({ store, keys }: Parts, p: number, { last, beforeMs }: TrimmedUpTo): Promise<Leaving> {
  const before = await checkpointNumber({ store, keys }, p)
  const to = Math.min(last, before + ENTRIES_AT_ONCE)
  if (to <= before) return { before, last: before, entries: [], cdrs: [] }
  const found = await store.command((client) => client.xrange(keys.journal(p), entryId(before + 1), entryId(to)))
  const stretch = streamEntries(found).map(({ fields }) => decodeEntry(fields['e'] ?? ''))
  const staying = stretch.findIndex(({ atMs }) => atMs >= beforeMs)
  const entries = staying === -1 ? stretch : stretch.slice(0, staying)
  // Of a stretch with a gap the last is another, and it stays.
  const end = staying === -1 ? to : before + staying
  const cdrs = await store.command((client) => client.xrange(keys.cdrs(p), '-', `(${end + 1}-0`))
  return { before, last: end, entries, cdrs: streamEntries(cdrs).map(({ fields }) => cdrOf(fields)) }
}

function cdrOf(fields: Readonly<Record<string, string>>): Cdr {
  return JSON.parse(fields['j'] ?? '{}') as Cdr
}

/** Undefined when the entries are not a stretch of a good journal. */
function sumsOf({ before, last, entries }: Leaving, p: number): readonly (readonly [string, string])[] | undefined {
  const replay = new Replay(p, { number: before, sums: new Map() })
  for (const [index, entry] of entries.entries()) replay.add(before + 1 + index, entry)
  if (replay.last !== last || replay.drifts.length > 0) return undefined
  return [...replay.checkpoint.sums].map(([name, sum]) => [name, sum.toString()])
}

/** How many first CDRs go, and the calls whose corrections need not be found any more. */
function droppedOf(cdrs: readonly Cdr[]): readonly (string | number)[] {
  const first = cdrs.filter(({ revision }) => revision === 0)
  // A correction of a call whose first CDR went before is found by the archive alone.
  const calls = [...new Set(cdrs.map(({ call }) => call))]
  return [first.length, calls.length, ...calls]
}
