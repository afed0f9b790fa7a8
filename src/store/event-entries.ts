/** Entries of streams as events. What cannot be read is undefined: another version of the daemon may have written it. */
import { z } from 'zod'
import { callEnded } from '../events/call-ended.ts'
import { type AccountEvent, eventTypes, isEventType } from '../events/event.ts'
import type { Cdr } from '../usage/cdr.ts'
import { json } from './json.ts'
import type { StreamEntry } from './replies.ts'

/** What scripts write to the outbox: type, account, at, and the data beside them. */
export function outboxEvent(partition: number, { id, fields }: StreamEntry): AccountEvent | undefined {
  const { type = '', account = '', at = '', ...data } = fields
  if (!isEventType(type) || !/^\d{1,15}$/.test(at)) return undefined
  return { id: `${partition}-${id}`, type, account, atMs: Number(at), data }
}

/** As much of a CDR as makes an event of it. */
const cdr = json.pipe(
  z.looseObject({
    call: z.string(),
    account: z.string(),
    startedAt: z.string(),
    answeredAt: z.string().optional(),
    endedAt: z.string(),
    charge: z.string(),
    flags: z.array(z.string()),
  }),
)

/** An entry of the CDR stream: "<journal entry>-<level>". */
export function callEndedEvent(partition: number, { id, fields }: StreamEntry): AccountEvent | undefined {
  const read = cdr.safeParse(fields['j'])
  return read.success ? callEnded(`call-${partition}-${id}`, read.data as unknown as Cdr) : undefined
}

const logged = json.pipe(
  z.object({
    id: z.string(),
    type: z.enum(eventTypes),
    account: z.string(),
    atMs: z.int(),
    data: z.record(z.string(), z.string()),
  }),
)

/** An entry of the log of events. */
export function loggedEvent({ fields }: StreamEntry): AccountEvent | undefined {
  return logged.safeParse(fields['e']).data
}
