/** Events of edges that could not be booked although the store is there: a person has to know, and how many they are. */
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'

export interface Undelivered {
  readonly type: string
  readonly callId: string
}

export function undelivered(
  edge: 'sip' | 'call_control',
  { log, metrics }: { readonly log: Logger; readonly metrics: Metrics },
): (error: unknown, event: Undelivered) => void {
  return (error, { type, callId }) => {
    metrics.eventUndelivered(edge)
    log.error({ err: error, edge, event: type, callId }, 'an event could not be booked')
  }
}
