/**
 * Attempts of one leg: INVITE, 407, INVITE with the same Call-ID. Words of the edge about an earlier attempt may come late or
 * twice; they say nothing of the attempt that rings now.
 */
import type { CallRecord, OverAttempt } from './call.ts'
import type { AuthorizeRequest, CallEvent } from './requests.ts'

const MAX_REMEMBERED = 8

/** True when a `failed` speaks of an attempt before the one that the record is of. */
export function isOfEarlierAttempt(event: CallEvent, record: CallRecord): boolean {
  const { attempt, requestedAtMs, over = [] } = record
  if (event.attempt !== undefined && attempt !== undefined) return event.attempt !== attempt
  if (event.id !== undefined && over.some((earlier) => earlier.event === event.id)) return true
  return event.tsMs !== undefined && requestedAtMs !== undefined && event.tsMs < requestedAtMs
}

/** What the event ends, for the record's memory. */
export function overBy({ attempt, id }: CallEvent): readonly OverAttempt[] {
  return [{ ...(attempt === undefined ? {} : { attempt }), ...(id === undefined ? {} : { event: id }) }]
}

export function withAttempt(record: CallRecord, event: CallEvent): readonly OverAttempt[] {
  const attempt = event.attempt ?? record.attempt
  const ended = overBy(attempt === undefined ? event : { ...event, attempt })
  return [...(record.over ?? []), ...ended].slice(-MAX_REMEMBERED)
}

/** True when a request is another attempt of a leg, and none that is over. */
export function isNewAttempt(request: AuthorizeRequest, record: CallRecord): boolean {
  const { attempt } = request
  if (attempt === undefined || record.attempt === undefined || attempt === record.attempt) return false
  return !(record.over ?? []).some((earlier) => earlier.attempt === attempt)
}
