/** Unpacks what Redis answers: arrays of words from scripts, and the parts of a pipeline or transaction. */
import { invariant } from '../base/fault.ts'
import type { RedisReply, RedisStore } from './redis.ts'
import { asFault } from './store-fault.ts'

/** An answer of a script: its word, and what follows. */
export function wordsOf(reply: RedisReply): readonly [word: string, ...rest: string[]] {
  invariant(Array.isArray(reply) && reply.length > 0, 'a script answers with words')
  const [word = '', ...rest] = reply.map(String)
  return [word, ...rest]
}

/** The replies of a pipeline or transaction, in order; the first error among them is thrown. */
export function repliesOf(results: readonly (readonly [Error | null, unknown])[] | null): readonly unknown[] {
  invariant(results, 'a transaction without WATCH is carried out')
  return results.map(([error, reply]) => {
    if (error) throw asFault(error)
    return reply
  })
}

/** The fields of one stream entry. */
export interface StreamEntry {
  readonly id: string
  readonly fields: Readonly<Record<string, string>>
}

export function streamEntries(reply: unknown): readonly StreamEntry[] {
  invariant(Array.isArray(reply), 'a stream answers with entries')
  return reply.map((entry: unknown) => {
    invariant(Array.isArray(entry), 'a stream entry is an id and fields')
    const [id, flat] = entry as [string, readonly string[]]
    const fields: Record<string, string> = {}
    for (let i = 0; i + 1 < flat.length; i += 2) fields[flat[i] ?? ''] = flat[i + 1] ?? ''
    return { id, fields }
  })
}

/** Id of what a stream was given last, also when that is gone; undefined of a stream that does not exist. */
export async function lastStreamId(store: RedisStore, stream: string): Promise<string | undefined> {
  const results = await store.command((client) => client.multi().xinfo('STREAM', stream).exec())
  return lastIdIn(results?.[0])
}

/** From the answer to XINFO STREAM within a transaction. */
export function lastIdIn([error, reply]: readonly [Error | null, unknown] = [null, []]): string | undefined {
  if (error?.message.includes('no such key')) return undefined
  if (error) throw asFault(error)
  const facts = reply as readonly unknown[]
  const id = facts[facts.indexOf('last-generated-id') + 1]
  invariant(typeof id === 'string', 'a stream tells its last id')
  return id
}

/** Whether Redis refused a command with an error of this code. */
export function isReply(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(code)
}
