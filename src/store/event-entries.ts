/** Entries of streams as events. What cannot be read is undefined: another version of the daemon may have written it. */
import { callEnded } from '../events/call-ended.ts'
import { type AccountEvent, isEventType } from '../events/event.ts'
import type { Cdr } from '../usage/cdr.ts'
import type { StreamEntry } from './replies.ts'

/** What scripts write to the outbox: type, account, at, and the data beside them. */
export function outboxEvent(partition: number, { id, fields }: StreamEntry): AccountEvent | undefined {
  const { type = '', account = '', at = '', ...data } = fields
  if (!isEventType(type) || !/^\d{1,15}$/.test(at)) return undefined
  return { id: `${partition}-${id}`, type, account, atMs: Number(at), data }
}

/** An entry of the CDR stream: "<journal entry>-<level>". */
export function callEndedEvent(partition: number, { id, fields }: StreamEntry): AccountEvent | undefined {
  return callEnded(`call-${partition}-${id}`, JSON.parse(fields['j'] ?? '{}') as Cdr)
}
