/** An event as others are told of it. */
import type { z } from 'zod'
import { formatInstant } from '../../base/time.ts'
import type { AccountEvent } from '../../events/event.ts'
import { catalogue } from './catalogue.ts'

export interface EventMessage {
  readonly type: string
  /** When it happened. */
  readonly timestamp: string
  readonly data: Readonly<Record<string, unknown>>
}

/** A field that does not have its form is left out rather than the event withheld; so is one that the catalogue lacks. */
export function eventMessage({ type, account, atMs, data }: AccountEvent): EventMessage {
  const shown: Record<string, unknown> = account === '' ? {} : { account }
  const fields: Readonly<Record<string, z.ZodType>> = catalogue[type].data.shape
  for (const [name, schema] of Object.entries(fields)) {
    const read = schema.safeParse(data[name])
    if (read.success && read.data !== undefined) shown[name] = read.data
  }
  return { type, timestamp: formatInstant(atMs), data: shown }
}
