/** The answers of the calls' scripts: the outcome's word, then texts. */
import { invariant } from '../base/fault.ts'
import type { CallRecord, CallRef } from '../calls/call.ts'
import type { Changed } from '../calls/call-ledger.ts'
import type { LevelFigures, PoolMove } from '../ledger/figures.ts'
import { decodeCall } from './call-codec.ts'
import type { RedisReply } from './redis.ts'

export function words(reply: RedisReply): readonly string[] {
  invariant(Array.isArray(reply), 'a script answers with an array')
  return reply.map(String)
}

export function changed(rest: readonly string[]): Changed {
  const record = rest[0] ?? ''
  return { kind: 'changed', record: record === '' ? undefined : decodeCall(record) }
}

export function elsewhere(rest: readonly string[], record: CallRecord): CallRef {
  return { partition: Number(rest[0]), legKey: record.legKey }
}

export function figuresOf(
  lines: readonly string[],
  levels: readonly { readonly pools: readonly PoolMove[] }[],
): readonly LevelFigures[] {
  return lines.map((line, index) => {
    const [credit = '0', reserved = '0', calls, own, two, day = '0', month = '0', ...left] = line.split(',')
    const pools: Record<string, number> = {}
    for (const [i, move] of (levels[index]?.pools ?? []).entries()) pools[move.pool] = Number(left[i])
    return {
      credit: BigInt(credit),
      reserved: BigInt(reserved),
      calls: Number(calls),
      ownUsed: Number(own),
      twoWayUsed: Number(two),
      spentToday: BigInt(day),
      spentThisMonth: BigInt(month),
      pools,
    }
  })
}
