/** What applying an event to a call once led to. */
import type { CallRecord } from './call.ts'

export type Applied =
  | { readonly kind: 'done'; readonly record: CallRecord | undefined; readonly ignored: boolean }
  /** The record was not the one that was read: the event is applied to this one. */
  | { readonly kind: 'again'; readonly record: CallRecord | undefined }

export function done(record: CallRecord | undefined): Applied {
  return { kind: 'done', record, ignored: false }
}

export function ignored(record: CallRecord | undefined): Applied {
  return { kind: 'done', record, ignored: true }
}

export function again(record: CallRecord | undefined): Applied {
  return { kind: 'again', record }
}
