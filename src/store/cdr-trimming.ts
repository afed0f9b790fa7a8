/** The oldest CDRs leave the store, when whoever keeps them elsewhere says so. */
import { invariant } from '../base/fault.ts'
import { cdrPlace } from '../ledger/streams.ts'
import type { Cdr } from '../usage/cdr.ts'
import { streamEntries, wordsOf } from './replies.ts'
import type { Keys } from './keys.ts'
import type { RedisStore } from './redis.ts'

/** In one script: it keeps the store busy for a millisecond or so. */
const AT_ONCE = 200

interface Leaving {
  readonly id: string
  readonly cdr: Cdr
}

/** Answers with how many went; as many as go at once is perhaps not all. */
export async function trimCdrs(
  { store, keys }: { readonly store: RedisStore; readonly keys: Keys },
  p: number,
  last: number,
): Promise<number> {
  const page = await store.command((client) => client.xrange(keys.cdrs(p), '-', '+', 'COUNT', AT_ONCE + 1))
  const all = streamEntries(page).map(({ id, fields }) => ({ id, cdr: JSON.parse(fields['j'] ?? '{}') as Cdr }))
  const staying = all.findIndex(({ id }) => cdrPlace(id).number > last)
  // The last of a full page only says where the rest begins; the last of all stays, so that there is one.
  const leaving = all.slice(0, staying === -1 ? -1 : staying)
  const [first] = leaving
  const keep = all[leaving.length]
  if (!first || !keep) return 0
  const accounts = [...Map.groupBy(leaving, ({ cdr }) => cdr.account)]
  const reply = await store.run(
    'trim_cdrs',
    [
      keys.cdrs(p),
      ...accounts.flatMap(([account]) => [
        keys.account(p, account),
        keys.cdrOrder(p, account),
        keys.cdrIndex(p, account),
      ]),
    ],
    [first.id, keep.id, accounts.length, ...accounts.flatMap(([, entries]) => droppedOf(entries))],
  )
  const [word] = wordsOf(reply)
  invariant(word === 'trimmed' || word === 'changed', `trim_cdrs answered ${word}`)
  return word === 'trimmed' ? leaving.length : 0
}

/** How many first CDRs go, and the calls whose corrections need not be found any more. */
function droppedOf(entries: readonly Leaving[]): readonly (string | number)[] {
  const first = entries.filter(({ cdr }) => cdr.revision === 0)
  // A correction of a call whose first CDR went before is found by the archive alone.
  const calls = [...new Set(entries.map(({ cdr }) => cdr.call))]
  return [first.length, calls.length, ...calls]
}
